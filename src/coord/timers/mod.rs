//! Timers: every wait of the product is a member of a shard's sorted set, scored by when it is due.
//!
//! Scripts set and move them; the shard's keeper claims what is due (it becomes due again unless settled: a keeper may
//! die halfway) and `actions::due` does what the timer is for. `timers` (zset): members as written by [`Timer`].

#[cfg(test)]
mod tests;

use super::Coord;
use super::script::Act;
use crate::clock::Millis;
use crate::error::Fault;
use crate::ids::{RoomId, Shard, UserId};
use std::fmt;

/// What a timer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timer {
    /// A seeker's place is to be checked.
    Seek(UserId),
    /// A room of an offered pair that nobody announced is to be swept away.
    Opening(RoomId),
    /// A held seat may have run out.
    Hold(RoomId, UserId),
    /// A room may have been quiet for too long.
    Idle(RoomId),
    /// Somebody may have stopped typing.
    Fade(RoomId, UserId),
    /// The people of an ended room are to be let go of.
    Release(RoomId, Vec<UserId>),
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Timer::Seek(user) => write!(f, "seek|{user}"),
            Timer::Opening(room) => write!(f, "opening|{room}"),
            Timer::Hold(room, user) => write!(f, "hold|{room}|{user}"),
            Timer::Idle(room) => write!(f, "idle|{room}"),
            Timer::Fade(room, user) => write!(f, "fade|{room}|{user}"),
            Timer::Release(room, people) => {
                write!(f, "release|{room}")?;
                people.iter().try_for_each(|p| write!(f, "|{p}"))
            }
        }
    }
}

impl Timer {
    /// Reads what a script wrote; `None` for what none of this release writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split('|');
        match words.next()? {
            "seek" => Some(Timer::Seek(UserId::parse(words.next()?)?)),
            "opening" => Some(Timer::Opening(RoomId::parse(words.next()?)?)),
            "hold" => Some(Timer::Hold(
                RoomId::parse(words.next()?)?,
                UserId::parse(words.next()?)?,
            )),
            "idle" => Some(Timer::Idle(RoomId::parse(words.next()?)?)),
            "fade" => Some(Timer::Fade(
                RoomId::parse(words.next()?)?,
                UserId::parse(words.next()?)?,
            )),
            "release" => {
                let room = RoomId::parse(words.next()?)?;
                Some(Timer::Release(room, words.map(UserId::parse).collect::<Option<_>>()?))
            }
            _ => None,
        }
    }

    /// The kind, as metrics call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Timer::Seek(_) => "seek",
            Timer::Opening(_) => "opening",
            Timer::Hold(..) => "hold",
            Timer::Idle(_) => "idle",
            Timer::Fade(..) => "fade",
            Timer::Release(..) => "release",
        }
    }
}

/// A timer that was due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The member as it stands in Redis.
    pub member: String,
    /// When it was due.
    pub at: Millis,
}

impl Coord {
    /// Takes up to `most` due timers of a shard; unless settled they are due again at `again`.
    pub async fn claim_due(&self, shard: Shard, most: usize, again: Millis) -> Result<Vec<Due>, Fault> {
        let act = Act::new("claim_due")
            .key(self.keys().timers(shard))
            .arg(most)
            .arg(again);
        let reply = self.run(shard, act).await?;
        if reply.word() != "due" {
            return Err(reply.unknown());
        }
        let rows = reply.values().chunks_exact(2);
        rows.map(|row| {
            // Scores are written as numbers and may come back with an exponent.
            let at = row[1].parse::<f64>().map_err(|_| reply.unknown())?;
            Ok(Due {
                member: row[0].clone(),
                at: Millis(at as u64),
            })
        })
        .collect()
    }

    /// A timer has done its work; it goes unless it was set anew since it was claimed with `again`.
    pub async fn settle(&self, shard: Shard, member: &str, again: Millis) -> Result<(), Fault> {
        let act = Act::new("settle").key(self.keys().timers(shard)).arg(member).arg(again);
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "settled" | "set_anew" => Ok(()),
            _ => Err(reply.unknown()),
        }
    }
}
