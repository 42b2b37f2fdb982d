//! The world failing. A rule that says no is a [`crate::domain::refusal::Refusal`], never a fault.

use std::fmt;

/// Something outside did not do what it must: Redis, Postgres, a deadline, a reply nobody defined.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What was being done, in a few words; the same words for the same place, so that logs can be counted.
    pub op: &'static str,
    /// What went wrong, for the log. Never holds anything a user wrote.
    pub why: String,
}

impl Fault {
    /// A fault of `op`, with its cause as text.
    pub fn new(op: &'static str, why: impl fmt::Display) -> Self {
        Self {
            op,
            why: why.to_string(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.op, self.why)
    }
}

impl std::error::Error for Fault {}
