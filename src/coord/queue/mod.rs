//! Queues in Redis: who waits, in which order, and the pairs that were proposed.
//!
//! `queue:<q>` (zset): user -> time of entering; `seekers:<q>` (hash): user -> "ticket|eligible|recent". An entry comes
//! with `join` and goes with `leave` or `propose`. `offers` (stream, group `seat`): a proposed pair stays until somebody
//! has seated it or put it back; what a dead node was seating is claimed by another.

#[cfg(test)]
mod tests;

use super::Coord;
use super::road::Road;
use super::script::Act;
use super::users::Stay;
use crate::clock::Millis;
use crate::domain::pairing::{Met, Seeker};
use crate::domain::queue::{Place, Queue};
use crate::error::Fault;
use crate::ids::{RoomId, Shard, Ticket, UserId};
use fred::clients::Client;
use fred::interfaces::{ClientLike, StreamsInterface};
use fred::types::Value;
use std::time::Duration;

/// The consumer group of those who seat people.
const GROUP: &str = "seat";

/// A proposed pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Where the offer stands, to settle it.
    pub shard: Shard,
    /// Its entry in the stream.
    pub id: String,
    /// Where they waited.
    pub queue: Queue,
    /// The room to be.
    pub room: RoomId,
    /// The pair, with the tickets they waited with.
    pub pair: [(UserId, Ticket); 2],
}

impl Coord {
    /// Puts a seeker into the queue; where that is.
    pub async fn join(&self, user: &UserId, stay: &Stay, eligible: Millis) -> Result<Place, Fault> {
        let recent: Vec<_> = stay.recent.iter().map(|m| format!("{} {}", m.user, m.at)).collect();
        let act = Act::new("join")
            .key(self.keys().queue(stay.queue))
            .key(self.keys().seekers(stay.queue))
            .arg(user)
            .arg(&stay.ticket)
            .arg(stay.since)
            .arg(eligible)
            .arg(recent.join(","));
        let reply = self.run(self.keys().shard_of_queue(stay.queue), act).await?;
        match reply.word() {
            "joined" => Ok(Place::at(reply.value(0)?)),
            _ => Err(reply.unknown()),
        }
    }

    /// Takes a seeker out of the queue.
    pub async fn leave(&self, user: &UserId, queue: Queue, ticket: &Ticket) -> Result<(), Fault> {
        let act = Act::new("leave")
            .key(self.keys().queue(queue))
            .key(self.keys().seekers(queue))
            .arg(user)
            .arg(ticket);
        let reply = self.run(self.keys().shard_of_queue(queue), act).await?;
        match reply.word() {
            "left" | "not_there" => Ok(()),
            _ => Err(reply.unknown()),
        }
    }

    /// The longest waiting seekers, at most `most`, and how many wait in all.
    pub async fn peek(&self, queue: Queue, most: usize) -> Result<(u64, Vec<Seeker>), Fault> {
        let act = Act::new("peek")
            .key(self.keys().queue(queue))
            .key(self.keys().seekers(queue))
            .arg(most);
        let reply = self.run(self.keys().shard_of_queue(queue), act).await?;
        if reply.word() != "seekers" {
            return Err(reply.unknown());
        }
        let rows = reply.values().get(1..).unwrap_or(&[]);
        let seekers = rows
            .chunks_exact(3)
            .map(|row| seeker(&row[0], &row[1], &row[2]).ok_or_else(|| reply.unknown()));
        Ok((reply.value(0)?, seekers.collect::<Result<_, _>>()?))
    }

    /// Takes a pair out of the queue and offers it; false when one of them waits no longer.
    pub async fn propose(&self, queue: Queue, room: RoomId, a: &Seeker, b: &Seeker) -> Result<bool, Fault> {
        let shard = self.keys().shard_of_queue(queue);
        let act = Act::new("propose")
            .key(self.keys().queue(queue))
            .key(self.keys().seekers(queue))
            .key(self.keys().offers(shard))
            .arg(queue.as_str())
            .arg(room)
            .arg(&a.user)
            .arg(&a.ticket)
            .arg(&b.user)
            .arg(&b.ticket);
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "offered" => Ok(true),
            "stale" => Ok(false),
            _ => Err(reply.unknown()),
        }
    }

    /// The offer has been seen through.
    pub async fn settle_offer(&self, offer: &Offer) -> Result<(), Fault> {
        let act = Act::new("settle_offer")
            .key(self.keys().offers(offer.shard))
            .arg(GROUP)
            .arg(&offer.id);
        let reply = self.run(offer.shard, act).await?;
        match reply.word() {
            "settled" => Ok(()),
            _ => Err(reply.unknown()),
        }
    }
}

/// Reads a shard's offers, on a connection of its own because reading waits.
#[derive(Debug)]
pub struct OfferReader {
    coord: Coord,
    shard: Shard,
    road: Road,
}

impl OfferReader {
    pub(super) fn new(coord: Coord, shard: Shard, road: Road) -> Self {
        Self { coord, shard, road }
    }

    /// Makes the consumer group; harmless when it is there.
    pub async fn prepare(&self) -> Result<(), Fault> {
        let key = self.coord.keys().offers(self.shard);
        super::connect::make_group(&self.road, &key, GROUP).await
    }

    /// The next offers, at most `most`; waits for the first up to `wait`.
    pub async fn next(&self, most: u64, wait: Duration) -> Result<Vec<Offer>, Fault> {
        let (key, node) = (self.coord.keys().offers(self.shard), self.coord.identity().now());
        let (key, node, options) = (&key, &node, &super::connect::waiting(wait));
        let wait = Some(wait.as_millis() as u64);
        let read = |client: Client| async move {
            let client = client.with_options(options);
            let consumer = node.as_str();
            client
                .xreadgroup::<Value, _, _, _, _>(GROUP, consumer, Some(most), wait, false, key, ">")
                .await
        };
        let reply = self.road.run(read).await.map_err(|e| Fault::new("offers", e))?;
        Ok(self.read(super::inbox::entries(reply)))
    }

    /// Offers that a node took and did not settle within `idle`: it died, or lost its way to Redis.
    pub async fn left_over(&self, most: u64, idle: Duration) -> Result<Vec<Offer>, Fault> {
        let (key, node) = (self.coord.keys().offers(self.shard), self.coord.identity().now());
        let claimed = super::connect::take_over(&self.road, &key, (GROUP, &node), idle, most).await?;
        Ok(self.read(claimed))
    }

    fn read(&self, entries: Vec<super::inbox::Entry>) -> Vec<Offer> {
        let shard = self.shard;
        entries
            .into_iter()
            .filter_map(|e| e.fields.first().and_then(|(_, text)| offer(shard, &e.id, text)))
            .collect()
    }
}

fn offer(shard: Shard, id: &str, text: &str) -> Option<Offer> {
    let mut words = text.split_ascii_whitespace();
    let (queue, room) = (Queue::parse(words.next()?)?, RoomId::parse(words.next()?)?);
    let mut one = || Some((UserId::parse(words.next()?)?, Ticket::parse(words.next()?)?));
    let pair = [one()?, one()?];
    Some(Offer {
        shard,
        id: id.to_owned(),
        queue,
        room,
        pair,
    })
}

fn seeker(user: &str, since: &str, entry: &str) -> Option<Seeker> {
    let mut parts = entry.splitn(3, '|');
    let (ticket, eligible, recent) = (parts.next()?, parts.next()?, parts.next()?);
    let met = |text: &str| {
        let (user, at) = text.split_once(' ')?;
        Some(Met {
            user: UserId::parse(user)?,
            at: Millis(at.parse().ok()?),
        })
    };
    Some(Seeker {
        user: UserId::parse(user)?,
        ticket: Ticket::parse(ticket)?,
        since: Millis(since.parse().ok()?),
        eligible: Millis(eligible.parse().ok()?),
        recent: recent
            .split(',')
            .filter(|t| !t.is_empty())
            .map(met)
            .collect::<Option<_>>()?,
    })
}
