//! What the keeper of a shard does besides firing timers: pairing, sweeping queues, taking over from the dead.

use super::due::PATIENCE;
use super::seat::kind_of;
use super::{Actions, SEEK_CHECK};
use crate::clock::{Millis, Stopwatch};
use crate::coord::queue::{Proposal, Proposed};
use crate::coord::rooms::Takeover;
use crate::coord::users::{Looker, Rechecked};
use crate::domain::pairing::{self, Policy, Seeker};
use crate::domain::queue::Queue;
use crate::error::Fault;
use crate::ids::{NodeId, RoomId, Shard};
use crate::metrics;

/// Pairs proposed in one act: each costs Redis some ten microseconds, and lines must not wait for many.
const PAIRS: usize = 32;

/// Users or rooms of a dead node taken over in one call: a call stays under a few milliseconds.
const BATCH: usize = 100;

impl Actions {
    /// Pairs the longest waiting seekers of a queue; how many pairs were seated or offered.
    pub async fn pair(&self, queue: Queue) -> Result<usize, Fault> {
        let watch = Stopwatch::start();
        let rules = &self.settings.queue;
        let (waiting, seekers) = self.coord.peek(queue, 2 * rules.pair_batch as usize).await?;
        metrics::QUEUE_SEEKERS.set(queue.as_str(), waiting as f64);
        if seekers.len() < 2 {
            return Ok(0);
        }
        let now = self.now();
        let pairs = pairing::pair(
            &seekers,
            now,
            Policy {
                apart_for: rules.recent_for,
            },
        );
        let proposals: Vec<_> = pairs
            .iter()
            .map(|&(a, b)| Proposal {
                room: RoomId::fresh(self.coord.keys().shard_for_room(&seekers[a].user)),
                pair: [&seekers[a], &seekers[b]],
            })
            .collect();
        let mut paired = 0;
        for some in proposals.chunks(PAIRS) {
            let outcomes = self.coord.propose(queue, self.opening(queue), some).await?;
            paired += some
                .iter()
                .zip(outcomes)
                .filter(|(p, o)| note(p, *o, queue, now))
                .count();
        }
        metrics::PAIRING.record(queue.as_str(), watch.elapsed().as_secs_f64());
        Ok(paired)
    }

    /// Takes out of a queue whoever does not seek (any longer): somebody's place can be made sure of in the very moment
    /// in which a partner is found, and would then be there for good. Only the longest waiting are looked at, and only
    /// those who wait for so long that few do.
    pub async fn sweep(&self, queue: Queue) -> Result<(), Fault> {
        let now = self.now();
        let (_, seekers) = self.coord.peek(queue, BATCH).await?;
        let long = seekers.iter().filter(|s| now - s.since >= 2 * SEEK_CHECK);
        let looking = long.map(|seeker| self.look_after(seeker, queue, now + SEEK_CHECK));
        // Who lives on a shard that is away is looked after the next time.
        let looking = looking.map(|looking| tokio::time::timeout(PATIENCE, looking));
        let looked = futures_util::future::join_all(looking).await;
        looked.into_iter().flatten().collect()
    }

    async fn look_after(&self, seeker: &Seeker, queue: Queue, again: Millis) -> Result<(), Fault> {
        match self.coord.recheck(&seeker.user, again, Looker::Other).await? {
            Rechecked::Seeking(stay) if stay.ticket == seeker.ticket => Ok(()),
            Rechecked::Seeking(stay) => self.wait_in_line(&seeker.user, &stay).await.map(drop),
            Rechecked::Away => Ok(()),
            Rechecked::GaveUp(..) | Rechecked::NotSeeking => {
                self.coord.leave(&seeker.user, queue, &seeker.ticket).await
            }
        }
    }

    /// Takes over what overdue nodes leave behind on a shard: their people's sockets, seats and sessions.
    pub async fn take_over_from_the_dead(&self, shard: Shard) -> Result<(), Fault> {
        for dead in self.coord.bury(shard).await? {
            tracing::warn!(node.id = %dead, %shard, "node {dead} is dead: taking over");
            self.take_over(shard, &dead).await?;
            self.coord.rest(shard, &dead).await?;
            metrics::NODES_REAPED.one(());
        }
        Ok(())
    }

    async fn take_over(&self, shard: Shard, dead: &NodeId) -> Result<(), Fault> {
        let give_up = self.now() + self.settings.queue.seeker_absence;
        let kept = self.remembered_for();
        while self.coord.reap_users(shard, dead, BATCH, give_up, kept).await? == BATCH {}
        let takeover = Takeover {
            held: self.now() + self.settings.chat.seat_hold,
            unnoticed: self.unnoticed(),
        };
        while self.coord.reap_rooms(shard, dead, BATCH, takeover).await? == BATCH {}
        Ok(())
    }
}

/// Counts what came of a proposal; whether the two left the queue together.
fn note(proposal: &Proposal<'_>, outcome: Proposed, queue: Queue, now: Millis) -> bool {
    match outcome {
        Proposed::Stale => return false,
        Proposed::Parted => {
            metrics::OFFERS.one("put_back");
            return false;
        }
        Proposed::Offered => {}
        Proposed::Seated => {
            metrics::OFFERS.one("seated");
            metrics::ROOMS_OPENED.one(kind_of(queue).as_str());
        }
    }
    for seeker in proposal.pair {
        metrics::QUEUE_WAIT.record(queue.as_str(), (now - seeker.since).as_secs_f64());
    }
    true
}
