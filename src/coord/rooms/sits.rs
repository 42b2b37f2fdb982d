//! Sockets take and leave seats, and are given what they missed.

use super::people;
use crate::clock::Millis;
use crate::coord::Coord;
use crate::coord::notice::{self, Place};
use crate::coord::script::{Act, Reply};
use crate::domain::event::Event;
use crate::domain::recovery::From;
use crate::domain::room::{Ending, Offset};
use crate::error::Fault;
use crate::ids::{RoomId, SocketId, UserId};

/// A room, as somebody finds it who takes a seat in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Everyone with a seat.
    pub people: Vec<UserId>,
    /// The newest entry of the log.
    pub last: Offset,
    /// What may have been missed, oldest first.
    pub missed: Vec<Event>,
    /// Whether everything that was missed is there.
    pub whole: bool,
}

/// What came of [`Coord::sit`] and [`Coord::resume`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sat {
    /// One more socket of a user who was there.
    Present(Found),
    /// The user is back.
    Retaken(Found),
    /// The room has ended.
    Ended(Ending, Vec<UserId>),
    /// It is not open yet: that will be told, or the room will never have been.
    Opening,
    /// There is no such room, or the user has no seat in it.
    None,
}

impl Sat {
    /// Whether all that was missed of the room is there.
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Present(found) | Self::Retaken(found) => found.whole,
            Self::Opening | Self::Ended(..) | Self::None => true,
        }
    }
}

/// What came of [`Coord::retell`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retold {
    /// All of it, oldest first.
    Whole(Vec<Event>),
    /// Some of it is no longer there.
    Cut,
    /// There is no such room, or the user was never in it.
    Gone,
}

/// What came of [`Coord::unsit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsat {
    /// Other sockets of the user remain.
    Present,
    /// The seat is held.
    Held,
    /// The socket was not in the seat.
    None,
}

impl Coord {
    /// A socket of a participant takes the seat. What happened from `unnoticed` on may not have been brought by a socket of
    /// the user that is still in the seat: if it is another and died, nobody has noticed yet; if it is this one, the answer
    /// that seated it may be heard later than this.
    pub async fn sit(&self, room: RoomId, user: &UserId, socket: &SocketId, unnoticed: Millis) -> Result<Sat, Fault> {
        let Some(shard) = self.keys().shard_of_room(room) else {
            return Ok(Sat::None);
        };
        let act = self.taking("sit", room).key(self.keys().inbox_base(shard));
        let act = act.arg(room).arg(user).arg(socket).arg(unnoticed);
        sat(&self.run(shard, act).await?)
    }

    /// A client that took up its session takes the seat, in the place of `before`; it has heard up to `heard`.
    pub async fn resume(
        &self,
        room: RoomId,
        user: &UserId,
        socket: &SocketId,
        heard: From,
        before: Option<&Place>,
    ) -> Result<Sat, Fault> {
        let Some(shard) = self.keys().shard_of_room(room) else {
            return Ok(Sat::None);
        };
        let before = before.map(|place| format!("{}/{}", place.node, place.socket));
        let act = self.taking("resume", room).arg(room).arg(user).arg(socket);
        let act = act.arg(last_heard(heard)).arg(before.unwrap_or_default());
        sat(&self.run(shard, act).await?)
    }

    /// What somebody who was in `room` and heard up to `heard` has not heard of it.
    pub async fn retell(&self, room: RoomId, user: &UserId, heard: From) -> Result<Retold, Fault> {
        let Some(shard) = self.keys().shard_of_room(room) else {
            return Ok(Retold::Gone);
        };
        let act = Act::new("retell")
            .key(self.keys().room(room))
            .key(self.keys().log(room))
            .arg(room)
            .arg(user)
            .arg(last_heard(heard));
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "retold" => Ok(Retold::Whole(events(&reply, 0)?)),
            "cut" => Ok(Retold::Cut),
            "gone" => Ok(Retold::Gone),
            _ => Err(reply.unknown()),
        }
    }

    fn taking(&self, name: &'static str, room: RoomId) -> Act {
        Act::new(name)
            .key(self.keys().room(room))
            .key(self.keys().log(room))
            .key(self.keys().timers(room.shard()))
            .key(self.keys().rooms_base(room.shard()))
    }

    /// A socket of a participant has gone; lines from `since` on may not have reached it.
    pub async fn unsit(
        &self,
        room: RoomId,
        user: &UserId,
        socket: &SocketId,
        until: Millis,
        since: Offset,
    ) -> Result<Unsat, Fault> {
        let act = Act::new("unsit")
            .key(self.keys().room(room))
            .key(self.keys().timers(room.shard()))
            .key(self.keys().rooms_base(room.shard()))
            .arg(room)
            .arg(user)
            .arg(socket)
            .arg(until)
            .arg(since);
        let reply = self.run(room.shard(), act).await?;
        match reply.word() {
            "present" => Ok(Unsat::Present),
            "held" => Ok(Unsat::Held),
            "none" => Ok(Unsat::None),
            _ => Err(reply.unknown()),
        }
    }
}

fn last_heard(heard: From) -> String {
    match heard {
        From::Start => "-".to_owned(),
        From::After(offset) => offset.to_string(),
    }
}

/// Reads how a seat was taken.
fn sat(reply: &Reply) -> Result<Sat, Fault> {
    let found = || {
        Ok(Found {
            people: people(reply, 0)?,
            last: Offset::parse(reply.text(1)?).ok_or_else(|| reply.unknown())?,
            missed: events(reply, 3)?,
            whole: match reply.text(2)? {
                "whole" => true,
                "cut" => false,
                _ => return Err(reply.unknown()),
            },
        })
    };
    match reply.word() {
        "present" => found().map(Sat::Present),
        "retaken" => found().map(Sat::Retaken),
        "ended" => {
            let ending = Ending::parse(reply.text(0)?, reply.text(1)?).ok_or_else(|| reply.unknown())?;
            Ok(Sat::Ended(ending, people(reply, 2)?))
        }
        "opening" => Ok(Sat::Opening),
        "none" => Ok(Sat::None),
        _ => Err(reply.unknown()),
    }
}

fn events(reply: &Reply, from: usize) -> Result<Vec<Event>, Fault> {
    let entries = reply.values().get(from..).unwrap_or_default();
    entries.iter().map(|entry| notice::decode_entry(entry)).collect()
}
