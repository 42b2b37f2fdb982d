//! Seating an offered pair: the part of the saga that spans shards. Every step can be repeated, and is, when a node dies
//! halfway: the offer is then taken by another.

use super::{Actions, OPENING, SEEK_CHECK};
use crate::coord::queue::Offer;
use crate::coord::rooms::Announced;
use crate::coord::users::Claimed;
use crate::domain::queue::Queue;
use crate::domain::room::RoomKind;
use crate::error::Fault;
use crate::ids::{RoomId, UserId};
use crate::metrics;

impl Actions {
    /// Seats a pair, or puts back whoever can be.
    pub async fn seat(&self, offer: &Offer) -> Result<(), Fault> {
        let [(a, ticket_a), (b, ticket_b)] = &offer.pair;
        let (room, now, kept) = (offer.room, self.now(), self.remembered_for());
        self.coord
            .open(room, kind_of(offer.queue), [a, b], now + OPENING)
            .await?;
        let claims = futures_util::future::join(
            self.coord.claim(a, ticket_a, room, kept),
            self.coord.claim(b, ticket_b, room, kept),
        );
        let seated = match claims.await {
            (Ok(Claimed::At(at_a)), Ok(Claimed::At(at_b))) => {
                let idle = now + self.settings.chat.room_idle;
                let held = now + self.settings.chat.seat_hold;
                let pair = [(a, at_a.as_slice()), (b, at_b.as_slice())];
                self.coord.announce(room, idle, held, pair).await? == Announced::Open
            }
            (a, b) => {
                a?;
                b?;
                false
            }
        };
        if !seated {
            self.coord.discard(room).await?;
            self.put_back(room, &[a.clone(), b.clone()]).await?;
        }
        metrics::OFFERS.one(if seated { "seated" } else { "put_back" });
        if seated {
            metrics::ROOMS_OPENED.one(kind_of(offer.queue).as_str());
        }
        self.coord.settle_offer(offer).await
    }

    /// Gives people claimed for a room that will not be back to the queue, each at the place of before.
    pub(super) async fn put_back(&self, room: RoomId, people: &[UserId]) -> Result<(), Fault> {
        for user in people {
            if let Some(stay) = self.coord.unclaim(user, room, self.now() + SEEK_CHECK).await? {
                self.wait_in_line(user, &stay).await?;
            }
        }
        Ok(())
    }
}

fn kind_of(queue: Queue) -> RoomKind {
    match queue {
        Queue::Text => RoomKind::Text,
    }
}
