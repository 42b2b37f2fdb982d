//! The journal: facts on their way to Postgres.
//!
//! `journal` (stream, one per shard; group `store`): a fact is appended by the script that made it true and leaves when
//! Postgres has it. While Postgres is away facts wait here; storing one twice is harmless (each has its own key there).

#[cfg(test)]
mod tests;

use super::Coord;
use super::inbox::{self, Entry};
use super::road::Road;
use crate::clock::Millis;
use crate::domain::fact::{Conversation, Fact, Report};
use crate::domain::room::{Ending, Line, Offset, RoomKind};
use crate::domain::safety::Violation;
use crate::error::Fault;
use crate::ids::{FactId, MessageId, RoomId, Shard, UserId};
use fred::clients::Client;
use fred::interfaces::StreamsInterface;
use fred::types::Value;
use std::collections::HashMap;
use std::time::Duration;

/// The consumer group of those who store.
const GROUP: &str = "store";

/// A fact and where it stands in the journal.
#[derive(Clone, Debug)]
pub struct Entered {
    /// Its entry, to be confirmed.
    pub id: String,
    /// When it was entered.
    pub at: Millis,
    /// The fact; `None` when this release cannot read it.
    pub fact: Option<Fact>,
}

/// Reads one shard's journal for storing.
#[derive(Debug)]
pub struct JournalReader {
    coord: Coord,
    shard: Shard,
}

impl JournalReader {
    pub(super) fn new(coord: Coord, shard: Shard) -> Self {
        Self { coord, shard }
    }

    fn road(&self) -> &Road {
        self.coord.road(self.shard)
    }

    /// Makes the consumer group; harmless when it is there.
    pub async fn prepare(&self) -> Result<(), Fault> {
        super::connect::make_group(
            self.coord.road(self.shard),
            &self.coord.keys().journal(self.shard),
            GROUP,
        )
        .await
    }

    /// Facts not yet taken by anybody, at most `most`; does not wait.
    pub async fn next(&self, most: u64) -> Result<Vec<Entered>, Fault> {
        self.read(most, ">").await
    }

    async fn read(&self, most: u64, from: &str) -> Result<Vec<Entered>, Fault> {
        let (key, node) = (self.coord.keys().journal(self.shard), self.coord.identity().now());
        let (key, node) = (&key, &node);
        let read = |client: Client| async move {
            let consumer = node.as_str();
            client
                .xreadgroup(GROUP, consumer, Some(most), None, false, key, from)
                .await
        };
        let reply: Value = self.road().run(read).await.map_err(|e| Fault::new("journal", e))?;
        Ok(inbox::entries(reply).into_iter().map(entered).collect())
    }

    /// Facts that this node took and has not confirmed, at most `most`: after a fault they are tried again first.
    pub async fn own(&self, most: u64) -> Result<Vec<Entered>, Fault> {
        self.read(most, "0").await
    }

    /// Facts that were taken and not confirmed within `idle`.
    pub async fn left_over(&self, most: u64, idle: Duration) -> Result<Vec<Entered>, Fault> {
        let (key, node) = (self.coord.keys().journal(self.shard), self.coord.identity().now());
        let claimed = super::connect::take_over(self.road(), &key, (GROUP, &node), idle, most).await?;
        Ok(claimed.into_iter().map(entered).collect())
    }

    /// Postgres has these facts: they leave the journal.
    pub async fn confirm(&self, ids: Vec<String>) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let key = self.coord.keys().journal(self.shard);
        let (key, ids) = (&key, &ids);
        let delete = |client: Client| async move {
            client.xack::<Value, _, _, _>(key, GROUP, ids.clone()).await?;
            client.xdel::<Value, _, _>(key, ids.clone()).await
        };
        self.road().run(delete).await.map_err(|e| Fault::new("journal", e))?;
        Ok(())
    }

    /// How many facts wait, and since when the oldest does.
    pub async fn waiting(&self) -> Result<(u64, Option<Millis>), Fault> {
        let key = self.coord.keys().journal(self.shard);
        let key = &key;
        let look = |client: Client| async move {
            let count: u64 = client.xlen(key).await?;
            let first: Value = client.xrange(key, "-", "+", Some(1)).await?;
            Ok((count, first))
        };
        let (count, first) = self.road().run(look).await.map_err(|e| Fault::new("journal", e))?;
        let oldest = inbox::stream_entries(first).first().and_then(|e| Offset::parse(&e.id));
        Ok((count, oldest.map(|o| Millis(o.ms))))
    }
}

fn entered(entry: Entry) -> Entered {
    let at = Offset::parse(&entry.id).map_or(Millis(0), |o| Millis(o.ms));
    let fields = entry.fields.into_iter().collect();
    Entered {
        id: entry.id,
        at,
        fact: fact(&fields),
    }
}

type Fields = HashMap<String, String>;

fn fact(fields: &Fields) -> Option<Fact> {
    match fields.get("fact")?.as_str() {
        "ended" => conversation(fields).map(Fact::Ended),
        "report" => report(fields).map(Fact::Reported),
        _ => None,
    }
}

fn millis(fields: &Fields, name: &str) -> Option<Millis> {
    fields.get(name)?.parse().ok().map(Millis)
}

fn conversation(fields: &Fields) -> Option<Conversation> {
    Some(Conversation {
        room: RoomId::parse(fields.get("room")?)?,
        kind: RoomKind::parse(fields.get("kind")?)?,
        opened: millis(fields, "opened")?,
        ended: millis(fields, "ended")?,
        ending: Ending::parse(fields.get("why")?, fields.get("by")?)?,
        lines: fields.get("lines")?.parse().ok()?,
        people: fields
            .get("people")?
            .split_ascii_whitespace()
            .map(UserId::parse)
            .collect::<Option<_>>()?,
    })
}

fn report(fields: &Fields) -> Option<Report> {
    Some(Report {
        id: FactId::parse(fields.get("id")?)?,
        room: RoomId::parse(fields.get("room")?)?,
        kind: RoomKind::parse(fields.get("kind")?)?,
        opened: millis(fields, "opened")?,
        reporter: UserId::parse(fields.get("reporter")?)?,
        reported: UserId::parse(fields.get("reported")?)?,
        violation: Violation::parse(fields.get("violation")?)?,
        description: fields.get("description")?.clone(),
        at: millis(fields, "at")?,
        lines: lines(fields.get("lines")?)?,
    })
}

fn lines(text: &str) -> Option<Vec<Line>> {
    let fields: Vec<_> = text.split('\u{1f}').collect();
    let line = |f: &[&str]| {
        Some(Line {
            offset: Offset::parse(f[0])?,
            sender: UserId::parse(f[1])?,
            message: MessageId::parse(f[2])?,
            at: Millis(f[3].parse().ok()?),
            text: f[4].to_owned(),
        })
    };
    fields.chunks_exact(5).map(line).collect()
}
