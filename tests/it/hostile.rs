//! Peers that mean no good, or cannot read: they cost bounded memory and nobody else's time.

use crate::harness::client::Dial;
use crate::harness::company::Company;
use crate::harness::world::{Plan, World};
use crate::harness::{PATIENCE, eventually};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MIB: usize = 1 << 20;

fn plan() -> Plan {
    World::new()
        .nodes(1)
        .set("PALAVER_CHAT__RATE_LIMIT", "60")
        .set("PALAVER_CHAT__RATE_WINDOW", "100ms")
        .set("PALAVER_QUEUE__ELIGIBLE_AFTER", "0s")
        .set("PALAVER_SOCKETS__PACKETS_PER_SECOND", "100000")
        .set("PALAVER_SOCKETS__PACKET_BURST", "100000")
}

/// A websocket that joins the namespace and never reads again; its receive window is small.
async fn deaf(url: &str, token: &str) -> TcpStream {
    let address = url.strip_prefix("http://").unwrap();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address.parse().unwrap()).await.unwrap();
    let upgrade = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    stream.write_all(upgrade.as_bytes()).await.unwrap();
    for packet in [
        format!("40{{\"token\":\"{token}\"}}"),
        "42[\"join_text_queue\"]".to_owned(),
    ] {
        stream.write_all(&masked(packet.as_bytes())).await.unwrap();
    }
    let mut seen = Vec::new();
    let matched = async {
        let mut buffer = [0; 1024];
        while !String::from_utf8_lossy(&seen).contains("text_match_found") {
            let read = stream.read(&mut buffer).await.unwrap();
            assert!(read > 0, "closed: {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&buffer[..read]);
        }
    };
    tokio::time::timeout(PATIENCE, matched).await.expect("a match");
    stream
}

/// A text frame, masked with zeros.
fn masked(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(text.len()).ok().filter(|len| *len < 126) {
        Some(len) => frame.push(0x80 | len),
        None => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text);
    frame
}

#[tokio::test]
async fn a_slow_reader_is_closed_and_counted_and_costs_neither_memory_nor_the_partners_time() {
    let mut world = plan().start().await;
    let url = world.dial_node(0).page().trim_end_matches('/').to_owned();
    let mut partner = Dial::to(&url).user("partner").connect().await;
    partner.emit("join_text_queue", &[]);
    let _deaf = deaf(&url, &Dial::token("deaf")).await;
    partner.expect("text_match_found").await;
    let before = world.node(0).resident();

    let text = "x".repeat(1000);
    let mut slowest = Duration::ZERO;
    let mut said = 0;
    let closed = "palaver_slow_readers_closed_total";
    while world.node(0).metric(closed).await == 0.0 {
        for _ in 0..50 {
            let sent = Instant::now();
            partner
                .emit_with_ack("send_text_message", &[json!({ "content": text })])
                .await;
            slowest = slowest.max(sent.elapsed());
            said += 1;
        }
        assert!(said < 50_000, "the deaf one is never closed");
    }

    let grown = world.node(0).resident().saturating_sub(before);
    println!(
        "measured: slow reader closed after {said} lines of 1 KB, memory grew by {} KiB, slowest ack {slowest:?}",
        grown / 1024
    );
    assert!(grown < 16 * MIB, "{grown}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    assert_eq!(world.node(0).metric(closed).await, 1.0);
}

#[tokio::test]
async fn idle_connections_and_hostile_garbage_leave_a_chat_alone() {
    const IDLE: usize = 2000;
    let mut world = plan().set("PALAVER_SOCKETS__CONNECT_TIMEOUT", "2m").start().await;
    let dial = world.dial_node(0);
    let company = Company::of_pairs(2, |_| vec![dial.clone()]).await;
    company.babble();
    let before = world.node(0).resident();
    let url = dial.page().trim_end_matches('/').to_owned();
    let address = url.strip_prefix("http://").unwrap().to_owned();

    let mut idle = Vec::new();
    for _ in 0..IDLE / 100 {
        let dials = (0..100).map(|_| Dial::to(&url).connect());
        idle.extend(futures_util::future::join_all(dials).await);
    }
    let each = world.node(0).resident().saturating_sub(before) / IDLE;
    for i in 0..300_u32 {
        garbage(&address, i).await;
    }

    assert!(world.node(0).is_ready().await);
    company.go_on(5).await;
    company.settle().await;
    company.assert_nobody_ended();
    let node = world.node(0);
    assert_eq!(node.metric("palaver_loop_restarts_total").await, 0.0);
    println!("measured: {IDLE} idle connections, {each} bytes each (debug build)");
    drop(idle);
    let node = world.node(0);
    eventually("the node is well", async || node.is_ready().await).await;
}

/// One connection that speaks nonsense on some level.
async fn garbage(address: &str, kind: u32) {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return;
    };
    let noise: Vec<u8> = (0..200 + kind % 100).map(|_| rand::random()).collect();
    let upgrade = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    let deep = format!("42[{}1{}]", "[".repeat(5000), "]".repeat(5000));
    let wrong = [
        noise.clone(),
        [upgrade.as_bytes(), &noise].concat(),
        [upgrade.as_bytes(), &masked(b"40"), &masked(deep.as_bytes())].concat(),
        [upgrade.as_bytes(), &masked(b"40"), &masked(b"459999999-[\"x\"]")].concat(),
        // A frame that announces far more than may ever come.
        [upgrade.as_bytes(), &[0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat(),
        format!("POST /socket.io/?EIO=4&transport=polling&sid=forged{kind} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n42[").into_bytes(),
        b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n".to_vec(),
    ];
    let _ = stream.write_all(&wrong[kind as usize % wrong.len()]).await;
    if kind.is_multiple_of(3) {
        let _ = tokio::time::timeout(Duration::from_millis(20), stream.read(&mut [0; 512])).await;
    }
}
