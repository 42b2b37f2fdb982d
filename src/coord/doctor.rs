//! What an operator should know about Redis before trusting it with chats. Reads only.

use super::connect;
use crate::clock::{Clock, Millis};
use crate::config;
use crate::error::Fault;
use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::types::InfoKind;
use std::collections::HashMap;
use std::time::Duration;

/// What Redis says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// `redis_version`; forks that speak its protocol tell the version they are compatible with.
    pub version: String,
    /// What it does when memory is full; `None` where the server does not let us ask (some hosted ones).
    pub eviction: Option<String>,
    /// Whether every change is written to a file.
    pub append_only: bool,
    /// How far this machine's clock and Redis's are apart.
    pub clocks_apart: Duration,
}

/// Asks the server, or one master of a cluster.
pub async fn examine(settings: &config::Redis) -> Result<Examination, Fault> {
    let patience = settings.connect_timeout + settings.command_timeout;
    let late = |_| Fault::new("reach Redis", "no answer in time");
    tokio::time::timeout(patience, ask(settings)).await.map_err(late)?
}

async fn ask(settings: &config::Redis) -> Result<Examination, Fault> {
    let client = connect::client(settings)?;
    let server = info(&client, InfoKind::Server).await?;
    let clocks_apart = clocks_apart(&server, Clock::system().steady());
    let persistence = info(&client, InfoKind::Persistence).await?;
    let memory = info(&client, InfoKind::Memory).await?;
    // Nothing is left to be told to anybody when this fails.
    let _ = client.quit().await;
    Ok(Examination {
        version: server.get("redis_version").cloned().unwrap_or_default(),
        eviction: memory.get("maxmemory_policy").cloned(),
        append_only: persistence.get("aof_enabled").is_some_and(|on| on == "1"),
        clocks_apart,
    })
}

/// One section of `INFO`.
async fn info(client: &Client, section: InfoKind) -> Result<HashMap<String, String>, Fault> {
    let text: String = client
        .info(Some(section))
        .await
        .map_err(|e| Fault::new("redis info", e))?;
    let pairs = text.lines().filter_map(|line| line.trim().split_once(':'));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// `INFO` tells the server's time, a round trip old at most.
fn clocks_apart(server: &HashMap<String, String>, ours: Millis) -> Duration {
    let told = server
        .get("server_time_usec")
        .and_then(|micros| micros.parse::<u64>().ok());
    told.map_or(Duration::ZERO, |micros| {
        let theirs = Millis(micros / 1000);
        (theirs - ours).max(ours - theirs)
    })
}
