//! Looks after sockets that moved to a node which may have died before it had them.

use crate::wire::omegoo::Omegoo;
use std::time::Duration;

/// How often.
const EVERY: Duration = Duration::from_secs(1);

/// Runs for the node.
pub async fn run(dialect: Omegoo) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        dialect.look_after_the_moved().await;
    }
}
