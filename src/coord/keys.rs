//! Every key in Redis, in one table. Nothing else in the program makes a key.
//!
//! | key (after `<prefix>:{sK}:`) | type | holds | removed by |
//! |---|---|---|---|
//! | `nodes` | zset | node -> lease end, steady ms | `lease/bury`, when the lease has ended; `lease/resign` |
//! | `dying` | set | nodes whose lease ended and whose things are being taken over | `lease/rest` |
//! | `keeper` | hash | node and until: who keeps this shard | overwritten; `lease/resign`; one per shard |
//! | `epoch` | string | random, and the number of shards; a new one means Redis lost its data | never; one per shard |
//! | `done:<node>` | string | answer of the node's last call | TTL (`lane` sets it) |
//! | `gaps` | set | nodes whose inbox was cut, perhaps before they read it | `lease/rest`, `lease/resign` |
//! | `inbox:<node>` | stream | notices for the node | the node trims what it dispatched; `lease/rest`, `lease/resign` |
//! | `topic` | stream | what every node follows; capped | never; one per shard |
//! | `timers` | zset | timer -> due ms | `timers/settle` and the scripts that set them |
//! | `user:<user>` | hash | state, mode, sockets, trail of rooms | when the user has no socket and no seat: `users/*` |
//! | `recent:<user>` | list | last partners with time | TTL, set at each write |
//! | `past:<user>` | hash | sessions that clients may take up again; the trail of a user without a socket | TTL, set at each write |
//! | `revoked:<user>` | hash | logins that ended before their time | TTL, set at each write |
//! | `users:<node>` | set | users with a socket on the node | `users/detach`, `users/come`, `users/reap_users` |
//! | `counts` | hash | users online and per mode | never; one per shard |
//! | `arrivals:<minute>` | string | users whose first socket came in that minute | TTL |
//! | `queue:<queue>` | zset | seeker -> time of entering | `queue/leave`, `queue/propose` |
//! | `seekers:<queue>` | hash | seeker -> ticket and attributes | with the above |
//! | `offers` | stream | pairs proposed; consumer group `seat` | `queue/settle_offer` |
//! | `room:<room>` | hash | state and seats; after its end a tombstone | `rooms/discard`; TTL from its end on (`rooms/close`) |
//! | `log:<room>` | stream | what the room's people were told, capped | `rooms/discard`; TTL from its end on |
//! | `rooms:<node>` | set | rooms with a socket on the node | `rooms/*`, `rooms/reap_rooms` |
//! | `journal` | stream | facts for Postgres | the storing node, entry by entry |
//! | `session:<sid>` | hash | a polling session | `sessions/*`; TTL, renewed by pongs |
//! | `out:<sid>` | list | packets a polling session has not fetched | with the session; same TTL |
//! | `post:<medium>` | zset | letter -> when it is to be tried, ms | `post/drop_letter` |
//! | `letters:<medium>` | hash | what letters say, and attempts | `post/drop_letter` |
//! | `limit:<name>:<mark>` | string | what counts against somebody | `limits/*`; TTL, set at each write |

use crate::domain::letter::Medium;
use crate::domain::limits::Mark;
use crate::domain::queue::Queue;
use crate::ids::{NodeId, RoomId, SessionId, Shard, UserId, shard_of};

/// Makes keys for one deployment: a prefix and the number of shards.
#[derive(Clone, Debug)]
pub struct Keys {
    prefix: Box<str>,
    shards: u8,
}

impl Keys {
    /// `prefix` keeps deployments on one Redis apart; `shards` is S, at least 1.
    pub fn new(prefix: &str, shards: u8) -> Self {
        Self {
            prefix: prefix.into(),
            shards: shards.max(1),
        }
    }

    /// All shards.
    pub fn shards(&self) -> impl ExactSizeIterator<Item = Shard> + use<> {
        (0..self.shards).map(Shard)
    }

    /// Where a user's state lives.
    pub fn shard_of_user(&self, user: &UserId) -> Shard {
        shard_of(user.as_str(), self.shards)
    }

    /// Where something lives that belongs to a name and to no user.
    pub fn shard_of_name(&self, name: &str) -> Shard {
        shard_of(name, self.shards)
    }

    /// Where a queue lives.
    pub fn shard_of_queue(&self, queue: Queue) -> Shard {
        shard_of(queue.as_str(), self.shards)
    }

    /// Where a room lives; `None` for an id that no deployment of this size has made.
    pub fn shard_of_room(&self, room: RoomId) -> Option<Shard> {
        Some(room.shard()).filter(|s| s.0 < self.shards)
    }

    /// Where a polling session lives.
    pub fn shard_of_session(&self, session: &SessionId) -> Shard {
        shard_of(session.as_str(), self.shards)
    }

    /// A shard for a new room: that of one of its people, so that rooms spread as people do and a pair of one shard can
    /// be seated in one act.
    pub fn shard_for_room(&self, someone: &UserId) -> Shard {
        self.shard_of_user(someone)
    }

    fn on(&self, shard: Shard, rest: &str) -> String {
        format!("{}:{{s{}}}:{rest}", self.prefix, shard.0)
    }

    /// Leases of nodes.
    pub fn nodes(&self, shard: Shard) -> String {
        self.on(shard, "nodes")
    }

    /// Nodes being taken over.
    pub fn dying(&self, shard: Shard) -> String {
        self.on(shard, "dying")
    }

    /// The keeper's lease.
    pub fn keeper(&self, shard: Shard) -> String {
        self.on(shard, "keeper")
    }

    /// The shard's epoch.
    pub fn epoch(&self, shard: Shard) -> String {
        self.on(shard, "epoch")
    }

    /// Answer of a node's last call.
    pub fn done(&self, shard: Shard, node: &NodeId) -> String {
        self.on(shard, &format!("done:{node}"))
    }

    /// Nodes that lost entries of their inbox.
    pub fn gaps(&self, shard: Shard) -> String {
        self.on(shard, "gaps")
    }

    /// Inbox keys without the node's name; scripts append it.
    pub fn inbox_base(&self, shard: Shard) -> String {
        self.on(shard, "inbox:")
    }

    /// A node's inbox.
    pub fn inbox(&self, shard: Shard, node: &NodeId) -> String {
        self.on(shard, &format!("inbox:{node}"))
    }

    /// What every node follows.
    pub fn topic(&self, shard: Shard) -> String {
        self.on(shard, "topic")
    }

    /// Timers of the shard.
    pub fn timers(&self, shard: Shard) -> String {
        self.on(shard, "timers")
    }

    /// A user's state.
    pub fn user(&self, user: &UserId) -> String {
        self.on(self.shard_of_user(user), &format!("user:{user}"))
    }

    /// User keys without the name; scripts that walk over many users append it.
    pub fn user_base(&self, shard: Shard) -> String {
        self.on(shard, "user:")
    }

    /// A user's last partners.
    pub fn recent(&self, user: &UserId) -> String {
        self.on(self.shard_of_user(user), &format!("recent:{user}"))
    }

    /// What a user's clients may take up again.
    pub fn past(&self, user: &UserId) -> String {
        self.on(self.shard_of_user(user), &format!("past:{user}"))
    }

    /// A user's logins that ended before their time.
    pub fn revoked(&self, user: &UserId) -> String {
        self.on(self.shard_of_user(user), &format!("revoked:{user}"))
    }

    /// Keys of pasts without the name.
    pub fn past_base(&self, shard: Shard) -> String {
        self.on(shard, "past:")
    }

    /// Sets of users per node, without the node's name.
    pub fn users_base(&self, shard: Shard) -> String {
        self.on(shard, "users:")
    }

    /// Users online and per mode.
    pub fn counts(&self, shard: Shard) -> String {
        self.on(shard, "counts")
    }

    /// Arrivals in a minute since the Unix epoch.
    pub fn arrivals(&self, shard: Shard, minute: u64) -> String {
        self.on(shard, &format!("arrivals:{minute}"))
    }

    /// A queue's order.
    pub fn queue(&self, queue: Queue) -> String {
        self.on(self.shard_of_queue(queue), &format!("queue:{}", queue.as_str()))
    }

    /// A queue's seekers.
    pub fn seekers(&self, queue: Queue) -> String {
        self.on(self.shard_of_queue(queue), &format!("seekers:{}", queue.as_str()))
    }

    /// Pairs proposed on a shard.
    pub fn offers(&self, shard: Shard) -> String {
        self.on(shard, "offers")
    }

    /// A room. The id must be one of this deployment (see [`Keys::shard_of_room`]).
    pub fn room(&self, room: RoomId) -> String {
        self.on(room.shard(), &format!("room:{room}"))
    }

    /// Room keys without the id.
    pub fn room_base(&self, shard: Shard) -> String {
        self.on(shard, "room:")
    }

    /// A room's log.
    pub fn log(&self, room: RoomId) -> String {
        self.on(room.shard(), &format!("log:{room}"))
    }

    /// Log keys without the id.
    pub fn log_base(&self, shard: Shard) -> String {
        self.on(shard, "log:")
    }

    /// Sets of rooms per node, without the node's name.
    pub fn rooms_base(&self, shard: Shard) -> String {
        self.on(shard, "rooms:")
    }

    /// Facts for Postgres.
    pub fn journal(&self, shard: Shard) -> String {
        self.on(shard, "journal")
    }

    /// A polling session.
    pub fn session(&self, session: &SessionId) -> String {
        self.on(self.shard_of_session(session), &format!("session:{session}"))
    }

    /// What a polling session has not fetched.
    pub fn out(&self, session: &SessionId) -> String {
        self.on(self.shard_of_session(session), &format!("out:{session}"))
    }

    /// Where lives what counts against somebody.
    pub fn shard_of_mark(&self, mark: &Mark) -> Shard {
        shard_of(mark.as_str(), self.shards)
    }

    /// What counts against somebody in one window or lock.
    pub fn limit(&self, name: &str, mark: &Mark) -> String {
        self.on(self.shard_of_mark(mark), &format!("limit:{name}:{}", mark.as_str()))
    }

    /// When letters are to be tried.
    pub fn post(&self, shard: Shard, medium: Medium) -> String {
        self.on(shard, &format!("post:{}", medium.as_str()))
    }

    /// What letters say.
    pub fn letters(&self, shard: Shard, medium: Medium) -> String {
        self.on(shard, &format!("letters:{}", medium.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn every_script_that_the_table_names_is_there() {
        let coord = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/coord");
        let rows = include_str!("keys.rs")
            .lines()
            .filter(|line| line.starts_with("//! | `"));
        let removers = rows.filter_map(|row| row.rsplit('|').nth(1));
        let named = removers.flat_map(|remover| remover.split('`').skip(1).step_by(2));
        let scripts: Vec<_> = named.filter(|name| name.contains('/')).collect();

        let is_there = |script: &str| match script.strip_suffix("/*") {
            Some(dir) => coord.join(dir).is_dir(),
            None => coord.join(format!("{script}.lua")).is_file(),
        };
        let absent: Vec<_> = scripts.iter().filter(|script| !is_there(script)).collect();

        assert!(scripts.contains(&"lease/bury"));
        assert!(absent.is_empty(), "{absent:?}");
    }
}
