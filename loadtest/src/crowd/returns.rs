//! Who lost the connection while they had a seat, and how they came back.

use crate::client::Who;
use crate::clock::{Nanos, SECOND};

/// A server that recovers a session lets people in first and tells them then what they missed; the end of their room
/// may be part of it.
const REPLAY: Nanos = 5 * SECOND;

/// How somebody came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// The server recovered the session.
    Recovered,
    /// By asking for the seat.
    Reseated,
    /// The seat was gone, though nobody had left the room.
    Unseated,
}

#[derive(Clone, Copy, Debug)]
struct Return {
    at: Nanos,
    /// Since the cut.
    took: Nanos,
    how: How,
}

#[derive(Debug)]
pub(crate) struct Returns {
    /// Since when each is cut off from the seat that may still be theirs.
    cut: Vec<Option<Nanos>>,
    /// The last return of each.
    last: Vec<Option<usize>>,
    all: Vec<Return>,
    away: usize,
}

impl Returns {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            cut: vec![None; count],
            last: vec![None; count],
            all: Vec::new(),
            away: 0,
        }
    }

    /// Somebody who has a seat lost the connection; not for the first time, perhaps, since they last sat.
    pub(crate) fn went(&mut self, who: Who, now: Nanos) {
        self.away += usize::from(self.cut[who].is_none());
        self.cut[who].get_or_insert(now);
    }

    pub(crate) fn is_away(&self, who: Who) -> bool {
        self.cut[who].is_some()
    }

    /// How many are not back yet: neither in their seats nor told that they have lost them.
    pub(crate) fn away(&self) -> usize {
        self.away
    }

    /// Somebody is in the seat; if they were away, since the storm if there is one, they are back.
    pub(crate) fn sat(&mut self, who: Who, now: Nanos, storm: Option<Nanos>, how: How) {
        if let Some(cut) = self.cut[who].take() {
            self.away -= 1;
            let took = now.saturating_sub(storm.unwrap_or(cut));
            self.last[who] = Some(self.all.len());
            self.all.push(Return { at: now, took, how });
        }
    }

    /// Somebody was told that the seat is gone; whether they had lost it while they were away. Whose partner left the
    /// room meanwhile has lost nothing.
    pub(crate) fn lost_the_seat(&mut self, who: Who, now: Nanos, left: bool) -> bool {
        let away = self.cut[who].take();
        self.away -= usize::from(away.is_some());
        let last = self.last[who].take().map(|last| &mut self.all[last]);
        match (away, last) {
            _ if left => return false,
            (Some(cut), _) => self.all.push(Return {
                at: now,
                took: now - cut,
                how: How::Unseated,
            }),
            (None, Some(last)) if last.how == How::Recovered && now <= last.at + REPLAY => last.how = How::Unseated,
            (None, _) => return false,
        }
        true
    }

    pub(crate) fn count(&self, how: How) -> u64 {
        self.all.iter().filter(|one| one.how == how).count() as u64
    }

    /// How often a seat depended on coming back.
    pub(crate) fn at_stake(&self) -> u64 {
        (self.all.len() + self.away) as u64
    }

    /// How long it took those who are in their seats again.
    pub(crate) fn took(&self) -> impl Iterator<Item = Nanos> {
        let back = self.all.iter().filter(|one| one.how != How::Unseated);
        back.map(|one| one.took)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(returns: &Returns) -> [u64; 5] {
        let by = |how| returns.count(how);
        [
            returns.at_stake(),
            returns.away() as u64,
            by(How::Recovered),
            by(How::Reseated),
            by(How::Unseated),
        ]
    }

    #[test]
    fn who_was_cut_is_back_in_the_seat_or_is_told_that_it_is_gone() {
        let mut returns = Returns::new(3);
        for who in [0, 1, 2, 0] {
            returns.went(who, 10);
        }
        assert_eq!(counts(&returns), [3, 3, 0, 0, 0]);

        returns.sat(0, 15, None, How::Recovered);
        returns.sat(1, 30, Some(5), How::Reseated);
        assert!(returns.lost_the_seat(2, 40, false));
        returns.sat(2, 50, None, How::Recovered);

        assert_eq!(counts(&returns), [3, 0, 1, 1, 1]);
        assert_eq!(returns.took().collect::<Vec<_>>(), [5, 25]);
    }

    #[test]
    fn who_is_told_of_the_end_right_after_the_recovery_was_not_back() {
        let mut returns = Returns::new(2);
        for who in [0, 1] {
            returns.went(who, 0);
            returns.sat(who, 10, None, How::Recovered);
        }

        assert!(returns.lost_the_seat(0, 10 + REPLAY, false));
        assert!(!returns.lost_the_seat(1, 11 + REPLAY, false), "it ended later");

        assert_eq!(counts(&returns), [2, 0, 1, 0, 1]);
        assert_eq!(returns.took().count(), 1);
    }

    #[test]
    fn whose_partner_left_has_lost_nothing() {
        let mut returns = Returns::new(2);
        returns.went(0, 0);
        assert!(!returns.lost_the_seat(0, 1, true));
        returns.went(1, 0);
        returns.sat(1, 1, None, How::Recovered);
        assert!(!returns.lost_the_seat(1, 2, true));

        assert_eq!(counts(&returns), [1, 0, 1, 0, 0]);
    }
}
