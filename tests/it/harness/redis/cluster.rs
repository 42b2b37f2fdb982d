//! Making a cluster of single servers, and seeing that it is whole. Servers come in the order masters, then replicas.

use super::super::eventually;
use super::Server;
use super::takeover::NOBODY_TAKES_OVER;

/// Masters of a cluster.
pub(super) const MASTERS: usize = 3;

/// Slots of a cluster.
const SLOTS: usize = 16384;

/// How many servers as members of a cluster to be.
pub(super) async fn servers(count: usize) -> Vec<Server> {
    let starting = (0..count).map(|_| async {
        loop {
            // Its bus is 10000 above its port unless told otherwise: there it could meet a port that is taken.
            let bus = super::super::ports::free_port().to_string();
            let options = [
                "--cluster-enabled yes --cluster-require-full-coverage no --cluster-announce-ip 127.0.0.1",
                "--repl-diskless-sync-delay 0 --cluster-node-timeout 15000",
                NOBODY_TAKES_OVER,
                "--cluster-port",
                &bus,
            ]
            .join(" ");
            let options: Vec<_> = options.split(' ').collect();
            if let Some(server) = Server::try_start(&options).await {
                return server;
            }
        }
    });
    futures_util::future::join_all(starting).await
}

/// From now on others are told to find `server` at `address`.
pub(super) fn announce(server: &Server, address: &str) {
    let (_, port) = address.rsplit_once(':').expect("host:port");
    server
        .command(&["CONFIG", "SET", "cluster-announce-port", port])
        .unwrap();
}

/// Makes one cluster of all.
pub(super) async fn form(servers: &[Server]) {
    let (masters, replicas) = servers.split_at(MASTERS);
    for (at, master) in masters.iter().enumerate() {
        let (first, end) = (SLOTS * at / MASTERS, SLOTS * (at + 1) / MASTERS);
        let ask = |words: &[&str]| master.command(words).unwrap();
        ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]);
        ask(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &(end - 1).to_string()]);
    }
    for one in servers {
        for other in servers.iter().filter(|other| other.port() != one.port()) {
            let (port, bus) = (other.port().to_string(), bus_of(other));
            one.command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).unwrap();
        }
    }
    for (master, replica) in masters.iter().zip(replicas) {
        let id = master.command(&["CLUSTER", "MYID"]).unwrap().concat();
        // Not before it has heard of its master.
        eventually("a replica knows its master", async || {
            replica.command(&["CLUSTER", "REPLICATE", &id]).is_ok()
        })
        .await;
    }
    whole(servers).await;
    eventually("replicas have what their masters have", async || {
        let linked = |replica: &Server| replica.told(&["INFO", "replication"], "master_link_status");
        replicas.iter().all(|replica| linked(replica).as_deref() == Some("up"))
    })
    .await;
}

fn bus_of(server: &Server) -> String {
    server.command(&["CONFIG", "GET", "cluster-port"]).unwrap()[1].clone()
}

/// Waits until all that live agree that every slot is served.
pub(super) async fn whole(servers: &[Server]) {
    eventually("the cluster is whole", async || {
        let state = |server: &Server| server.told(&["CLUSTER", "INFO"], "cluster_state");
        let knows = |server: &Server| server.told(&["CLUSTER", "INFO"], "cluster_known_nodes");
        let living = || servers.iter().filter(|server| server.runs());
        living().all(|s| state(s).as_deref() == Some("ok") && knows(s) == Some(servers.len().to_string()))
    })
    .await;
}
