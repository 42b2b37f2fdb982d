//! A node that is asked for more than it has: connections, files, patience with requests that never come to an end.

use crate::harness::company::Company;
use crate::harness::node::PROGRAM;
use crate::harness::world::World;
use crate::harness::{PATIENCE, eventually, holds_within};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Connections that say nothing, until `count` are made.
async fn mute(address: &str, count: usize) -> Vec<TcpStream> {
    let connecting = (0..count).map(|_| TcpStream::connect(address));
    futures_util::future::try_join_all(connecting).await.unwrap()
}

/// Sends a header byte by byte without end; how long until the node has enough of it.
async fn drip(address: &str) -> Duration {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let begun = Instant::now();
    stream
        .write_all(b"GET /live HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .await
        .unwrap();
    loop {
        let answer = tokio::time::timeout(Duration::from_millis(100), stream.read_u8()).await;
        if answer.is_ok() || stream.write_all(b"x").await.is_err() {
            return begun.elapsed();
        }
    }
}

#[tokio::test]
async fn a_header_that_never_ends_is_cut_off_and_others_are_served_meanwhile() {
    let mut world = World::new().nodes(1).talkative().start().await;
    let dial = world.dial_node(0);
    let company = Company::of_pairs(1, |_| vec![dial.clone()]).await;
    company.babble();
    let address = world.node(0).address();

    let slow = (0..50).map(|_| {
        let address = address.clone();
        tokio::spawn(async move { drip(&address).await })
    });
    let slow = tokio::spawn(futures_util::future::try_join_all(slow));
    let mut served = 0;
    while !slow.is_finished() {
        assert!(world.node(0).is_ready().await);
        served += 1;
    }

    let cut: Vec<_> = slow.await.unwrap().unwrap();
    let (first, last) = (cut.iter().min().unwrap(), cut.iter().max().unwrap());
    println!(
        "measured: 50 endless headers were cut off after {first:?} to {last:?}; {served} requests were served meanwhile"
    );
    assert!(*first > Duration::from_secs(9), "they get their time: {first:?}");
    assert!(served > 1, "{served}");
    company.go_on(5).await;
    company.settle().await;
    company.assert_nobody_ended();
}

/// What somebody is told whose request begins so and goes on, space by space, until the node has enough of it.
async fn dribble(address: &str, begin: &str) -> String {
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, reader.read_to_end(&mut answer));
    let write = async {
        writer.write_all(begin.as_bytes()).await.unwrap();
        let mut every = tokio::time::interval(Duration::from_millis(50));
        while writer.write_all(b" ").await.is_ok() {
            every.tick().await;
        }
    };
    // The node may reset what it gave up.
    let _ = tokio::join!(read, write).0.expect("the connection ends in time");
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_body_that_never_ends_is_refused_in_time_and_one_that_breaks_at_once() {
    let mut world = World::new().nodes(1).set("PALAVER_BODY_TIMEOUT", "1s").start().await;
    let address = world.node(0).address();
    let post = |path: &str, header: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{header}\r\n\r\n")
    };

    for path in ["/api/auth/login", "/api/v1/auth/login"] {
        for (header, begin, status, code) in [
            ("Content-Length: 60000", "", "408", "BODY_TOO_SLOW"),
            (
                "Expect: 100-continue\r\nContent-Length: 60000",
                "",
                "408",
                "BODY_TOO_SLOW",
            ),
            ("Content-Length: 131073", "", "413", "BODY_TOO_LARGE"),
            ("Transfer-Encoding: chunked", "zz\r\n", "400", "INVALID_BODY"),
        ] {
            let told = dribble(&address, &(post(path, header) + begin)).await;
            let told = told.trim_start_matches("HTTP/1.1 100 Continue\r\n\r\n");
            assert!(
                told.starts_with(&format!("HTTP/1.1 {status} ")),
                "{path} {header}: {told}"
            );
            assert!(
                told.contains(&format!("\"code\":\"{code}\"")),
                "{path} {header}: {told}"
            );
        }
    }
}

#[tokio::test]
async fn one_connection_more_than_allowed_is_refused_with_an_answer_and_let_in_when_one_has_left() {
    let mut world = World::new()
        .nodes(1)
        .set("PALAVER_SOCKETS__MAX_CONNECTIONS", 2)
        .start()
        .await;
    let dial = world.dial_node(0);
    let _stays = dial.clone().connect().await;
    let leaves = dial.clone().connect().await;

    let refused = dial.clone().try_connect().await;
    let why = format!("{:?}", refused.err().expect("the node is full"));

    assert!(why.contains("503"), "{why}");
    assert!(
        world.node(0).is_ready().await,
        "those who watch the node still get an answer"
    );
    leaves.close().await;
    eventually("somebody else is let in", async || {
        dial.clone().try_connect().await.is_ok()
    })
    .await;
}

/// Time that a process has used of processors.
fn used(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    let ticks = |at: usize| rest.split(' ').nth(at).unwrap().parse::<u64>().unwrap();
    // 11 and 12 after the state: user and system time, in hundredths of a second.
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

#[tokio::test]
async fn a_node_without_files_left_waits_for_some_and_serves_again() {
    const FILES: usize = 200;
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("palaver");
    let script = format!(
        "#!/bin/sh\nulimit -n {FILES}\nexec '{}' \"$@\"\n",
        env!("CARGO_BIN_EXE_palaver")
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut world = World::new()
        .nodes(1)
        .talkative()
        .set(PROGRAM, program.display())
        .start()
        .await;
    let dial = world.dial_node(0);
    let company = Company::of_pairs(1, |_| vec![dial.clone()]).await;
    company.babble();
    company.go_on(5).await;
    let (address, pid) = (world.node(0).address(), world.node(0).pid());

    let crowd = mute(&address, FILES).await;
    let node = world.node(0);
    eventually("no file is left", async || {
        node.output().contains("accepting a connection failed")
    })
    .await;
    let (before, since) = (used(pid), Instant::now());
    company.go_on(20).await;
    let busy = (used(pid) - before).as_secs_f64() / since.elapsed().as_secs_f64();
    drop(crowd);

    println!("measured: without files the node uses {busy:.2} processors, with one pair talking");
    assert!(busy < 0.5, "it spins: {busy}");
    assert!(holds_within(PATIENCE, async || world.node(0).is_ready().await).await);
    dial.clone().connect().await.close().await;
    company.settle().await;
    company.assert_nobody_ended();
}
