//! The floor under Redis's share of a line: the nodes' own script in their own batches, and nothing else.
//!
//! Lines go the way that a node sends them (`palaver::coord`): one connection, one call in flight, 64 lines in each. No
//! socket hears of them and nobody reads the inboxes they are put into, so what Redis uses is what the script costs.

use super::Options;
use super::machine::{self, Disturbance, Watch};
use super::stack::Stack;
use palaver::actions::CLIENT_IDS;
use palaver::clock::{Clock, Millis};
use palaver::config::{Redis, Secret, Settings};
use palaver::coord::Coord;
use palaver::coord::connect::{self, Opened};
use palaver::coord::notice::Place;
use palaver::coord::rooms::{Said, SayRules, Saying};
use palaver::domain::room::RoomKind;
use palaver::error::Fault;
use palaver::ids::{ClientMessageId, MessageId, RoomId, Shard, SocketId, UserId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::sleep;

/// As many rooms as speak when the highest rate is looked for.
const ROOMS: usize = 2000;
/// Lines on their way: enough that each call finds a full batch waiting.
const AT_ONCE: usize = 256;
/// So short a window that nobody meets the limit; what the check costs does not depend on it.
const NOBODY_REFUSED: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_secs(3600);
/// As long as a line of the load.
const TEXT: &str = "a line as long as those that the load sends, with time";

/// CPU of Redis for one line, in microseconds, and what disturbed the measurement.
pub(super) fn measure(options: &Options, seconds: u32) -> Result<(f64, Disturbance), String> {
    let stack = Stack::bare(options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.map_err(|e| e.to_string())?.block_on(run(&stack, seconds))
}

async fn run(stack: &Stack, seconds: u32) -> Result<(f64, Disturbance), String> {
    let floor = Floor::prepare(&stack.redis_url())
        .await
        .map_err(|e| format!("{}: {}", e.op, e.why))?;
    let floor = Arc::new(floor);
    let talkers: Vec<_> = (0..AT_ONCE).map(|at| tokio::spawn(talk(floor.clone(), at))).collect();
    sleep(Duration::from_secs(1)).await;
    let watch = Watch::start(&stack.pids());
    let (said, cpu) = (
        floor.said.load(Ordering::Relaxed),
        machine::cpu_seconds(stack.redis_pid()),
    );
    sleep(Duration::from_secs(u64::from(seconds))).await;
    let said = floor.said.load(Ordering::Relaxed) - said;
    let cpu = machine::cpu_seconds(stack.redis_pid()) - cpu;
    let disturbance = watch.stop();
    floor.over.store(true, Ordering::Relaxed);
    for talker in talkers {
        talker.await.map_err(|e| e.to_string())??;
    }
    match said {
        0 => Err("nothing was said".to_owned()),
        _ => Ok((cpu * 1e6 / said as f64, disturbance)),
    }
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
    async fn prepare(url: &str) -> Result<Self, Fault> {
        let clock = Clock::system();
        let settings = Redis {
            url: Secret::new(url),
            ..Settings::default().redis
        };
        let (coord, other) = (node(&settings, &clock).await?, node(&settings, &clock).await?);
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
        let chat = Settings::default().chat;
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
async fn node(settings: &Redis, clock: &Clock) -> Result<Coord, Fault> {
    let Opened { coord, lanes, .. } = connect::open(settings, u64::from(settings.inbox), clock)?;
    for lane in lanes {
        tokio::spawn(lane.run());
    }
    let until: Millis = clock.steady() + HOUR;
    coord.register(Shard(0), until).await?;
    Ok(coord)
}

/// Says one line after another, each in another room.
async fn talk(floor: Arc<Floor>, first: usize) -> Result<(), String> {
    let mut turn = first;
    while !floor.over.load(Ordering::Relaxed) {
        let (room, people) = &floor.rooms[turn % ROOMS];
        let message = MessageId::fresh(floor.clock.now().0);
        let client_id = ClientMessageId::parse(&format!("1234567890-{first}-{turn}"));
        let saying = Saying {
            room: *room,
            user: &people[turn / ROOMS % 2],
            message: &message,
            text: TEXT,
            client_id: client_id.as_ref(),
        };
        turn += AT_ONCE;
        match floor.coord.say(&saying, floor.rules).await {
            Ok(Said::As(..)) => floor.said.fetch_add(1, Ordering::Relaxed),
            Ok(refused) => return Err(format!("refused: {refused:?}")),
            Err(fault) => return Err(format!("{}: {}", fault.op, fault.why)),
        };
    }
    Ok(())
}
