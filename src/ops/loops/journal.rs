//! Carries facts from the journal to Postgres. While Postgres is away they wait in Redis.
//!
//! Each shard's keeper does it. What has waited for too long is stored by any node: the keeper may be the one that cannot
//! reach Postgres.

use super::keeper::Kept;
use crate::actions::Actions;
use crate::clock::Millis;
use crate::coord::journal::JournalReader;
use crate::error::Fault;
use crate::ids::Shard;
use crate::metrics;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Facts stored at once.
const BATCH: usize = 100;

/// How often the journal is looked into when it is empty: nobody waits for a fact to be in Postgres.
const EVERY: Duration = Duration::from_millis(250);

/// How often it is said how many facts wait.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Wait after a fault.
const AFTER_FAULT: Duration = Duration::from_secs(1);

/// A fact that the keeper has not stored within this is stored by others too, who look as often: longer than a keeper's
/// lease and a query take.
const OVERDUE: Duration = Duration::from_secs(5);

/// When what is not done at every turn was done last.
#[derive(Default)]
struct Last {
    told: Millis,
    looked: Millis,
}

/// Runs for all shards, each by itself: one whose master is away holds up no other.
pub async fn run(journals: Vec<JournalReader>, actions: Actions, kept: Kept) {
    let backlog = Backlog::default();
    let shards = journals.iter().map(|journal| flow(journal, &actions, &kept, &backlog));
    futures_util::future::join_all(shards).await;
}

async fn flow(journal: &JournalReader, actions: &Actions, kept: &Kept, backlog: &Backlog) {
    let mut last = Last::default();
    loop {
        let now = actions.clock().steady();
        let overdue = (now - last.looked >= OVERDUE).then(|| now - OVERDUE);
        let turn = turn(journal, actions, kept, overdue).await;
        if overdue.is_some() && !matches!(turn, Ok(BATCH)) {
            last.looked = now;
        }
        if now - last.told >= TELL_EVERY {
            last.told = now;
            // Also, and above all, when Postgres is away.
            match journal.waiting().await {
                Ok(waiting) => tell(backlog.note(journal.shard(), waiting), actions.clock().steady()),
                Err(fault) => tracing::debug!(fault.op, fault.why, "nobody knows how many facts wait: {fault}"),
            }
        }
        rest(turn).await;
    }
}

/// Stores what is this node's to store on a shard; how many facts that were.
async fn turn(
    journal: &JournalReader,
    actions: &Actions,
    kept: &Kept,
    overdue: Option<Millis>,
) -> Result<usize, Fault> {
    let facts = match overdue {
        _ if kept.keeps(journal.shard()) => journal.oldest(BATCH).await?,
        Some(until) => journal.entered_by(until, BATCH).await?,
        None => return Ok(0),
    };
    let count = facts.len();
    journal.confirm(actions.remember(facts).await?).await?;
    Ok(count)
}

/// Waits before the next turn, unless there is more to store at once.
async fn rest(turn: Result<usize, Fault>) {
    let wait = match turn {
        Ok(0) => EVERY,
        Ok(_) => Duration::ZERO,
        Err(fault) => {
            metrics::FAULTS.one(fault.op);
            tracing::warn!(fault.op, fault.why, "facts wait in the journal: {fault}");
            AFTER_FAULT
        }
    };
    tokio::time::sleep(wait).await;
}

/// What waits on each shard, as far as it is known: on one that does not answer, what waited there when it last did.
#[derive(Default)]
struct Backlog(Mutex<BTreeMap<Shard, Waiting>>);

/// How many facts wait, and since when the oldest does.
type Waiting = (u64, Option<Millis>);

impl Backlog {
    /// What waits on all shards, now that it is known of this one.
    fn note(&self, shard: Shard, waiting: Waiting) -> Waiting {
        let mut shards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shards.insert(shard, waiting);
        let facts = shards.values().map(|(facts, _)| facts).sum();
        (facts, shards.values().filter_map(|(_, since)| *since).min())
    }
}

fn tell((facts, since): Waiting, now: Millis) {
    let lag = since.map_or(Duration::ZERO, |since| now - since);
    metrics::JOURNAL_FACTS.set((), facts as f64);
    metrics::JOURNAL_LAG.set((), lag.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Secret, Settings};
    use crate::coord::testing::World;
    use crate::store::Store;
    use std::net::TcpListener;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_shard_that_does_not_answer_holds_up_the_facts_of_no_other() {
        let (mut away, world) = (World::new(1).await, World::new(2).await);
        // Connections to it come about, and nobody ever speaks on them.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let hour = Duration::from_secs(3600);
        away.settings.url = Secret::new(format!("redis://{}", silent.local_addr().unwrap()));
        (away.settings.connect_timeout, away.settings.command_timeout) = (hour, hour);
        let (mut mute, mut node) = (away.stranger().await, world.node().await);
        let journals = vec![mute.journals.remove(0), node.journals.remove(1)];
        let key = node.coord.keys().journal(Shard(1));
        for _ in 0..=2 * BATCH {
            world.raw(&["XADD", &key, "*", "fact", "of another release"]).await;
        }
        let kept = Kept::none(2);
        for journal in &journals {
            kept.note(journal.shard(), true, false);
        }
        let settings = Settings::default();
        let store = Store::open(&settings.postgres).unwrap();
        let actions = Actions::new(node.coord.clone(), store, Arc::new(settings));
        let emptied = async {
            while world.raw(&["XLEN", &key]).await.as_u64() != Some(0) {
                tokio::task::yield_now().await;
            }
        };

        tokio::select! {
            () = run(journals, actions, kept) => panic!("it has no end"),
            () = emptied => {}
        }
    }

    #[test]
    fn what_waits_is_told_of_all_shards_also_while_one_does_not_answer() {
        let backlog = Backlog::default();
        backlog.note(Shard(0), (3, Some(Millis(10))));

        let first = backlog.note(Shard(1), (4, Some(Millis(20))));
        let second = backlog.note(Shard(1), (0, None));

        assert_eq!(first, (7, Some(Millis(10))));
        assert_eq!(second, (3, Some(Millis(10))));
    }
}
