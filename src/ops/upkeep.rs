//! Chores of a node that no chat waits for: folding metrics, forgetting what is old enough to be forgotten.

use crate::clock::{Clock, Millis};
use crate::metrics;
use crate::store::{Forgotten, Store};
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

/// Forgets what is older than `keep_for`, for ever.
pub(super) async fn forget(store: Store, clock: Clock, keep_for: Duration) {
    loop {
        tokio::time::sleep(FORGET_EVERY).await;
        let limit = Millis(clock.now().0.saturating_sub(keep_for.as_millis() as u64));
        while forget_some(&store, limit, clock.now()).await {}
    }
}

/// One bounded step; whether there may be more.
async fn forget_some(store: &Store, limit: Millis, now: Millis) -> bool {
    match store.forget_before(limit, now).await {
        Ok(Forgotten {
            conversations: 0,
            evidence: 0,
            ended: 0,
        }) => false,
        Ok(forgotten) => {
            let Forgotten {
                conversations,
                evidence,
                ended,
            } = forgotten;
            tracing::info!(
                "forgot {conversations} conversations, the evidence of {evidence} reports and {ended} ended logins and sign-ups"
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
