//! Carries facts from the journal to Postgres. While Postgres is away they wait in Redis.
//!
//! Each shard's keeper does it. What has waited for too long is stored by any node: the keeper may be the one that cannot
//! reach Postgres.

use super::keeper::Kept;
use crate::actions::Actions;
use crate::clock::Millis;
use crate::coord::journal::JournalReader;
use crate::error::Fault;
use crate::metrics;
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

/// Runs for all shards.
pub async fn run(journals: Vec<JournalReader>, actions: Actions, kept: Kept) {
    let mut last = Last::default();
    loop {
        let now = actions.clock().steady();
        let overdue = (now - last.looked >= OVERDUE).then(|| now - OVERDUE);
        // Side by side: a shard whose master is away must not hold up the others.
        let turns = journals.iter().map(|journal| turn(journal, &actions, &kept, overdue));
        let turns = futures_util::future::join_all(turns).await;
        if overdue.is_some() && turns.iter().flatten().all(|stored| *stored < BATCH) {
            last.looked = now;
        }
        if now - last.told >= TELL_EVERY {
            last.told = now;
            // Also, and above all, when Postgres is away.
            if let Err(fault) = tell_what_waits(&journals, &actions).await {
                tracing::debug!(fault.op, fault.why, "nobody knows how many facts wait: {fault}");
            }
        }
        rest(turns).await;
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

/// Waits before the next turns, unless there is more to store at once.
async fn rest(turns: Vec<Result<usize, Fault>>) {
    let (mut failed, mut more) = (false, false);
    for turn in turns {
        match turn {
            Ok(0) => {}
            Ok(_) => more = true,
            Err(fault) => {
                metrics::FAULTS.one(fault.op);
                tracing::warn!(fault.op, fault.why, "facts wait in the journal: {fault}");
                failed = true;
            }
        }
    }
    let wait = match (failed, more) {
        (true, _) => AFTER_FAULT,
        (false, true) => Duration::ZERO,
        (false, false) => EVERY,
    };
    tokio::time::sleep(wait).await;
}

async fn tell_what_waits(journals: &[JournalReader], actions: &Actions) -> Result<(), Fault> {
    let (mut waiting, mut oldest) = (0, None::<Millis>);
    for journal in journals {
        let (left, since) = journal.waiting().await?;
        waiting += left;
        oldest = oldest.into_iter().chain(since).min();
    }
    let lag = oldest.map_or(Duration::ZERO, |since| actions.clock().steady() - since);
    metrics::JOURNAL_FACTS.set((), waiting as f64);
    metrics::JOURNAL_LAG.set((), lag.as_secs_f64());
    Ok(())
}
