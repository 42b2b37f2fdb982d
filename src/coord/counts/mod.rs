//! How many are online, per mode, and how many arrived lately.
//!
//! `counts` (hash, one per shard): kept by the scripts on users, published by the keeper to `topic` (stream, capped) at
//! most once a second. `arrivals:<minute>` (string, TTL): users whose first socket came in that minute.

#[cfg(test)]
mod tests;

use super::Coord;
use super::script::Act;
use crate::domain::presence::Counts;
use crate::error::Fault;
use crate::ids::Shard;
use std::time::Duration;

/// Minutes that the status summary shows (contract 4.7).
pub const MINUTES: u64 = 30;

/// How long the arrivals of a minute are kept: the minutes shown, and one that has begun.
pub const ARRIVALS_KEPT: Duration = Duration::from_secs((MINUTES + 1) * 60);

/// Entries the topic keeps: a node reads each within a second, and only the newest matters.
const TOPIC_KEEPS: usize = 8;

impl Coord {
    /// Counts over all shards, and the arrivals of the last [`MINUTES`] minutes, oldest first, each with its minute since
    /// the Unix epoch.
    pub async fn count(&self) -> Result<(Counts, Vec<(u64, u64)>), Fault> {
        let minute = self.clock().now().0 / 60_000;
        let minutes: Vec<_> = (minute + 1 - MINUTES..=minute).collect();
        let mut counts = Counts::default();
        let mut arrivals: Vec<_> = minutes.iter().map(|m| (*m, 0)).collect();
        for shard in self.keys().shards() {
            let mut act = Act::new("count").key(self.keys().counts(shard));
            for minute in &minutes {
                act = act.key(self.keys().arrivals(shard, *minute));
            }
            let reply = self.run(shard, act).await?;
            if reply.word() != "counts" {
                return Err(reply.unknown());
            }
            let [online, text, audio, video] = [reply.value(0)?, reply.value(1)?, reply.value(2)?, reply.value(3)?];
            counts = counts
                + Counts {
                    online,
                    text,
                    audio,
                    video,
                };
            for (at, row) in arrivals.iter_mut().enumerate() {
                row.1 += reply.value::<u64>(4 + at)?;
            }
        }
        Ok((counts, arrivals))
    }

    /// Tells every node the shard's counts if they have changed.
    pub async fn publish(&self, shard: Shard) -> Result<(), Fault> {
        let act = Act::new("publish")
            .key(self.keys().counts(shard))
            .key(self.keys().topic(shard))
            .arg(TOPIC_KEEPS);
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "published" | "unchanged" => Ok(()),
            _ => Err(reply.unknown()),
        }
    }
}
