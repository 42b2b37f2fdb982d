//! What will be done to the world, and when: derived from a seed and a length alone.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fmt;
use std::time::Duration;

/// Nodes of an arena.
pub(super) const NODES: usize = 3;

/// Quiet at the beginning, so that people are in rooms when the first fault comes.
const CALM_BEFORE: Duration = Duration::from_secs(4);
/// Faults that hold at the same time.
const AT_ONCE: usize = 2;

/// Something that is done to the world for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    /// A node dies without a word and is started again, its wall clock so many seconds off.
    Kill { node: usize, clock: i64 },
    /// A node is asked to end, and started again when it has.
    Drain { node: usize },
    /// A node stands still (SIGSTOP), and comes back believing that it is alive.
    Freeze { node: usize },
    /// A node stands still, and its monotonic clock with it, as in a virtual machine that is paused.
    Pause { node: usize },
    /// A node's wall clock jumps by so many seconds, and back at the end.
    Jump { node: usize, clock: i64 },
    /// A node's connections to Redis are reset, also new ones.
    CutFromRedis { node: usize },
    /// Nothing arrives between a node and Redis; all of it arrives at the end.
    SilentFromRedis { node: usize },
    /// A node's connections to Redis fall silent for ever, new ones work.
    StrandFromRedis { node: usize },
    /// Every connection to Redis is reset once.
    Hiccup,
    /// A node's visitors are reset, also new ones.
    CutFromVisitors { node: usize },
    /// Nothing arrives between a node and its visitors; all of it arrives at the end.
    SilentFromVisitors { node: usize },
    /// Connections of a node's visitors fall silent for ever: half open. New ones work.
    StrandVisitors { node: usize },
    /// Redis dies without a word and comes back with its data.
    KillRedis,
    /// Redis is stopped as an operator does it, and comes back with its data.
    StopRedis,
    /// Redis comes back and has forgotten everything.
    LoseRedis,
    /// Redis stands still (SIGSTOP).
    FreezeRedis,
    /// Redis's replica hears nothing for a while; then Redis dies, and the replica takes over with what it has.
    FailOver,
    /// Nothing gets to Redis's disk: every fsync waits.
    HangDisk,
    /// Postgres stops at once and comes back with its data.
    StopPostgres,
    /// Nothing arrives between nodes and Postgres.
    SilentPostgres,
}

/// A fault with its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strike {
    pub(super) at: Duration,
    pub(super) lasts: Duration,
    pub(super) fault: Fault,
}

/// How the world is set up before anything is done to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Shards of Redis's keys.
    pub(super) shards: u8,
    /// How long a node counts as alive after it last said so.
    pub(super) lease: Duration,
    /// Notices that wait for one node: with few of them and a long lease, they are trimmed under one that stands still.
    pub(super) inbox: u32,
    /// When Redis waits for its disk: `always` or `no`, which loses as little with the process. (With `everysec` it holds
    /// writes back while the disk is busy, and loses these.)
    pub(super) fsync: &'static str,
}

/// All of it.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    pub(super) seed: u64,
    pub(super) length: Duration,
    pub(super) shape: Shape,
    pub(super) strikes: Vec<Strike>,
}

/// What a fault strikes: two that strike the same do not hold at once.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Target {
    Node(usize),
    Redis,
    Postgres,
}

impl Fault {
    /// Whether nothing gets from Redis to Postgres while it holds.
    pub(super) fn closes_the_store(self) -> bool {
        matches!(self.target(), Target::Redis | Target::Postgres) && self != Self::Hiccup
    }

    fn target(self) -> Target {
        match self {
            Self::Kill { node, .. }
            | Self::Drain { node }
            | Self::Freeze { node }
            | Self::Pause { node }
            | Self::Jump { node, .. }
            | Self::CutFromRedis { node }
            | Self::SilentFromRedis { node }
            | Self::StrandFromRedis { node }
            | Self::CutFromVisitors { node }
            | Self::SilentFromVisitors { node }
            | Self::StrandVisitors { node } => Target::Node(node),
            Self::Hiccup
            | Self::KillRedis
            | Self::StopRedis
            | Self::LoseRedis
            | Self::FreezeRedis
            | Self::FailOver
            | Self::HangDisk => Target::Redis,
            Self::StopPostgres | Self::SilentPostgres => Target::Postgres,
        }
    }
}

impl Schedule {
    /// The schedule of a seed.
    pub(super) fn of(seed: u64, length: Duration) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let crowded = dice.random_ratio(1, 3);
        let shape = Shape {
            shards: if dice.random_ratio(1, 3) { 3 } else { 1 },
            lease: Duration::from_secs(if crowded { 6 } else { 2 }),
            inbox: if crowded { 100 } else { 50_000 },
            fsync: if dice.random_ratio(1, 3) { "no" } else { "always" },
        };
        let strikes = strikes(&mut dice, length);
        Self {
            seed,
            length,
            shape,
            strikes,
        }
    }
}

fn strikes(dice: &mut StdRng, length: Duration) -> Vec<Strike> {
    let mut strikes = Vec::<Strike>::new();
    let mut at = CALM_BEFORE;
    while at < length {
        let (fault, lasts) = some_fault(dice);
        let lasts = lasts.min(length.saturating_sub(at).max(Duration::from_secs(1)));
        let holding = strikes.iter().filter(|strike| strike.at + strike.lasts > at);
        // What Redis had not yet written when its disk hung is lost when it dies right after: Redis promises no more.
        let rest = Duration::from_secs(3);
        let busy = strikes
            .iter()
            .any(|s| s.at + s.lasts + rest > at && s.fault.target() == fault.target());
        if holding.count() < AT_ONCE && !busy {
            strikes.push(Strike { at, lasts, fault });
        }
        at += Duration::from_millis(dice.random_range(300..5000));
    }
    strikes
}

fn some_fault(dice: &mut StdRng) -> (Fault, Duration) {
    let node = dice.random_range(0..NODES);
    let clock = [-60, 60][dice.random_range(0..2)];
    let clock_at_start = [0, 0, -60, 60][dice.random_range(0..4)];
    let ms = |dice: &mut StdRng, from: u64, to: u64| Duration::from_millis(dice.random_range(from..to));
    let long_sleep = dice.random_ratio(1, 4);
    let sleep = if long_sleep {
        ms(dice, 8000, 20_000)
    } else {
        ms(dice, 1000, 8000)
    };
    match dice.random_range(0..100) {
        0..16 => (
            Fault::Kill {
                node,
                clock: clock_at_start,
            },
            ms(dice, 200, 6000),
        ),
        16..26 => (Fault::Drain { node }, ms(dice, 500, 5000)),
        26..38 => (Fault::Freeze { node }, sleep),
        38..42 => (Fault::Pause { node }, sleep),
        42..46 => (Fault::Jump { node, clock }, ms(dice, 500, 8000)),
        46..51 => (Fault::CutFromRedis { node }, ms(dice, 100, 6000)),
        51..56 => (Fault::SilentFromRedis { node }, ms(dice, 100, 8000)),
        56..60 => (Fault::StrandFromRedis { node }, ms(dice, 100, 1000)),
        60..64 => (Fault::Hiccup, ms(dice, 100, 500)),
        64..67 => (Fault::CutFromVisitors { node }, ms(dice, 100, 3000)),
        67..71 => (Fault::SilentFromVisitors { node }, ms(dice, 500, 8000)),
        71..75 => (Fault::StrandVisitors { node }, ms(dice, 100, 1000)),
        75..77 => (Fault::KillRedis, ms(dice, 100, 5000)),
        77..81 => (Fault::FailOver, ms(dice, 100, 5000) / 5),
        81..83 => (Fault::StopRedis, ms(dice, 100, 5000)),
        83..85 => (Fault::LoseRedis, ms(dice, 100, 4000)),
        85..89 => (Fault::FreezeRedis, ms(dice, 200, 5000)),
        89..94 => (Fault::HangDisk, ms(dice, 200, 5000)),
        94..98 => (Fault::StopPostgres, ms(dice, 500, 8000)),
        _ => (Fault::SilentPostgres, ms(dice, 500, 8000)),
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, lasts) = (self.at.as_secs_f64(), self.lasts.as_secs_f64());
        write!(f, "{at:7.2} s  for {lasts:5.2} s  {:?}", self.fault)
    }
}

#[test]
fn the_short_run_has_a_failover_and_a_killed_node() {
    let length = Duration::from_secs(super::SHORT);
    let schedule = Schedule::of(super::SEED, length);
    let has = |wanted: fn(&Fault) -> bool| schedule.strikes.iter().any(|strike| wanted(&strike.fault));

    assert!(has(|fault| *fault == Fault::FailOver));
    assert!(has(|fault| matches!(fault, Fault::Kill { .. })));
}

#[test]
fn a_seed_means_one_schedule_and_nothing_is_struck_twice_at_once() {
    for seed in 0..200 {
        let length = Duration::from_secs(60);
        let (one, again) = (Schedule::of(seed, length), Schedule::of(seed, length));

        assert_eq!(format!("{one:?}"), format!("{again:?}"));
        for (i, strike) in one.strikes.iter().enumerate() {
            let holding = one.strikes[..i]
                .iter()
                .filter(|before| before.at + before.lasts > strike.at);
            let same = holding
                .clone()
                .filter(|before| before.fault.target() == strike.fault.target());
            assert!(holding.clone().count() < AT_ONCE && same.count() == 0, "{one:#?}");
        }
    }
}
