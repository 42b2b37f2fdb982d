//! A Palaver inside the test's process: nodes that share a clock which the test moves, each in a runtime of its own, so
//! that one can be killed with all its sockets.
//!
//! [`everywhere`] runs a scenario with one node, with two, and with two on three shards, and asserts each time that
//! nothing is left in Redis but what is meant to stay. Leases and heartbeats follow the clock's steady time, which no
//! test moves.

use super::client::{Client, Dial};
use super::eventually;
use super::postgres::Database;
use super::redis::{Kind, Redis};
use futures_util::FutureExt;
use palaver::clock::Clock;
use palaver::config::{Secret, Settings};
use palaver::ops::node::{self, RunningNode};
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::{self, Runtime};

/// The secret that tokens of a stage are signed with.
pub const JWT_SECRET: &str = "a secret of tests, long enough for HS256";

/// How many nodes over how many shards.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub nodes: usize,
    pub shards: u8,
}

/// Every scenario must hold for all of these.
pub const SHAPES: [Shape; 3] = [
    Shape { nodes: 1, shards: 1 },
    Shape { nodes: 2, shards: 1 },
    Shape { nodes: 2, shards: 3 },
];

/// The shapes as this run has them: on a cluster the number of shards is the cluster's.
fn of_this_run(shapes: &[Shape]) -> Vec<Shape> {
    let kind = Kind::of_this_run();
    if kind == Kind::Single {
        return shapes.to_vec();
    }
    let nodes: BTreeSet<_> = shapes.iter().map(|shape| shape.nodes).collect();
    let shards = kind.shards();
    nodes.into_iter().map(|nodes| Shape { nodes, shards }).collect()
}

/// Runs a scenario in every shape, side by side.
pub async fn everywhere(scenario: impl AsyncFn(&mut Stage)) {
    Plan::default().everywhere(scenario).await;
}

type Change = dyn Fn(&mut Settings);

/// What the stages of a test shall be, beyond their shape.
#[derive(Default)]
pub struct Plan {
    change: Option<Box<Change>>,
    database: bool,
}

/// With these settings instead of the defaults.
pub fn with(change: impl Fn(&mut Settings) + 'static) -> Plan {
    Plan {
        change: Some(Box::new(change)),
        database: false,
    }
}

impl Plan {
    /// With a Postgres; without one the nodes keep their facts in the journal.
    pub fn database(mut self) -> Self {
        self.database = true;
        self
    }

    /// Runs a scenario in every shape, side by side.
    pub async fn everywhere(self, scenario: impl AsyncFn(&mut Stage)) {
        self.on(&SHAPES, scenario).await;
    }

    /// Runs a scenario in some shapes: for what does not depend on them.
    pub async fn on(self, shapes: &[Shape], scenario: impl AsyncFn(&mut Stage)) {
        let redis = Arc::new(Redis::start().await);
        let database = match self.database {
            true => Some(Database::create().await),
            false => None,
        };
        if let Some(database) = &database {
            let mut settings = Settings::default();
            settings.postgres.url = Secret::new(database.url());
            palaver::ops::migrate(&settings).await.unwrap();
        }
        let url = database.as_ref().map(Database::url);
        let runs = of_this_run(shapes).into_iter().map(|shape| {
            let (redis, url, change, scenario) = (redis.clone(), url.clone(), self.change.as_deref(), &scenario);
            let run = async move {
                let mut stage = Stage::set(shape, redis, url, change).await;
                scenario(&mut stage).await;
                stage.finish().await;
            };
            // So that a failure says in which shape: the panic's own message is printed before.
            AssertUnwindSafe(run)
                .catch_unwind()
                .map(move |outcome| (shape, outcome))
        });
        let failed: Vec<_> = futures_util::future::join_all(runs)
            .await
            .into_iter()
            .filter_map(|(shape, outcome)| outcome.is_err().then_some(shape))
            .collect();
        assert!(failed.is_empty(), "failed with {failed:?}");
    }
}

/// Nodes, their Redis and their clock.
pub struct Stage {
    // Dropped before what they need.
    nodes: Vec<Option<InProcess>>,
    pub(super) settings: Settings,
    clock: Clock,
    pub(super) redis: Arc<Redis>,
    guests: AtomicUsize,
}

struct InProcess {
    url: String,
    /// Before the runtime: its end is that of its loops.
    _node: RunningNode,
    runtime: Option<Runtime>,
}

impl Drop for InProcess {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Stage {
    async fn set(shape: Shape, redis: Arc<Redis>, postgres: Option<String>, change: Option<&Change>) -> Self {
        let mut settings = Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            origins: vec!["http://localhost:3000".to_owned()],
            ..Settings::default()
        };
        settings.redis.url = Secret::new(redis.url());
        settings.redis.prefix = format!("n{}s{}", shape.nodes, shape.shards);
        settings.redis.shards = shape.shards;
        // Nobody listens on port 1: without a database facts wait in the journal.
        settings.postgres.url = Secret::new(postgres.unwrap_or("postgres://nobody@127.0.0.1:1/none".to_owned()));
        settings.jwt.secrets = vec![Secret::new(JWT_SECRET)];
        // Pairs at once; what the delay is for has a test of its own.
        settings.queue.eligible_after = Duration::ZERO;
        settings.queue.pair_every = Duration::from_millis(10);
        settings.lease.renew_every = Duration::from_millis(200);
        if let Some(change) = change {
            change(&mut settings);
        }
        let clock = Clock::system();
        let mut stage = Self {
            nodes: Vec::new(),
            settings,
            clock,
            redis,
            guests: AtomicUsize::new(0),
        };
        for _ in 0..shape.nodes {
            stage.add_node().await;
        }
        stage
    }

    /// Starts one more node; its index.
    pub async fn add_node(&mut self) -> usize {
        let node = self.start_node().await;
        self.nodes.push(Some(node));
        self.nodes.len() - 1
    }

    /// Starts a node in the place of one that was killed.
    pub async fn replace(&mut self, index: usize) {
        let node = self.start_node().await;
        self.nodes[index] = Some(node);
    }

    async fn start_node(&self) -> InProcess {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let starting = runtime.spawn(node::start(self.settings.clone(), self.clock.clone()));
        let node = starting.await.unwrap().unwrap();
        eventually("the node is ready", async || node.why_not_ready().is_empty()).await;
        InProcess {
            url: format!("http://{}", node.at),
            _node: node,
            runtime: Some(runtime),
        }
    }

    /// Ends a node as `kill -9` does: nothing of it runs on and nothing is said to anybody. The kernel that would cut its
    /// connections lives on, so that clients have to drop theirs.
    pub fn kill(&mut self, index: usize) {
        self.nodes[index] = None;
    }

    /// How many nodes the shards know of, dead ones that are not yet taken over included.
    pub fn living_nodes(&self) -> usize {
        let of_shard = |shard| self.known_nodes(shard).len();
        (0..self.settings.redis.shards).map(of_shard).max().unwrap_or_default()
    }

    pub(super) fn known_nodes(&self, shard: u8) -> Vec<String> {
        let [nodes, dying] = ["nodes", "dying"].map(|key| format!("{}:{{s{shard}}}:{key}", self.settings.redis.prefix));
        let mut known = self.redis.command(&["ZRANGE", &nodes, "0", "-1"]);
        known.extend(self.redis.command(&["SMEMBERS", &dying]));
        known
    }

    /// A node's address, counting round: on a stage of one node every index is that node.
    pub fn url(&self, index: usize) -> String {
        let node = &self.nodes[index % self.nodes.len()];
        node.as_ref().expect("the node was not killed").url.clone()
    }

    /// Host and port of every node that lives, for a balancer.
    pub fn addresses(&self) -> Vec<String> {
        let urls = self.nodes.iter().flatten().map(|node| &node.url);
        urls.map(|url| url.trim_start_matches("http://").to_owned()).collect()
    }

    /// A connection to a node, counting round.
    pub fn dial(&self, node: usize) -> Dial {
        Dial::to(&self.url(node))
    }

    /// A name that nobody on this stage has yet.
    pub fn fresh_name(&self) -> String {
        format!("g{:03}", self.guests.fetch_add(1, Ordering::Relaxed))
    }

    /// A guest of the original web app, who is known by a device id, on a node.
    pub async fn guest(&self, node: usize) -> Client {
        self.dial(node).guest(&self.fresh_name()).connect().await
    }

    /// Moves product time.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Waits until every timer that is due has been fired.
    pub async fn timers_fired(&self) {
        let now = self.clock.now().0.to_string();
        eventually("due timers have fired", async || {
            let due = |shard| {
                let timers = format!("{}:{{s{shard}}}:timers", self.settings.redis.prefix);
                self.redis.command(&["ZCOUNT", &timers, "-inf", &now]) == ["0"]
            };
            // A claimed timer is due later and gone when settled: two rounds of the keeper see to what it causes.
            (0..self.settings.redis.shards).all(due)
        })
        .await;
    }

    /// Moves product time and waits until what has become due has happened.
    pub async fn pass(&self, time: Duration) {
        self.advance(time);
        self.timers_fired().await;
    }

    /// Keys of this stage that match a pattern after the shard.
    pub fn keys(&self, pattern: &str) -> Vec<String> {
        let pattern = format!("{}:{{s*}}:{pattern}", self.settings.redis.prefix);
        self.redis.command(&["KEYS", &pattern])
    }

    /// Timers that are set, of one kind (`hold|`).
    pub fn timers(&self, kind: &str) -> Vec<String> {
        let of_shard = |shard| {
            let timers = format!("{}:{{s{shard}}}:timers", self.settings.redis.prefix);
            self.redis.command(&["ZRANGE", &timers, "0", "-1"])
        };
        let all = (0..self.settings.redis.shards).flat_map(of_shard);
        all.filter(|timer| timer.starts_with(kind)).collect()
    }

    /// How many sockets a user has, on all nodes.
    pub fn sockets_of(&self, user: &str) -> usize {
        // Guests are known by more than the name that others are told.
        let keys = [user.to_owned(), format!("{user}.*")].map(|name| self.keys(&format!("user:{name}")));
        let fields = keys
            .iter()
            .flatten()
            .flat_map(|key| self.redis.command(&["HKEYS", key]));
        fields.filter(|field| field.starts_with('@')).count()
    }

    /// Where the nodes store their facts.
    pub fn postgres_url(&self) -> &str {
        self.settings.postgres.url.reveal()
    }

    /// Asks the stage's Redis.
    pub fn redis(&self, words: &[&str]) -> Vec<String> {
        self.redis.command(words)
    }

    /// The product's time, in milliseconds.
    pub fn now(&self) -> u64 {
        self.clock.now().0
    }
}
