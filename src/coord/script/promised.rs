//! What a lane has promised lately, in case a server that takes over has not heard of it.
//!
//! Redis replicates after it has answered. A lane keeps the acts whose answers told somebody "it is done" until they are
//! surely replicated, and repeats those that turn out to be lost, in their order, before anything new.

use super::Act;
use crate::clock::Stopwatch;
use std::collections::VecDeque;
use std::time::Duration;

/// How long an act is kept: a replica that is further behind is out of order, and `min-replicas-max-lag` keeps the
/// master from going on without it.
const KEPT_FOR: Duration = Duration::from_secs(10);

/// Most acts kept, so that memory is bounded (about 10 MB): at full load what a lane says in two seconds, which a replica
/// that is in order is never behind.
const MOST: usize = 16_384;

/// Acts of calls that were answered, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Promised {
    kept: VecDeque<(u64, Stopwatch, Act)>,
}

impl Promised {
    /// An act of call `call` was answered with what it promises.
    pub(super) fn keep(&mut self, call: u64, act: Act) {
        let over = |(_, since, _): &(u64, Stopwatch, Act)| since.elapsed() > KEPT_FOR;
        while self.kept.len() >= MOST || self.kept.front().is_some_and(over) {
            self.kept.pop_front();
        }
        self.kept.push_back((call, Stopwatch::start(), act));
    }

    /// Takes out what was promised by calls after `known`; what is older is safe.
    pub(super) fn after(&mut self, known: u64) -> Vec<Act> {
        let kept = std::mem::take(&mut self.kept);
        let lost = kept.into_iter().filter(|(call, ..)| *call > known);
        lost.map(|(_, _, act)| act).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_after_the_last_known_call_is_lost_and_no_more_than_a_bound_is_kept() {
        let mut promised = Promised::default();
        (0..MOST as u64 + 10).for_each(|call| promised.keep(call, Act::new("say").arg(call)));

        let lost = promised.after(MOST as u64 + 7);

        let said: Vec<_> = lost.iter().map(|act| act.args().next().unwrap()).collect();
        assert_eq!(said, [(MOST + 8).to_string(), (MOST + 9).to_string()]);
        assert!(promised.after(0).is_empty());
        (0..MOST as u64 + 10).for_each(|call| promised.keep(call, Act::new("say")));
        assert_eq!(promised.after(0).len(), MOST);
    }
}
