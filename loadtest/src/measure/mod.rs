//! What is measured, and the bounds it is held to. Knows nothing of how a load is made.

pub(crate) mod bounds;
pub(crate) mod latency;
pub(crate) mod process;
pub(crate) mod series;
