//! Running a node.

pub mod loops;
