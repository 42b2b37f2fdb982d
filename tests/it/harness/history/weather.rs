//! What the world was like while people talked, and what that excuses.

use super::verdict::Violation;
use super::{Log, Moment};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// What was done to the world while people talked.
#[derive(Debug, Clone, Default)]
pub struct Weather {
    /// When Redis lost its data: from its end until it was back.
    pub losses: Vec<(Instant, Instant)>,
    /// When Redis or Postgres was away, so that no fact could be stored.
    pub closed: Vec<(Instant, Instant)>,
    /// When Redis's replica took over, from when on it had heard nothing, until everybody can have got over it.
    pub failovers: Vec<Failover>,
    /// When a node died: with what it had promised to say again.
    pub deaths: Vec<Instant>,
    /// When anything was broken, until everybody can have got over it.
    pub storms: Vec<(Instant, Instant)>,
}

/// Redis's replica took over, and had not heard what was last.
#[derive(Debug, Clone)]
pub struct Failover {
    /// From when on it heard nothing.
    pub deaf: Instant,
    /// When it took over.
    pub taken_over: Instant,
    /// When everybody can have got over it.
    pub over: Instant,
    /// The times of the lines that it may not have heard, in Unix milliseconds.
    pub unheard: RangeInclusive<u64>,
}

/// How long a fact may be on its way from Redis to Postgres while both are there, whatever happens to nodes: a keeper's
/// lease, a fault that is waited out, and a busy machine.
const STORED_WITHIN: Duration = Duration::from_secs(10);
/// A line is under way for less before it is acknowledged, in good weather.
pub const SAID_WITHIN: Duration = Duration::from_secs(4);

impl Weather {
    /// Whether what looks like a broken promise is none in such weather. A line that the Redis which took over had not
    /// heard is said again by the node that promised it, if that lives, and may come to stand elsewhere, or twice when
    /// its client asked again in between. Who was paired in that moment is paired anew.
    pub fn excuses(&self, violation: &Violation, logs: &[Log]) -> bool {
        match violation {
            Violation::Disorder { first, then, .. } => self.may_be_unheard(first) || self.may_be_unheard(then),
            Violation::LostLine { id, .. } => self.may_be_lost(id),
            Violation::TwoIds { ids, .. } => ids.iter().any(|id| self.may_be_unheard(id)),
            Violation::TwoRooms { left: room, .. } | Violation::HalfEnded { room, .. } => {
                self.may_be_an_unheard_pair(room, logs)
            }
            Violation::NotMutual { .. }
            | Violation::Alone { .. }
            | Violation::Unexplained { .. }
            | Violation::AfterTheEnd { .. } => false,
        }
    }

    /// Whether the replica that took over may not have heard that these people were paired.
    pub(super) fn may_be_an_unheard_pair(&self, room: &str, logs: &[Log]) -> bool {
        let is_it = |moment: &Moment| matches!(moment, Moment::Matched { room: r, .. } if r == room);
        let met = logs
            .iter()
            .flat_map(|log| &log.moments)
            .filter(|(_, moment)| is_it(moment));
        let met = met.map(|(at, _)| *at).min();
        let mut failovers = self.failovers.iter();
        met.is_some_and(|met| {
            failovers.any(|failover| met >= failover.deaf && met <= failover.taken_over + SAID_WITHIN)
        })
    }

    /// Whether Redis's data went with a room of people who met at `met`, or with the fact of its end, of which somebody
    /// was told at `ended`.
    ///
    /// What is promised: a fact is in Postgres or in the journal. So a loss excuses only a room that lived at that
    /// time, and a fact that had no chance to leave the journal before: at no time since the end were Redis and
    /// Postgres there for as long as storing may take.
    pub(super) fn went_with_the_data(&self, met: Instant, ended: Instant) -> bool {
        let losses = self.losses.iter().filter(|(_, back)| *back >= met);
        losses.into_iter().any(|(from, _)| !self.was_open(ended, *from))
    }

    /// Whether facts could be stored for long enough at any time in between.
    fn was_open(&self, from: Instant, until: Instant) -> bool {
        let mut closed: Vec<_> = self.closed.iter().filter(|(begin, _)| *begin < until).collect();
        closed.sort();
        let mut open_since = from;
        for (begin, end) in closed {
            if begin.saturating_duration_since(open_since) >= STORED_WITHIN {
                return true;
            }
            open_since = open_since.max(*end);
        }
        until.saturating_duration_since(open_since) >= STORED_WITHIN
    }

    /// Whether Redis lost its data between two moments.
    pub(super) fn lost_within(&self, from: Instant, until: Instant) -> bool {
        self.losses.iter().any(|(gone, back)| *back >= from && *gone <= until)
    }

    /// Whether the replica that took over may not have heard of a line: it may be said again, at another place.
    pub(super) fn may_be_unheard(&self, id: &str) -> bool {
        let time = id.split('_').nth(1).and_then(|time| time.parse::<u64>().ok());
        time.is_some_and(|time| self.failovers.iter().any(|failover| failover.unheard.contains(&time)))
    }

    /// Whether a line that the replica may not have heard was promised by a node that has died as well.
    pub(super) fn may_be_lost(&self, id: &str) -> bool {
        let died = |failover: &Failover| {
            let mut deaths = self.deaths.iter();
            deaths.any(|at| *at >= failover.deaf && *at <= failover.over)
        };
        self.may_be_unheard(id) && self.failovers.iter().any(died)
    }

    /// Whether the replica that took over may not have heard of an end that somebody was told.
    pub(super) fn may_have_come_back(&self, log: &Log, room: &str) -> bool {
        let ended = |(at, moment): &(Instant, Moment)| match moment {
            Moment::Ended { room: Some(ended), .. } if ended == room => self.is_rolled_back(*at),
            _ => false,
        };
        log.moments.iter().any(ended)
    }

    /// Whether what is told at this time may have been told before by a Redis that is gone.
    pub(super) fn is_rolled_back(&self, at: Instant) -> bool {
        let mut failovers = self.failovers.iter();
        failovers.any(|failover| at >= failover.deaf && at <= failover.over)
    }

    pub(super) fn is_fair(&self, from: Instant, until: Instant) -> bool {
        self.storms.iter().all(|(begin, end)| *end < from || *begin > until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_a_replica_had_not_heard_may_be_lost_only_with_the_node_that_promised_it() {
        let now = Instant::now();
        let at = |second: u64| now + Duration::from_secs(second);
        let mut weather = Weather {
            failovers: vec![Failover {
                deaf: at(10),
                taken_over: at(11),
                over: at(20),
                unheard: 10_000..=11_000,
            }],
            deaths: vec![at(5), at(30)],
            ..Weather::default()
        };
        let (unheard, heard) = ("msg_10500_abc", "msg_9999_abc");

        assert!(weather.may_be_unheard(unheard) && !weather.may_be_unheard(heard));
        assert!(!weather.may_be_lost(unheard));
        weather.deaths.push(at(12));
        assert!(weather.may_be_lost(unheard) && !weather.may_be_lost(heard));
    }

    #[test]
    fn a_pair_is_excused_only_when_it_met_while_a_replica_was_deaf() {
        let now = Instant::now();
        let at = |second: u64| now + Duration::from_secs(second);
        let weather = Weather {
            failovers: vec![Failover {
                deaf: at(10),
                taken_over: at(11),
                over: at(60),
                unheard: 10_000..=11_000,
            }],
            ..Weather::default()
        };
        let excused = |second: u64| {
            let mut log = Log::of("a");
            let (room, partner) = ("r".to_owned(), "b".to_owned());
            log.moments.push((at(second), Moment::Matched { room, partner }));
            let (who, room, entered) = ("a".to_owned(), "r".to_owned(), "s".to_owned());
            let half = Violation::HalfEnded {
                room: room.clone(),
                who: who.clone(),
            };
            let two = Violation::TwoRooms {
                who,
                left: room,
                entered,
            };
            [half, two].map(|violation| weather.excuses(&violation, std::slice::from_ref(&log)))
        };

        assert_eq!(
            [excused(9), excused(10), excused(16)],
            [[false; 2], [true; 2], [false; 2]]
        );
    }
}
