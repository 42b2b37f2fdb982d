//! Unrest while a load goes on: people who leave their room for another partner, and connections that drop.

use crate::client::Client;
use crate::clock::{Nanos, SECOND};
use crate::crowd::{Crowd, Cut};
use rand::Rng;

/// Something that is done so often per second, to somebody by chance.
struct Habit {
    step: f64,
    begin: Nanos,
    done: u64,
}

impl Habit {
    fn new(rate: f64, begin: Nanos) -> Option<Self> {
        let step = SECOND as f64 / rate;
        (rate > 0.0).then_some(Self { step, begin, done: 0 })
    }

    fn next(&self) -> Nanos {
        self.begin + ((self.done + 1) as f64 * self.step) as Nanos
    }

    /// Whether it is to be done now, once.
    fn is_due(&mut self, now: Nanos) -> bool {
        let due = self.next() <= now;
        self.done += u64::from(due);
        due
    }
}

pub(crate) struct Churn {
    leave: Option<Habit>,
    drop: Option<Habit>,
}

impl Churn {
    /// So many leave and so many drop per second.
    pub(crate) fn new(leave: f64, drop: f64, begin: Nanos) -> Self {
        Self {
            leave: Habit::new(leave, begin),
            drop: Habit::new(drop, begin),
        }
    }

    /// Does what is due by now; when the next is.
    pub(crate) fn go_on(&mut self, client: &mut Client, crowd: &mut Crowd) -> Nanos {
        let now = client.clock.now();
        let anybody = || rand::rng().random_range(0..crowd.len());
        let (leaves, drops) = (anybody(), anybody());
        if self.leave.as_mut().is_some_and(|habit| habit.is_due(now)) {
            crowd.leave(client, leaves);
        }
        if self.drop.as_mut().is_some_and(|habit| habit.is_due(now)) {
            crowd.cut(client, drops, Cut::Reset);
        }
        let next = [&self.leave, &self.drop].into_iter().flatten().map(Habit::next).min();
        next.unwrap_or(Nanos::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_habit_keeps_its_pace_and_none_has_no_pace() {
        let mut habit = Habit::new(2.0, 0).unwrap();
        assert!(!habit.is_due(SECOND / 2 - 1));
        assert!(habit.is_due(SECOND / 2));
        assert!(!habit.is_due(SECOND / 2));
        assert_eq!(habit.next(), SECOND);
        assert!(Habit::new(0.0, 0).is_none());
    }
}
