//! Sockets of users: they come, go, and are taken up again by clients whose connection broke.

use super::{State, state};
use crate::clock::Millis;
use crate::coord::Coord;
use crate::coord::notice::{Place, places};
use crate::coord::script::{Act, Reply};
use crate::domain::account::Standing;
use crate::error::Fault;
use crate::ids::{NodeId, RecoveryKey, RoomId, Shard, SocketId, UserId};
use std::time::Duration;

/// What a client must bring to take up a session, and is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The socket's id as its client knows it.
    pub sid: SocketId,
    /// The secret part.
    pub key: RecoveryKey,
    /// As whom.
    pub standing: Standing,
}

impl Session {
    fn packed(&self) -> String {
        format!("{} {} {}", self.sid, self.key, self.standing.as_str())
    }
}

/// What a new socket finds of its user's past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The life of the data in Redis.
    pub epoch: String,
    /// Rooms that the user was claimed for of late, oldest first.
    pub trail: Vec<RoomId>,
    /// When the socket came, by the clock that numbers the entries of logs.
    pub now: Millis,
    /// Whether the user sought a partner when the connection of a session that is taken up ended.
    pub sought: bool,
}

/// For how long it is remembered who had a socket that has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The session, which its client may take up again; zero when it said goodbye.
    pub session: Duration,
    /// The trail: other sessions of the user may be taken up.
    pub trail: Duration,
}

impl Remembered {
    /// Both for as long.
    pub fn both(window: Duration) -> Self {
        Self {
            session: window,
            trail: window,
        }
    }
}

/// What came of [`Coord::attach`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attached {
    /// The socket is the user's; this is what the user is doing.
    To(State, Past),
    /// The user has as many sockets as allowed.
    Crowded,
}

/// What came of [`Coord::recover`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// The socket is the user's, and in the place of this one if that was still there.
    To(State, Past, Option<Place>),
    /// The user has as many sockets as allowed.
    Crowded,
    /// There is no such session, or its connection ended too long ago.
    Unknown,
}

/// What came of [`Coord::detach`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detached {
    /// It was not the user's, or belongs to another node by now.
    Elsewhere(State),
    /// The user has other sockets.
    More(State),
    /// It was the last.
    Last(State),
}

impl Coord {
    /// A socket of `user` is on this node. Its client may take up `session` later; none leaves what is known of it.
    pub async fn attach(
        &self,
        user: &UserId,
        socket: &SocketId,
        most: usize,
        session: Option<&Session>,
    ) -> Result<Attached, Fault> {
        let act = self.arrival("attach", user, socket, most);
        let act = act.arg(session.map(Session::packed).unwrap_or_default());
        let reply = self.run(self.keys().shard_of_user(user), act).await?;
        match reply.word() {
            "crowded" => Ok(Attached::Crowded),
            "attached" => Ok(Attached::To(state(&reply, 3)?, past(&reply, 0)?)),
            _ => Err(reply.unknown()),
        }
    }

    /// A client takes up `session` with a new socket on this node, unless its connection ended before `oldest`.
    pub async fn recover(
        &self,
        user: &UserId,
        socket: &SocketId,
        most: usize,
        session: &Session,
        oldest: Millis,
    ) -> Result<Recovered, Fault> {
        let act = self.arrival("recover", user, socket, most);
        let act = act.arg(session.packed()).arg(oldest);
        let reply = self.run(self.keys().shard_of_user(user), act).await?;
        match reply.word() {
            "unknown" => Ok(Recovered::Unknown),
            "crowded" => Ok(Recovered::Crowded),
            "attached" => {
                let before = places(reply.text(0)?).ok_or_else(|| reply.unknown())?.pop();
                let past = Past {
                    sought: reply.text(1)? == "seeking",
                    ..past(&reply, 2)?
                };
                Ok(Recovered::To(state(&reply, 5)?, past, before))
            }
            _ => Err(reply.unknown()),
        }
    }

    fn arrival(&self, name: &'static str, user: &UserId, socket: &SocketId, most: usize) -> Act {
        let shard = self.keys().shard_of_user(user);
        let minute = self.clock().now().0 / 60_000;
        Act::new(name)
            .promising("attached")
            .key(self.keys().user(user))
            .key(self.keys().users_base(shard))
            .key(self.keys().counts(shard))
            .key(self.keys().arrivals(shard, minute))
            .key(self.keys().past(user))
            .key(self.keys().epoch(shard))
            .arg(user)
            .arg(socket)
            .arg(most)
            .arg(crate::coord::counts::ARRIVALS_KEPT.as_millis())
    }

    /// A socket of `user` has gone from this node. A seeker without sockets keeps the place until `give_up`.
    pub async fn detach(
        &self,
        user: &UserId,
        socket: &SocketId,
        give_up: Millis,
        remembered: Remembered,
    ) -> Result<Detached, Fault> {
        let shard = self.keys().shard_of_user(user);
        let act = Act::new("detach")
            .key(self.keys().user(user))
            .key(self.keys().users_base(shard))
            .key(self.keys().counts(shard))
            .key(self.keys().timers(shard))
            .key(self.keys().past(user))
            .arg(user)
            .arg(socket)
            .arg(give_up)
            .arg(remembered.session.as_millis())
            .arg(remembered.trail.as_millis());
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "elsewhere" => Ok(Detached::Elsewhere(state(&reply, 0)?)),
            "more" => Ok(Detached::More(state(&reply, 0)?)),
            "last" => Ok(Detached::Last(state(&reply, 0)?)),
            _ => Err(reply.unknown()),
        }
    }

    /// Lets go of up to `batch` users of a dead node; how many there were. Seekers without sockets keep their places until
    /// `give_up`, clients may take up their sessions for `window`.
    pub async fn reap_users(
        &self,
        shard: Shard,
        dead: &NodeId,
        batch: usize,
        give_up: Millis,
        window: Duration,
    ) -> Result<usize, Fault> {
        let act = Act::new("reap_users")
            .key(format!("{}{dead}", self.keys().users_base(shard)))
            .key(self.keys().user_base(shard))
            .key(self.keys().counts(shard))
            .key(self.keys().timers(shard))
            .key(self.keys().past_base(shard))
            .arg(dead)
            .arg(batch)
            .arg(give_up)
            .arg(window.as_millis());
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "reaped" => reply.value(0),
            _ => Err(reply.unknown()),
        }
    }
}

fn past(reply: &Reply, at: usize) -> Result<Past, Fault> {
    let trail = reply.text(at + 1)?.split_ascii_whitespace().map(RoomId::parse);
    Ok(Past {
        epoch: reply.text(at)?.to_owned(),
        trail: trail.collect::<Option<_>>().ok_or_else(|| reply.unknown())?,
        now: Millis(reply.value(at + 2)?),
        sought: false,
    })
}
