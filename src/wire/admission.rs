//! The line in front of the door. When many clients come at once, as after the death of a node, only so many are let in
//! at a time; who takes up a session goes before who is new; and when the line is too long, who is new is asked to come
//! back later, each at another time. Each shard has a door of its own, so that those whose Redis is silent keep nobody out
//! whose Redis answers.

use crate::ids::Shard;
use crate::metrics;
use rand::Rng;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Whoever is asked to come back later is asked for a time between this and twice this.
const LATER: Duration = Duration::from_secs(2);

/// Who wants in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// A client that was here before.
    Returning,
    /// A client that is new.
    Newcomer,
}

/// A door for each shard. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Doors(Arc<[Admission]>);

impl Doors {
    /// Lets `at_once` in at a time through all of them together, and newcomers wait while no more than `most_waiting` do:
    /// each door has its share, and lets in one at least.
    pub fn new(shards: u8, at_once: u32, most_waiting: u32) -> Self {
        let share = |of: u32| of.div_ceil(u32::from(shards)) as usize;
        Self(
            (0..shards)
                .map(|_| Admission::new(share(at_once), share(most_waiting)))
                .collect(),
        )
    }

    /// Waits for leave to come in, for a user of this shard; an error says in how long to come back instead.
    pub async fn enter(&self, shard: Shard, class: Class) -> Result<Permit, Duration> {
        self.0[usize::from(shard.0)].enter(class).await
    }
}

/// One door, and the line in front of it. Cloning shares it.
#[derive(Clone, Debug)]
struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    line: Mutex<Line>,
    /// Newcomers and returning clients together; with more, newcomers are sent away.
    most_waiting: usize,
}

#[derive(Debug)]
struct Line {
    free: usize,
    returning: VecDeque<oneshot::Sender<Permit>>,
    newcomers: VecDeque<oneshot::Sender<Permit>>,
}

/// Leave to come in; it ends when it is dropped.
#[derive(Debug)]
pub struct Permit(Option<Admission>);

impl Admission {
    fn new(at_once: usize, most_waiting: usize) -> Self {
        Self(Arc::new(Inner {
            line: Mutex::new(Line {
                free: at_once,
                returning: VecDeque::new(),
                newcomers: VecDeque::new(),
            }),
            most_waiting,
        }))
    }

    async fn enter(&self, class: Class) -> Result<Permit, Duration> {
        let called = {
            let mut line = self.line();
            if line.free > 0 {
                line.free -= 1;
                return Ok(Permit(Some(self.clone())));
            }
            let full = line.returning.len() + line.newcomers.len() >= self.0.most_waiting;
            if full && class == Class::Newcomer {
                return Err(rand::rng().random_range(LATER..2 * LATER));
            }
            let (call, called) = oneshot::channel();
            match class {
                Class::Returning => line.returning.push_back(call),
                Class::Newcomer => line.newcomers.push_back(call),
            }
            metrics::ARRIVALS_WAITING.up(());
            called
        };
        // The line outlives everybody in it.
        called.await.map_err(|_| LATER)
    }

    /// Somebody is done: the next one comes in.
    fn call_next(&self) {
        let mut permit = Permit(Some(self.clone()));
        while let Some(next) = self.next_in_line() {
            // Who has left the line meanwhile does not answer.
            match next.send(permit) {
                Ok(()) => return,
                Err(back) => permit = back,
            }
        }
        permit.0 = None;
    }

    /// Whoever is next; with nobody there the place is free from now on.
    fn next_in_line(&self) -> Option<oneshot::Sender<Permit>> {
        let mut line = self.line();
        let next = match line.returning.pop_front() {
            Some(next) => Some(next),
            None => line.newcomers.pop_front(),
        };
        match next {
            Some(_) => metrics::ARRIVALS_WAITING.down(()),
            None => line.free += 1,
        }
        next
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(admission) = self.0.take() {
            admission.call_next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn who_takes_up_a_session_goes_before_who_is_new() {
        let door = Admission::new(1, 10);
        let first = match poll(pin!(door.enter(Class::Newcomer))) {
            Poll::Ready(Ok(permit)) => permit,
            other => panic!("{other:?}"),
        };
        let (mut new, mut back) = (pin!(door.enter(Class::Newcomer)), pin!(door.enter(Class::Returning)));
        assert!(poll(new.as_mut()).is_pending() && poll(back.as_mut()).is_pending());

        drop(first);

        assert!(poll(new.as_mut()).is_pending(), "somebody returning is before");
        let Poll::Ready(Ok(second)) = poll(back.as_mut()) else {
            panic!("not let in")
        };
        drop(second);
        assert!(matches!(poll(new.as_mut()), Poll::Ready(Ok(_))));
    }

    #[test]
    fn who_waits_at_the_door_of_one_shard_keeps_nobody_of_another_out() {
        let doors = Doors::new(2, 3, 0);
        let enter = |shard| poll(pin!(doors.enter(Shard(shard), Class::Newcomer)));

        let inside = [enter(0), enter(0)];
        let late = enter(0);

        assert!(inside.iter().all(|permit| matches!(permit, Poll::Ready(Ok(_)))));
        assert!(matches!(late, Poll::Ready(Err(_))), "{late:?}");
        assert!(matches!(enter(1), Poll::Ready(Ok(_))));
    }

    #[test]
    fn a_line_that_is_too_long_sends_newcomers_away_for_a_while_and_nobody_who_returns() {
        let door = Admission::new(1, 1);
        let first = poll(pin!(door.enter(Class::Newcomer)));
        let mut waiting = pin!(door.enter(Class::Newcomer));
        assert!(poll(waiting.as_mut()).is_pending());

        let mut hints = Vec::new();
        for _ in 0..20 {
            match poll(pin!(door.enter(Class::Newcomer))) {
                Poll::Ready(Err(later)) => hints.push(later),
                other => panic!("{other:?}"),
            }
        }

        assert!(poll(pin!(door.enter(Class::Returning))).is_pending());
        assert!(hints.iter().all(|later| (LATER..2 * LATER).contains(later)));
        assert!(hints.iter().any(|later| *later != hints[0]), "not all at the same time");
        drop(first);
    }

    #[test]
    fn who_leaves_the_line_keeps_nobody_out() {
        let door = Admission::new(1, 10);
        let first = poll(pin!(door.enter(Class::Newcomer)));
        {
            let mut gone = Box::pin(door.enter(Class::Newcomer));
            assert!(poll(gone.as_mut()).is_pending());
        }
        let mut called = Box::pin(door.enter(Class::Newcomer));
        assert!(poll(called.as_mut()).is_pending());

        drop(first);
        // Called, and gone before it could come in.
        drop(called);

        assert!(matches!(poll(pin!(door.enter(Class::Newcomer))), Poll::Ready(Ok(_))));
    }
}
