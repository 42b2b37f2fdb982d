//! Carries facts from the journal to Postgres. While Postgres is away they wait in Redis.

use crate::actions::Actions;
use crate::clock::Millis;
use crate::coord::journal::JournalReader;
use crate::error::Fault;
use crate::metrics;
use std::time::Duration;

/// Facts stored at once.
const BATCH: u64 = 100;

/// How often the journal is looked into when it is empty: nobody waits for a fact to be in Postgres.
const EVERY: Duration = Duration::from_millis(250);

/// Wait after a fault of Postgres.
const AFTER_FAULT: Duration = Duration::from_secs(1);

/// A fact that a node took and did not confirm within this is taken by another: longer than any query may take.
const LEFT_OVER: Duration = Duration::from_secs(30);

/// Runs for all shards.
pub async fn run(journals: Vec<JournalReader>, actions: Actions) {
    let mut looked = Millis(0);
    let mut again = false;
    loop {
        let now = actions.clock().steady();
        let look = now - looked >= LEFT_OVER;
        if look {
            looked = now;
        }
        let outcome = turn(&journals, &actions, look, again).await;
        // Also, and above all, when Postgres is away.
        if let Err(fault) = tell_what_waits(&journals, &actions).await {
            tracing::debug!(fault.op, fault.why, "nobody knows how many facts wait: {fault}");
        }
        match outcome {
            Ok(0) => {
                again = false;
                tokio::time::sleep(EVERY).await;
            }
            Ok(_) => {}
            Err(fault) => {
                metrics::FAULTS.one(fault.op);
                tracing::warn!(fault.op, fault.why, "facts wait in the journal: {fault}");
                // What this turn took and did not confirm is this node's own: it comes first, until nothing is left.
                again = true;
                tokio::time::sleep(AFTER_FAULT).await;
            }
        }
    }
}

async fn turn(journals: &[JournalReader], actions: &Actions, look: bool, again: bool) -> Result<usize, Fault> {
    let mut stored = 0;
    for journal in journals {
        journal.prepare().await?;
        let mut facts = match again {
            true => journal.own(BATCH).await?,
            false => journal.next(BATCH).await?,
        };
        if look {
            facts.extend(journal.left_over(BATCH, LEFT_OVER).await?);
        }
        stored += facts.len();
        journal.confirm(actions.remember(facts).await?).await?;
    }
    Ok(stored)
}

async fn tell_what_waits(journals: &[JournalReader], actions: &Actions) -> Result<(), Fault> {
    let (mut waiting, mut oldest) = (0, None::<Millis>);
    for journal in journals {
        let (left, since) = journal.waiting().await?;
        waiting += left;
        oldest = oldest.into_iter().chain(since).min();
    }
    let lag = oldest.map_or(Duration::ZERO, |since| actions.clock().steady() - since);
    metrics::JOURNAL_FACTS.set((), waiting as f64);
    metrics::JOURNAL_LAG.set((), lag.as_secs_f64());
    Ok(())
}
