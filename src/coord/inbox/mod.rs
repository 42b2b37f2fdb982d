//! The inbox: the only way anything reaches a node.
//!
//! `inbox:<node>` (stream, one per shard): entries hold notices (`n`) and signals of polling sessions (`s`), in the order
//! in which things happened on the shard. The node reads from a known entry, gives out what came, and trims that with a
//! later read (`progress`), so what is left when it dies holds all that it had not given out. Of an inbox that was cut
//! before it was read nothing more is given out: what was cut off came before. `topic` (stream): what every node follows;
//! only its newest entry matters.

mod progress;
#[cfg(test)]
mod tests;

pub(super) use progress::Progress;

use self::progress::Reached;
use super::Coord;
use super::linger::{Linger, Manners};
use super::notice::{self, Notice};
use super::road::Road;
use crate::clock::Millis;
use crate::domain::presence::Counts;
use crate::domain::room::Offset;
use crate::error::Fault;
use crate::ids::{NodeId, Shard};
use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::{ClientLike, SetsInterface, StreamsInterface};
use fred::types::Value;
use std::time::Duration;

/// How long the wake-up of a reader is waited for, where a server may be gone.
const LOOKS_UP: Duration = Duration::from_millis(200);

/// Entries read at once.
const BATCH: u64 = 256;

/// A field of an entry that says nothing: the reader is to look up.
const WAKE: &str = "w";

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

impl Coord {
    /// Wakes the readers of the inboxes of a life that is over, which may wait for long for what no longer comes.
    pub async fn wake_readers(&self, before: &NodeId) {
        let waking = self.keys().shards().map(|shard| {
            let inbox = self.keys().inbox(shard, before);
            async move {
                let inbox = &inbox;
                let add = |client: Client| async move {
                    client
                        .xadd::<Value, _, _, _, _>(inbox, true, None, "*", vec![(WAKE, "")])
                        .await
                };
                self.road(shard).run(add).await
            }
        });
        // One that is not woken looks up by itself when nothing came for a while.
        let _ = tokio::time::timeout(LOOKS_UP, futures_util::future::join_all(waking)).await;
    }

    /// For tests, which read inboxes as they stand. Trims what this node has given out: from then on its inboxes hold
    /// what it had not, and nothing else. What is being given out at the moment counts as given.
    #[cfg(test)]
    pub(crate) async fn trim_inboxes(&self) -> Result<(), Fault> {
        let trims = self.keys().shards().map(|shard| async move {
            let reached = self.progress(shard).reached().clone();
            if reached.is_trimmed() {
                return Ok(());
            }
            let (inbox, reached) = (&self.keys().inbox(shard, &reached.node), &reached);
            let trim = |client: Client| async move { trim(&client, inbox, reached).await };
            self.road(shard).run(trim).await?;
            self.progress(shard).reached().trimmed(reached);
            Ok(())
        });
        let trimmed = futures_util::future::try_join_all(trims).await;
        trimmed.map(drop).map_err(|e: Error| Fault::new("inbox", e))
    }
}

async fn trim(client: &Client, inbox: &str, reached: &Reached) -> Result<(), Error> {
    let given = ("MINID", "=", reached.given.next().to_string());
    client.xtrim::<Value, _, _>(inbox, given).await.map(drop)
}

/// Reads a shard's inbox and topic.
#[derive(Debug)]
pub struct InboxReader {
    coord: Coord,
    shard: Shard,
    road: Road,
    topic_from: String,
    linger: Linger,
    /// Notices that may wait in the inbox.
    cap: u64,
    /// What came with the last read.
    came: usize,
}

impl InboxReader {
    pub(super) fn new(coord: Coord, shard: Shard, road: Road, manners: Manners, cap: u64) -> Self {
        Self {
            coord,
            shard,
            road,
            topic_from: "0-0".to_owned(),
            linger: Linger::new(manners),
            cap,
            came: 0,
        }
    }

    /// The shard it reads.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// Waits up to `wait` for more, and gives it out in order; each also gets to know in whose inbox it stood (another
    /// life of the node has another one). The age of what came is left for the caller to record: the time of the first
    /// entry, if any. After something was cut off nothing comes until the next life.
    pub async fn next(
        &mut self,
        wait: Duration,
        mut give: impl FnMut(Incoming, &NodeId),
    ) -> Result<Option<Millis>, Fault> {
        self.linger.pass(self.came).await;
        let reached = self.begin_anew_in_a_new_life();
        let inbox = self.coord.keys().inbox(self.shard, &reached.node);
        let topic = self.coord.keys().topic(self.shard);
        let trims = reached.is_due(self.came == 0);
        let read = self.read([&inbox, &topic], &reached, trims, wait).await;
        let streams = streams(read.map_err(|e| Fault::new("inbox", e))?);
        self.came = 0;
        let coord = self.coord.clone();
        if self.may_be_cut(&inbox, &streams) && self.is_cut(&reached.node).await? {
            let _ = tokio::time::timeout(wait, coord.identity().outlives(&reached.node)).await;
            return Ok(None);
        }
        // What came for a life that ended meanwhile is looked up anew, and may come to the next one as well: a seat can
        // name both for a moment.
        if coord.identity().now() != reached.node {
            return Ok(None);
        }
        // Held until all is given out: who wants the inbox trimmed meanwhile waits for that.
        let mut now = coord.progress(self.shard).reached();
        if trims {
            now.trimmed(&reached);
        }
        let mut first = None;
        for (key, entries) in streams {
            for entry in entries {
                self.came += entry.fields.len();
                if key == inbox {
                    let offset = Offset::parse(&entry.id).ok_or_else(|| Fault::new("inbox", "an entry without id"))?;
                    first.get_or_insert(Millis(offset.ms));
                    self.open(entry, |one| give(one, &now.node));
                    now.gave(offset);
                } else {
                    self.follow(entry, |one| give(one, &now.node))?;
                }
            }
        }
        Ok(first)
    }

    fn follow(&mut self, entry: Entry, mut give: impl FnMut(Incoming)) -> Result<(), Fault> {
        self.topic_from = entry.id;
        for (_, payload) in entry.fields {
            give(Incoming::Counts(self.shard, notice::decode_counts(&payload)?));
        }
        Ok(())
    }

    /// What stands in the inbox after what was given out, and in the topic.
    async fn read(
        &self,
        [inbox, topic]: [&str; 2],
        reached: &Reached,
        trims: bool,
        wait: Duration,
    ) -> Result<Value, Error> {
        let topic_from = &self.topic_from;
        let options = &super::connect::waiting(wait);
        let wait = Some(wait.as_millis() as u64);
        let read = |client: Client| async move {
            let waiting = client.with_options(options);
            let keys = vec![inbox.to_owned(), topic.to_owned()];
            let after = vec![reached.given.to_string(), topic_from.clone()];
            let read = waiting.xread::<Value, _, _>(Some(BATCH), wait, keys, after);
            if !trims {
                return read.await;
            }
            // Sent in one go with the read, before it.
            let (trimmed, read) = futures_util::future::join(trim(&client, inbox, reached), read).await;
            let read = read?;
            trimmed.map(|()| read)
        };
        self.road.run(read).await
    }

    /// Whether entries that were not read may have been cut off: then as many as are kept stood there after them.
    fn may_be_cut(&self, inbox: &str, streams: &[(String, Vec<Entry>)]) -> bool {
        let of_inbox = streams.iter().filter(|(key, _)| key == inbox);
        let came: usize = of_inbox.map(|(_, entries)| entries.len()).sum();
        came as u64 >= self.cap.min(BATCH)
    }

    /// Asked after the read, so a cut before it is known.
    async fn is_cut(&self, node: &NodeId) -> Result<bool, Fault> {
        let (gaps, node) = (&self.coord.keys().gaps(self.shard), node.as_str());
        let asked = |client: Client| async move { client.sismember::<bool, _, _>(gaps, node).await };
        self.road.run(asked).await.map_err(|e| Fault::new("inbox", e))
    }

    fn begin_anew_in_a_new_life(&mut self) -> Reached {
        let node = self.coord.identity().now();
        let mut reached = self.coord.progress(self.shard).reached();
        if reached.node != node {
            *reached = Reached::of(node);
            // A server that took over may count on from an earlier entry.
            self.topic_from = "0-0".to_owned();
        }
        reached.clone()
    }

    fn open(&self, entry: Entry, mut give: impl FnMut(Incoming)) {
        for (field, payload) in entry.fields {
            match field.as_str() {
                "s" => give(Incoming::Signal(payload)),
                WAKE => {}
                _ => match notice::decode(&payload) {
                    Ok(notice) => give(Incoming::Notice(notice)),
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
