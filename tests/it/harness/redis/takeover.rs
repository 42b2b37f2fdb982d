//! A master of a cluster dies and its replica takes over, when a test wants that and never before: a busy machine makes
//! the living seem dead.

use super::super::{eventually, holds_within};
use super::{Kind, Redis, Server};
use std::time::Duration;

/// Options of members whose masters nobody takes over from until [`Redis::lose`].
pub(super) const NOBODY_TAKES_OVER: &str = "--cluster-replica-no-failover yes --cluster-replica-validity-factor 0";

/// After so many milliseconds a member that is silent is dead, once a master is to be lost.
const SEEMS_DEAD_AFTER: &str = "1000";

/// After so long a replica has given up to be handed over to: what it asks is lost while the two are making a connection.
const HANDING_OVER: Duration = Duration::from_secs(6);

/// A master and its replica, by their places among the members.
#[derive(Clone, Copy, Debug)]
pub struct Couple {
    pub master: usize,
    pub replica: usize,
}

impl Redis {
    /// Every master with its replica.
    pub fn couples(&self) -> Vec<Couple> {
        assert_eq!(self.kind, Kind::Replicated);
        let told = |server: &Server, name| server.told(&["INFO", "replication"], name);
        let replica_of = |master: &Server| {
            let port = Some(master.port().to_string());
            self.servers.iter().position(|other| told(other, "master_port") == port)
        };
        let couple = |master: usize| Couple {
            master,
            replica: replica_of(&self.servers[master]).expect("it has a replica"),
        };
        let masters = (0..self.servers.len()).filter(|at| is_master(&self.servers[*at]));
        masters.map(couple).collect()
    }

    /// Whether a master has keys that match.
    pub fn has(&self, couple: Couple, pattern: &str) -> bool {
        let keys = self.servers[couple.master].command(&["KEYS", pattern]).unwrap();
        !keys.is_empty()
    }

    /// What the master answers from now on is not replicated; what it answered before is.
    pub async fn deafen(&self, couple: Couple) {
        let (master, replica) = (&self.servers[couple.master], &self.servers[couple.replica]);
        let offset = |server: &Server, name| server.told(&["INFO", "replication"], name)?.parse::<u64>().ok();
        let before = offset(master, "master_repl_offset");
        eventually("the replica has what was there before", async || {
            offset(replica, "slave_repl_offset") >= before
        })
        .await;
        replica.freeze();
        // What is on its way to it would be read later. It cannot connect again while it stands still.
        master.command(&["CLIENT", "KILL", "TYPE", "replica"]).unwrap();
        let listening = master.told(&["INFO", "replication"], "connected_slaves");
        assert_eq!(listening.as_deref(), Some("0"));
    }

    /// Kills the master with all that its replica has not heard, and lets that one take over. Whoever was deafened hears
    /// again.
    pub fn lose(&mut self, couple: Couple) {
        self.servers[couple.master].kill();
        let set = |server: &Server, name, value| server.command(&["CONFIG", "SET", name, value]).unwrap();
        for server in self.servers.iter().filter(|server| server.runs()) {
            server.signal("CONT");
            set(server, "cluster-node-timeout", SEEMS_DEAD_AFTER);
        }
        set(&self.servers[couple.replica], "cluster-replica-no-failover", "no");
    }

    /// The master hands over to its replica in good order.
    pub async fn hand_over(&self, couple: Couple) {
        let replica = &self.servers[couple.replica];
        for _ in 0..3 {
            replica.command(&["CLUSTER", "FAILOVER"]).unwrap();
            if holds_within(HANDING_OVER, async || is_master(replica)).await {
                return;
            }
        }
        panic!("the master does not hand over");
    }

    /// Waits until the replica is a master.
    pub async fn taken_over(&self, couple: Couple) {
        let replica = &self.servers[couple.replica];
        eventually("the replica has taken over", async || is_master(replica)).await;
    }
}

fn is_master(server: &Server) -> bool {
    server.told(&["INFO", "replication"], "role").as_deref() == Some("master")
}
