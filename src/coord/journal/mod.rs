//! The journal: facts on their way to Postgres.
//!
//! `journal` (stream, one per shard): a fact is appended by the script that made it true and leaves when Postgres has it.
//! While Postgres is away facts wait here. Reading takes nothing: no node holds a fact, so none has to give one back or to
//! be taken over from. The shard's keeper stores them; two who do it at once do no harm, each fact has its own key there.

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

    /// Whose journal it is.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// The oldest facts, at most `most`.
    pub async fn oldest(&self, most: usize) -> Result<Vec<Entered>, Fault> {
        self.read("+".to_owned(), most).await
    }

    /// Facts that were entered by `until`, the oldest first.
    pub async fn entered_by(&self, until: Millis, most: usize) -> Result<Vec<Entered>, Fault> {
        self.read(until.to_string(), most).await
    }

    async fn read(&self, until: String, most: usize) -> Result<Vec<Entered>, Fault> {
        let (key, until) = (&self.coord.keys().journal(self.shard), &until);
        let read = |client: Client| async move { client.xrange(key, "-", until.as_str(), Some(most as u64)).await };
        let reply: Value = self.road().run(read).await.map_err(|e| Fault::new("journal", e))?;
        Ok(inbox::stream_entries(reply).into_iter().map(entered).collect())
    }

    /// Postgres has these facts: they leave the journal.
    pub async fn confirm(&self, ids: Vec<String>) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let key = self.coord.keys().journal(self.shard);
        let (key, ids) = (&key, &ids);
        let delete = |client: Client| async move { client.xdel::<Value, _, _>(key, ids.clone()).await };
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
