//! Users in Redis: which sockets they have, and whether they are idle, seeking or seated.
//!
//! `user:<user>` (hash, no TTL): `state` (absent = idle, "seeking", "seated"), `queue ticket since` of a seeker (kept
//! while seated, to put a claimed user back), `room`, `mode`, `trail` (rooms the user was claimed for of late), and
//! `@<sid>` -> node per socket, `#<sid>` -> the session that its client may take up again. It begins with the first
//! socket and goes with the last one, unless a seat or a place in a queue outlives it for a while.
//! `past:<user>` (hash, TTL): sessions without a connection, and the trail of a user without a socket.
//! `recent:<user>` (list, TTL): last partners as "user ms". `users:<node>` (set): whom to reap when the node dies.

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod past_tests;
#[cfg(test)]
mod seeking_tests;
mod sockets;
#[cfg(test)]
mod tests;

pub use sockets::{Attached, Detached, Past, Recovered, Remembered, Session};

use super::Coord;
use super::notice::Place;
use super::script::{Act, Reply};
use crate::clock::Millis;
use crate::domain::pairing::Met;
use crate::domain::presence::Mode;
use crate::domain::queue::{self, Queue};
use crate::domain::recovery::TRAIL;
use crate::error::Fault;
use crate::ids::{RoomId, Ticket, UserId};
use std::time::Duration;

/// A stay in a queue, as the user's own state has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    /// Where.
    pub queue: Queue,
    /// Which stay.
    pub ticket: Ticket,
    /// When it began.
    pub since: Millis,
    /// Partners of before, newest first; only filled where the script says so.
    pub recent: Vec<Met>,
}

/// What a user is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Idle,
    /// Waiting for a partner.
    Seeking(Stay),
    /// In a room.
    Seated(RoomId),
}

/// What came of [`Coord::enter`] and [`Coord::seek`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entered {
    /// The user seeks now and stands in the queue, here.
    Waiting(queue::Place),
    /// The user seeks now, or did already (then with the ticket of before). A place in the queue is not sure.
    Seeking(Stay),
    /// The user sits in a room.
    Seated(RoomId),
    /// The user has no socket.
    Absent,
}

/// What came of [`Coord::set_mode`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModeSet {
    /// As before.
    Same,
    /// Another than before.
    Changed,
    /// Another than before, and the user stopped seeking.
    Stopped(Queue, Ticket),
}

/// Who has a seeker looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looker {
    /// The seeker's timer, whose time has come.
    Timer,
    /// Somebody else.
    Other,
}

/// What came of [`Coord::recheck`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rechecked {
    /// Still seeking.
    Seeking(Stay),
    /// Seeking without a socket, for as long as the timer lets that be.
    Away,
    /// Away for too long: seeks no longer.
    GaveUp(Queue, Ticket),
    /// Not seeking.
    NotSeeking,
}

/// What came of [`Coord::claim`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// Seated, with sockets at these places.
    At(Vec<Place>),
    /// Seeking, but without a socket.
    Absent,
    /// No longer seeking with that ticket.
    Gone,
}

/// Which partners a user is kept apart from.
#[derive(Clone, Copy, Debug)]
pub struct ApartRules {
    /// The last so many.
    pub partners: usize,
    /// For how long.
    pub apart_for: Duration,
}

impl Coord {
    /// What `user` has on the screen.
    pub async fn set_mode(&self, user: &UserId, mode: Option<Mode>) -> Result<ModeSet, Fault> {
        let shard = self.keys().shard_of_user(user);
        let act = Act::new("set_mode")
            .key(self.keys().user(user))
            .key(self.keys().counts(shard))
            .key(self.keys().timers(shard))
            .arg(user)
            .arg(mode.map_or("", Mode::as_str));
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "same" => Ok(ModeSet::Same),
            "changed" => Ok(ModeSet::Changed),
            "stopped" => {
                let (queue, ticket) = queue_and_ticket(&reply)?;
                Ok(ModeSet::Stopped(queue, ticket))
            }
            _ => Err(reply.unknown()),
        }
    }

    /// `user` starts to seek in a `queue` of the same shard, and has a place in it at once. Pairs are made with somebody
    /// new after `wait`.
    pub async fn seek(&self, user: &UserId, queue: Queue, wait: Duration) -> Result<Entered, Fault> {
        let act = Act::new("seek")
            .promising("waiting")
            .key(self.keys().user(user))
            .key(self.keys().recent(user))
            .key(self.keys().queue(queue))
            .key(self.keys().seekers(queue))
            .arg(user)
            .arg(queue.as_str())
            .arg(Ticket::fresh())
            .arg(wait.as_millis());
        let reply = self.run(self.keys().shard_of_user(user), act).await?;
        match reply.word() {
            "waiting" => Ok(Entered::Waiting(queue::Place::at(reply.value(0)?))),
            _ => entered(&reply),
        }
    }

    /// `user` starts to seek in `queue`; the place is checked at `check`.
    pub async fn enter(&self, user: &UserId, queue: Queue, check: Millis) -> Result<Entered, Fault> {
        let shard = self.keys().shard_of_user(user);
        let act = Act::new("enter")
            .promising("entered")
            .key(self.keys().user(user))
            .key(self.keys().recent(user))
            .key(self.keys().timers(shard))
            .arg(user)
            .arg(queue.as_str())
            .arg(Ticket::fresh())
            .arg(check);
        entered(&self.run(shard, act).await?)
    }

    /// `user` stops seeking; where and with which ticket, if the user did seek.
    pub async fn give_up(&self, user: &UserId) -> Result<Option<(Queue, Ticket)>, Fault> {
        let shard = self.keys().shard_of_user(user);
        let act = Act::new("give_up")
            .promising("stopped")
            .key(self.keys().user(user))
            .key(self.keys().timers(shard))
            .arg(user);
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "stopped" => queue_and_ticket(&reply).map(Some),
            "not_seeking" => Ok(None),
            _ => Err(reply.unknown()),
        }
    }

    /// A seeker is looked after; the timer comes again at `again` while the user seeks and has a socket.
    pub async fn recheck(&self, user: &UserId, again: Millis, looker: Looker) -> Result<Rechecked, Fault> {
        let shard = self.keys().shard_of_user(user);
        let act = Act::new("recheck")
            .key(self.keys().user(user))
            .key(self.keys().recent(user))
            .key(self.keys().timers(shard))
            .arg(user)
            .arg(again)
            .arg(if looker == Looker::Timer { "1" } else { "" });
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "seeking" => Ok(Rechecked::Seeking(stay(&reply, 0)?)),
            "away" => Ok(Rechecked::Away),
            "gave_up" => {
                let (queue, ticket) = queue_and_ticket(&reply)?;
                Ok(Rechecked::GaveUp(queue, ticket))
            }
            "not_seeking" => Ok(Rechecked::NotSeeking),
            _ => Err(reply.unknown()),
        }
    }

    /// Takes a seeker for `room`.
    pub async fn claim(&self, user: &UserId, ticket: &Ticket, room: RoomId) -> Result<Claimed, Fault> {
        let shard = self.keys().shard_of_user(user);
        let act = Act::new("claim")
            .promising("claimed")
            .key(self.keys().user(user))
            .key(self.keys().timers(shard))
            .arg(user)
            .arg(ticket)
            .arg(room)
            .arg(TRAIL);
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "claimed" => Ok(Claimed::At(
                super::notice::places(reply.text(0)?).ok_or_else(|| reply.unknown())?,
            )),
            "absent" => Ok(Claimed::Absent),
            "gone" => Ok(Claimed::Gone),
            _ => Err(reply.unknown()),
        }
    }

    /// Gives a user claimed for `room` back to the queue; the stay to be joined again, unless the user is elsewhere.
    pub async fn unclaim(&self, user: &UserId, room: RoomId, check: Millis) -> Result<Option<Stay>, Fault> {
        let shard = self.keys().shard_of_user(user);
        let act = Act::new("unclaim")
            .key(self.keys().user(user))
            .key(self.keys().recent(user))
            .key(self.keys().timers(shard))
            .key(self.keys().past(user))
            .arg(user)
            .arg(room)
            .arg(check);
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "seeking" => stay(&reply, 0).map(Some),
            "gone" => Ok(None),
            _ => Err(reply.unknown()),
        }
    }

    /// The room of `user` has ended; the partner is remembered.
    pub async fn release(
        &self,
        user: &UserId,
        room: RoomId,
        partner: Option<&UserId>,
        rules: ApartRules,
    ) -> Result<(), Fault> {
        let act = Act::new("release")
            .promising("released")
            .key(self.keys().user(user))
            .key(self.keys().recent(user))
            .arg(room)
            .arg(partner.map_or("", UserId::as_str))
            .arg(rules.partners)
            .arg(rules.apart_for.as_millis());
        let reply = self.run(self.keys().shard_of_user(user), act).await?;
        match reply.word() {
            "released" | "not_there" => Ok(()),
            _ => Err(reply.unknown()),
        }
    }
}

fn state(reply: &Reply, at: usize) -> Result<State, Fault> {
    match reply.text(at)? {
        "idle" => Ok(State::Idle),
        "seeking" => stay(reply, at + 1).map(State::Seeking),
        "seated" => room(reply, at + 1).map(State::Seated),
        _ => Err(reply.unknown()),
    }
}

fn entered(reply: &Reply) -> Result<Entered, Fault> {
    match reply.word() {
        "entered" | "seeking" => Ok(Entered::Seeking(stay(reply, 0)?)),
        "seated" => Ok(Entered::Seated(room(reply, 0)?)),
        "absent" => Ok(Entered::Absent),
        _ => Err(reply.unknown()),
    }
}

fn room(reply: &Reply, at: usize) -> Result<RoomId, Fault> {
    RoomId::parse(reply.text(at)?).ok_or_else(|| reply.unknown())
}

fn queue_and_ticket(reply: &Reply) -> Result<(Queue, Ticket), Fault> {
    let found = || Some((Queue::parse(reply.text(0).ok()?)?, Ticket::parse(reply.text(1).ok()?)?));
    found().ok_or_else(|| reply.unknown())
}

fn stay(reply: &Reply, at: usize) -> Result<Stay, Fault> {
    let met = |text: &String| Met::parse(text);
    let read = || {
        Some(Stay {
            queue: Queue::parse(reply.text(at).ok()?)?,
            ticket: Ticket::parse(reply.text(at + 1).ok()?)?,
            since: Millis(reply.value(at + 2).ok()?),
            recent: reply.values().get(at + 3..)?.iter().map(met).collect::<Option<_>>()?,
        })
    };
    read().ok_or_else(|| reply.unknown())
}
