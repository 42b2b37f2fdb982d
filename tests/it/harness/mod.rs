//! What scenarios are written with: servers that die with the test, virtual clients, and a world of both.
//!
//! Nothing listens on a fixed port, nothing is shared between tests but the Postgres server, and nobody sleeps: a test
//! waits for an event or moves the clock.

pub mod authority;
pub mod bend;
pub mod browser;
pub mod client;
pub mod company;
pub mod haproxy;
pub mod history;
mod left;
pub mod mmdb;
pub mod node;
pub mod outside;
pub mod pair;
pub mod people;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod stage;
pub mod world;

use std::time::Duration;

/// Longest wait for anything that should happen at once. Generous: two busy cores may run a browser beside us.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Waits until `check` holds, and panics with `what` when it does not within [`PATIENCE`].
///
/// For the world outside (a process that starts, a row that appears); clients have [`client::Client::expect`].
pub async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    assert!(holds_within(PATIENCE, &mut check).await, "never happened: {what}");
}

/// Whether `check` holds within `patience`.
pub async fn holds_within(patience: Duration, mut check: impl AsyncFnMut() -> bool) -> bool {
    let end = tokio::time::Instant::now() + patience;
    while !check().await {
        if tokio::time::Instant::now() >= end {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    true
}
