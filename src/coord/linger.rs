//! Waiting a little when there is much to do, so that more of it is done at once.
//!
//! A call or a read costs Redis and the node several times what one act or notice in it does. While they follow each
//! other closely the next call or read is held back for a moment, the longer the more nodes share a server: so that all of
//! them together call it no oftener than a few would. At rest nothing waits.

use crate::clock::Stopwatch;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Turns whose average counts: so many that a few people who happen to press a key at once are not taken for a crowd. With
/// 16, one line in a hundred waited at half of the rate from which on waiting pays.
const TURNS: u32 = 64;

/// However many nodes there are, nobody waits for longer.
const LONGEST: Duration = Duration::from_millis(10);

/// How long turns of one node may be held back. Cloning shares the number of nodes.
#[derive(Clone, Debug)]
pub(super) struct Manners {
    per_node: Duration,
    nodes: Arc<AtomicU32>,
}

impl Manners {
    /// Turns may be held back by `per_node` for each living node.
    pub(super) fn new(per_node: Duration) -> Self {
        Self {
            per_node,
            nodes: Arc::new(AtomicU32::new(1)),
        }
    }

    /// So many nodes live.
    pub(super) fn note_nodes(&self, nodes: u32) {
        self.nodes.store(nodes.max(1), Ordering::Relaxed);
    }

    fn most(&self) -> Duration {
        (self.per_node * self.nodes.load(Ordering::Relaxed)).min(LONGEST.max(self.per_node))
    }
}

/// Decides when the next turn may begin.
#[derive(Debug)]
pub(super) struct Linger {
    manners: Manners,
    /// Time per thing done, over the last turns.
    gap: Duration,
    turn: Stopwatch,
}

impl Linger {
    pub(super) fn new(manners: Manners) -> Self {
        Self {
            gap: LONGEST * 2,
            manners,
            turn: Stopwatch::start(),
        }
    }

    /// Ends a turn in which `things` were done; how long the next one is better held back.
    fn end(&mut self, things: usize, took: Duration) -> Duration {
        let most = self.manners.most();
        let things = u32::try_from(things).unwrap_or(u32::MAX);
        if let Some(gap) = took.checked_div(things) {
            self.gap = (self.gap * (TURNS - 1) + gap.min(LONGEST * 2)) / TURNS;
        }
        // Further apart, waiting would seldom bring two together, and would delay each.
        match self.gap * 2 < most {
            true => most.saturating_sub(took),
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

    fn of(per_node: Duration, nodes: u32) -> Linger {
        let manners = Manners::new(per_node);
        manners.note_nodes(nodes);
        Linger::new(manners)
    }

    #[test]
    fn at_rest_nothing_waits_and_in_a_crowd_turns_are_a_moment_apart() {
        let mut linger = of(2 * MS, 1);

        let alone: Vec<_> = (0..20).map(|_| linger.end(1, 2 * MS)).collect();
        let crowd: Vec<_> = (0..400).map(|_| linger.end(1, MS / 4)).collect();

        assert!(alone.iter().all(Duration::is_zero));
        assert_eq!((crowd[0], crowd[399]), (Duration::ZERO, MS * 7 / 4));
        let slow = linger.end(64, 3 * MS);
        assert_eq!(slow, Duration::ZERO, "who takes long anyway does not wait");
    }

    #[test]
    fn many_nodes_call_no_oftener_than_few_and_nobody_waits_long() {
        let pause = |nodes| {
            let mut linger = of(2 * MS, nodes);
            (0..400).map(|_| linger.end(1, MS)).last()
        };

        assert_eq!([2, 4, 100].map(pause), [3, 7, 9].map(|ms| Some(ms * MS)));
    }

    #[test]
    fn it_can_be_switched_off() {
        let mut linger = of(Duration::ZERO, 6);

        assert!((0..80).all(|_| linger.end(64, MS / 4).is_zero()));
    }
}
