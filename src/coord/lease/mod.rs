//! Leases: which nodes live, who keeps a shard, and what becomes of a node that is given up for dead.
//!
//! `nodes` (zset): node -> end of its lease. While a node stands there its calls are heard; `bury` takes it out (from then
//! on it is fenced) and puts it into `dying` (set) until its people and rooms have been taken over and `rest` removes what
//! is left. `keeper` (hash): the node that fires the shard's timers and pairs its seekers. `epoch` (string): changes when
//! Redis lost its data, and ends with the number of shards, which all nodes must agree on; with it goes the server's
//! replication id, which changes when a replica takes over.

#[cfg(test)]
mod tests;

use super::Coord;
use super::script::Act;
use crate::clock::{Millis, Stopwatch};
use crate::error::Fault;
use crate::ids::{NodeId, Shard};
use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::types::{ClusterHash, CustomCommand};
use std::time::Duration;

/// Longest round trip from which Redis's time is taken over.
const TRUSTED_ROUND_TRIP: Duration = Duration::from_millis(50);

/// How often a starting node asks for the time in the hope of a quick answer.
const ATTEMPTS_TO_AGREE: u32 = 3;

/// What came of [`Coord::renew`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// The lease goes on.
    Kept {
        /// Whether this node keeps the shard.
        keeper: bool,
        /// Whether the inbox was cut since the last renewal: what this node was to be told may be lost.
        gap: bool,
        /// Whether nodes are overdue or dying.
        ill: bool,
    },
    /// Redis lost its data, or another server took over, which may not have heard the last of it: everything that a node
    /// believes must be looked at anew.
    NewEpoch,
}

/// Ends of the leases that a renewal asks for.
#[derive(Clone, Copy, Debug)]
pub struct Until {
    /// Of the node's.
    pub node: Millis,
    /// Of the keeper's, which is shorter: nobody but its holder fires the shard's timers.
    pub keeper: Millis,
}

impl From<Millis> for Until {
    fn from(both: Millis) -> Self {
        Self {
            node: both,
            keeper: both,
        }
    }
}

impl Coord {
    /// Takes over Redis's time before a shard hears of this node: what a node says of its lease is in that time, whatever
    /// its machine believes.
    pub async fn agree_on_time(&self, shard: Shard) -> Result<(), Fault> {
        for attempt in 1..=ATTEMPTS_TO_AGREE {
            let watch = Stopwatch::start();
            let time = |client: Client| async move {
                let command = CustomCommand::new_static("TIME", ClusterHash::Random, false);
                client.custom::<(u64, u64), &str>(command, Vec::new()).await
            };
            let (seconds, micros) = self.road(shard).run(time).await.map_err(|e| Fault::new("time", e))?;
            let took = watch.elapsed();
            // The last answer is taken however slow it was: any is better than none.
            if took < TRUSTED_ROUND_TRIP || attempt == ATTEMPTS_TO_AGREE {
                self.clock().agree(Millis(seconds * 1000 + micros / 1000), took);
                break;
            }
        }
        Ok(())
    }

    /// Begins this node's life on a shard; the epoch: which data, and which server holds it.
    pub async fn register(&self, shard: Shard, until: Millis) -> Result<String, Fault> {
        let act = Act::new("register")
            .key(self.keys().nodes(shard))
            .key(self.keys().epoch(shard))
            .arg(until)
            .arg(format_args!("{}-{}", NodeId::fresh(), self.keys().shards().len()));
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "laid_out" => Err(Fault::new(
                "register",
                format!(
                    "the data in Redis are laid out for {} shards, which redis.shards must be; to change that, stop all nodes \
                     and remove the keys under redis.prefix",
                    reply.text(0)?
                ),
            )),
            "registered" => Ok(format!("{} {}", reply.text(0)?, reply.text(1)?)),
            _ => Err(reply.unknown()),
        }
    }

    /// Says until when this node lives, and keeps the shard if it does; takes over Redis's time on the way.
    pub async fn renew(&self, shard: Shard, until: impl Into<Until>, epoch: &str) -> Result<Renewed, Fault> {
        let Until { node, keeper } = until.into();
        let (data, server) = epoch.split_once(' ').unwrap_or((epoch, ""));
        let act = Act::new("renew")
            .key(self.keys().nodes(shard))
            .key(self.keys().epoch(shard))
            .key(self.keys().keeper(shard))
            .key(self.keys().dying(shard))
            .arg(self.clock().steady())
            .arg(node)
            .arg(data)
            .arg(keeper)
            .arg(server);
        let watch = Stopwatch::start();
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "kept" => {
                let at = Millis(reply.value::<u64>(3)? * 1000 + reply.value::<u64>(4)? / 1000);
                self.0.manners.note_nodes(reply.value(5)?);
                // A slow answer says too little about when Redis's time was taken.
                if watch.elapsed() < TRUSTED_ROUND_TRIP {
                    self.clock().agree(at, watch.elapsed());
                }
                Ok(Renewed::Kept {
                    keeper: reply.text(0)? == "keeper",
                    gap: reply.text(1)? == "gap",
                    ill: reply.text(2)? != "0",
                })
            }
            "new_epoch" => Ok(Renewed::NewEpoch),
            _ => Err(reply.unknown()),
        }
    }

    /// Ends the lives of overdue nodes; all that are to be taken over.
    pub async fn bury(&self, shard: Shard) -> Result<Vec<NodeId>, Fault> {
        let act = Act::new("bury")
            .key(self.keys().nodes(shard))
            .key(self.keys().dying(shard))
            .arg(self.clock().steady());
        let reply = self.run(shard, act).await?;
        let dying = reply.values().iter().map(|n| NodeId::parse(n));
        match reply.word() {
            "dying" => dying.collect::<Option<_>>().ok_or_else(|| reply.unknown()),
            _ => Err(reply.unknown()),
        }
    }

    /// Nothing of a dead node is left to take over on this shard.
    pub async fn rest(&self, shard: Shard, dead: &NodeId) -> Result<(), Fault> {
        let act = Act::new("rest")
            .key(self.keys().dying(shard))
            .key(self.keys().inbox(shard, dead))
            .key(self.keys().gaps(shard))
            .arg(dead);
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "at_rest" => Ok(()),
            _ => Err(reply.unknown()),
        }
    }

    /// This node leaves the shard; what it could not empty is taken over at once.
    pub async fn resign(&self, shard: Shard) -> Result<(), Fault> {
        self.resign_life(shard, &self.identity().now()).await
    }

    /// One of this node's lives leaves the shard: that of now, or the one before it.
    pub async fn resign_life(&self, shard: Shard, node: &NodeId) -> Result<(), Fault> {
        let act = Act::new("resign")
            .key(self.keys().nodes(shard))
            .key(self.keys().keeper(shard))
            .key(self.keys().inbox(shard, node))
            .key(self.keys().gaps(shard))
            .key(format!("{}{node}", self.keys().users_base(shard)))
            .key(format!("{}{node}", self.keys().rooms_base(shard)))
            .arg(node);
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "resigned" => Ok(()),
            _ => Err(reply.unknown()),
        }
    }
}
