//! What a scenario leaves in Redis: nothing but what `coord/keys` says stays.

use super::eventually;
use super::stage::Stage;
use std::time::Duration;

impl Stage {
    /// The end: once everybody is gone and every window has passed, nothing is left but what is meant to stay.
    pub(super) async fn finish(&self) {
        eventually("every socket is gone", async || self.keys("users:*").is_empty()).await;
        let mut left = Vec::new();
        for _ in 0..600 {
            // In one leap a timer could be set by what another fires, later than where the leap ends.
            self.advance(Duration::from_secs(3600));
            left = self.left();
            if left.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("left in Redis: {left:#?}");
    }

    /// Keys that should not be there when nobody is.
    fn left(&self) -> Vec<String> {
        let keys = self.keys("*");
        let strange = keys.into_iter().filter_map(|key| {
            let rest = key.split_once("}:").map_or("", |(_, rest)| rest);
            let why = match rest.split(':').next().unwrap_or_default() {
                "nodes" | "keeper" | "epoch" | "topic" => None,
                "inbox" => self.of_nobody(&key),
                "journal" if !self.has_database() => None,
                "journal" | "offers" => self.unless("XLEN", &key, |len| len == "0"),
                "counts" => self.counted(&key),
                "recent" | "past" | "done" | "arrivals" | "room" | "log" => {
                    self.unless("PTTL", &key, |ttl| !ttl.starts_with('-'))
                }
                "session" | "out" => self.over(&key),
                _ => Some(String::new()),
            };
            why.map(|why| format!("{key} {why}"))
        });
        strange.collect()
    }

    /// An inbox goes with its node.
    fn of_nobody(&self, inbox: &str) -> Option<String> {
        let node = inbox.rsplit(':').next().unwrap_or_default();
        let known = (0..self.settings.redis.shards).any(|shard| self.known_nodes(shard).iter().any(|n| n == node));
        (!known).then(|| "of a dead node".to_owned())
    }

    /// What is left of a polling session that has moved or is closing runs out soon; one that goes on does not.
    fn over(&self, key: &str) -> Option<String> {
        let session = key.replacen(":out:", ":session:", 1);
        let marks = self.redis.command(&["HMGET", &session, "moved", "closing"]);
        match marks.is_empty() {
            true => Some("goes on".to_owned()),
            false => self.unless("PTTL", key, |ttl| !ttl.starts_with('-')),
        }
    }

    fn has_database(&self) -> bool {
        !self.settings.postgres.url.reveal().contains("127.0.0.1:1/")
    }

    fn unless(&self, command: &str, key: &str, holds: impl Fn(&str) -> bool) -> Option<String> {
        let answer = self.redis.command(&[command, key]).concat();
        (!holds(&answer)).then(|| format!("{command} {answer}"))
    }

    /// Counts that are not zero; `changed` says only that they are to be published.
    fn counted(&self, key: &str) -> Option<String> {
        let fields = self.redis.command(&["HGETALL", key]);
        let wrong: Vec<_> = fields
            .chunks(2)
            .filter(|pair| pair[1] != "0" && pair[0] != "changed")
            .map(|pair| pair.join("="))
            .collect();
        (!wrong.is_empty()).then(|| wrong.join(" "))
    }
}
