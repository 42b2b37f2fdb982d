//! Who connects when: everybody once, as fast as the server takes them, and whoever lost the connection again after the
//! pauses that socket.io-client makes.

use crate::client::Who;
use crate::clock::{Nanos, SECOND};
use rand::Rng;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Pause before the first attempt to come back, and the longest; each is made up to half longer or shorter by chance.
const FIRST_PAUSE: Nanos = SECOND;
const LONGEST_PAUSE: Nanos = 5 * SECOND;

pub(crate) struct Arrivals {
    /// Who has not begun to connect yet: all from here on.
    next: Who,
    count: usize,
    at_once: usize,
    /// First attempts that are under way.
    under_way: usize,
    returns: BinaryHeap<Reverse<(Nanos, Who)>>,
    most: u32,
    /// Attempts of each since the last that succeeded, and attempts in all.
    attempts: Vec<(u32, usize)>,
}

impl Arrivals {
    pub(crate) fn new(count: usize, at_once: usize) -> Self {
        Self {
            next: 0,
            count,
            at_once,
            under_way: 0,
            returns: BinaryHeap::new(),
            most: 0,
            attempts: vec![(0, 0); count],
        }
    }

    /// Somebody who is to connect by now, and to which target.
    pub(crate) fn due(&mut self, now: Nanos) -> Option<(Who, usize)> {
        let who = match self.returns.peek() {
            Some(Reverse((at, who))) if *at <= now => {
                let who = *who;
                self.returns.pop();
                who
            }
            _ if self.next < self.count && self.under_way < self.at_once => {
                self.next += 1;
                self.under_way += 1;
                self.next - 1
            }
            _ => return None,
        };
        let (failed, all) = &mut self.attempts[who];
        self.most = self.most.max(*failed);
        *failed += 1;
        *all += 1;
        // Each attempt goes to the next server: the last one may be why there is another.
        Some((who, who + *all - 1))
    }

    pub(crate) fn next_due(&self) -> Nanos {
        self.returns.peek().map_or(Nanos::MAX, |Reverse((at, _))| *at)
    }

    /// Attempts in a row that came to nothing, of whoever had the most.
    pub(crate) fn most_attempts(&self) -> u32 {
        self.most
    }

    pub(crate) fn arrived(&mut self, who: Who) {
        self.settle(who);
        self.attempts[who].0 = 0;
    }

    /// An attempt came to nothing, or the connection is gone: comes back after a pause.
    pub(crate) fn failed(&mut self, who: Who, now: Nanos) {
        self.settle(who);
        let power = self.attempts[who].0.min(10);
        let pause = (FIRST_PAUSE << power.saturating_sub(1)) as f64;
        let pause = (pause * rand::rng().random_range(0.5..1.5)) as Nanos;
        self.returns.push(Reverse((now + pause.min(LONGEST_PAUSE), who)));
    }

    fn settle(&mut self, who: Who) {
        if self.attempts[who] == (1, 1) {
            self.under_way -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_attempts_are_made_a_few_at_a_time() {
        let mut arrivals = Arrivals::new(3, 2);

        assert_eq!(arrivals.due(0), Some((0, 0)));
        assert_eq!(arrivals.due(0), Some((1, 1)));
        assert_eq!(arrivals.due(0), None);
        arrivals.arrived(1);
        assert_eq!(arrivals.due(0), Some((2, 2)));
        assert_eq!(arrivals.due(0), None);
    }

    #[test]
    fn who_failed_tries_the_next_server_after_a_growing_pause() {
        let mut arrivals = Arrivals::new(1, 1);
        arrivals.due(0);

        let pauses = [(500, 1500), (1000, 3000), (2000, 5000), (4000, 5000), (5000, 5000)];
        for (target, (shortest, longest)) in (1..).zip(pauses) {
            arrivals.failed(0, 0);
            let at = arrivals.next_due();
            assert!((shortest..=longest).contains(&(at / 1_000_000)), "{at}");
            assert_eq!(arrivals.due(at - 1), None);
            assert_eq!(arrivals.due(at), Some((0, target)));
        }
        arrivals.arrived(0);
        assert_eq!(arrivals.most_attempts(), 5);
    }
}
