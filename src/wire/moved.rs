//! Sockets that moved to another node, which does not have them yet. Should it die before it does, Redis still has them
//! here and nobody would take them out: so this node looks again, once it must have happened.

use super::member::Member;
use crate::clock::Millis;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// All of them. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(super) struct Moved(Arc<Mutex<Line>>);

/// In the order of the times at which to look again.
type Line = VecDeque<(Millis, Arc<Member>)>;

impl Moved {
    /// One moved; `look_at` never goes back from one to the next.
    pub(super) fn note(&self, member: Arc<Member>, look_at: Millis) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push_back((look_at, member));
    }

    /// One that could not be looked after `now` is due again at once, before those who are not yet.
    pub(super) fn note_again(&self, member: Arc<Member>, now: Millis) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push_front((now, member));
    }

    /// Those to look after now.
    pub(super) fn due(&self, now: Millis) -> Vec<Arc<Member>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = all.partition_point(|(look_at, _)| *look_at <= now);
        all.drain(..due).map(|(_, member)| member).collect()
    }
}
