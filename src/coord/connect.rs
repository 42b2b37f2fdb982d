//! Connections to Redis, and everything that must be run on them.

use super::Coord;
use super::inbox::InboxReader;
use super::journal::JournalReader;
use super::keys::Keys;
use super::linger::Manners;
use super::node::Identity;
use super::queue::OfferReader;
use super::road::{self, Atlas, Line, Road};
use super::script::{Bounds, LaneLoop, lane};
use super::tls;
use crate::clock::Clock;
use crate::config;
use crate::error::Fault;
use crate::ids::Shard;
use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::{ClientLike, EventInterface};
use fred::types::Builder;
use fred::types::Value;
use fred::types::config::{Config, Options, ReconnectError, ReconnectPolicy, Server, ServerConfig, TcpConfig};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Attempts of one command over broken connections. A call sent again is answered, not repeated (`script/prelude.lua`).
const ATTEMPTS: u32 = 3;

/// First wait before connecting again, in milliseconds; it doubles up to the setting.
const FIRST_WAIT_MS: u32 = 50;

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
    let roads = Roads::new(settings, &keys)?;
    let shared = roads.shared()?;
    let manners = Manners::new(settings.linger);
    let (mut ends, mut lanes) = (Vec::new(), Vec::new());
    for (shard, road) in keys.shards().zip(&shared) {
        let (end, looping) = lane(
            road.clone(),
            keys.clone(),
            shard,
            identity.clone(),
            clock.clone(),
            Bounds {
                inbox_cap,
                manners: manners.clone(),
            },
        );
        ends.push(end);
        lanes.push(looping);
    }
    let coord = Coord::new(keys.clone(), ends, identity, clock.clone(), shared, manners.clone());
    let (mut inboxes, mut offers, mut journals) = (Vec::new(), Vec::new(), Vec::new());
    for shard in keys.shards() {
        // Reading waits on the server and holds up whatever else is on its connection.
        inboxes.push(InboxReader::new(
            coord.clone(),
            shard,
            roads.own(shard)?,
            manners.clone(),
            inbox_cap,
        ));
        offers.push(OfferReader::new(coord.clone(), shard, roads.own(shard)?));
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

/// Makes roads: in a cluster each to the master of its shard, else all to the one server.
struct Roads<'a> {
    settings: &'a config::Redis,
    keys: &'a Keys,
    cluster: Option<Atlas>,
}

impl<'a> Roads<'a> {
    fn new(settings: &'a config::Redis, keys: &'a Keys) -> Result<Self, Fault> {
        let config = config_of(settings)?;
        let cluster = road::is_cluster(&config).then(|| Atlas::new(&config));
        Ok(Self {
            settings,
            keys,
            cluster,
        })
    }

    /// One per shard, for commands that do not wait on the server.
    fn shared(&self) -> Result<Vec<Road>, Fault> {
        match self.cluster {
            Some(_) => self.keys.shards().map(|shard| self.own(shard)).collect(),
            None => {
                let road = Road::plain(client(self.settings)?);
                Ok(self.keys.shards().map(|_| road.clone()).collect())
            }
        }
    }

    /// One that nobody else uses.
    fn own(&self, shard: Shard) -> Result<Road, Fault> {
        match &self.cluster {
            Some(atlas) => Ok(Road::to_key(self.settings, &self.keys.nodes(shard), atlas)),
            None => client(self.settings).map(Road::plain),
        }
    }
}

fn config_of(settings: &config::Redis) -> Result<Config, Fault> {
    let mut config = Config::from_url(settings.url.reveal()).map_err(|e| Fault::new("redis url", e))?;
    if config.tls.is_some() {
        config.tls = Some(tls::of(settings)?);
    }
    Ok(config)
}

fn builder(settings: &config::Redis, config: Config, attempts: u32) -> Builder {
    let mut builder = Builder::from_config(config);
    builder
        .with_connection_config(|connection| {
            connection.connection_timeout = settings.connect_timeout;
            connection.internal_command_timeout = settings.command_timeout;
            connection.max_command_attempts = attempts;
            connection.reconnect_errors = vec![ReconnectError::ReadOnly, ReconnectError::Loading];
            connection.tcp = TcpConfig {
                nodelay: Some(true),
                ..TcpConfig::default()
            };
        })
        .with_performance_config(|performance| performance.default_command_timeout = settings.command_timeout);
    builder
}

/// Connects to one member of a cluster. When the connection breaks it stays broken: another member may serve by then.
pub(super) async fn to_server(settings: &config::Redis, server: &Server) -> Result<Line, Error> {
    once(settings, Some(server)).await
}

/// Connects to where the settings, or sentinels, say that the server is, in one attempt: the error is its reason.
pub(super) async fn to_master(settings: &config::Redis) -> Result<Line, Error> {
    once(settings, None).await
}

async fn once(settings: &config::Redis, server: Option<&Server>) -> Result<Line, Error> {
    let mut config = config_of(settings).map_err(|fault| Error::new(ErrorKind::Config, fault.to_string()))?;
    config.fail_fast = true;
    if let Some(server) = server {
        config.server = ServerConfig::Centralized { server: server.clone() };
    }
    let client = builder(settings, config, 1).build()?;
    let late = |_| Error::new(ErrorKind::Timeout, "no connection in time");
    let connecting = tokio::time::timeout(settings.connect_timeout, client.init());
    let task = connecting.await.map_err(late)??;
    Ok(Line { client, task })
}

/// Who is named in the settings.
pub(super) enum Named {
    /// The server.
    Server,
    /// Sentinels, who know the server.
    Sentinels(Vec<Server>),
    /// Members of a cluster.
    Members(Vec<Server>),
}

/// Reads the URL.
pub(super) fn named(settings: &config::Redis) -> Result<Named, Fault> {
    let config = config_of(settings)?;
    Ok(match config.server {
        ServerConfig::Clustered { hosts, .. } => Named::Members(hosts),
        ServerConfig::Sentinel { hosts, .. } => Named::Sentinels(hosts),
        _ => Named::Server,
    })
}

/// One connection that makes itself anew.
pub(super) fn client(settings: &config::Redis) -> Result<Client, Fault> {
    let mut config = config_of(settings)?;
    config.fail_fast = false;
    let most = u32::try_from(settings.reconnect_max_wait.as_millis()).unwrap_or(u32::MAX);
    let client = builder(settings, config, ATTEMPTS)
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
        tracing::info!(%error, "a connection to Redis failed: {error}");
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

impl Coord {
    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        let ping = |client: Client| async move { client.ping(None).await };
        for shard in self.keys().shards() {
            let _: Value = self.road(shard).run(ping).await.map_err(|e| Fault::new("ping", e))?;
        }
        Ok(())
    }

    /// Closes the connections.
    pub async fn close(&self) {
        for shard in self.keys().shards() {
            self.road(shard).close().await;
        }
    }
}
