//! Acts that were repeated too early: the room that they are about is not there yet, since another node still has to
//! repeat how it came about. They are tried again for a while.

use super::Act;
use crate::clock::Stopwatch;
use std::time::Duration;

/// What an act answers when it has no room to be done in.
const NO_ROOM: &str = "no_room";

/// How long after a server took over another node may still repeat something: it does with its first call.
const OTHERS_REPEAT_WITHIN: Duration = Duration::from_secs(3);

/// A moment between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// All of them, in their order.
#[derive(Debug, Default)]
pub(super) struct Early {
    took_over: Option<Stopwatch>,
    tried: Option<Stopwatch>,
    acts: Vec<Act>,
}

impl Early {
    /// Another server has taken over.
    pub(super) fn begin(&mut self) {
        self.took_over = Some(Stopwatch::start());
    }

    /// Whether what was answered means that an act came too early.
    pub(super) fn is_it(&self, word: &str) -> bool {
        let may_change = |since: &Stopwatch| since.elapsed() < OTHERS_REPEAT_WITHIN;
        word == NO_ROOM && self.took_over.as_ref().is_some_and(may_change)
    }

    /// One that did.
    pub(super) fn put(&mut self, act: Act) {
        self.tried.get_or_insert_with(Stopwatch::start);
        self.acts.push(act);
    }

    /// Those that are to be tried now.
    pub(super) fn due(&mut self) -> Vec<Act> {
        match self.tried.as_ref().is_some_and(|tried| tried.elapsed() >= PAUSE) {
            true => {
                self.tried = None;
                std::mem::take(&mut self.acts)
            }
            false => Vec::new(),
        }
    }
}
