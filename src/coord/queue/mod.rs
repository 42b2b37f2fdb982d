//! Queues in Redis: who waits, in which order, and the pairs that were proposed.
//!
//! `queue:<q>` (zset): user -> time of entering; `seekers:<q>` (hash): user -> "ticket|wait|recent". An entry comes
//! with `join` and goes with `leave` or `propose`. `offers` (stream, group `seat`): a proposed pair stays until somebody
//! has seated it or put it back; what a dead node was seating is claimed by another. A pair whose people live on the
//! queue's shard needs no offer: `propose` seats it.

#[cfg(test)]
mod tests;

use super::Coord;
use super::inbox::{self, Entry};
use super::road::Road;
use super::rooms::Opening;
use super::script::Act;
use super::users::Stay;
use crate::clock::Millis;
use crate::domain::pairing::{Met, Seeker};
use crate::domain::queue::{Place, Queue};
use crate::domain::recovery::TRAIL;
use crate::error::Fault;
use crate::ids::{RoomId, Shard, Ticket, UserId};
use fred::clients::Client;
use fred::interfaces::{ClientLike, StreamsInterface};
use fred::types::Value;
use std::time::Duration;

/// The consumer group of those who seat people.
const GROUP: &str = "seat";

/// The one consumer in it, whichever node reads: an offer is taken over by how long ago it was taken, whoever took it, and
/// a name for each life of each node would stay in the group for good.
const CONSUMER: &str = "node";

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

/// Two who are to meet in a room.
#[derive(Clone, Copy, Debug)]
pub struct Proposal<'a> {
    /// The room to be.
    pub room: RoomId,
    /// Who.
    pub pair: [&'a Seeker; 2],
}

/// What came of a [`Proposal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proposed {
    /// They are offered to whoever seats people.
    Offered,
    /// They sit already.
    Seated,
    /// One of them could not be had and waits no longer; the other goes on waiting at the place of before.
    Parted,
    /// One of them waited no longer.
    Stale,
}

impl Coord {
    /// Puts a seeker into the queue; where that is. Pairs are made with somebody new after `wait`.
    pub async fn join(&self, user: &UserId, stay: &Stay, wait: Duration) -> Result<Place, Fault> {
        let recent: Vec<_> = stay.recent.iter().map(|m| format!("{} {}", m.user, m.at)).collect();
        let act = Act::new("join")
            .key(self.keys().queue(stay.queue))
            .key(self.keys().seekers(stay.queue))
            .arg(user)
            .arg(&stay.ticket)
            .arg(stay.since)
            .arg(wait.as_millis())
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

    /// Takes pairs out of the queue. Those who live where the queue does are seated at once, the others offered.
    pub async fn propose(
        &self,
        queue: Queue,
        opening: Opening,
        proposals: &[Proposal<'_>],
    ) -> Result<Vec<Proposed>, Fault> {
        let shard = self.keys().shard_of_queue(queue);
        let mut act = Act::new("propose")
            .promising("proposed")
            .key(self.keys().queue(queue))
            .key(self.keys().seekers(queue))
            .key(self.keys().offers(shard))
            .key(self.keys().timers(shard))
            .key(self.keys().rooms_base(shard))
            .key(self.keys().user_base(shard))
            .key(self.keys().room_base(shard))
            .key(self.keys().log_base(shard))
            .arg(queue.as_str())
            .arg(opening.kind.as_str())
            .arg(opening.idle)
            .arg(opening.held)
            .arg(TRAIL);
        for Proposal { room, pair } in proposals {
            let here = pair.iter().all(|s| self.keys().shard_of_user(&s.user) == shard) && room.shard() == shard;
            act = act.arg(if here { "here" } else { "away" }).arg(room);
            for Seeker { user, ticket, .. } in pair {
                act = act.arg(user).arg(ticket);
            }
        }
        let reply = self.run(shard, act).await?;
        if reply.word() != "proposed" || reply.values().len() != proposals.len() {
            return Err(reply.unknown());
        }
        let outcome = |word: &String| match word.as_str() {
            "offered" => Ok(Proposed::Offered),
            "seated" => Ok(Proposed::Seated),
            "parted" => Ok(Proposed::Parted),
            "stale" => Ok(Proposed::Stale),
            _ => Err(reply.unknown()),
        };
        reply.values().iter().map(outcome).collect()
    }

    /// The offer has been seen through.
    pub async fn settle_offer(&self, offer: &Offer) -> Result<(), Fault> {
        self.settle_entry(offer.shard, &offer.id).await
    }

    async fn settle_entry(&self, shard: Shard, id: &str) -> Result<(), Fault> {
        let act = Act::new("settle_offer")
            .key(self.keys().offers(shard))
            .arg(GROUP)
            .arg(id);
        let reply = self.run(shard, act).await?;
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
        let key = &self.coord.keys().offers(self.shard);
        let made = |client: Client| async move { client.xgroup_create::<(), _, _, _>(key, GROUP, "0", true).await };
        match self.road.run(made).await {
            Err(e) if e.details().starts_with("BUSYGROUP") => Ok(()),
            other => other.map_err(|e| Fault::new("offers", e)),
        }
    }

    /// The next offers, at most `most`; waits for the first up to `wait`.
    pub async fn next(&self, most: u64, wait: Duration) -> Result<Vec<Offer>, Fault> {
        let (key, options) = (&self.coord.keys().offers(self.shard), &super::connect::waiting(wait));
        let wait = Some(wait.as_millis() as u64);
        let read = |client: Client| async move {
            let client = client.with_options(options);
            client
                .xreadgroup::<Value, _, _, _, _>(GROUP, CONSUMER, Some(most), wait, false, key, ">")
                .await
        };
        let reply = self.road.run(read).await.map_err(|e| Fault::new("offers", e))?;
        self.read(inbox::entries(reply)).await
    }

    /// Offers that a node took and did not settle within `idle`: it died, or lost its way to Redis.
    pub async fn left_over(&self, most: u64, idle: Duration) -> Result<Vec<Offer>, Fault> {
        let (key, idle) = (&self.coord.keys().offers(self.shard), idle.as_millis() as u64);
        let claim = |client: Client| async move {
            client
                .xautoclaim::<Value, _, _, _, _>(key, GROUP, CONSUMER, idle, "0-0", Some(most), false)
                .await
        };
        let reply = self.road.run(claim).await.map_err(|e| Fault::new("offers", e))?;
        // The answer is where to go on, what was taken, and what no longer exists.
        let taken = reply.into_array().into_iter().nth(1);
        self.read(taken.map(inbox::stream_entries).unwrap_or_default()).await
    }

    /// The offers in these entries. One that cannot be read goes: it would be taken over again for good.
    async fn read(&self, entries: Vec<Entry>) -> Result<Vec<Offer>, Fault> {
        let mut offers = Vec::with_capacity(entries.len());
        for Entry { id, fields } in entries {
            match fields.first().and_then(|(_, text)| offer(self.shard, &id, text)) {
                Some(offer) => offers.push(offer),
                None => {
                    tracing::error!(shard = %self.shard, entry = %id, "an offer of another release was dropped");
                    self.coord.settle_entry(self.shard, &id).await?;
                }
            }
        }
        Ok(offers)
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
    let (ticket, wait, recent) = (parts.next()?, parts.next()?, parts.next()?);
    let since = Millis(since.parse().ok()?);
    Some(Seeker {
        user: UserId::parse(user)?,
        ticket: Ticket::parse(ticket)?,
        since,
        eligible: since + Duration::from_millis(wait.parse().ok()?),
        recent: recent
            .split(',')
            .filter(|t| !t.is_empty())
            .map(Met::parse)
            .collect::<Option<_>>()?,
    })
}
