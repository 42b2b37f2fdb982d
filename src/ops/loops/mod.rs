//! The loops of a node, one file each, named by their job. None of them ends by itself: a fault is logged, counted and
//! tried again, because what a loop does is all the node does of its kind.

pub mod counts;
pub mod guests;
pub mod inbox;
pub mod journal;
pub mod keeper;
pub mod lease;
pub mod moved;
pub mod offers;
pub mod post;
pub mod tokens;

use crate::error::Fault;
use crate::metrics;
use std::time::Duration;

/// Wait after a fault: long enough not to spin while Redis is away, short enough not to be felt when it is back.
const AFTER_FAULT: Duration = Duration::from_millis(200);

/// A loop could not do its work this time.
async fn stumbled(name: &'static str, fault: &Fault) {
    metrics::FAULTS.one(fault.op);
    tracing::warn!(fault.op, fault.why, "the {name} loop stumbled: {fault}");
    tokio::time::sleep(AFTER_FAULT).await;
}
