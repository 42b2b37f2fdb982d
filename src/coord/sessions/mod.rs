//! Polling sessions in Redis: any node serves any request of one, and one node owns its protocol state.
//!
//! `session:<sid>` (hash, TTL, renewed by pongs): `owner epoch` (who, counted), `ping dead` (steady ms: when the next
//! ping is due, when a client that does not answer is gone), `pinged`, `waiting` ("node token" of the waiting poll),
//! `sent` (entries the last poll was given; the next confirms them), `bytes` (waiting for a poll), `closing`, `probe`
//! ("token until" of a WebSocket that wants to take over), `moved` (the node of the one that has), `posted`
//! and `dealt` (how many bodies were posted, how many the owner has dealt with), `k:<n>` (the others), `n:<namespace>` ->
//! sid and passport of a socket (`n:` alone: the token that its client brought along, until it joins one), `h:<sid of a
//! socket>` (up to where its client has heard who has all that is here: from there on the next owner tells).
//! `out:<sid>` (list, same TTL): packets for the next poll, oldest first.
//!
//! A session begins with `session_open`. Requests land anywhere; what is posted goes to the owner's inbox, and a node
//! that finds the owner dead is the owner from then on. It ends by `session_close`, `session_drop`, `session_expire`,
//! by its TTL when everybody forgot it, or by moving to a WebSocket: then the owner hands its sockets over
//! (`session_hand`), its packets of before having been routed there in order. From an owner that does not, they are taken
//! (`session_take`).

mod owner;
#[cfg(test)]
mod owners_tests;
mod signal;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod upgrade_tests;

pub use owner::Packets;
pub use signal::{Carried, SessionSignal};

use super::Coord;
use super::script::Act;
use crate::clock::Millis;
use crate::error::Fault;
use crate::ids::SessionId;
use std::time::Duration;

/// Most entries in the answer to one poll; the next poll gets the rest.
const MOST_ENTRIES: usize = 1000;

/// Posted bodies that may wait until an owner has dealt with them: as long as a dead one's lease lasts.
const MOST_KEPT: usize = 32;

/// What is left of a session that is over may be fetched for this long.
const CLOSING_TTL: Duration = Duration::from_secs(10);

/// How long packets for a session that moved are sent on, should its owner die without handing over.
const SIGNPOST_TTL: Duration = Duration::from_secs(30);

/// Heartbeat deadlines of a session, from now.
#[derive(Clone, Copy, Debug)]
pub struct Beat {
    pub ping: Duration,
    pub dead: Duration,
}

/// Who says that a session is over.
#[derive(Clone, Copy, Debug)]
pub enum Says {
    /// Its client, by what it did, on whichever node.
    Client,
    /// The owner of this epoch. When it is that no longer, nobody: the session goes on elsewhere.
    Owner(u64),
}

impl Says {
    fn epoch(self) -> String {
        match self {
            Says::Client => String::new(),
            Says::Owner(epoch) => epoch.to_string(),
        }
    }
}

impl Beat {
    /// The record outlives its deadline, so that the owner can still tell the app.
    fn ttl(self) -> u128 {
        (self.dead + CLOSING_TTL).as_millis()
    }
}

/// What came of [`Coord::session_poll`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled {
    Unknown,
    /// Entries for the answer.
    Data(Vec<String>),
    /// Nothing yet: ask again when woken, or then.
    Wait(Millis),
    /// A WebSocket is about to take over.
    Upgrading,
}

/// What came of [`Coord::session_emit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emitted {
    Kept,
    /// Sent on to the node that has the WebSocket.
    Routed,
    /// The session is over, or another node's.
    Lost,
    /// More waits than may.
    Slow,
}

/// What came of [`Coord::session_probe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// It may try.
    Probing,
    /// Another tries, or has succeeded.
    Busy,
    Unknown,
}

/// What came of [`Coord::session_upgrade`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upgraded {
    Unknown,
    /// Its sockets come through the inbox (`Handed`), behind what its owner still sends. Here are the packets that no poll
    /// has fetched.
    Moving(Vec<String>),
}

/// What came of [`Coord::session_expire`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// Not before then.
    Alive(Millis),
    Expired,
    /// The session is over, or another node's.
    Lost,
}

impl Coord {
    fn session_act(&self, name: &'static str, sid: &SessionId) -> Act {
        Act::new(name).key(self.keys().session(sid))
    }

    fn session_act_out(&self, name: &'static str, sid: &SessionId) -> Act {
        let shard = self.keys().shard_of_session(sid);
        self.session_act(name, sid)
            .key(self.keys().out(sid))
            .key(self.keys().nodes(shard))
    }

    /// Runs an act that answers `done`, or another word of its set for "no longer".
    async fn session_word(&self, sid: &SessionId, act: Act, done: &str, not: &str) -> Result<bool, Fault> {
        let reply = self.run(self.keys().shard_of_session(sid), act).await?;
        match reply.word() {
            word if word == done => Ok(true),
            word if word == not => Ok(false),
            _ => Err(reply.unknown()),
        }
    }

    /// A client opens a session here.
    pub async fn session_open(&self, sid: &SessionId, beat: Beat) -> Result<(), Fault> {
        let now = self.clock().steady();
        let act = self
            .session_act("session_open", sid)
            .arg(now + beat.ping)
            .arg(now + beat.dead)
            .arg(beat.ttl());
        self.session_word(sid, act, "opened", "opened").await.map(drop)
    }

    /// A poll comes, or asks again.
    pub async fn session_poll(&self, sid: &SessionId, token: &str) -> Result<Polled, Fault> {
        let act = self
            .session_act_out("session_poll", sid)
            .arg(sid)
            .arg(token)
            .arg(self.clock().steady())
            .arg(MOST_ENTRIES - 1)
            .arg(self.identity().heir());
        let reply = self.run(self.keys().shard_of_session(sid), act).await?;
        match reply.word() {
            "unknown" => Ok(Polled::Unknown),
            "data" => Ok(Polled::Data(reply.values().to_vec())),
            "wait" => Ok(Polled::Wait(Millis(reply.value(0)?))),
            "upgrading" => Ok(Polled::Upgrading),
            _ => Err(reply.unknown()),
        }
    }

    /// A waiting poll gives way to a WebSocket; false when the session is not one any more.
    pub async fn session_yield(&self, sid: &SessionId, token: &str) -> Result<bool, Fault> {
        let act = self
            .session_act("session_yield", sid)
            .arg(token)
            .arg(self.clock().steady());
        self.session_word(sid, act, "noop", "unknown").await
    }

    /// A client posted a body with messages; false when the session is unknown.
    pub async fn session_push(&self, sid: &SessionId, body: &str) -> Result<bool, Fault> {
        let act = self
            .session_act("session_push", sid)
            .key(self.keys().nodes(self.keys().shard_of_session(sid)))
            .arg(sid)
            .arg(self.clock().steady())
            .arg(body)
            .arg(MOST_KEPT)
            .arg(self.identity().heir());
        self.session_word(sid, act, "pushed", "unknown").await
    }

    /// A client posted a pong; false when the session is unknown.
    pub async fn session_pong(&self, sid: &SessionId, beat: Beat) -> Result<bool, Fault> {
        let now = self.clock().steady();
        let act = self
            .session_act_out("session_pong", sid)
            .arg(sid)
            .arg(now)
            .arg(now + beat.ping)
            .arg(now + beat.dead)
            .arg(beat.ttl())
            .arg(self.identity().heir());
        self.session_word(sid, act, "alive", "unknown").await
    }

    /// A WebSocket wants to take over within `patience`.
    pub async fn session_probe(&self, sid: &SessionId, token: &str, patience: Duration) -> Result<Probed, Fault> {
        let now = self.clock().steady();
        let act = self
            .session_act("session_probe", sid)
            .key(self.keys().nodes(self.keys().shard_of_session(sid)))
            .arg(sid)
            .arg(token)
            .arg(now)
            .arg(now + patience);
        let reply = self.run(self.keys().shard_of_session(sid), act).await?;
        match reply.word() {
            "probing" => Ok(Probed::Probing),
            "busy" => Ok(Probed::Busy),
            "unknown" => Ok(Probed::Unknown),
            _ => Err(reply.unknown()),
        }
    }

    /// It has gone before it did.
    pub async fn session_unprobe(&self, sid: &SessionId, token: &str) -> Result<(), Fault> {
        let act = self.session_act("session_unprobe", sid).arg(token);
        self.session_word(sid, act, "polling", "polling").await.map(drop)
    }

    /// It takes over.
    pub async fn session_upgrade(&self, sid: &SessionId, token: &str) -> Result<Upgraded, Fault> {
        let act = self
            .session_act_out("session_upgrade", sid)
            .arg(sid)
            .arg(token)
            .arg(self.clock().steady())
            .arg(SIGNPOST_TTL.as_millis());
        let reply = self.run(self.keys().shard_of_session(sid), act).await?;
        match reply.word() {
            "unknown" => Ok(Upgraded::Unknown),
            "moving" => Ok(Upgraded::Moving(reply.values().to_vec())),
            _ => Err(reply.unknown()),
        }
    }

    /// What its owner has not handed over in time is, from the record; false when the session is unknown.
    pub async fn session_take(&self, sid: &SessionId) -> Result<bool, Fault> {
        let act = self
            .session_act("session_take", sid)
            .key(self.keys().nodes(self.keys().shard_of_session(sid)))
            .arg(sid);
        self.session_word(sid, act, "handed", "unknown").await
    }

    /// Ends a session with a last packet for its client.
    pub async fn session_close(&self, sid: &SessionId, says: Says, last: &str, why: &str) -> Result<bool, Fault> {
        let act = self
            .session_act_out("session_close", sid)
            .arg(sid)
            .arg(last)
            .arg(CLOSING_TTL.as_millis())
            .arg(why)
            .arg(says.epoch());
        self.session_word(sid, act, "closing", "unknown").await
    }

    /// Ends a session at once.
    pub async fn session_drop(&self, sid: &SessionId, says: Says, why: &str) -> Result<bool, Fault> {
        let act = self
            .session_act_out("session_drop", sid)
            .arg(sid)
            .arg(why)
            .arg(says.epoch());
        self.session_word(sid, act, "dropped", "unknown").await
    }
}
