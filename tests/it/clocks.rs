//! Machines whose clocks are wrong: nodes go by Redis's time from their first word on.

use crate::harness::bend::Bender;
use crate::harness::node::NodeProcess;
use crate::harness::redis::Kind;
use crate::harness::world::World;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a clock may be off by when it was asked for over a busy machine.
const CLOSE: u64 = 10_000;

/// Every command that Redis gets from now on.
fn overhear(redis: &str) -> impl Iterator<Item = String> + use<> {
    let mut stream = TcpStream::connect(redis).unwrap();
    stream.write_all(b"MONITOR\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "+OK");
    lines
}

/// The words of a command that are times of this decade, in milliseconds.
fn times(command: &str) -> Vec<u64> {
    let words = command.split('"').filter(|word| word.len() == 13);
    words
        .filter_map(|word| word.parse().ok())
        .filter(|ms| (1_500_000_000_000..2_500_000_000_000).contains(ms))
        .collect()
}

#[tokio::test]
async fn a_node_that_starts_with_a_wrong_clock_takes_redis_time_before_its_first_lease() {
    let world = World::new().nodes(1).redis(Kind::Single).start().await;
    let bender = Bender::new();
    for (name, ahead) in [("fast", 60_000), ("slow", -60_000)] {
        let bend = bender.bend(name);
        bend.set_wall_clock_ahead(ahead);
        let mut settings = world.settings().clone();
        settings.extend(bend.environment());
        let mut heard = overhear(&world.redis.address());

        let node = NodeProcess::start(&settings).await;

        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let registers = heard.find(|command| command.contains("\"register\"")).unwrap();
        let said = times(&registers);
        // A lease runs for ten seconds.
        let right = |ms: &u64| ms.abs_diff(now) < CLOSE + 10_000;
        assert!(!said.is_empty() && said.iter().all(right), "{name}: {said:?} at {now}");
        drop(node);
    }
}
