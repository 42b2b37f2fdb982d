//! What only the owner of a polling session says: packets, what is joined, and that it goes on elsewhere or is over.

use super::{Carried, Emitted, Expired};
use crate::clock::Millis;
use crate::coord::Coord;
use crate::coord::script::Act;
use crate::domain::recovery::Bookmark;
use crate::error::Fault;
use crate::ids::{SessionId, SocketId};

/// What an owner sends at once.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    /// More bytes may not wait for a poll.
    pub most_bytes: usize,
    /// Up to where the clients of these sockets have heard, with the last of these packets.
    pub heard: &'a [(SocketId, Bookmark)],
    /// The last posted body that has been dealt with, all answers to which were sent before or are here.
    pub dealt: u64,
    /// As the answer to a poll has them.
    pub entries: Vec<String>,
}

impl Coord {
    /// The owner sends packets.
    pub async fn session_emit(&self, sid: &SessionId, epoch: u64, packets: Packets<'_>) -> Result<Emitted, Fault> {
        let act = self
            .session_act_out("session_emit", sid)
            .arg(sid)
            .arg(epoch)
            .arg(packets.most_bytes)
            .arg(packets.dealt)
            .arg(packets.heard.len());
        let mark = |act: Act, (socket, mark): &(SocketId, Bookmark)| act.arg(socket).arg(mark);
        let act = packets.heard.iter().fold(act, mark);
        let act = packets.entries.into_iter().fold(act, |act, entry| act.arg(entry));
        let reply = self.run(self.keys().shard_of_session(sid), act).await?;
        match reply.word() {
            "kept" => Ok(Emitted::Kept),
            "routed" => Ok(Emitted::Routed),
            "lost" => Ok(Emitted::Lost),
            "slow" => Ok(Emitted::Slow),
            _ => Err(reply.unknown()),
        }
    }

    /// The owner notes a namespace that was joined; false when the session is another's by now.
    pub async fn session_join(&self, sid: &SessionId, epoch: u64, joined: &Carried) -> Result<bool, Fault> {
        let act = self
            .session_act("session_join", sid)
            .arg(epoch)
            .arg(&joined.namespace)
            .arg(joined.value())
            .arg(joined.mark());
        self.session_word(sid, act, "joined", "lost").await
    }

    /// The owner notes a namespace that was left; false when the session is another's by now.
    pub async fn session_part(&self, sid: &SessionId, epoch: u64, namespace: &str) -> Result<bool, Fault> {
        let act = self.session_act("session_part", sid).arg(epoch).arg(namespace);
        self.session_word(sid, act, "parted", "lost").await
    }

    /// The owner's last word on a session that moved.
    pub async fn session_hand(
        &self,
        sid: &SessionId,
        epoch: u64,
        joined: &[Carried],
        leftover: &[String],
    ) -> Result<bool, Fault> {
        let act = self
            .session_act("session_hand", sid)
            .key(self.keys().nodes(self.keys().shard_of_session(sid)))
            .arg(sid)
            .arg(epoch)
            .arg(joined.len());
        let act = joined.iter().fold(act, |act, one| act.arg(one.text()));
        let act = leftover.iter().fold(act, |act, one| act.arg(one));
        self.session_word(sid, act, "handed", "lost").await
    }

    /// The owner asks whether the client is overdue.
    pub async fn session_expire(&self, sid: &SessionId, epoch: u64) -> Result<Expired, Fault> {
        let act = self
            .session_act_out("session_expire", sid)
            .arg(sid)
            .arg(epoch)
            .arg(self.clock().steady());
        let reply = self.run(self.keys().shard_of_session(sid), act).await?;
        match reply.word() {
            "alive" => Ok(Expired::Alive(Millis(reply.value(0)?))),
            "expired" => Ok(Expired::Expired),
            "lost" => Ok(Expired::Lost),
            _ => Err(reply.unknown()),
        }
    }

    /// A stopping owner gives it up, with the messages of a half received packet; false when it is over, moved, or
    /// another's.
    pub async fn session_free(&self, sid: &SessionId, epoch: u64, half: &[String]) -> Result<bool, Fault> {
        let act = self.session_act_out("session_free", sid).arg(sid).arg(epoch);
        let act = half.iter().fold(act, |act, message| act.arg(message));
        self.session_word(sid, act, "free", "lost").await
    }
}
