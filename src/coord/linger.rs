//! Waiting a little when there is much to do, so that more of it is done at once.
//!
//! A call or a read costs Redis and the node several times what one act or notice in it does. While they follow each
//! other closely the next call or read is held back for a moment; at rest nothing waits.

use crate::clock::Stopwatch;
use std::time::Duration;

/// Turns whose average counts: enough that two people who press a key at once are not a crowd.
const TURNS: u32 = 8;

/// Decides when the next turn may begin.
#[derive(Debug)]
pub(super) struct Linger {
    most: Duration,
    /// Time per thing done, over the last turns.
    gap: Duration,
    turn: Stopwatch,
}

impl Linger {
    /// Turns that follow each other closely begin at least `most` apart.
    pub(super) fn new(most: Duration) -> Self {
        Self {
            most,
            gap: most * 2 * TURNS,
            turn: Stopwatch::start(),
        }
    }

    /// Ends a turn in which `things` were done; how long the next one is better held back.
    fn end(&mut self, things: usize, took: Duration) -> Duration {
        let things = u32::try_from(things).unwrap_or(u32::MAX);
        if let Some(gap) = took.checked_div(things) {
            self.gap = (self.gap * (TURNS - 1) + gap.min(self.most * 2 * TURNS)) / TURNS;
        }
        // Further apart, waiting would seldom bring two together, and would delay each.
        match self.gap < self.most * 5 / 4 {
            true => self.most.saturating_sub(took),
            false => Duration::ZERO,
        }
    }

    /// Ends a turn in which `things` were done, and waits until the next may begin.
    pub(super) async fn pass(&mut self, things: usize) {
        let wait = self.end(things, self.turn.elapsed());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        self.turn = Stopwatch::start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn at_rest_nothing_waits_and_in_a_crowd_turns_are_a_moment_apart() {
        let mut linger = Linger::new(MS);

        let alone: Vec<_> = (0..20).map(|_| linger.end(1, 4 * MS)).collect();
        let crowd: Vec<_> = (0..40).map(|_| linger.end(1, MS / 4)).collect();

        assert!(alone.iter().all(Duration::is_zero));
        assert_eq!((crowd[0], crowd[39]), (Duration::ZERO, MS * 3 / 4));
        assert_eq!(
            linger.end(64, 2 * MS),
            Duration::ZERO,
            "who takes long anyway does not wait"
        );
    }

    #[test]
    fn it_can_be_switched_off() {
        let mut linger = Linger::new(Duration::ZERO);

        assert!((0..40).all(|_| linger.end(64, MS / 4).is_zero()));
    }
}
