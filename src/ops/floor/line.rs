//! Under what a line costs Redis: the nodes' own script in the nodes' own batches, and nothing else.
//!
//! `./dev bench` runs it against a Redis of its own and looks at what that Redis uses meanwhile. Lines
//! go the way that a node sends them: one connection, one call in flight, 64 lines in each. No socket hears of them and
//! nobody reads the inboxes they are put into. It says `speaking` when the time begins and `said N` when it ends.

use crate::actions::CLIENT_IDS;
use crate::clock::{Clock, Millis};
use crate::config::{self, Settings};
use crate::coord::Coord;
use crate::coord::connect::{self, Opened};
use crate::coord::notice::Place;
use crate::coord::rooms::{Said, SayRules, Saying};
use crate::domain::room::RoomKind;
use crate::error::Fault;
use crate::ids::{ClientMessageId, MessageId, RoomId, Shard, SocketId, UserId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::sleep;

/// As many rooms as speak when `./dev bench` looks for the highest rate.
const ROOMS: usize = 2000;
/// Lines on their way: enough that each call finds a full batch waiting.
const AT_ONCE: usize = 256;
/// So short a window that nobody meets the limit; what the check costs does not depend on it.
const NOBODY_REFUSED: Duration = Duration::from_millis(100);
/// Before the time begins: everything that grows has its size by then.
const WARM_UP: Duration = Duration::from_secs(2);
const HOUR: Duration = Duration::from_secs(3600);
/// As long as the load's lines are.
const TEXT: &str =
    "load 1234567890 1234 1 12 1234567890123 the quick brown fox jumps over the lazy dog and nobody knows";

/// Speaks for so long, on the Redis of the settings.
pub(super) async fn run(settings: &Settings, seconds: u64) -> Result<(), Fault> {
    let floor = Arc::new(Floor::prepare(settings).await?);
    let talkers: Vec<_> = (0..AT_ONCE).map(|at| tokio::spawn(talk(floor.clone(), at))).collect();
    sleep(WARM_UP).await;
    let before = floor.said.load(Ordering::Relaxed);
    println!("speaking");
    sleep(Duration::from_secs(seconds)).await;
    println!("said {}", floor.said.load(Ordering::Relaxed) - before);
    floor.over.store(true, Ordering::Relaxed);
    for talker in talkers {
        talker.await.map_err(|e| Fault::new("floor", e))??;
    }
    Ok(())
}

struct Floor {
    coord: Coord,
    rules: SayRules,
    clock: Clock,
    rooms: Vec<(RoomId, [UserId; 2])>,
    said: AtomicU64,
    over: AtomicBool,
}

impl Floor {
    /// Two nodes with a lease, and rooms between them: a line is told to both.
    async fn prepare(settings: &Settings) -> Result<Self, Fault> {
        let clock = Clock::system();
        let (coord, other) = (
            node(&settings.redis, &clock).await?,
            node(&settings.redis, &clock).await?,
        );
        let mut rooms = Vec::with_capacity(ROOMS);
        for number in 0..ROOMS {
            let people = [UserId::passing(number as u64), UserId::passing(number as u64)];
            let room = RoomId::fresh(Shard(0));
            let until = clock.steady() + HOUR;
            coord
                .open(room, RoomKind::Text, [&people[0], &people[1]], until)
                .await?;
            let places = [&coord, &other].map(|at| {
                [Place {
                    node: at.identity().now(),
                    socket: SocketId::fresh(),
                }]
            });
            let pair = [(&people[0], &places[0][..]), (&people[1], &places[1][..])];
            coord.announce(room, until, until, pair).await?;
            rooms.push((room, people));
        }
        let chat = &settings.chat;
        let rules = SayRules {
            limit: chat.rate_limit as usize,
            window: NOBODY_REFUSED,
            log_keeps: chat.room_log as usize,
            ids_kept: CLIENT_IDS,
        };
        Ok(Self {
            coord,
            rules,
            clock,
            rooms,
            said: AtomicU64::new(0),
            over: AtomicBool::new(false),
        })
    }
}

/// A node as Redis knows it.
async fn node(settings: &config::Redis, clock: &Clock) -> Result<Coord, Fault> {
    let Opened { coord, lanes, .. } = connect::open(settings, u64::from(settings.inbox), clock)?;
    for lane in lanes {
        tokio::spawn(lane.run());
    }
    let until: Millis = clock.steady() + HOUR;
    coord.register(Shard(0), until).await?;
    Ok(coord)
}

/// Says one line after another, each in another room.
async fn talk(floor: Arc<Floor>, first: usize) -> Result<(), Fault> {
    let mut turn = first;
    while !floor.over.load(Ordering::Relaxed) {
        let (room, people) = &floor.rooms[turn % ROOMS];
        let at = floor.clock.now();
        let message = MessageId::fresh(at.0);
        let client_id = ClientMessageId::parse(&format!("1234567890-{first}-{turn}"));
        let saying = Saying {
            room: *room,
            user: &people[turn / ROOMS % 2],
            message: &message,
            at,
            text: TEXT,
            client_id: client_id.as_ref(),
            echo: false,
        };
        turn += AT_ONCE;
        match floor.coord.say(&saying, floor.rules).await {
            Ok(Said::As(..)) => floor.said.fetch_add(1, Ordering::Relaxed),
            Ok(refused) => return Err(Fault::new("say", format!("refused: {refused:?}"))),
            Err(fault) => return Err(fault),
        };
    }
    Ok(())
}
