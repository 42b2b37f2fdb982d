//! Everything the nodes agree on, in Redis. One directory per concept: its keys' life cycle, its scripts, its tests.
//!
//! Knows nothing of sockets, dialects or Postgres. Policy (limits, windows) is passed in; scripts compare, move and
//! append. `keys` holds every key; `script` carries acts to Redis; `inbox` brings notices back.

pub mod connect;
pub mod counts;
pub mod doctor;
pub mod inbox;
pub mod journal;
pub mod keys;
pub mod lease;
pub mod limits;
mod linger;
pub mod logins;
pub mod node;
pub mod notice;
pub mod post;
pub mod queue;
mod road;
pub mod rooms;
pub mod script;
pub mod sessions;
pub mod timers;
mod tls;
pub mod users;
mod watched;

#[cfg(test)]
pub(crate) mod testing;

use crate::clock::Clock;
use crate::error::Fault;
use crate::ids::Shard;
use inbox::Progress;
use keys::Keys;
use linger::Manners;
use node::Identity;
use road::Road;
use script::{Act, Lane, Reply};
use std::sync::Arc;

/// The way to Redis for everything above.
#[derive(Clone, Debug)]
pub struct Coord(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Keys,
    lanes: Vec<Lane>,
    identity: Identity,
    clock: Clock,
    roads: Vec<Road>,
    manners: Manners,
    inboxes: Vec<Progress>,
}

impl Coord {
    fn new(keys: Keys, lanes: Vec<Lane>, identity: Identity, clock: Clock, roads: Vec<Road>, manners: Manners) -> Self {
        let inboxes = keys.shards().map(|_| Progress::new(identity.now())).collect();
        Self(Arc::new(Inner {
            inboxes,
            keys,
            lanes,
            identity,
            clock,
            roads,
            manners,
        }))
    }

    /// The key table.
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// The clock that scripts are given.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Which node this is.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// For commands that read only, or that are harmless to repeat; everything else is an act. The shard is one of `keys`.
    fn road(&self, shard: Shard) -> &Road {
        &self.0.roads[usize::from(shard.0)]
    }

    /// How far this node has come in its inbox on a shard.
    fn progress(&self, shard: Shard) -> &Progress {
        &self.0.inboxes[usize::from(shard.0)]
    }

    /// Runs one act on a shard.
    async fn run(&self, shard: Shard, act: Act) -> Result<Reply, Fault> {
        let lane = self.0.lanes.get(usize::from(shard.0));
        lane.ok_or_else(|| Fault::new("lane", "no such shard"))?.run(act).await
    }
}
