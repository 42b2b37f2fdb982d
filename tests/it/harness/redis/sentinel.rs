//! One master and its replica, watched by three sentinels.

use super::super::eventually;
use super::Server;

/// What the sentinels call their master.
const NAME: &str = "palaver";

/// Sentinels that must agree.
const QUORUM: usize = 2;

/// A master, a replica and those who watch them.
pub struct Watched {
    /// The first master, then its replica.
    servers: [Server; 2],
    sentinels: Vec<Server>,
}

impl Watched {
    /// A new, empty master with its replica in step.
    pub async fn start() -> Self {
        let master = Server::start(&[]).await;
        let port = master.port().to_string();
        let of_master = format!("127.0.0.1 {port}");
        let replica = Server::start(&["--replicaof", &of_master, "--repl-diskless-sync-delay", "0"]).await;
        let configuration = format!(
            "sentinel monitor {NAME} 127.0.0.1 {port} {QUORUM}\n\
             sentinel down-after-milliseconds {NAME} 60000\n\
             sentinel failover-timeout {NAME} 3000\n"
        );
        let sentinels = (0..3).map(|_| Server::sentinel(&configuration));
        let sentinels = futures_util::future::join_all(sentinels).await;
        let watched = Self {
            servers: [master, replica],
            sentinels,
        };
        eventually("the sentinels know each other and the replica", async || {
            watched.sentinels.iter().all(|sentinel| {
                let told = sentinel.command(&["SENTINEL", "MASTER", NAME]).unwrap_or_default();
                let of = |name: &str| told.iter().skip_while(|field| *field != name).nth(1).cloned();
                of("num-other-sentinels").as_deref() == Some("2") && of("num-slaves").as_deref() == Some("1")
            })
        })
        .await;
        let replica = &watched.servers[1];
        eventually("the replica has what the master has", async || {
            replica.told(&["INFO", "replication"], "master_link_status").as_deref() == Some("up")
        })
        .await;
        watched
    }

    /// Kills the master. Only from now on silence counts as death: a busy machine makes the living silent.
    pub fn lose_the_master(&mut self) {
        self.servers[0].kill();
        for sentinel in &self.sentinels {
            let set = ["SENTINEL", "SET", NAME, "down-after-milliseconds", "500"];
            sentinel.command(&set).unwrap();
        }
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        let at: Vec<_> = self.sentinels.iter().map(Server::address).collect();
        format!(
            "redis-sentinel://{}?node={}&node={}&sentinelServiceName={NAME}",
            at[0], at[1], at[2]
        )
    }
}
