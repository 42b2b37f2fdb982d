//! What the node does for the shards it keeps: fires timers, pairs seekers, publishes counts, takes over from the dead.

use super::stumbled;
use crate::actions::Actions;
use crate::clock::Millis;
use crate::domain::queue::Queue;
use crate::error::Fault;
use crate::ids::Shard;
use crate::metrics;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often changed counts are published.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);

/// How often queues are looked through for people who do not seek.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// When what is not done at every turn was done last.
#[derive(Default)]
struct Last {
    published: Millis,
    swept: Millis,
}

/// Which shards this node keeps, and where somebody has died; the lease loop knows.
#[derive(Clone, Debug)]
pub struct Kept(Arc<Vec<[AtomicBool; 2]>>);

impl Kept {
    /// None of `shards` yet.
    pub fn none(shards: usize) -> Self {
        Self(Arc::new((0..shards).map(|_| Default::default()).collect()))
    }

    /// What the last renewal said of a shard.
    pub fn note(&self, shard: Shard, keeper: bool, ill: bool) {
        let [kept, sick] = &self.0[usize::from(shard.0)];
        kept.store(keeper, Ordering::Relaxed);
        sick.store(ill, Ordering::Relaxed);
        metrics::SHARDS_KEPT.set(
            (),
            self.0.iter().filter(|s| s[0].load(Ordering::Relaxed)).count() as f64,
        );
    }

    /// Whether this node keeps a shard, as far as it knows.
    pub fn keeps(&self, shard: Shard) -> bool {
        self.0[usize::from(shard.0)][0].load(Ordering::Relaxed)
    }

    fn is_ill(&self, shard: Shard) -> bool {
        self.0[usize::from(shard.0)][1].swap(false, Ordering::Relaxed)
    }
}

/// Runs for one shard.
pub async fn run(shard: Shard, actions: Actions, kept: Kept, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = Last::default();
    loop {
        ticks.tick().await;
        if !kept.keeps(shard) {
            continue;
        }
        if let Err(fault) = turn(shard, &actions, &kept, &mut last).await {
            stumbled("keeper", &fault).await;
        }
    }
}

async fn turn(shard: Shard, actions: &Actions, kept: &Kept, last: &mut Last) -> Result<(), Fault> {
    if kept.is_ill(shard) {
        actions.take_over_from_the_dead(shard).await?;
    }
    let fired = fire(shard, actions).await;
    let now = actions.clock().now();
    let sweeps = now - last.swept >= SWEEP_EVERY;
    if sweeps {
        last.swept = now;
    }
    for queue in Queue::ALL {
        if actions.coord().keys().shard_of_queue(queue) == shard {
            actions.pair(queue).await?;
            if sweeps {
                actions.sweep(queue).await?;
            }
        }
    }
    let now = actions.clock().steady();
    if now - last.published >= PUBLISH_EVERY {
        last.published = now;
        actions.coord().publish(shard).await?;
    }
    // A timer that failed keeps nobody from being paired.
    fired
}

async fn fire(shard: Shard, actions: &Actions) -> Result<(), Fault> {
    while actions.fire_due(shard).await? {}
    Ok(())
}
