//! Carries letters to mail servers and providers of short messages, one loop for each medium: neither waits for the other.
//!
//! Each shard's keeper does it; at once what was posted on its own node. What has waited for too long is carried by any
//! node: the keeper may be the one that cannot reach them.

use super::keeper::Kept;
use crate::actions::Actions;
use crate::actions::post::BATCH;
use crate::clock::Millis;
use crate::domain::letter::Medium;
use crate::error::Fault;
use std::time::Duration;

/// How often the post is looked into for what other nodes posted: nobody minds a letter that is so much later.
pub const EVERY: Duration = Duration::from_millis(500);

/// A letter that the keeper has not taken within this is taken by others too, who look as often.
const OVERDUE: Duration = Duration::from_secs(5);

/// Runs for all shards, and looks `every` so often when nothing wakes it.
pub async fn run(medium: Medium, actions: Actions, kept: Kept, every: Duration) {
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
                tokio::select! {
                    () = tokio::time::sleep(every) => {}
                    () = actions.letter_posted(medium) => {}
                }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::Outside;
    use crate::config::{Secret, Settings};
    use crate::coord::testing::World;
    use crate::domain::letter::Says;
    use crate::ids::Shard;
    use crate::store::Store;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_letter_posted_on_the_node_that_carries_it_does_not_wait_for_the_next_look() {
        let (world, folder) = (World::new(1).await, tempfile::tempdir().unwrap());
        let node = world.node().await;
        let mut settings = Settings::default();
        settings.mail.url = Some(Secret::new(format!("file:{}", folder.path().display())));
        let (outside, store) = (
            Outside::open(&settings).unwrap(),
            Store::open(&settings.postgres).unwrap(),
        );
        let actions = Actions::new(node.coord.clone(), store, Arc::new(settings)).with(outside);
        let kept = Kept::none(1);
        kept.note(Shard(0), true, false);
        let never = Duration::from_secs(24 * 3600);
        let carrier = tokio::spawn(run(Medium::Mail, actions.clone(), kept, never));

        // The first may be found by the carrier's first look.
        for count in 1..=2 {
            let posting = actions.write_to(Medium::Mail, "ann@example.org", "Ann", Says::Welcome, "");
            posting.await.unwrap();
            let carried = async {
                while std::fs::read_dir(folder.path()).unwrap().count() < count {
                    tokio::task::yield_now().await;
                }
            };
            let patience = Duration::from_secs(60);
            assert!(tokio::time::timeout(patience, carried).await.is_ok(), "letter {count}");
        }

        carrier.abort();
    }
}
