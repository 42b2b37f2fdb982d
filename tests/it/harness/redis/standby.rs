//! A replica that stands by beside a single server. Clients are led to whichever of the two is the master by an address
//! that moves, as that of a hosted Redis does: they see a lost connection, and then one to a server that may know less.

use super::super::eventually;
use super::super::proxy::Proxy;
use super::{Extra, Kind, Redis, Server};

impl Redis {
    /// A single server and one that stands by, both with something more.
    pub async fn start_with_standby(mut extra: Extra) -> Self {
        // Whoever comes back is not kept waiting for others that might.
        let at_once = ["--repl-diskless-sync-delay", "0"].map(str::to_owned);
        extra.arguments.extend(at_once);
        let (master, standby) = tokio::join!(Server::start_with(extra.clone()), Server::start_with(extra));
        follow(&standby, &master);
        let redis = Self {
            kind: Kind::Single,
            servers: vec![master],
            standby: Some(standby),
        };
        redis.in_step().await;
        redis
    }

    /// A single server and one that stands by, behind a proxy to be aimed at the one that takes over.
    pub async fn with_standby_behind_a_line() -> (Self, Proxy) {
        let redis = Self::start_with_standby(Extra::default()).await;
        let line = Proxy::start(redis.address()).await;
        (redis, line)
    }

    fn standby(&self) -> (&Server, &Server) {
        (&self.servers[0], self.standby.as_ref().expect("there is one"))
    }

    /// Waits until the one that stands by has all that the master has now.
    async fn in_step(&self) {
        let (master, standby) = self.standby();
        let told = |server: &Server, name| server.told(&["INFO", "replication"], name);
        let offset = |server: &Server, name| told(server, name)?.parse::<u64>().ok();
        let before = offset(master, "master_repl_offset");
        eventually("the one that stands by is in step", async || {
            told(standby, "master_link_status").as_deref() == Some("up")
                && told(standby, "master_replid") == told(master, "master_replid")
                && offset(standby, "slave_repl_offset") >= before
        })
        .await;
    }

    /// What the master answers from now on is not replicated; what it answered before is.
    pub async fn deafen_standby(&self) {
        self.in_step().await;
        let (master, standby) = self.standby();
        standby.freeze();
        // What is on its way to it would be read later. It cannot connect again while it stands still.
        master.command(&["CLIENT", "KILL", "TYPE", "replica"]).unwrap();
    }

    /// Kills the master with all that the one that stands by has not heard; that one is the master from now on.
    pub fn fail_over(&mut self) {
        self.servers[0].kill();
        let standby = self.standby.as_mut().expect("there is one");
        standby.signal("CONT");
        standby.command(&["REPLICAOF", "NO", "ONE"]).unwrap();
        std::mem::swap(&mut self.servers[0], standby);
    }

    /// The one that was killed comes back, and stands by.
    pub async fn stand_by_again(&mut self) {
        let standby = self.standby.as_mut().expect("there is one");
        standby.restart_empty().await;
        follow(standby, &self.servers[0]);
    }
}

fn follow(standby: &Server, master: &Server) {
    let port = master.port().to_string();
    standby.command(&["REPLICAOF", "127.0.0.1", &port]).unwrap();
}
