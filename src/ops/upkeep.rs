//! Chores of a node that no chat waits for: folding metrics, forgetting what is old enough to be forgotten.

use crate::clock::{Clock, Millis};
use crate::metrics;
use crate::store::{Forgotten, Old, Store};
use std::time::Duration;

/// Recorded values take memory until they are folded; at 30,000 a second this is about a megabyte.
const FOLD_EVERY: Duration = Duration::from_secs(5);

/// Nodes do this at the same time without harm, so nobody is chosen for it.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// Folds metrics for ever.
pub(super) async fn fold_metrics() {
    loop {
        tokio::time::sleep(FOLD_EVERY).await;
        metrics::fold();
    }
}

/// How long what can be forgotten is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keeping {
    pub(super) talks: Duration,
    pub(super) archives: Duration,
}

/// Forgets what is old enough, for ever.
pub(super) async fn forget(store: Store, clock: Clock, keeping: Keeping) {
    loop {
        tokio::time::sleep(FORGET_EVERY).await;
        let before = |kept: Duration| Millis(clock.now().0.saturating_sub(kept.as_millis() as u64));
        let old = Old {
            talks: before(keeping.talks),
            archives: before(keeping.archives),
        };
        while forget_some(&store, old, clock.now()).await {}
    }
}

/// One bounded step; whether there may be more.
async fn forget_some(store: &Store, old: Old, now: Millis) -> bool {
    match store.forget(old, now).await {
        Ok(Forgotten {
            conversations: 0,
            evidence: 0,
            archives: 0,
            ended: 0,
        }) => false,
        Ok(forgotten) => {
            let Forgotten {
                conversations,
                evidence,
                archives,
                ended,
            } = forgotten;
            tracing::info!(
                "forgot {conversations} conversations, the evidence of {evidence} reports, {archives} archives of deleted \
                 accounts and {ended} ended logins and sign-ups"
            );
            true
        }
        Err(fault) => {
            metrics::FAULTS.one(fault.op);
            tracing::warn!(op = fault.op, "forgetting waits for the next hour: {fault}");
            false
        }
    }
}
