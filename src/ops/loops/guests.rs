//! Stores which guests came by sockets, every few seconds.

use crate::actions::Actions;
use crate::metrics;
use std::time::Duration;

/// Often enough for numbers, and so seldom that one statement carries many.
const EVERY: Duration = Duration::from_secs(2);

/// After it failed: Postgres is away.
const AGAIN: Duration = Duration::from_secs(15);

/// Runs for the node.
pub async fn run(actions: Actions) {
    let mut wait = EVERY;
    loop {
        tokio::time::sleep(wait).await;
        wait = store(&actions).await;
    }
}

/// Stores them once; how long to wait for the next time.
pub async fn store(actions: &Actions) -> Duration {
    match actions.store_visits().await {
        Ok(()) => EVERY,
        Err(fault) => {
            metrics::FAULTS.one(fault.op);
            tracing::warn!(fault.op, fault.why, "guests who came are counted later: {fault}");
            AGAIN
        }
    }
}
