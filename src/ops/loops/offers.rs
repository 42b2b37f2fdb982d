//! Takes offered pairs of a shard and seats them; also those that another node took and did not see through.

use super::stumbled;
use crate::actions::Actions;
use crate::clock::Millis;
use crate::coord::queue::{Offer, OfferReader};
use crate::error::Fault;
use std::time::Duration;

/// Pairs seated at once.
const BATCH: u64 = 64;

/// How long a read waits on the server when nothing comes.
const WAIT: Duration = Duration::from_secs(1);

/// Longest that one pair is waited for, so that it holds up no others.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs for one shard.
pub async fn run(offers: OfferReader, actions: Actions, claim: Duration) {
    let mut looked = Millis(0);
    let mut prepared = false;
    loop {
        let outcome = match prepared {
            true => turn(&offers, &actions, claim, &mut looked).await,
            false => offers.prepare().await,
        };
        // After Redis lost its data the consumer group is gone as well.
        prepared = outcome.is_ok();
        if let Err(fault) = outcome {
            stumbled("offers", &fault).await;
        }
    }
}

async fn turn(offers: &OfferReader, actions: &Actions, claim: Duration, looked: &mut Millis) -> Result<(), Fault> {
    seat(actions, offers.next(BATCH, WAIT).await?).await?;
    let now = actions.clock().steady();
    if now - *looked >= claim {
        *looked = now;
        seat(actions, offers.left_over(BATCH, claim).await?).await?;
    }
    Ok(())
}

async fn seat(actions: &Actions, offers: Vec<Offer>) -> Result<(), Fault> {
    // What failed, or has to do with a shard that is away, stays in the stream and is taken again.
    let seating = offers
        .iter()
        .map(|offer| tokio::time::timeout(PATIENCE, actions.seat(offer)));
    let seated = futures_util::future::join_all(seating).await;
    seated.into_iter().flatten().collect()
}
