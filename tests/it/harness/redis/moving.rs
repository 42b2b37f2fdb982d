//! A slot of a cluster moves from one master to another, as `redis-cli --cluster reshard` moves it, and may stop halfway.

use super::{Kind, Redis, Server};

/// A slot on its way.
pub struct Moving {
    slot: String,
    from: usize,
    to: usize,
}

/// Keys that are moved at once.
const AT_ONCE: usize = 16;

impl Redis {
    /// A key's slot begins to move to another master.
    pub fn begin_to_move(&self, key: &str) -> Moving {
        assert_eq!(self.kind, Kind::Cluster);
        let serves = |server: &Server| server.command(&["EXISTS", key]).is_ok();
        let from = self.servers.iter().position(serves).expect("somebody serves the slot");
        let moving = Moving {
            slot: self.servers[from]
                .command(&["CLUSTER", "KEYSLOT", key])
                .unwrap()
                .concat(),
            from,
            to: (from + 1) % self.servers.len(),
        };
        self.set_slot(moving.to, &moving, &["IMPORTING", &self.id(from)]);
        self.set_slot(from, &moving, &["MIGRATING", &self.id(moving.to)]);
        moving
    }

    /// Some of the slot's keys are moved; how many were there.
    pub fn move_some_keys(&self, moving: &Moving, count: usize) -> usize {
        let from = &self.servers[moving.from];
        let keys = ["CLUSTER", "GETKEYSINSLOT", &moving.slot, &count.to_string()];
        let keys = from.command(&keys).unwrap();
        if !keys.is_empty() {
            let port = self.servers[moving.to].port().to_string();
            let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            words.extend(keys.iter().map(String::as_str));
            from.command(&words).unwrap();
        }
        keys.len()
    }

    /// Half of the slot's keys are moved.
    pub fn move_half_of_the_keys(&self, moving: &Moving) {
        let count = ["CLUSTER", "COUNTKEYSINSLOT", &moving.slot];
        let count = self.servers[moving.from].command(&count).unwrap().concat();
        let half = count.parse::<usize>().unwrap() / 2;
        assert!(half > 0 && self.move_some_keys(moving, half) == half);
    }

    /// What is left is moved, and all are told who serves the slot.
    pub fn finish_to_move(&self, moving: Moving) {
        while self.move_some_keys(&moving, AT_ONCE) > 0 {}
        let others = (0..self.servers.len()).filter(|at| ![moving.from, moving.to].contains(at));
        let owner = self.id(moving.to);
        for at in [moving.to, moving.from].into_iter().chain(others) {
            self.set_slot(at, &moving, &["NODE", &owner]);
        }
    }

    fn id(&self, server: usize) -> String {
        self.servers[server].command(&["CLUSTER", "MYID"]).unwrap().concat()
    }

    fn set_slot(&self, server: usize, moving: &Moving, what: &[&str]) {
        let words = [&["CLUSTER", "SETSLOT", &moving.slot], what].concat();
        self.servers[server].command(&words).unwrap();
    }
}
