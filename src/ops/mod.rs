//! Running a node: what is started in which order, the loops that run all the time, and how it all stops.
//!
//! `node` starts and stops, and lists everything that runs; `loops` are the jobs; `supervise` keeps them running;
//! `doctor` looks at the surroundings before anything is started; `floor` is a measurement. Nothing here decides what a chat does.

pub mod doctor;
pub mod floor;
pub mod log;
pub mod loops;
pub mod node;
mod serve;
mod supervise;
mod upkeep;

use crate::config::Settings;
use crate::error::Fault;
use crate::store::Store;

/// Brings Postgres to this release.
pub async fn migrate(settings: &Settings) -> Result<(), Fault> {
    let store = Store::open(&settings.postgres)?;
    store.migrate().await?;
    store.close().await;
    Ok(())
}

/// The description of the API, as it is committed.
pub fn openapi() -> &'static str {
    crate::http::spec()
}

#[cfg(test)]
mod tests;
