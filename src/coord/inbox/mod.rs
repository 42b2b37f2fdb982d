//! The inbox: the only way anything reaches a node.
//!
//! `inbox:<node>` (stream, one per shard): entries hold notices (`n`) and signals of polling sessions (`s`), in the order
//! in which things happened on the shard. The node reads from a known entry, dispatches, and trims what it dispatched
//! with the next read, so what is left when it dies is what it had not dispatched. `topic` (stream): what every node
//! follows; only its newest entry matters.

#[cfg(test)]
mod tests;

use super::Coord;
use super::linger::Linger;
use super::notice::{self, Notice};
use crate::clock::Millis;
use crate::domain::presence::Counts;
use crate::domain::room::Offset;
use crate::error::Fault;
use crate::ids::{NodeId, Shard};
use fred::clients::Client;
use fred::interfaces::{ClientLike, StreamsInterface};
use fred::types::Value;
use std::time::Duration;

/// Entries read at once.
const BATCH: u64 = 256;

/// What came in.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// For participants.
    Notice(Notice),
    /// For a polling session; read by `sessions`.
    Signal(String),
    /// How many are online on the shard.
    Counts(Shard, Counts),
}

/// Reads one shard's inbox and topic.
#[derive(Debug)]
pub struct InboxReader {
    coord: Coord,
    shard: Shard,
    client: Client,
    node: NodeId,
    dispatched: Offset,
    topic_from: String,
    linger: Linger,
    came: usize,
}

impl InboxReader {
    pub(super) fn new(coord: Coord, shard: Shard, client: Client, linger: Duration) -> Self {
        let node = coord.identity().now();
        Self {
            coord,
            shard,
            client,
            node,
            dispatched: Offset::default(),
            topic_from: "0-0".to_owned(),
            linger: Linger::new(linger),
            came: 0,
        }
    }

    /// The shard it reads.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// Whose inbox it reads; another one from the first read of a new life on.
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// How far it has come.
    pub fn dispatched(&self) -> Offset {
        self.dispatched
    }

    /// What came since the last call, all of which the caller has dispatched by calling again. Waits up to `wait`.
    ///
    /// The age of what is read is left for the caller to record: `at` of the first entry, if any.
    pub async fn next(&mut self, wait: Duration) -> Result<(Option<Millis>, Vec<Incoming>), Fault> {
        self.linger.pass(std::mem::take(&mut self.came)).await;
        self.begin_anew_in_a_new_life();
        let (inbox, topic) = (
            self.coord.keys().inbox(self.shard, &self.node),
            self.coord.keys().topic(self.shard),
        );
        let from = self.dispatched;
        let options = super::connect::waiting(wait);
        let client = self.client.with_options(&options);
        let read = client.xread::<Value, _, _>(
            Some(BATCH),
            Some(wait.as_millis() as u64),
            vec![inbox.clone(), topic.clone()],
            vec![from.to_string(), self.topic_from.clone()],
        );
        // Sent in one go with the read, before it.
        let trim = self
            .client
            .xtrim::<Value, _, _>(&inbox, ("MINID", "=", format!("{}-{}", from.ms, from.seq + 1)));
        let (trimmed, read) = if from == Offset::default() {
            (Ok(Value::Null), read.await)
        } else {
            futures_util::future::join(trim, read).await
        };
        let read = super::connect::noticing_silence(&self.client, read).await;
        trimmed.map_err(|e| Fault::new("inbox", e))?;
        let mut first = None;
        let mut incoming = Vec::new();
        for (key, entries) in streams(read.map_err(|e| Fault::new("inbox", e))?) {
            for entry in entries {
                if key == inbox {
                    let offset = Offset::parse(&entry.id).ok_or_else(|| Fault::new("inbox", "an entry without id"))?;
                    first.get_or_insert(Millis(offset.ms));
                    self.open(entry, &mut incoming);
                    self.dispatched = offset;
                } else {
                    self.topic_from.clone_from(&entry.id);
                    for (_, payload) in &entry.fields {
                        incoming.push(Incoming::Counts(self.shard, notice::decode_counts(payload)?));
                    }
                }
            }
        }
        self.came = incoming.len();
        Ok((first, incoming))
    }

    fn begin_anew_in_a_new_life(&mut self) {
        let node = self.coord.identity().now();
        if node != self.node {
            self.node = node;
            self.dispatched = Offset::default();
        }
    }

    fn open(&self, entry: Entry, incoming: &mut Vec<Incoming>) {
        for (field, payload) in entry.fields {
            match field.as_str() {
                "s" => incoming.push(Incoming::Signal(payload)),
                _ => match notice::decode(&payload) {
                    Ok(notice) => incoming.push(Incoming::Notice(notice)),
                    // One unreadable notice must not stop the rest of the node's life.
                    Err(fault) => tracing::error!(%fault, shard = %self.shard, "a notice was dropped"),
                },
            }
        }
    }
}

/// One entry of a stream.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) fields: Vec<(String, String)>,
}

/// The entries of a read of several streams.
fn streams(reply: Value) -> Vec<(String, Vec<Entry>)> {
    let Value::Array(streams) = reply else {
        return Vec::new();
    };
    let stream = |value: Value| {
        let Value::Array(parts) = value else { return None };
        let [key, entries]: [Value; 2] = parts.try_into().ok()?;
        Some((key.into_string()?, stream_entries(entries)))
    };
    streams.into_iter().filter_map(stream).collect()
}

/// The entries of a read of one stream.
pub(super) fn entries(reply: Value) -> Vec<Entry> {
    streams(reply).into_iter().flat_map(|(_, entries)| entries).collect()
}

/// Entries as Redis lists them. Deleted ones (which have no fields) are passed over.
pub(super) fn stream_entries(value: Value) -> Vec<Entry> {
    let Value::Array(rows) = value else { return Vec::new() };
    let entry = |row: Value| {
        let Value::Array(parts) = row else { return None };
        let [id, fields]: [Value; 2] = parts.try_into().ok()?;
        let Value::Array(fields) = fields else { return None };
        let mut texts = fields.into_iter().map(|v| v.into_string().unwrap_or_default());
        let mut pairs = Vec::with_capacity(texts.len() / 2);
        while let (Some(field), Some(text)) = (texts.next(), texts.next()) {
            pairs.push((field, text));
        }
        Some(Entry {
            id: id.into_string()?,
            fields: pairs,
        })
    };
    rows.into_iter().filter_map(entry).collect()
}
