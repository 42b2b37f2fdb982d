//! How busy the service is, over all nodes.

use super::Actions;
use crate::clock::Millis;
use crate::error::Fault;

/// Numbers that anybody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// When they were counted.
    pub counted_at: Millis,
    /// People online.
    pub online: u64,
    /// People in text chat.
    pub text: u64,
    /// People in voice chat.
    pub audio: u64,
    /// People in video chat.
    pub video: u64,
    /// People who arrived in each of the last minutes: when the minute began, and how many; oldest first.
    pub arrivals: Vec<(Millis, u64)>,
}

impl Actions {
    /// Counts over all shards.
    pub async fn summary(&self) -> Result<Summary, Fault> {
        let (counts, arrivals) = self.coord.count().await?;
        let arrivals = arrivals
            .into_iter()
            .map(|(minute, entries)| (Millis(minute * 60_000), entries));
        Ok(Summary {
            counted_at: self.now(),
            online: counts.online,
            text: counts.text,
            audio: counts.audio,
            video: counts.video,
            arrivals: arrivals.collect(),
        })
    }
}
