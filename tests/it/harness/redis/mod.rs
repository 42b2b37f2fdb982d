//! A private Redis that can be stopped, killed and brought back, with or without its data: one server, or a cluster of
//! three masters.
//!
//! `PALAVER_TEST_ON=cluster` makes every scenario run on a cluster with six shards, unless it names what it needs.

mod cluster;
mod guarded;
mod moving;
mod sentinel;
mod server;
mod standby;
mod takeover;

pub use guarded::Guarded;
pub use sentinel::Watched;
pub use server::{Extra, Server};
pub use takeover::Couple;

use super::proxy::Proxy;

/// What stands behind a [`Redis`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One server.
    Single,
    /// A cluster of three masters.
    Cluster,
    /// A cluster of three masters with a replica each.
    Replicated,
}

/// Shards on a cluster: two for each master.
pub const CLUSTER_SHARDS: u8 = 6;

impl Kind {
    /// What this run of the suite is for.
    pub fn of_this_run() -> Self {
        match std::env::var("PALAVER_TEST_ON").as_deref() {
            Err(_) => Self::Single,
            Ok("cluster") => Self::Cluster,
            Ok(other) => panic!("PALAVER_TEST_ON is {other:?}; it may be \"cluster\""),
        }
    }

    /// How many shards nodes use on it when a scenario does not say.
    pub fn shards(self) -> u8 {
        match self {
            Self::Single => 1,
            Self::Cluster | Self::Replicated => CLUSTER_SHARDS,
        }
    }
}

/// Redis, whatever it consists of.
pub struct Redis {
    kind: Kind,
    /// Masters first.
    servers: Vec<Server>,
    /// Beside a single server, sometimes.
    standby: Option<Server>,
}

impl Redis {
    /// A new, empty one, of the kind that this run is for.
    pub async fn start() -> Self {
        Self::of(Kind::of_this_run()).await
    }

    /// A new, empty one.
    pub async fn of(kind: Kind) -> Self {
        let redis = Self::launch(kind).await;
        redis.form().await;
        redis
    }

    /// A single server with something more.
    pub async fn start_with(extra: Extra) -> Self {
        Self {
            kind: Kind::Single,
            servers: vec![Server::start_with(extra).await],
            standby: None,
        }
    }

    /// A new, empty one behind a proxy that clients cannot get round: the members of a cluster announce its ports.
    pub async fn behind_a_line(kind: Kind) -> (Self, Proxy) {
        let redis = Self::launch(kind).await;
        let mut line = Proxy::start(redis.address()).await;
        if kind == Kind::Cluster {
            for server in &redis.servers[1..] {
                line.also(server.address()).await;
            }
            for (server, at) in redis.servers.iter().zip(line.addresses()) {
                cluster::announce(server, &at);
            }
        }
        redis.form().await;
        (redis, line)
    }

    async fn launch(kind: Kind) -> Self {
        let servers = match kind {
            Kind::Single => vec![Server::start(&[]).await],
            Kind::Cluster => cluster::servers(cluster::MASTERS).await,
            Kind::Replicated => cluster::servers(2 * cluster::MASTERS).await,
        };
        let standby = None;
        Self { kind, servers, standby }
    }

    async fn form(&self) {
        if self.kind != Kind::Single {
            cluster::form(&self.servers).await;
        }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        let addresses: Vec<_> = self.servers.iter().map(Server::address).collect();
        self.url_at(&addresses)
    }

    /// Where clients connect when the members are reached at these addresses.
    pub fn url_at(&self, addresses: &[String]) -> String {
        match self.kind {
            Kind::Single => format!("redis://{}", addresses[0]),
            Kind::Cluster | Kind::Replicated => {
                let rest: Vec<_> = addresses[1..].iter().map(|at| format!("node={at}")).collect();
                format!("redis-cluster://{}?{}", addresses[0], rest.join("&"))
            }
        }
    }

    /// Host and port of the first member.
    pub fn address(&self) -> String {
        self.servers[0].address()
    }

    /// Its members, the first masters first.
    pub fn servers(&mut self) -> &mut [Server] {
        &mut self.servers
    }

    /// Stops as an operator would (SIGTERM).
    pub async fn stop(&mut self) {
        for server in &mut self.servers {
            server.stop().await;
        }
    }

    /// Dies without a word.
    pub fn kill(&mut self) {
        self.servers.iter_mut().for_each(Server::kill);
    }

    /// Stops its world (SIGSTOP).
    pub fn freeze(&self) {
        self.servers.iter().for_each(Server::freeze);
    }

    /// Lets a frozen one go on.
    pub fn thaw(&self) {
        self.servers.iter().for_each(|server| server.signal("CONT"));
    }

    /// Comes back on its ports with the data it had.
    pub async fn restart_with_data(&mut self) {
        for server in &mut self.servers {
            server.restart_with_data().await;
        }
        self.whole().await;
    }

    /// Comes back on its ports and has forgotten everything.
    pub async fn restart_empty(&mut self) {
        for server in &mut self.servers {
            server.restart_empty().await;
        }
        self.whole().await;
    }

    async fn whole(&self) {
        if self.kind != Kind::Single {
            cluster::whole(&self.servers).await;
        }
    }

    /// Sends one command to whom it concerns; the answer's strings and numbers in order, nested lists flattened, nil left
    /// out.
    pub fn command(&self, words: &[&str]) -> Vec<String> {
        if self.kind != Kind::Single && words[0] == "KEYS" {
            let keys = self.masters().flat_map(|master| master.command(words).unwrap());
            return keys.collect();
        }
        let mut moved = None;
        for master in self.masters() {
            match master.command(words) {
                Err(error) if error.to_string().starts_with("MOVED") => moved = Some(error),
                answer => return answer.unwrap(),
            }
        }
        panic!("{words:?}: {moved:?}");
    }

    /// Members that are masters now and live.
    pub fn masters(&self) -> impl Iterator<Item = &Server> {
        let living = self.servers.iter().filter(|server| server.runs());
        living.filter(|server| {
            self.kind != Kind::Replicated || server.told(&["INFO", "replication"], "role").as_deref() == Some("master")
        })
    }

    /// The names of all keys, sorted.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = self.command(&["KEYS", "*"]);
        keys.sort();
        keys
    }
}
