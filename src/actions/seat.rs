//! Seating an offered pair: the part of the saga that spans shards. Every step can be repeated, and is, when a node dies
//! halfway: the offer is then taken by another. A pair whose people live on one shard is seated in one step.

use super::{Actions, OPENING, SEEK_CHECK};
use crate::coord::queue::Offer;
use crate::coord::rooms::{Announced, Discarded, Opening, Paired};
use crate::coord::users::{Claimed, Looker, Rechecked};
use crate::domain::queue::Queue;
use crate::domain::room::RoomKind;
use crate::error::Fault;
use crate::ids::{RoomId, UserId};
use crate::metrics;

impl Actions {
    /// Seats a pair, or puts back whoever can be.
    pub async fn seat(&self, offer: &Offer) -> Result<(), Fault> {
        let keys = self.coord.keys();
        let together = offer
            .pair
            .iter()
            .all(|(user, _)| keys.shard_of_user(user) == offer.room.shard());
        let seated = match together {
            true => self.seat_at_once(offer).await?,
            false => self.seat_step_by_step(offer).await?,
        };
        metrics::OFFERS.one(if seated { "seated" } else { "put_back" });
        if seated {
            metrics::ROOMS_OPENED.one(kind_of(offer.queue).as_str());
        }
        self.coord.settle_offer(offer).await
    }

    async fn seat_at_once(&self, offer: &Offer) -> Result<bool, Fault> {
        match self
            .coord
            .seat(offer.room, self.opening(offer.queue), &offer.pair)
            .await?
        {
            Paired::Seated => Ok(true),
            Paired::Parted(seeking) => {
                for user in &seeking {
                    let looked = self.coord.recheck(user, self.now() + SEEK_CHECK, Looker::Other).await?;
                    if let Rechecked::Seeking(stay) = looked {
                        self.wait_in_line(user, &stay).await?;
                    }
                }
                Ok(false)
            }
        }
    }

    async fn seat_step_by_step(&self, offer: &Offer) -> Result<bool, Fault> {
        let [(a, ticket_a), (b, ticket_b)] = &offer.pair;
        let (room, Opening { kind, idle, held }) = (offer.room, self.opening(offer.queue));
        self.coord.open(room, kind, [a, b], self.now() + OPENING).await?;
        let claims =
            futures_util::future::join(self.coord.claim(a, ticket_a, room), self.coord.claim(b, ticket_b, room));
        let seated = match claims.await {
            (Ok(Claimed::At(at_a)), Ok(Claimed::At(at_b))) => {
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
            if self.discard(room).await? == Discarded::Kept {
                // An earlier try came this far, and one of the two has left the room since.
                return Ok(true);
            }
            self.put_back(room, &[a.clone(), b.clone()]).await?;
        }
        Ok(seated)
    }

    /// Sweeps away a room that was not announced. It is remembered for as long as seating is tried again.
    pub(super) async fn discard(&self, room: RoomId) -> Result<Discarded, Fault> {
        self.coord.discard(room, self.settings.chat.tombstone).await
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

    /// How rooms for the people of a queue are opened now.
    pub(super) fn opening(&self, queue: Queue) -> Opening {
        let (now, chat) = (self.now(), &self.settings.chat);
        Opening {
            kind: kind_of(queue),
            idle: now + chat.room_idle,
            held: now + chat.seat_hold,
        }
    }
}

pub(super) fn kind_of(queue: Queue) -> RoomKind {
    match queue {
        Queue::Text => RoomKind::Text,
    }
}
