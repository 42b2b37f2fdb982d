//! How far this node has given out a shard's inbox, and how far the inbox has been trimmed.
//!
//! What was given out is trimmed now and then, along with a read: with each read it would be one more command per line.

use crate::domain::room::Offset;
use crate::ids::NodeId;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Entries that may stand in an inbox after they have been given out, while more come.
const LAZINESS: u64 = 64;

/// Shared by the reader of an inbox and whoever needs it trimmed.
#[derive(Debug)]
pub(in crate::coord) struct Progress(Mutex<Reached>);

/// How far one life of the node has come.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    /// Whose inbox it is.
    pub(super) node: NodeId,
    /// The last entry that was given out.
    pub(super) given: Offset,
    /// Entries given out so far.
    gave: u64,
    /// How many of those have been trimmed.
    trimmed: u64,
}

impl Progress {
    pub(in crate::coord) fn new(node: NodeId) -> Self {
        Self(Mutex::new(Reached::of(node)))
    }

    /// While this is held nothing is given out.
    pub(super) fn reached(&self) -> MutexGuard<'_, Reached> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reached {
    pub(super) fn of(node: NodeId) -> Self {
        Self {
            node,
            given: Offset::default(),
            gave: 0,
            trimmed: 0,
        }
    }

    /// The entry was given out.
    pub(super) fn gave(&mut self, entry: Offset) {
        self.given = entry;
        self.gave += 1;
    }

    /// Whether the inbox holds nothing that was given out.
    pub(super) fn is_trimmed(&self) -> bool {
        self.gave == self.trimmed
    }

    /// Whether it is time to trim, in an inbox that is `quiet` or is not.
    pub(super) fn is_due(&self, quiet: bool) -> bool {
        self.gave - self.trimmed >= LAZINESS || (quiet && !self.is_trimmed())
    }

    /// The inbox has been trimmed up to what was given out `then`.
    pub(super) fn trimmed(&mut self, then: &Self) {
        if self.node == then.node {
            self.trimmed = self.trimmed.max(then.gave);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_who_trim_the_same_do_not_hide_what_was_given_out_since() {
        let mut now = Reached::of(NodeId::fresh());
        now.gave(Offset { ms: 1, seq: 0 });
        let (by_the_reader, by_another) = (now.clone(), now.clone());

        now.trimmed(&by_the_reader);
        now.gave(Offset { ms: 2, seq: 0 });
        now.trimmed(&by_another);

        assert!(!now.is_trimmed());
        assert!(now.is_due(true) && !now.is_due(false));
    }
}
