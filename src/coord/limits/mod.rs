//! What counts against somebody. The numbers come from `domain::limits`.
//!
//! `limit:<name>:<mark>` (string): the times of what was taken from a window and is still inside it, 6 bytes each, never
//! more than fit in; or a lock: until when it is shut, and the times of its tries. Its TTL is the window's length, or the
//! time it is shut, set at each write. It lives on the shard of its subject's mark, so that all that counts against one
//! subject is asked for by one act.

#[cfg(test)]
mod tests;

use super::Coord;
use super::script::Act;
use crate::domain::limits::{Lock, Mark, Quota, Window};
use crate::error::Fault;
use crate::ids::Shard;
use std::time::Duration;

/// Whether something may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It may; so many more after it.
    Counted(u32),
    /// Not before this has passed.
    Shut(Duration),
}

/// A window, how many fit in here, and whom it is held against.
#[derive(Clone, Debug)]
pub struct Held {
    /// The window.
    pub window: &'static Window,
    /// How many fit in.
    pub most: u32,
    /// Against whom.
    pub mark: Mark,
}

impl Coord {
    /// Takes one from each window that has one left. Each counts for itself, so a try that one refuses counts for the
    /// others: how each stands, in the order asked for; an error for those that had none left.
    pub async fn take_limits(&self, held: &[Held]) -> Result<Vec<Result<Quota, Quota>>, Fault> {
        let mut found: Vec<Option<Result<Quota, Quota>>> = vec![None; held.len()];
        let turns = self.by_shard(held).into_iter().map(|(shard, places)| async move {
            let mut act = Act::new("take_limits");
            for &at in &places {
                act = act.key(self.key_of(&held[at]));
            }
            for &at in &places {
                act = act.arg(held[at].most).arg(held[at].window.within.as_millis());
            }
            let reply = self.run(shard, act).await?;
            if !matches!(reply.word(), "taken" | "refused") {
                return Err(reply.unknown());
            }
            let quota = |(i, at): (usize, usize)| {
                let (left, frees_in): (i64, u64) = (reply.value(2 * i)?, reply.value(2 * i + 1)?);
                Ok((at, quota(&held[at], left, Duration::from_millis(frees_in))))
            };
            places
                .into_iter()
                .enumerate()
                .map(quota)
                .collect::<Result<Vec<_>, Fault>>()
        });
        for (at, quota) in futures_util::future::try_join_all(turns).await?.into_iter().flatten() {
            found[at] = Some(quota);
        }
        let all: Option<Vec<_>> = found.into_iter().collect();
        all.ok_or_else(|| Fault::new("take_limits", "a window was not asked for"))
    }

    /// Gives back what was taken last.
    pub async fn return_limits(&self, held: &[Held]) -> Result<(), Fault> {
        let run = async |shard: Shard, keys: Vec<String>| {
            let reply = self.run(shard, with_keys(Act::new("return_limits"), keys)).await?;
            match reply.word() {
                "returned" => Ok(()),
                _ => Err(reply.unknown()),
            }
        };
        for (shard, places) in self.by_shard(held) {
            let keys = places.into_iter().map(|at| self.key_of(&held[at]));
            run(shard, keys.collect()).await?;
        }
        Ok(())
    }

    /// Forgets what counts against a subject under these names of windows and locks.
    pub async fn clear_limits(&self, names: &[&str], mark: &Mark) -> Result<(), Fault> {
        let keys = names.iter().map(|name| self.keys().limit(name, mark)).collect();
        let shard = self.keys().shard_of_mark(mark);
        let reply = self.run(shard, with_keys(Act::new("clear_limits"), keys)).await?;
        match reply.word() {
            "cleared" => Ok(()),
            _ => Err(reply.unknown()),
        }
    }

    /// Counts a try, before it is known whether it is right.
    pub async fn count_try(&self, lock: &'static Lock, mark: &Mark) -> Result<Tried, Fault> {
        let act = Act::new("count_try")
            .key(self.keys().limit(lock.name, mark))
            .arg(lock.tries)
            .arg(lock.within.as_millis())
            .arg(lock.shut.as_millis());
        let reply = self.run(self.keys().shard_of_mark(mark), act).await?;
        match reply.word() {
            "counted" => Ok(Tried::Counted(reply.value(0)?)),
            "shut" => Ok(Tried::Shut(Duration::from_millis(reply.value(0)?))),
            _ => Err(reply.unknown()),
        }
    }

    fn key_of(&self, held: &Held) -> String {
        self.keys().limit(held.window.name, &held.mark)
    }

    /// The places of those that live on each shard.
    fn by_shard(&self, held: &[Held]) -> Vec<(Shard, Vec<usize>)> {
        let places = |shard| {
            let here = |at: &usize| self.keys().shard_of_mark(&held[*at].mark) == shard;
            (shard, (0..held.len()).filter(here).collect::<Vec<_>>())
        };
        let all = self.keys().shards().map(places);
        all.filter(|(_, places)| !places.is_empty()).collect()
    }
}

fn with_keys(act: Act, keys: Vec<String>) -> Act {
    keys.into_iter().fold(act, Act::key)
}

fn quota(held: &Held, left: i64, frees_in: Duration) -> Result<Quota, Quota> {
    let quota = Quota {
        most: held.most,
        within: held.window.within,
        left: u32::try_from(left).unwrap_or(0),
        frees_in,
        code: held.window.code,
    };
    if left < 0 { Err(quota) } else { Ok(quota) }
}
