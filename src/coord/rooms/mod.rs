//! Rooms in Redis: seats, lines, typing, and how rooms end.
//!
//! `room:<r>` (hash): `state` (opening, open, ended), `kind`, `to` (everyone with a seat), `nodes` (where their sockets
//! are), `opened`, and per user `s:` seat, `n:` who and which nodes are told of their lines, `d:` what they said lately
//! (see `say.lua`), `t:` fading of typing. `open` makes it before anybody is claimed, `announce` fills the seats; where
//! all is on one shard `seat` (or the queue's `propose`) does all of that at once. Ending leaves a tombstone with a
//! TTL.
//! `log:<r>` (stream): lines and what else its people must not miss; the entry id is the room's order. `rooms:<node>`
//! (set): what to reap when a node dies.

#[cfg(test)]
mod dead_nodes_tests;
#[cfg(test)]
mod endings_tests;
mod ends;
#[cfg(test)]
mod lines_tests;
#[cfg(test)]
mod pair_tests;
#[cfg(test)]
mod seats_tests;
mod sits;
#[cfg(test)]
mod tests;

pub use ends::{EndRules, Report};
pub use sits::{Found, Retold, Sat, Unsat};

use super::Coord;
use super::notice::Place;
use super::script::{Act, Reply};
use crate::clock::Millis;
use crate::domain::recovery::TRAIL;
use crate::domain::room::RoomKind;
use crate::error::Fault;
use crate::ids::{ClientMessageId, MessageId, NodeId, RoomId, Shard, SocketId, Ticket, UserId};
use std::time::Duration;

/// What came of [`Coord::announce`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// Everybody sits, or did: the room may have ended since.
    Open,
    /// The room was swept away.
    Gone,
}

/// What came of [`Coord::discard`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discarded {
    /// It will not have been; these were to sit in it.
    Now(Vec<UserId>),
    /// It was swept away before.
    Before,
    /// It has opened, and may have ended since.
    Kept,
}

/// How rooms are opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// What is done in them.
    pub kind: RoomKind,
    /// When they have been quiet for too long.
    pub idle: Millis,
    /// Until when the seat of somebody without a socket is held.
    pub held: Millis,
}

/// What came of [`Coord::seat`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paired {
    /// Both sit, or did: the room may have ended since.
    Seated,
    /// One of them could not be had; who seeks still, if anybody.
    Parted(Vec<UserId>),
}

/// A line to be said.
#[derive(Clone, Debug)]
pub struct Saying<'a> {
    /// Where.
    pub room: RoomId,
    /// Who.
    pub user: &'a UserId,
    /// The id it will have.
    pub message: &'a MessageId,
    /// When it is said.
    pub at: Millis,
    /// The clean text.
    pub text: &'a str,
    /// The sender's own id for it.
    pub client_id: Option<&'a ClientMessageId>,
    /// Whether a socket of the sender on this node is told as well.
    pub echo: bool,
}

/// Limits on saying.
#[derive(Clone, Copy, Debug)]
pub struct SayRules {
    /// Lines in the window.
    pub limit: usize,
    /// The window.
    pub window: Duration,
    /// Lines the log keeps.
    pub log_keeps: usize,
    /// Client message ids known again, per user; as long as their lines are in the log.
    pub ids_kept: usize,
}

/// What came of [`Coord::say`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is in the log; a retry gets what the first try got.
    As(MessageId, Millis),
    /// Too many lines; one is free after this.
    SlowDown(Duration),
    /// No such room, or no seat in it.
    NoRoom,
}

/// How the seats of a dead node are held.
#[derive(Clone, Copy, Debug)]
pub struct Takeover {
    /// Until when.
    pub held: Millis,
    /// Since when its connections may have brought nothing without anybody having noticed.
    pub unnoticed: Millis,
}

impl Coord {
    /// Makes the room of an offered pair; unless announced it is swept away at `sweep`.
    pub async fn open(&self, room: RoomId, kind: RoomKind, pair: [&UserId; 2], sweep: Millis) -> Result<(), Fault> {
        let act = Act::new("open")
            .promising("opening")
            .key(self.keys().room(room))
            .key(self.keys().timers(room.shard()))
            .arg(room)
            .arg(kind.as_str())
            .arg(pair[0])
            .arg(pair[1])
            .arg(sweep);
        let reply = self.run(room.shard(), act).await?;
        match reply.word() {
            "opening" | "there" => Ok(()),
            _ => Err(reply.unknown()),
        }
    }

    /// Seats a claimed pair and tells them. Whoever has no socket by now has the seat held until `held`.
    pub async fn announce(
        &self,
        room: RoomId,
        idle: Millis,
        held: Millis,
        pair: [(&UserId, &[Place]); 2],
    ) -> Result<Announced, Fault> {
        let mut act = Act::new("announce")
            .promising("announced")
            .key(self.keys().room(room))
            .key(self.keys().timers(room.shard()))
            .key(self.keys().rooms_base(room.shard()))
            .key(self.keys().log(room))
            .arg(room)
            .arg(idle)
            .arg(held);
        for (user, places) in pair {
            let places: Vec<_> = places.iter().map(|p| format!("{}/{}", p.node, p.socket)).collect();
            act = act.arg(user).arg(places.join(" "));
        }
        let reply = self.run(room.shard(), act).await?;
        match reply.word() {
            "announced" | "there" => Ok(Announced::Open),
            "gone" => Ok(Announced::Gone),
            _ => Err(reply.unknown()),
        }
    }

    /// Seats a pair whose people both live on the room's shard, and tells them.
    pub async fn seat(&self, room: RoomId, opening: Opening, pair: &[(UserId, Ticket); 2]) -> Result<Paired, Fault> {
        let mut act = Act::new("seat")
            .promising("seated")
            .key(self.keys().room(room))
            .key(self.keys().timers(room.shard()))
            .key(self.keys().rooms_base(room.shard()))
            .key(self.keys().log(room))
            .key(self.keys().user_base(room.shard()))
            .arg(room)
            .arg(opening.kind.as_str())
            .arg(opening.idle)
            .arg(opening.held)
            .arg(TRAIL);
        for (user, ticket) in pair {
            act = act.arg(user).arg(ticket);
        }
        let reply = self.run(room.shard(), act).await?;
        let who = |text: &String| UserId::parse(text).ok_or_else(|| reply.unknown());
        match reply.word() {
            "seated" | "there" => Ok(Paired::Seated),
            "parted" => Ok(Paired::Parted(
                reply.values().iter().map(who).collect::<Result<_, _>>()?,
            )),
            _ => Err(reply.unknown()),
        }
    }

    /// Sweeps away a room that was not announced; who had been offered it, if it was there and not open. Sockets that look
    /// for it are told for as long as `remembered` that it is opening.
    pub async fn discard(&self, room: RoomId, remembered: Duration) -> Result<Discarded, Fault> {
        let act = Act::new("discard")
            .key(self.keys().room(room))
            .key(self.keys().timers(room.shard()))
            .key(self.keys().rooms_base(room.shard()))
            .key(self.keys().log(room))
            .arg(room)
            .arg(remembered.as_millis());
        let reply = self.run(room.shard(), act).await?;
        match reply.word() {
            "discarded" => people(&reply, 0).map(Discarded::Now),
            "gone" => Ok(Discarded::Before),
            "kept" => Ok(Discarded::Kept),
            _ => Err(reply.unknown()),
        }
    }

    /// Says a line: the one act of the hot path.
    pub async fn say(&self, saying: &Saying<'_>, rules: SayRules) -> Result<Said, Fault> {
        let act = Act::new("say")
            .promising("said")
            .key(self.keys().room(saying.room))
            .key(self.keys().log(saying.room))
            .arg(saying.room)
            .arg(saying.user)
            .arg(format_args!(
                "{}\u{1f}{}\u{1f}{}\u{1f}{}",
                saying.user, saying.message, saying.at, saying.text
            ))
            .arg(saying.client_id.map_or("", ClientMessageId::as_str))
            .arg(saying.client_id.map(ClientMessageId::mark).unwrap_or_default())
            .arg(rules.limit)
            .arg(rules.window.as_millis())
            .arg(rules.log_keeps)
            .arg(rules.ids_kept)
            .arg(if saying.echo { "1" } else { "" });
        let reply = self.run(saying.room.shard(), act).await?;
        match reply.word() {
            "said" if reply.is_bare() => Ok(Said::As(saying.message.clone(), saying.at)),
            "said" => {
                let message = MessageId::parse(reply.text(0)?).ok_or_else(|| reply.unknown())?;
                Ok(Said::As(message, Millis(reply.value(1)?)))
            }
            "slow_down" => Ok(Said::SlowDown(Duration::from_millis(reply.value(0)?))),
            "no_room" => Ok(Said::NoRoom),
            _ => Err(reply.unknown()),
        }
    }

    /// A participant types until `fades`, unless more comes; false when there is no such seat.
    pub async fn start_typing(&self, room: RoomId, user: &UserId, fades: Millis) -> Result<bool, Fault> {
        let act = self.typing("start_typing", room, user).arg(fades);
        self.there(room, act, "typing", "no_room").await
    }

    /// A participant stopped typing; false when there is no such seat.
    pub async fn stop_typing(&self, room: RoomId, user: &UserId) -> Result<bool, Fault> {
        let act = self.typing("stop_typing", room, user);
        self.there(room, act, "stopped", "no_room").await
    }

    /// The timer of typing has come; whether it faded.
    pub async fn fade_typing(&self, room: RoomId, user: &UserId) -> Result<bool, Fault> {
        let act = Act::new("fade_typing").key(self.keys().room(room)).arg(room).arg(user);
        self.there(room, act, "faded", "not_due").await
    }

    /// Sends the last lines to a participant's socket through the inbox; false when there is no such seat.
    pub async fn recall(&self, room: RoomId, user: &UserId, socket: &SocketId, lines: usize) -> Result<bool, Fault> {
        let act = Act::new("recall")
            .key(self.keys().room(room))
            .key(self.keys().log(room))
            .arg(room)
            .arg(user)
            .arg(socket)
            .arg(lines);
        self.there(room, act, "recalled", "no_room").await
    }

    /// Holds seats of up to `batch` rooms of a dead node until `held`; how many rooms there were.
    pub async fn reap_rooms(
        &self,
        shard: Shard,
        dead: &NodeId,
        batch: usize,
        takeover: Takeover,
    ) -> Result<usize, Fault> {
        let act = Act::new("reap_rooms")
            .key(format!("{}{dead}", self.keys().rooms_base(shard)))
            .key(self.keys().room_base(shard))
            .key(self.keys().timers(shard))
            .key(self.keys().rooms_base(shard))
            .key(self.keys().inbox(shard, dead))
            .arg(dead)
            .arg(batch)
            .arg(takeover.held)
            .arg(takeover.unnoticed);
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "reaped" => reply.value(0),
            _ => Err(reply.unknown()),
        }
    }

    fn typing(&self, name: &'static str, room: RoomId, user: &UserId) -> Act {
        Act::new(name)
            .key(self.keys().room(room))
            .key(self.keys().timers(room.shard()))
            .arg(room)
            .arg(user)
    }

    /// Runs an act that answers one of two words.
    async fn there(&self, room: RoomId, act: Act, yes: &str, no: &str) -> Result<bool, Fault> {
        let Some(shard) = self.keys().shard_of_room(room) else {
            return Ok(false);
        };
        let reply = self.run(shard, act).await?;
        match reply.word() {
            word if word == yes => Ok(true),
            word if word == no => Ok(false),
            _ => Err(reply.unknown()),
        }
    }
}

fn people(reply: &Reply, at: usize) -> Result<Vec<UserId>, Fault> {
    let people = reply.text(at)?.split_ascii_whitespace().map(UserId::parse);
    people.collect::<Option<_>>().ok_or_else(|| reply.unknown())
}
