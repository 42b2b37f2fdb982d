//! The few rooms in which the most went wrong, each with its counts: where to look first.

use super::tally::Tally;
use serde::Serialize;
use std::cmp::Reverse;

/// How many are told.
const TOLD: usize = 20;

/// A room, by the name that the server gave it, and what became of its lines.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Told {
    room: String,
    #[serde(flatten)]
    counts: Tally,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Worst(Vec<Told>);

impl Tally {
    /// Whether a promise was broken.
    pub(crate) fn is_harmed(&self) -> bool {
        self.harm() > 0
    }

    fn harm(&self) -> u64 {
        self.lost + self.out_of_order + self.doubled
    }

    /// What is no promise broken, but not as it should be either.
    fn trouble(&self) -> u64 {
        self.duplicated + self.refused + self.unacknowledged + self.unanswered + self.unheard
    }

    fn badness(&self) -> (u64, u64) {
        (self.harm(), self.trouble())
    }
}

impl Worst {
    pub(crate) fn consider(&mut self, room: &[u8], counts: Tally) {
        let least = self.0.get(TOLD - 1).map_or((0, 0), |told| told.counts.badness());
        if counts.badness() > least {
            let room = String::from_utf8_lossy(room).into_owned();
            self.0.push(Told { room, counts });
            self.0.sort_by_key(|told| Reverse(told.counts.badness()));
            self.0.truncate(TOLD);
        }
    }

    #[cfg(test)]
    pub(crate) fn rooms(&self) -> &[Told] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_come_first_and_the_others_not_at_all() {
        let mut worst = Worst::default();
        worst.consider(b"well", Tally::default());
        for lost in 1..=30 {
            let counts = Tally {
                lost,
                ..Tally::default()
            };
            worst.consider(format!("r{lost}").as_bytes(), counts);
        }
        let refused = Tally {
            refused: 100,
            ..Tally::default()
        };
        worst.consider(b"refused", refused);

        let names: Vec<_> = worst.rooms().iter().map(|told| told.room.clone()).collect();
        let expected: Vec<_> = (11..=30).rev().map(|lost| format!("r{lost}")).collect();
        assert_eq!(names, expected);
    }
}
