//! A whole Palaver for one test: Redis, a database, nodes, and a balancer in front of them.
//!
//! Everything in it is private to the test and gone with it. Nodes are processes, to be killed and drained, or run
//! inside the test and share a clock that the test moves.

use super::client::Dial;
use super::haproxy::Haproxy;
use super::node::{self, NodeProcess, Settings};
use super::postgres::Database;
use super::proxy::Proxy;
use super::redis::{Kind, Redis};
use super::{PATIENCE, eventually, holds_within};
use palaver::clock::Clock;
use palaver::config;
use palaver::ops::node::RunningNode;
use std::time::Duration;

/// The secret that tokens of a world are signed with.
pub const JWT_SECRET: &str = "a secret of tests long enough for HS256";

/// What a world shall be; see [`World::new`].
pub struct Plan {
    nodes: usize,
    inside: bool,
    redis: Kind,
    standby: bool,
    settings: Settings,
}

/// A running Palaver.
pub struct World {
    // Dropped in this order: nodes before what they need.
    balancer: Haproxy,
    nodes: Vec<NodeProcess>,
    inside: Vec<RunningNode>,
    /// The time of the nodes inside; processes have their own.
    pub clock: Clock,
    /// Nodes reach Redis through it, so that a test can cut them off.
    pub line: Proxy,
    /// Nodes reach Postgres through it.
    pub store_line: Proxy,
    /// The world's Redis.
    pub redis: Redis,
    database: Database,
    settings: Settings,
}

impl Plan {
    /// With so many nodes.
    pub fn nodes(mut self, count: usize) -> Self {
        self.nodes = count;
        self
    }

    /// Nodes run inside the test, on the world's clock, instead of as processes.
    pub fn inside(mut self) -> Self {
        self.inside = true;
        self
    }

    /// On a Redis of this kind, whatever this run of the suite is for.
    pub fn redis(mut self, kind: Kind) -> Self {
        self.redis = kind;
        self
    }

    /// On a single server beside which another stands by.
    pub fn with_standby(mut self) -> Self {
        (self.redis, self.standby) = (Kind::Single, true);
        self
    }

    /// With a setting of the nodes, by the name of its environment variable.
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.insert(name.to_owned(), value.to_string());
        self
    }

    /// Lines and pairs as fast as a test makes them.
    pub fn talkative(self) -> Self {
        self.set("PALAVER_CHAT__RATE_LIMIT", "60")
            .set("PALAVER_CHAT__RATE_WINDOW", "1s")
            .set("PALAVER_QUEUE__ELIGIBLE_AFTER", "0s")
    }

    /// Starts it.
    pub async fn start(self) -> World {
        let behind_a_line = async {
            match self.standby {
                true => Redis::with_standby_behind_a_line().await,
                false => Redis::behind_a_line(self.redis).await,
            }
        };
        let ((redis, line), database) = tokio::join!(behind_a_line, Database::create());
        let (host, store) = split(&database.url());
        let store_line = Proxy::start(host).await;
        let mut settings = Settings::new();
        for (name, value) in [
            ("PALAVER_REDIS__URL", through(&redis, self.redis, &line)),
            ("PALAVER_REDIS__SHARDS", self.redis.shards().to_string()),
            ("PALAVER_POSTGRES__URL", store(&store_line.address())),
            ("PALAVER_JWT__SECRETS", JWT_SECRET.to_owned()),
            ("PALAVER_ORIGINS", "*".to_owned()),
        ] {
            settings.insert(name.to_owned(), value);
        }
        settings.extend(self.settings);
        node::run("migrate", &settings).await;
        let (mut nodes, mut inside, clock) = (Vec::new(), Vec::new(), Clock::system());
        for _ in 0..self.nodes {
            match self.inside {
                true => inside.push(start_inside(&settings, &clock).await),
                false => nodes.push(NodeProcess::start(&settings).await),
            }
        }
        let processes = nodes.iter().map(NodeProcess::address);
        let addresses = processes.chain(inside.iter().map(|node| node.at.to_string()));
        let balancer = Haproxy::start(&addresses.collect::<Vec<_>>()).await;
        World {
            balancer,
            nodes,
            inside,
            clock,
            line,
            store_line,
            redis,
            database,
            settings,
        }
    }
}

impl World {
    /// A plan for a world of two nodes with default settings.
    #[allow(clippy::new_ret_no_self, reason = "reads as World::new().nodes(3).start()")]
    pub fn new() -> Plan {
        Plan {
            nodes: 2,
            inside: false,
            redis: Kind::of_this_run(),
            standby: false,
            settings: Settings::new(),
        }
    }

    /// A plan for a talkative world whose leases are short: who is gone is given up within seconds.
    pub fn quick() -> Plan {
        Self::new()
            .talkative()
            .set("PALAVER_LEASE__NODE_FOR", "2s")
            .set("PALAVER_LEASE__RENEW_EVERY", "300ms")
            .set("PALAVER_LEASE__KEEPER_FOR", "1s")
            .set("PALAVER_LEASE__TIMER_CLAIM", "1s")
            .set("PALAVER_LEASE__OFFER_CLAIM", "500ms")
    }

    /// A client of the balancer: it may land on any node, with every request anew.
    pub fn dial(&self) -> Dial {
        Dial::to(&self.balancer.url())
    }

    /// A client of one node.
    pub fn dial_node(&self, index: usize) -> Dial {
        match self.inside.get(index) {
            Some(node) => Dial::to(&format!("http://{}", node.at)),
            None => Dial::to(&self.nodes[index].url()),
        }
    }

    /// The balancer's address, without a slash at the end.
    pub fn url(&self) -> String {
        self.balancer.url()
    }

    /// One node that is a process, to be killed, drained or frozen.
    pub fn node(&mut self, index: usize) -> &mut NodeProcess {
        &mut self.nodes[index]
    }

    /// One more node, outside the balancer. Its index.
    pub async fn add_node(&mut self) -> usize {
        self.nodes.push(NodeProcess::start(&self.settings).await);
        self.nodes.len() - 1
    }

    /// Once everybody is gone: asserts that no seat, queue place, timer or session is left, and ends the world.
    pub async fn ends_empty(self) {
        // For nodes inside the test, what is due within a minute is due now.
        self.clock.advance(Duration::from_secs(60));
        let mut left = left_over(&self.redis);
        holds_within(PATIENCE, async || {
            left = left_over(&self.redis);
            left.is_empty()
        })
        .await;
        assert!(left.is_empty(), "left over: {left:?}");
    }

    /// Where the world's facts are stored.
    pub fn postgres_url(&self) -> String {
        self.database.url()
    }

    /// What the nodes were started with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// Where nodes connect: through the line, unless it does not lead to every member.
fn through(redis: &Redis, kind: Kind, line: &Proxy) -> String {
    match kind {
        Kind::Single | Kind::Cluster => redis.url_at(&line.addresses()),
        Kind::Replicated => redis.url(),
    }
}

/// Keys that have no end of their own and are not the machinery's.
pub fn left_over(redis: &Redis) -> Vec<String> {
    let mut keys = redis.keys();
    keys.retain(|key| {
        let name = key.split_once("}:").map_or(key.as_str(), |(_, name)| name);
        let kind = name.split(':').next().unwrap();
        let machinery = ["counts", "epoch", "inbox", "keeper", "nodes", "topic"].contains(&kind);
        let idle = ["journal", "offers"].contains(&kind) && redis.command(&["XLEN", key]) == ["0"];
        let ends = redis.command(&["PTTL", key]) != ["-1"];
        !machinery && !idle && !ends
    });
    keys
}

/// The host and port of a URL, and the same URL for another host and port.
fn split(url: &str) -> (String, impl Fn(&str) -> String + use<>) {
    let (before, rest) = url.rsplit_once('@').expect("the URL names a user");
    let (host, after) = rest.split_once('/').expect("the URL names a database");
    let (before, after) = (before.to_owned(), after.to_owned());
    (host.to_owned(), move |host: &str| format!("{before}@{host}/{after}"))
}

async fn start_inside(settings: &Settings, clock: &Clock) -> RunningNode {
    let listen = ("PALAVER_LISTEN".to_owned(), "127.0.0.1:0".to_owned());
    let variables = settings.clone().into_iter().chain([listen]);
    let loaded = config::Settings::from_sources(None, variables).unwrap();
    let node = palaver::ops::node::start(loaded.settings, clock.clone()).await.unwrap();
    // As processes are waited for: before it is known a node answers with 503, and the balancer would leave it out.
    let at = format!("http://{}/ready", node.at);
    let ready = async || reqwest::get(&at).await.is_ok_and(|answer| answer.status().is_success());
    eventually("the node is ready", ready).await;
    node
}
