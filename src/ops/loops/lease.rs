//! Keeps the node alive in everybody's eyes, notices when it was given up for dead, missed notices, or Redis lost its data,
//! and then begins a new life with the sockets it has.

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
use crate::wire::member::Member;
use crate::wire::omegoo::Omegoo;
use crate::wire::{Engine, Namespaces, Orphan};
use futures_util::StreamExt;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

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

/// Runs for the node: begins its life as soon as Redis answers, and keeps it; then the next one.
pub async fn run(lease: Lease) {
    let mut before = None;
    loop {
        let epochs = lease.begin().await;
        let ((), over) = futures_util::future::join(lease.inherit(before), lease.keep(&epochs)).await;
        before = Some(lease.end(over).await);
    }
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

/// Why a life is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// Notices were trimmed before this node read them.
    Gap,
    /// Redis is another server, or has lost its data.
    Anew,
    /// Others took the node for dead: it did not run, or could not be heard.
    GivenUp,
}

/// What whoever asks whether the node is ready is told of a fault: no addresses, no names.
fn in_short(fault: &Fault) -> &'static str {
    const REASONS: [(&str, &str); 6] = [
        ("OOM", "out of memory"),
        ("NOPERM", "not permitted"),
        ("NOAUTH", "not permitted"),
        ("NOREPLICAS", "too few replicas"),
        ("MISCONF", "cannot write to its disk"),
        ("laid out", "another number of shards"),
    ];
    let known = REASONS.iter().find(|(word, _)| fault.why.contains(word));
    known.map_or("no answer", |(_, reason)| reason)
}

/// Which shards answered the last time. One that is away is so for all nodes: balancers that were told of it would have
/// nobody left to send the people of the others to.
#[derive(Debug)]
struct Answering(Mutex<Vec<bool>>);

impl Answering {
    fn all(shards: usize) -> Self {
        Self(Mutex::new(vec![true; shards]))
    }

    /// A shard did or did not; whether any does.
    fn note(&self, shard: Shard, answers: bool) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all[usize::from(shard.0)] = answers;
        all.contains(&true)
    }
}

impl Lease {
    fn shards(&self) -> impl Iterator<Item = Shard> {
        self.actions.coord().keys().shards()
    }

    /// Begins a life, however often that has to be tried; its epochs.
    async fn begin(&self) -> Vec<String> {
        let mut ticks = self.ticks();
        loop {
            ticks.tick().await;
            match self.try_to_begin().await {
                Ok(epochs) => return epochs,
                Err(fault) => {
                    self.ready.unwell(PART, in_short(&fault));
                    stumbled("lease", &fault).await;
                }
            }
        }
    }

    fn ticks(&self) -> tokio::time::Interval {
        let mut ticks = tokio::time::interval(self.actions.settings().lease.renew_every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks
    }

    async fn try_to_begin(&self) -> Result<Vec<String>, Fault> {
        let coord = self.actions.coord();
        let mut shards = self.shards();
        let Some(first) = shards.next() else {
            return Ok(Vec::new());
        };
        // All shards agree on the time, as far as the settings of their servers go: one is asked. It also says whether this
        // node agrees with the others on how many shards there are.
        coord.agree_on_time(first).await?;
        let until = self.actions.clock().steady() + self.actions.settings().lease.node_for;
        let of_first = coord.register(first, until).await;
        // Side by side: a shard without a master must not use up the time of the others.
        let of_others = futures_util::future::join_all(shards.map(|shard| coord.register(shard, until)));
        let of_others = if of_first.is_ok() { of_others.await } else { Vec::new() };
        std::iter::once(of_first).chain(of_others).collect()
    }

    /// Keeps the life that has begun with these epochs until it is over on some shard. Each shard's lease is renewed by
    /// itself: one that is away holds up no other.
    async fn keep(&self, epochs: &[String]) -> Over {
        let answering = Answering::all(epochs.len());
        let beats = self.shards().zip(epochs);
        let beats = beats.map(|(shard, epoch)| Box::pin(self.beat(shard, epoch, &answering)));
        let (over, ..) = futures_util::future::select_all(beats).await;
        // A node that slept is given up for dead where nothing else has happened meanwhile.
        match over != Over::GivenUp && self.is_given_up(epochs).await {
            true => Over::GivenUp,
            false => over,
        }
    }

    async fn is_given_up(&self, epochs: &[String]) -> bool {
        let patience = self.actions.settings().lease.renew_every;
        let shards = self.shards().zip(epochs);
        let asking = shards.map(|(shard, epoch)| tokio::time::timeout(patience, self.renew(shard, epoch)));
        let found = futures_util::future::join_all(asking).await;
        found
            .into_iter()
            .any(|health| matches!(health, Ok(Ok(Some(Over::GivenUp)))))
    }

    /// Renews the lease on one shard until the life is over there.
    async fn beat(&self, shard: Shard, epoch: &str, answering: &Answering) -> Over {
        let mut ticks = self.ticks();
        loop {
            ticks.tick().await;
            let renewed = self.renew(shard, epoch).await;
            match (answering.note(shard, renewed.is_ok()), &renewed) {
                (false, Err(fault)) => self.ready.unwell(PART, in_short(fault)),
                _ => self.ready.well(PART),
            }
            match renewed {
                Ok(None) => {}
                Ok(Some(over)) => return over,
                Err(fault) => {
                    self.kept.note(shard, false, false);
                    stumbled("lease", &fault).await;
                }
            }
        }
    }

    async fn renew(&self, shard: Shard, epoch: &str) -> Result<Option<Over>, Fault> {
        let (now, lease) = (self.actions.clock().steady(), &self.actions.settings().lease);
        let until = Until {
            node: now + lease.node_for,
            keeper: now + lease.keeper_for,
        };
        match self.actions.coord().renew(shard, until, epoch).await {
            Ok(Renewed::Kept { keeper, gap, ill }) => {
                self.kept.note(shard, keeper, ill);
                Ok(gap.then_some(Over::Gap))
            }
            Ok(Renewed::NewEpoch) => Ok(Some(Over::Anew)),
            Err(fault) if fault.why == FENCED => Ok(Some(Over::GivenUp)),
            Err(fault) => Err(fault),
        }
    }

    /// A life is over; what it leaves to the next.
    async fn end(&self, over: Over) -> Before {
        // What a node reads after it has slept is old: its clients may have gone elsewhere with the same.
        let slept = over == Over::GivenUp;
        self.hub.trust_clients(!slept);
        let coord = self.actions.coord();
        let before = Before {
            node: coord.identity().now(),
            polled: self.engine.let_go_of_polls(slept),
            waiting: self.wait(&[]),
        };
        let node = coord.identity().renew();
        coord.wake_readers(&before.node).await;
        match over {
            Over::Gap => {
                metrics::INBOX_GAPS.one(());
                tracing::error!(node.id = %node, "notices were trimmed before this node read them: it goes on as {node}");
            }
            Over::Anew | Over::GivenUp => {
                metrics::LEASES_LOST.one(());
                tracing::error!(node.id = %node, "this node was given up for dead, Redis lost its data or another server took over: it goes on as {node}");
            }
        }
        before
    }

    /// The sockets of the life before come along. What did not come, as it was going just then, is taken over at once.
    async fn inherit(&self, before: Option<Before>) {
        let Some(before) = before else { return };
        self.engine.set_free(before.polled).await;
        self.resync(before.waiting).await;
        self.hub.trust_clients(true);
        let coord = self.actions.coord();
        let resigning = self.shards().map(|shard| coord.resign_life(shard, &before.node));
        for resigned in futures_util::future::join_all(resigning).await {
            if let Err(fault) = resigned {
                tracing::warn!(%fault, "the lease of the life before runs out by itself");
            }
        }
    }

    /// Lets every socket wait that does not do so yet.
    fn wait(&self, waiting: &[Waiting]) -> Vec<Waiting> {
        let those: HashSet<_> = waiting.iter().map(|one| Arc::as_ptr(&one.member)).collect();
        let everyone = self.hub.everyone_proven().into_iter();
        let others = everyone.filter(|member| !those.contains(&Arc::as_ptr(member)));
        let others = others.filter(|member| !member.socket.connection().is_over());
        let wait = |member: Arc<Member>| Waiting {
            heard: member.await_answer(),
            believed: self.hub.doubt(&member.who.user),
            member,
        };
        others.map(wait).collect()
    }

    /// Asks Redis anew for every socket.
    async fn resync(&self, mut waiting: Vec<Waiting>) {
        // All of them wait before the first is asked for: as soon as that one is known under a new name, the lines of its
        // room come to all in it, and would come to the others too early.
        waiting.extend(self.wait(&waiting));
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
