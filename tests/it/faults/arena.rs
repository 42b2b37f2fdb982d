//! The world that faults are injected into: nodes with lines of their own to Redis and to their visitors, a Redis whose
//! disk can hang and beside which another stands by, a Postgres that can be stopped.

use super::schedule::{Fault, NODES, Shape};
use crate::harness::bend::{Bend, Bender};
use crate::harness::client::{Dial, Via};
use crate::harness::haproxy::Haproxy;
use crate::harness::history::facts::Stored;
use crate::harness::node::{self, NodeProcess, Settings};
use crate::harness::postgres::Server;
use crate::harness::process::KEEP_OUTPUT_IN;
use crate::harness::proxy::Proxy;
use crate::harness::redis::{Extra, Redis};
use crate::harness::world::{JWT_SECRET, left_over};
use crate::harness::{PATIENCE, holds_within};
use sqlx::{Connection, PgConnection};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a seat is held in an arena.
pub(super) const HOLD: Duration = Duration::from_secs(6);

/// All of it.
pub(super) struct Arena {
    // Dropped in this order: nodes before what they need.
    balancer: Haproxy,
    nodes: Vec<Node>,
    store_line: Proxy,
    /// The arena's Redis.
    pub(super) redis: Redis,
    redis_bend: Bend,
    postgres: Server,
    postgres_url: String,
    _bender: Bender,
}

/// A node with what is bent and broken around it.
struct Node {
    process: NodeProcess,
    settings: Settings,
    /// From visitors to the node.
    front: Proxy,
    /// From the node to Redis.
    back: Proxy,
    bend: Bend,
    /// Since when it stands still.
    still_since: Option<Instant>,
    /// For how long its monotonic clock stood still.
    slept: Duration,
    /// Whether it should be running.
    up: bool,
}

impl Arena {
    /// A running world; what its processes print goes to `logs`.
    pub(super) async fn set_up(shape: Shape, logs: &Path) -> Self {
        let bender = Bender::new();
        let redis_bend = bender.bend("redis");
        let mut extra = Extra {
            arguments: vec!["--appendfsync".to_owned(), shape.fsync.to_owned()],
            environment: redis_bend.environment(),
        };
        let kept = (KEEP_OUTPUT_IN.to_owned(), logs.display().to_string());
        extra.environment.extend([kept.clone()]);
        let (redis, postgres) = tokio::join!(Redis::start_with_standby(extra), Server::start_private());
        let postgres_url = postgres.create("arena").await;
        let (host, after) = host_of(&postgres_url);
        let store_line = Proxy::start(host).await;
        let mut settings = settings(shape);
        // Whoever builds meanwhile does not mix two releases into this run.
        let program = bender.place("palaver");
        node::keep_program(&program);
        settings.insert(node::PROGRAM.to_owned(), program.display().to_string());
        settings.extend([kept]);
        let through_the_line = format!("postgres://palaver@{}/{after}", store_line.address());
        settings.insert("PALAVER_POSTGRES__URL".to_owned(), through_the_line);
        node::run("migrate", &settings).await;
        let mut nodes = Vec::new();
        for number in 0..NODES {
            nodes.push(Node::start(number, &settings, &redis, &bender).await);
        }
        let fronts: Vec<_> = nodes.iter().map(|node| node.front.address()).collect();
        let balancer = Haproxy::start(&fronts).await;
        let arena = Self {
            balancer,
            nodes,
            store_line,
            redis,
            redis_bend,
            postgres,
            postgres_url,
            _bender: bender,
        };
        assert!(arena.all_ready().await, "the nodes do not become ready");
        arena
    }

    /// How the visitor with this number comes: through the balancer or to one node after the other, by every transport.
    pub(super) fn dials(&self, number: usize) -> Vec<Dial> {
        let balanced = Dial::to(&self.balancer.url());
        match number % 5 {
            0 => vec![balanced],
            1 => vec![balanced.via(Via::Polling)],
            2 => vec![balanced.via(Via::Upgrade)],
            way => {
                let via = if way == 3 { Via::WebSocket } else { Via::Polling };
                let to = |i: usize| {
                    Dial::to(&format!(
                        "http://{}",
                        self.nodes[(number / 5 + i) % NODES].front.address()
                    ))
                };
                (0..NODES).map(|i| to(i).via(via)).collect()
            }
        }
    }

    /// Begins a fault.
    pub(super) async fn begin(&mut self, fault: Fault) {
        match fault {
            Fault::Kill { node, .. } => self.nodes[node].kill(),
            Fault::Drain { node } => {
                self.nodes[node].up = false;
                self.nodes[node].process.terminate();
            }
            Fault::Freeze { node } | Fault::Pause { node } => self.nodes[node].freeze(),
            Fault::Jump { node, clock } => self.nodes[node].bend.set_wall_clock_ahead(clock * 1000),
            Fault::CutFromRedis { node } => self.nodes[node].back.cut(),
            Fault::SilentFromRedis { node } => self.nodes[node].back.pause(),
            Fault::StrandFromRedis { node } => self.nodes[node].back.strand(),
            Fault::Hiccup => {
                for node in &self.nodes {
                    node.back.hiccup().await;
                }
            }
            Fault::CutFromVisitors { node } => self.nodes[node].front.cut(),
            Fault::SilentFromVisitors { node } => self.nodes[node].front.pause(),
            Fault::StrandVisitors { node } => self.nodes[node].front.strand(),
            Fault::KillRedis | Fault::LoseRedis => self.redis.kill(),
            Fault::StopRedis => self.redis.stop().await,
            Fault::FreezeRedis => self.redis.freeze(),
            Fault::FailOver => self.redis.deafen_standby().await,
            Fault::HangDisk => self.redis_bend.hang_the_disk(true),
            Fault::StopPostgres => self.postgres.quit().await,
            Fault::SilentPostgres => self.store_line.pause(),
        }
    }

    /// Ends a fault.
    pub(super) async fn end(&mut self, fault: Fault) {
        match fault {
            Fault::Kill { node, clock } => self.nodes[node].launch(clock),
            Fault::Drain { node } => {
                self.nodes[node].drained().await;
                self.nodes[node].launch(0);
            }
            Fault::Freeze { node } => self.nodes[node].process.thaw(),
            Fault::Pause { node } => self.nodes[node].wake(),
            Fault::Jump { node, .. } => self.nodes[node].bend.set_wall_clock_ahead(0),
            Fault::CutFromRedis { node } | Fault::SilentFromRedis { node } => self.nodes[node].back.mend(),
            Fault::CutFromVisitors { node } | Fault::SilentFromVisitors { node } => self.nodes[node].front.mend(),
            Fault::StrandFromRedis { .. } | Fault::StrandVisitors { .. } | Fault::Hiccup => {}
            Fault::KillRedis | Fault::StopRedis => self.redis.restart_with_data().await,
            Fault::LoseRedis => self.redis.restart_empty().await,
            Fault::FreezeRedis => self.redis.thaw(),
            Fault::FailOver => self.fail_over().await,
            Fault::HangDisk => self.redis_bend.hang_the_disk(false),
            Fault::StopPostgres => self.postgres.restart().await,
            Fault::SilentPostgres => self.store_line.mend(),
        }
    }

    /// The Redis that stands by takes over, and all nodes are led to it.
    async fn fail_over(&mut self) {
        self.redis.fail_over();
        let address = self.redis.address();
        for node in &self.nodes {
            node.back.aim(address.clone());
        }
        self.redis.stand_by_again().await;
    }

    /// Whether every node is ready, within a while.
    pub(super) async fn all_ready(&self) -> bool {
        holds_within(PATIENCE * 2, async || {
            for node in &self.nodes {
                if !node.process.is_ready().await {
                    return false;
                }
            }
            true
        })
        .await
    }

    /// Nodes that should run and do not.
    pub(super) fn fallen(&mut self) -> Vec<usize> {
        let nodes = self.nodes.iter_mut().enumerate();
        nodes
            .filter_map(|(number, node)| (node.up && !node.process.runs()).then_some(number))
            .collect()
    }

    /// What is left in Redis.
    pub(super) fn left_over(&self) -> Vec<String> {
        left_over(&self.redis)
    }

    /// A connection to Postgres.
    pub(super) async fn store(&self) -> PgConnection {
        PgConnection::connect(&self.postgres_url).await.unwrap()
    }
}

/// Room, reason, who ended it, lines, people.
type Row = (String, String, Option<String>, i32, Vec<String>);

/// The conversations that were stored.
pub(super) async fn stored(store: &mut PgConnection) -> Vec<Stored> {
    let rows = "select 'text_room_' || room, end_reason, ended_by, messages, people from conversations";
    let rows: Vec<Row> = sqlx::query_as(rows).fetch_all(store).await.unwrap();
    let stored = rows.into_iter().map(|(room, why, by, lines, people)| Stored {
        room,
        why,
        by,
        lines: usize::try_from(lines).unwrap(),
        people,
    });
    stored.collect()
}

impl Node {
    async fn start(number: usize, settings: &Settings, redis: &Redis, bender: &Bender) -> Self {
        let bend = bender.bend(&format!("node-{number}"));
        let back = Proxy::start(redis.address()).await;
        let mut settings = settings.clone();
        settings.extend(bend.environment());
        settings.insert("PALAVER_REDIS__URL".to_owned(), format!("redis://{}", back.address()));
        let process = NodeProcess::start(&settings).await;
        Self {
            front: Proxy::start(process.address()).await,
            process,
            settings,
            back,
            bend,
            still_since: None,
            slept: Duration::ZERO,
            up: true,
        }
    }

    fn kill(&mut self) {
        self.up = false;
        self.process.kill9();
    }

    fn freeze(&mut self) {
        self.process.freeze();
        self.still_since = Some(Instant::now());
    }

    /// Ends a freeze of which its monotonic clock knows nothing. That clock never goes back.
    fn wake(&mut self) {
        self.slept += self.still_since.take().expect("it stands still").elapsed();
        self.bend.set_slept(self.slept);
        self.process.thaw();
    }

    /// A new process in the place of one that has ended.
    fn launch(&mut self, clock: i64) {
        self.slept = Duration::ZERO;
        self.bend.set_slept(Duration::ZERO);
        self.bend.set_wall_clock_ahead(clock * 1000);
        self.process = NodeProcess::launch(&self.settings);
        self.front.aim(self.process.address());
        self.up = true;
    }

    /// Waits for the end of a node that was asked to end; one that cannot, because Redis is away, is killed.
    async fn drained(&mut self) {
        if !self.process.ends_within(PATIENCE).await {
            self.process.kill9();
        }
    }
}

/// Short windows: what takes half a minute in production takes seconds here.
fn settings(shape: Shape) -> Settings {
    let ms = |time: Duration| format!("{}ms", time.as_millis());
    let settings = [
        ("PALAVER_JWT__SECRETS", JWT_SECRET.to_owned()),
        ("PALAVER_ORIGINS", "*".to_owned()),
        ("PALAVER_LOG", "info".to_owned()),
        ("PALAVER_REDIS__URL", "redis://127.0.0.1:1".to_owned()),
        ("PALAVER_REDIS__SHARDS", shape.shards.to_string()),
        ("PALAVER_REDIS__INBOX", shape.inbox.to_string()),
        ("PALAVER_REDIS__COMMAND_TIMEOUT", "1s".to_owned()),
        ("PALAVER_REDIS__CONNECT_TIMEOUT", "1s".to_owned()),
        ("PALAVER_REDIS__RECONNECT_MAX_WAIT", "200ms".to_owned()),
        ("PALAVER_POSTGRES__CONNECT_TIMEOUT", "1s".to_owned()),
        ("PALAVER_POSTGRES__QUERY_TIMEOUT", "1s".to_owned()),
        ("PALAVER_SOCKETS__PING_INTERVAL", "2s".to_owned()),
        ("PALAVER_SOCKETS__PING_TIMEOUT", "2s".to_owned()),
        ("PALAVER_SOCKETS__CONNECT_TIMEOUT", "5s".to_owned()),
        ("PALAVER_SOCKETS__UPGRADE_TIMEOUT", "3s".to_owned()),
        ("PALAVER_CHAT__SEAT_HOLD", ms(HOLD)),
        ("PALAVER_CHAT__ROOM_IDLE", "15s".to_owned()),
        ("PALAVER_CHAT__TOMBSTONE", "5s".to_owned()),
        ("PALAVER_CHAT__TYPING_FADE", "1s".to_owned()),
        ("PALAVER_CHAT__RATE_LIMIT", "60".to_owned()),
        ("PALAVER_CHAT__RATE_WINDOW", "5s".to_owned()),
        ("PALAVER_QUEUE__RECENT_FOR", "3s".to_owned()),
        ("PALAVER_QUEUE__SEEKER_ABSENCE", "2s".to_owned()),
        ("PALAVER_LEASE__NODE_FOR", ms(shape.lease)),
        ("PALAVER_LEASE__RENEW_EVERY", "300ms".to_owned()),
        ("PALAVER_LEASE__KEEPER_FOR", "1s".to_owned()),
        ("PALAVER_LEASE__TIMER_CLAIM", "1s".to_owned()),
        ("PALAVER_LEASE__OFFER_CLAIM", "500ms".to_owned()),
        ("PALAVER_DRAIN__NOT_READY_FOR", "600ms".to_owned()),
        ("PALAVER_DRAIN__SPREAD_OVER", "600ms".to_owned()),
        ("PALAVER_DRAIN__FINISH_WITHIN", "2s".to_owned()),
    ];
    settings.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The host and port of a database's URL, and the database's name.
fn host_of(url: &str) -> (String, String) {
    let (host, name) = url
        .split_once('@')
        .and_then(|(_, rest)| rest.split_once('/'))
        .expect("a database's URL");
    (host.to_owned(), name.to_owned())
}
