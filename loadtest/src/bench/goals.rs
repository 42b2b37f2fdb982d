//! The goals, in the order of the table: what each is about, what must be met and what is aimed at.

use super::measures::What;

/// A goal: the number itself or its ratio to something measured in the same round.
pub(super) struct Goal {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) of: What,
    /// What the ratio is to; the goal is then about the ratio.
    pub(super) against: Option<Against>,
    pub(super) must: Option<f64>,
    pub(super) aim: Option<f64>,
    pub(super) better: Better,
}

#[derive(Clone, Copy)]
pub(super) enum Against {
    Peer,
    Own(What, &'static str),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Better {
    More,
    Less,
}

const fn cost(nodes: usize, rate: u32) -> What {
    What::Cost { nodes, rate }
}

const P99: What = What::P99 { nodes: 2, rate: 500 };

/// Told for information: how far something is from the least that it can take.
const fn above(floor: What, floor_name: &'static str, name: &'static str, of: What) -> Goal {
    Goal {
        must: None,
        aim: None,
        ..at_most(name, "ms", of, Against::Own(floor, floor_name), 0.0, 0.0)
    }
}

/// Shorthand: a goal about a ratio that must be small.
const fn at_most(name: &'static str, unit: &'static str, of: What, against: Against, must: f64, aim: f64) -> Goal {
    Goal {
        name,
        unit,
        of,
        against: Some(against),
        must: Some(must),
        aim: Some(aim),
        better: Better::Less,
    }
}

const fn flat(name: &'static str, rate: u32) -> Goal {
    Goal {
        aim: None,
        ..at_most(
            name,
            "us",
            cost(6, rate),
            Against::Own(cost(2, rate), "2 nodes"),
            1.10,
            0.0,
        )
    }
}

const FLOOR: Against = Against::Own(What::RedisFloor, "floor");

pub(super) const GOALS: &[Goal] = &[
    Goal {
        name: "messages/s with p99 < 100 ms, 2 nodes",
        unit: "/s",
        of: What::HighestRate,
        against: Some(Against::Peer),
        must: Some(3.0),
        aim: Some(5.0),
        better: Better::More,
    },
    Goal {
        must: None,
        aim: None,
        ..at_most("CPU per message at 500/s", "us", cost(2, 500), Against::Peer, 0.0, 0.0)
    },
    at_most(
        "CPU per message at 2,000/s",
        "us",
        cost(2, 2000),
        Against::Peer,
        1.0 / 2.0,
        1.0 / 3.0,
    ),
    at_most(
        "CPU per message at 6,000/s",
        "us",
        cost(2, 6000),
        Against::Peer,
        1.0 / 2.0,
        1.0 / 3.0,
    ),
    at_most(
        "6 processes: CPU per message at 2,000/s",
        "us",
        cost(6, 2000),
        Against::Peer,
        1.0 / 3.0,
        1.0 / 5.0,
    ),
    at_most(
        "6 processes: CPU per message at 6,000/s",
        "us",
        cost(6, 6000),
        Against::Peer,
        1.0 / 3.0,
        1.0 / 5.0,
    ),
    flat("own cost, 6 nodes against 2, at 2,000/s", 2000),
    flat("own cost, 6 nodes against 2, at 6,000/s", 6000),
    Goal {
        against: None,
        ..at_most("p99 at 1,000 connections, 500/s", "ms", P99, Against::Peer, 1.0, 0.6)
    },
    Goal {
        aim: None,
        ..at_most("the same against the peer", "ms", P99, Against::Peer, 1.0 / 4.0, 0.0)
    },
    at_most(
        "2,000 strangers at once, all paired",
        "ms",
        What::Pairing,
        Against::Peer,
        1.0 / 5.0,
        1.0 / 8.0,
    ),
    Goal {
        against: None,
        ..at_most(
            "memory per idle WebSocket at 10,000",
            "KiB",
            What::Memory,
            Against::Peer,
            5.0,
            2.5,
        )
    },
    Goal {
        must: None,
        aim: None,
        ..at_most(
            "the same against the peer",
            "KiB",
            What::Memory,
            Against::Peer,
            0.0,
            0.0,
        )
    },
    at_most(
        "Redis CPU per message at the highest rate, against the script alone",
        "us",
        What::RedisCost,
        FLOOR,
        2.0,
        1.4,
    ),
    Goal {
        against: None,
        ..at_most(
            "10,000 on 3 nodes, one killed: 99 % back, none lost",
            "s",
            What::Back,
            FLOOR,
            15.0,
            5.0,
        )
    },
    Goal {
        against: None,
        must: None,
        aim: None,
        ..at_most(
            "Redis CPU in the busiest second of that",
            "cores",
            What::RedisPeak,
            FLOOR,
            0.0,
            0.0,
        )
    },
    above(What::LoginFloor, "Argon2 alone", "a login, median", What::Login),
    above(
        What::ReadFloor,
        "its query alone",
        "a read with a token, median",
        What::Read,
    ),
];
