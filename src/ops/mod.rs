//! Running a node: what is started and stopped, in which order, and why.

pub mod loops;
