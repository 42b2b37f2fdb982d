//! What people lived through, and the proof that nothing promised was broken: every client's history is kept as it saw
//! it; [`violations`] judges all of them together, [`weather`] says what the faults of a run excuse, [`facts`] compares
//! them with what was stored, [`sessions`] is strict with what those were told who take up their sessions, [`standstill`]
//! with a system that does nothing for a while.

pub mod facts;
pub mod sessions;
pub mod standstill;
mod verdict;
pub mod weather;

pub use verdict::{Violation, violations};

use std::collections::BTreeSet;
use std::time::Instant;

/// Why a connection was lost of which its owner took leave.
pub const GOODBYE: &str = "said goodbye";

/// What happened to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// A connection was made.
    Connected,
    /// A connection was lost.
    Lost(String),
    /// The server confirmed the place in the queue.
    Queued,
    /// A partner was found.
    Matched { room: String, partner: String },
    /// A line was seen, the own ones included.
    Heard { room: String, id: String, text: String },
    /// The server took a line of ours.
    Acked { room: String, id: String, text: String },
    /// The server did not take a line of ours, and said why.
    Refused(String),
    /// The room was over.
    Ended { room: Option<String>, reason: String },
    /// The session of before goes on with the connection that was just made.
    TookUp,
    /// A new session begins with it, of somebody who wants to take up sessions.
    Began,
    /// Why the session of before was not taken up.
    Unrecovered(String),
    /// What was told last had this offset.
    Marked(String),
    /// Anything else that was told.
    Told(String),
}

/// One person's history.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// The person's user id.
    pub who: String,
    /// Whether by long-polling, if only at first: a session whose node begins a new life is told some things again.
    pub polls: bool,
    /// What happened, in order.
    pub moments: Vec<(Instant, Moment)>,
}

impl Log {
    /// Of somebody to whom nothing has happened yet.
    pub fn of(who: &str) -> Self {
        let who = who.to_owned();
        Self {
            who,
            polls: false,
            moments: Vec::new(),
        }
    }

    /// Something happened now.
    pub fn note(&mut self, moment: Moment) {
        self.moments.push((Instant::now(), moment));
    }

    /// The room this person is in, and the partner there.
    pub fn room(&self) -> Option<(String, String)> {
        let last = self.moments.iter().rev().find_map(|(_, moment)| match moment {
            Moment::Matched { room, partner } => Some(Some((room.clone(), partner.clone()))),
            Moment::Ended { .. } => Some(None),
            _ => None,
        });
        last.flatten()
    }

    /// How often something happened.
    pub fn count(&self, wanted: impl Fn(&Moment) -> bool) -> usize {
        self.moments.iter().filter(|(_, moment)| wanted(moment)).count()
    }

    /// When something happened first at or after `from`.
    pub fn first_after(&self, from: Instant, wanted: impl Fn(&Moment) -> bool) -> Option<Instant> {
        let mut later = self.moments.iter().filter(|(at, _)| *at >= from);
        later.find(|(_, moment)| wanted(moment)).map(|(at, _)| *at)
    }

    /// The reasons for which this person's rooms ended.
    pub fn endings(&self) -> Vec<String> {
        let ended = |(_, moment): &(Instant, Moment)| match moment {
            Moment::Ended { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        self.moments.iter().filter_map(ended).collect()
    }

    /// The ids of a room's lines in the order in which they were seen first.
    fn heard(&self, room: &str) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let heard = self.moments.iter().filter_map(|(_, moment)| match moment {
            Moment::Heard { room: r, id, .. } if r == room => Some(id.as_str()),
            _ => None,
        });
        heard.filter(|id| seen.insert(*id)).collect()
    }

    fn ended(&self, room: &str) -> bool {
        self.ending(room).is_some()
    }

    /// When and why a room was over for this person; not when it was told again later: a master may be lost with a room
    /// that the nodes then bring back.
    fn ending(&self, room: &str) -> Option<(Instant, &str)> {
        let mut ending = None;
        for (at, moment) in &self.moments {
            match moment {
                Moment::Ended { room: Some(r), reason } if r == room && ending.is_none() => {
                    ending = Some((*at, reason.as_str()));
                }
                Moment::Matched { room: r, .. } if r == room => ending = None,
                _ => {}
            }
        }
        ending
    }

    /// The partner in a room.
    fn partner_in(&self, room: &str) -> Option<&str> {
        self.moments.iter().find_map(|(_, moment)| match moment {
            Moment::Matched { room: r, partner } if r == room => Some(partner.as_str()),
            _ => None,
        })
    }

    /// The lines that this person's room took: when, their ids, their texts.
    fn acked(&self, room: &str) -> impl Iterator<Item = (Instant, &str, &str)> {
        self.moments.iter().filter_map(move |(at, moment)| match moment {
            Moment::Acked { room: r, id, text } if r == room => Some((*at, id.as_str(), text.as_str())),
            _ => None,
        })
    }
}
