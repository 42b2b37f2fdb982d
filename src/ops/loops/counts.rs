//! Tells the sockets how many people are online, at most once a second.

use crate::wire::hub::Hub;
use std::time::Duration;

/// How often.
const EVERY: Duration = Duration::from_secs(1);

/// Runs for the node.
pub async fn run(hub: Hub) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        hub.tell_counts();
    }
}
