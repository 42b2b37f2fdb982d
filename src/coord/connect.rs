//! Connections to Redis, and everything that must be run on them.

use super::Coord;
use super::inbox::{Entry, InboxReader, stream_entries};
use super::journal::JournalReader;
use super::keys::Keys;
use super::node::Identity;
use super::queue::OfferReader;
use super::script::{LaneLoop, Manners, lane};
use crate::clock::Clock;
use crate::config;
use crate::error::Fault;
use crate::ids::NodeId;
use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::{ClientLike, EventInterface, StreamsInterface};
use fred::types::Builder;
use fred::types::Value;
use fred::types::config::{Config, Options, ReconnectPolicy, TcpConfig};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Attempts of one command over broken connections. A call sent again is answered, not repeated (`script/prelude.lua`).
const ATTEMPTS: u32 = 3;

/// First wait before connecting again, in milliseconds; it doubles up to the setting.
const FIRST_WAIT_MS: u32 = 50;

/// How long somebody whose command was not answered waits for a new connection; it is made in any case.
const NEW_CONNECTION: Duration = Duration::from_millis(500);

/// What opening Redis gives: the way for everything above, and the ends that `ops` must run.
#[derive(Debug)]
pub struct Opened {
    /// The way to Redis.
    pub coord: Coord,
    /// One per shard.
    pub lanes: Vec<LaneLoop>,
    /// One per shard.
    pub inboxes: Vec<InboxReader>,
    /// One per shard.
    pub offers: Vec<OfferReader>,
    /// One per shard.
    pub journals: Vec<JournalReader>,
}

/// Begins to connect; whatever is asked of Redis before it answers waits, up to the deadline of each command.
pub fn open(settings: &config::Redis, inbox_cap: u64, clock: &Clock) -> Result<Opened, Fault> {
    let keys = Keys::new(&settings.prefix, settings.shards);
    let identity = Identity::fresh();
    let shared = client(settings)?;
    let (mut ends, mut lanes) = (Vec::new(), Vec::new());
    for shard in keys.shards() {
        let (end, looping) = lane(
            shared.clone(),
            keys.clone(),
            shard,
            identity.clone(),
            clock.clone(),
            Manners {
                inbox_cap,
                linger: settings.linger,
            },
        );
        ends.push(end);
        lanes.push(looping);
    }
    let coord = Coord::new(keys.clone(), ends, identity, clock.clone(), shared.clone());
    let (mut inboxes, mut offers, mut journals) = (Vec::new(), Vec::new(), Vec::new());
    for shard in keys.shards() {
        // Reading waits on the server and holds up whatever else is on its connection.
        inboxes.push(InboxReader::new(
            coord.clone(),
            shard,
            client(settings)?,
            settings.linger,
        ));
        offers.push(OfferReader::new(coord.clone(), shard, client(settings)?));
        journals.push(JournalReader::new(coord.clone(), shard));
    }
    Ok(Opened {
        coord,
        lanes,
        inboxes,
        offers,
        journals,
    })
}

/// One connection (in a cluster: one per master).
pub(super) fn client(settings: &config::Redis) -> Result<Client, Fault> {
    let mut config = Config::from_url(settings.url.reveal()).map_err(|e| Fault::new("redis url", e))?;
    config.fail_fast = false;
    let most = u32::try_from(settings.reconnect_max_wait.as_millis()).unwrap_or(u32::MAX);
    let client = Builder::from_config(config)
        .with_connection_config(|connection| {
            connection.connection_timeout = settings.connect_timeout;
            connection.max_command_attempts = ATTEMPTS;
            connection.tcp = TcpConfig {
                nodelay: Some(true),
                ..TcpConfig::default()
            };
        })
        .with_performance_config(|performance| performance.default_command_timeout = settings.command_timeout)
        .set_policy(ReconnectPolicy::new_exponential(0, FIRST_WAIT_MS, most, 2))
        .build()
        .map_err(|e| Fault::new("redis client", e))?;
    let connected_before = AtomicBool::new(false);
    client.on_reconnect(move |_| {
        if connected_before.swap(true, Ordering::Relaxed) {
            crate::metrics::REDIS_RECONNECTS.one(());
        }
        std::future::ready(Ok(()))
    });
    client.on_error(|(error, _)| {
        tracing::debug!(%error, "the connection to Redis failed");
        std::future::ready(Ok(()))
    });
    // Its task ends with the client. Redis is not waited for: commands wait, each up to its deadline.
    drop(client.connect());
    Ok(client)
}

/// Options of a command that waits on the server for up to `wait`: a connection that died without a word is noticed.
pub(super) fn waiting(wait: Duration) -> Options {
    Options {
        timeout: Some(wait + Duration::from_secs(2)),
        ..Options::default()
    }
}

/// Passes an answer on. When there was none in time, the connection may have died without a word (a firewall forgot it):
/// it is made anew, and what was on its way goes again.
pub(super) async fn noticing_silence<T>(client: &Client, answer: Result<T, Error>) -> Result<T, Error> {
    if let Err(error) = &answer
        && *error.kind() == ErrorKind::Timeout
    {
        // That it could not be made yet is no news: the client goes on trying.
        let _ = tokio::time::timeout(NEW_CONNECTION, client.force_reconnection()).await;
    }
    answer
}

/// Makes a consumer group that reads from the stream's beginning; harmless when it is there.
pub(super) async fn make_group(client: &Client, key: &str, group: &str) -> Result<(), Fault> {
    match client.xgroup_create::<(), _, _, _>(key, group, "0", true).await {
        Err(e) if e.details().starts_with("BUSYGROUP") => Ok(()),
        other => other.map_err(|e| Fault::new("consumer group", e)),
    }
}

/// Takes over up to `most` entries of a group that somebody took and did not see through within `idle`.
pub(super) async fn take_over(
    client: &Client,
    key: String,
    (group, consumer): (&str, &NodeId),
    idle: Duration,
    most: u64,
) -> Result<Vec<Entry>, Fault> {
    let idle = idle.as_millis() as u64;
    let reply: Value = client
        .xautoclaim(key, group, consumer.as_str(), idle, "0-0", Some(most), false)
        .await
        .map_err(|e| Fault::new("consumer group", e))?;
    // The answer is where to go on, what was taken, and what no longer exists.
    let Value::Array(parts) = reply else {
        return Ok(Vec::new());
    };
    Ok(parts.into_iter().nth(1).map(stream_entries).unwrap_or_default())
}

impl Coord {
    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        let _: Value = self.client().ping(None).await.map_err(|e| Fault::new("ping", e))?;
        Ok(())
    }

    /// Closes the connections.
    pub async fn close(&self) {
        // Nothing is left to be told to anybody when this fails.
        let _ = self.client().quit().await;
    }
}
