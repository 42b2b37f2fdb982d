//! Keeps the node alive in everybody's eyes, notices when it was given up for dead or Redis lost its data, and then begins
//! a new life with the sockets it has.

use super::keeper::Kept;
use super::stumbled;
use crate::actions::Actions;
use crate::coord::lease::{Renewed, Until};
use crate::coord::script::FENCED;
use crate::domain::room::Offset;
use crate::error::Fault;
use crate::http::Readiness;
use crate::ids::{NodeId, Shard};
use crate::metrics;
use crate::wire::hub::{Doing, Hub};
use crate::wire::member::{Member, Told};
use crate::wire::omegoo::Omegoo;
use crate::wire::{Engine, Namespaces, Orphan};
use futures_util::StreamExt;
use std::collections::HashSet;
use std::sync::Arc;

/// The part that readiness knows this by.
pub const PART: &str = "redis";

/// Sockets brought along at once when a new life begins.
const AT_ONCE: usize = 64;

/// What the loop works with.
pub struct Lease {
    /// The way to act.
    pub actions: Actions,
    /// The node's sockets.
    pub hub: Hub,
    /// How each is brought into line.
    pub dialect: Omegoo,
    /// Those who poll.
    pub engine: Engine<Namespaces<Omegoo>>,
    /// Told which shards this node keeps.
    pub kept: Kept,
    /// Told how Redis is.
    pub ready: Readiness,
}

/// Begins the node's life on every shard; the epochs.
async fn begin(actions: &Actions) -> Result<Vec<String>, Fault> {
    // All shards agree on the time, as far as the settings of their servers go: one is asked.
    if let Some(shard) = actions.coord().keys().shards().next() {
        actions.coord().agree_on_time(shard).await?;
    }
    let until = actions.clock().steady() + actions.settings().lease.node_for;
    let shards = actions.coord().keys().shards();
    // Side by side: a shard without a master must not use up the time of the others.
    let registering = shards.map(|shard| actions.coord().register(shard, until));
    futures_util::future::join_all(registering).await.into_iter().collect()
}

/// Runs for the node: begins its life as soon as Redis answers, then keeps it.
pub async fn run(lease: Lease) {
    let mut ticks = tokio::time::interval(lease.actions.settings().lease.renew_every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut life = Life::ToBegin(None);
    loop {
        ticks.tick().await;
        match lease.turn(&mut life).await {
            Ok(()) if matches!(life, Life::Begun(_)) => lease.ready.well(PART),
            Ok(()) => ticks.reset_immediately(),
            Err(fault) => {
                lease.ready.unwell(PART, "no answer");
                stumbled("lease", &fault).await;
            }
        }
    }
}

/// How it stands with the node's life.
enum Life {
    /// It is to begin, with what there is of the one before.
    ToBegin(Option<Before>),
    /// It has begun: the epoch of each shard.
    Begun(Vec<String>),
}

/// What a life that is over leaves to the next; nothing is done in the names of its sockets meanwhile.
struct Before {
    node: NodeId,
    polled: Vec<Orphan>,
    waiting: Vec<Waiting>,
}

/// A socket that waits until Redis has been asked anew what its user is doing.
struct Waiting {
    member: Arc<Member>,
    /// What its user was believed to be doing.
    believed: Doing,
    /// Up to where it has heard.
    heard: Offset,
}

/// What a round of renewals found.
#[derive(PartialEq, Eq)]
enum Health {
    Well,
    Gap,
    /// Redis is another server, or has lost its data.
    Anew,
    /// Others took the node for dead: it did not run, or could not be heard.
    GivenUp,
}

impl Lease {
    async fn turn(&self, life: &mut Life) -> Result<(), Fault> {
        if let Life::ToBegin(before) = life {
            let begun = begin(&self.actions).await?;
            let before = before.take();
            *life = Life::Begun(begun);
            if let Some(before) = before {
                self.inherit(before).await;
            }
        }
        let Life::Begun(known) = life else { return Ok(()) };
        match self.renew(known).await? {
            Health::Well => {}
            Health::Gap => {
                metrics::INBOX_GAPS.one(());
                tracing::error!("notices were trimmed before this node read them: resyncing its sockets");
                self.resync(Vec::new(), Told::WithGaps).await;
            }
            health @ (Health::Anew | Health::GivenUp) => {
                // What a node reads after it has slept is old: its clients may have gone elsewhere with the same.
                self.hub.trust_clients(matches!(health, Health::Anew));
                metrics::LEASES_LOST.one(());
                let coord = self.actions.coord();
                let before = coord.identity().now();
                *life = Life::ToBegin(Some(Before {
                    node: before.clone(),
                    polled: self.engine.let_go_of_polls(matches!(health, Health::GivenUp)),
                    waiting: self.wait(&[], Told::InFull),
                }));
                let node = coord.identity().renew();
                coord.wake_readers(&before).await;
                tracing::error!(node.id = %node, "this node was given up for dead, Redis lost its data or another server took over: it goes on as {node}");
            }
        }
        Ok(())
    }

    /// The sockets of the life before come along. What did not come, as it was going just then, is taken over at once.
    async fn inherit(&self, before: Before) {
        self.engine.set_free(before.polled).await;
        self.resync(before.waiting, Told::InFull).await;
        self.hub.trust_clients(true);
        let coord = self.actions.coord();
        let resigning = coord
            .keys()
            .shards()
            .map(|shard| coord.resign_life(shard, &before.node));
        for resigned in futures_util::future::join_all(resigning).await {
            if let Err(fault) = resigned {
                tracing::warn!(%fault, "the lease of the life before runs out by itself");
            }
        }
    }

    async fn renew(&self, epochs: &[String]) -> Result<Health, Fault> {
        let (now, lease) = (self.actions.clock().steady(), &self.actions.settings().lease);
        let until = Until {
            node: now + lease.node_for,
            keeper: now + lease.keeper_for,
        };
        let shards = self.actions.coord().keys().shards().zip(epochs);
        let renewing = shards.map(|(shard, epoch)| self.renew_on(shard, until, epoch));
        let found = futures_util::future::join_all(renewing).await;
        for lost in [Health::GivenUp, Health::Anew] {
            let same = |health: &Result<Health, Fault>| health.as_ref().is_ok_and(|health| *health == lost);
            if found.iter().any(same) {
                return Ok(lost);
            }
        }
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
        match found.iter().any(|health| matches!(health, Health::Gap)) {
            true => Ok(Health::Gap),
            false => Ok(Health::Well),
        }
    }

    async fn renew_on(&self, shard: Shard, until: Until, epoch: &str) -> Result<Health, Fault> {
        match self.actions.coord().renew(shard, until, epoch).await {
            Ok(Renewed::Kept { keeper, gap, ill }) => {
                self.kept.note(shard, keeper, ill);
                Ok(if gap { Health::Gap } else { Health::Well })
            }
            Ok(Renewed::NewEpoch) => Ok(Health::Anew),
            Err(fault) if fault.why == FENCED => Ok(Health::GivenUp),
            Err(fault) => {
                self.kept.note(shard, false, false);
                Err(fault)
            }
        }
    }

    /// Lets every socket wait that does not do so yet.
    fn wait(&self, waiting: &[Waiting], told: Told) -> Vec<Waiting> {
        let those: HashSet<_> = waiting.iter().map(|one| Arc::as_ptr(&one.member)).collect();
        let everyone = self.hub.everyone().into_iter();
        let others = everyone.filter(|member| !those.contains(&Arc::as_ptr(member)));
        let others = others.filter(|member| !member.socket.connection().is_over());
        let wait = |member: Arc<Member>| Waiting {
            heard: member.await_answer(told),
            believed: self.hub.doing(&member.who.user),
            member,
        };
        others.map(wait).collect()
    }

    /// Asks Redis anew for every socket; those that do not wait yet were told what they were told.
    async fn resync(&self, mut waiting: Vec<Waiting>, told: Told) {
        // All of them wait before the first is asked for: as soon as that one is known under a new name, the lines of its
        // room come to all in it, and would come to the others too early.
        waiting.extend(self.wait(&waiting, told));
        let each = waiting.into_iter().map(|one| {
            let dialect = self.dialect.clone();
            async move { dialect.resync(&one.member, one.believed, one.heard).await }
        });
        futures_util::stream::iter(each)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
    }
}
