//! Facts that outlive a chat are kept in Postgres.

use super::Actions;
use crate::coord::journal::Entered;
use crate::domain::fact::Fact;
use crate::error::Fault;
use crate::metrics;
use crate::store::Saved;

impl Actions {
    /// Stores facts; the journal's ids of those that are safe now, or that this release cannot read and gives up on.
    pub async fn remember(&self, facts: Vec<Entered>) -> Result<Vec<String>, Fault> {
        let mut safe = Vec::with_capacity(facts.len());
        for Entered { id, fact, .. } in facts {
            let (kind, saved) = match &fact {
                Some(Fact::Ended(conversation)) => ("ended", self.store.save_conversation(conversation).await?),
                Some(Fact::Reported(report)) => ("report", self.store.save_report(report).await?),
                None => ("unreadable", Saved::Unfit),
            };
            match saved {
                Saved::New | Saved::Already => metrics::JOURNAL_STORED.one(kind),
                Saved::Unfit => tracing::error!(entry = %id, "a fact ({kind}) that Postgres cannot take was dropped"),
            }
            safe.push(id);
        }
        Ok(safe)
    }
}
