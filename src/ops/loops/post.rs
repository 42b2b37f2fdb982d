//! Carries letters to mail servers and providers of short messages, one loop for each medium: neither waits for the other.
//!
//! Each shard's keeper does it. What has waited for too long is carried by any node: the keeper may be the one that cannot
//! reach them.

use super::keeper::Kept;
use crate::actions::Actions;
use crate::actions::post::BATCH;
use crate::clock::Millis;
use crate::domain::letter::Medium;
use crate::error::Fault;
use std::time::Duration;

/// How often the post is looked into: nobody minds a letter that is so much later.
const EVERY: Duration = Duration::from_millis(500);

/// A letter that the keeper has not taken within this is taken by others too, who look as often.
const OVERDUE: Duration = Duration::from_secs(5);

/// Runs for all shards.
pub async fn run(medium: Medium, actions: Actions, kept: Kept) {
    // Nothing is overdue yet, and nobody may ask before this node is known.
    let mut looked = actions.clock().now();
    loop {
        let now = actions.clock().now();
        let overdue = (now - looked >= OVERDUE).then(|| now - OVERDUE);
        match turn(medium, &actions, &kept, overdue).await {
            Ok(true) => {}
            Ok(false) => {
                if overdue.is_some() {
                    looked = now;
                }
                tokio::time::sleep(EVERY).await;
            }
            Err(fault) => super::stumbled("post", &fault).await,
        }
    }
}

/// Carries what is this node's to carry; whether there may be more at once.
async fn turn(medium: Medium, actions: &Actions, kept: &Kept, overdue: Option<Millis>) -> Result<bool, Fault> {
    let now = actions.clock().now();
    // Side by side: a shard whose master is away must not hold up the others.
    let turns = actions.coord().keys().shards().map(|shard| async move {
        let by = if kept.keeps(shard) { Some(now) } else { overdue };
        match by {
            Some(by) => actions.carry_letters(shard, medium, by).await,
            None => Ok(0),
        }
    });
    let counts = futures_util::future::join_all(turns).await;
    let counts = counts.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(counts.into_iter().any(|count| count == BATCH))
}
