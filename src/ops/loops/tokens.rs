//! Tells sockets that their tokens end, and ends the connections of those whose token has ended. A login that ends before
//! its time is told by a notice instead (`coord::logins`).

use crate::clock::Clock;
use crate::wire::hub::Hub;
use std::time::Duration;

/// How often it is looked: seconds do not matter.
const EVERY: Duration = Duration::from_secs(1);

/// How long before the end a socket is told.
const BEFORE: Duration = Duration::from_secs(60);

/// Runs for the node. Tokens are taken for `leeway` longer, as everywhere.
pub async fn run(hub: Hub, clock: Clock, leeway: Duration) {
    loop {
        tokio::time::sleep(EVERY).await;
        let now = clock.now();
        hub.end_tokens(now - leeway, now + BEFORE);
    }
}
