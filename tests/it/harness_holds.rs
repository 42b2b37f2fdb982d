//! What scenarios rely on in the harness: servers start, come back and go; the proxy cuts; the client reads.

use crate::harness::bend::Bender;
use crate::harness::browser::Browser;
use crate::harness::client::packet::{self, Packet};
use crate::harness::haproxy::Haproxy;
use crate::harness::ports::free_port;
use crate::harness::postgres::{Database, Server};
use crate::harness::process::{Process, dying_with_us};
use crate::harness::proxy::Proxy;
use crate::harness::redis::{Extra, Redis};
use crate::harness::{PATIENCE, eventually};
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};
use std::process::Command;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

#[tokio::test]
async fn a_killed_redis_comes_back_with_its_data_and_another_one_without() {
    let mut redis = Redis::start().await;
    redis.command(&["SET", "key", "value"]);

    redis.kill();
    redis.restart_with_data().await;
    assert_eq!(redis.keys(), ["key"]);

    redis.stop().await;
    redis.restart_empty().await;
    assert!(redis.keys().is_empty());
}

#[tokio::test]
async fn a_port_is_nobody_elses_while_its_server_is_down() {
    let port = free_port();
    for _ in 0..2 {
        let server = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        drop(server);
    }

    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    let other = TcpSocket::new_v4().unwrap();
    assert!(other.bind(([127, 0, 0, 1], port).into()).is_err());
}

#[tokio::test]
async fn a_bent_process_believes_in_another_time_and_a_disk_that_hangs() {
    let bender = Bender::new();
    let bend = bender.bend("one");
    let said = || {
        let date = Command::new("date")
            .arg("+%s")
            .envs(bend.environment())
            .output()
            .unwrap();
        String::from_utf8(date.stdout).unwrap().trim().parse::<u64>().unwrap()
    };
    let now = said();
    bend.set_wall_clock_ahead(-60_000);
    assert!((now - 60..now - 30).contains(&said()), "a minute behind");

    let (arguments, environment) = (
        vec!["--appendfsync".to_owned(), "always".to_owned()],
        bend.environment(),
    );
    let redis = Redis::start_with(Extra { arguments, environment }).await;
    bend.hang_the_disk(true);
    let writing = tokio::task::spawn_blocking(move || redis.command(&["SET", "key", "value"]));
    let hung = tokio::time::timeout(Duration::from_millis(100), async {
        while !writing.is_finished() {
            tokio::task::yield_now().await
        }
    });
    assert!(hung.await.is_err(), "nothing is confirmed that is not on the disk");
    bend.hang_the_disk(false);
    assert_eq!(writing.await.unwrap(), ["OK"]);
}

#[tokio::test]
async fn every_test_has_a_database_of_its_own() {
    let server = Server::start().await;
    let (one, other) = (server.database().await, server.database().await);
    let mut connection = PgConnection::connect(&one.url()).await.unwrap();
    connection.execute("create table only_here ()").await.unwrap();

    let mut connection = PgConnection::connect(&other.url()).await.unwrap();
    assert!(connection.execute("select from only_here").await.is_err());
}

#[tokio::test]
async fn a_database_is_gone_when_its_test_is() {
    let server = Server::start().await;
    let gone = server.database().await.url();

    // A private server goes as a whole; the run's server must forget this one.
    if std::env::var("PALAVER_TEST_POSTGRES").is_ok() {
        assert!(PgConnection::connect(&gone).await.is_err());
    }
    let there = Database::create().await;
    PgConnection::connect(&there.url()).await.unwrap();
}

#[tokio::test]
async fn a_child_is_shown_signals_and_its_output() {
    let mut command = dying_with_us("KILL", "sh");
    command.args([
        "-c",
        "trap 'echo asked; exit 3' TERM; echo up; while :; do sleep 0.01; done",
    ]);
    let mut child = Process::start("child", command);
    eventually("it runs", async || child.output() == "up\n").await;

    child.signal("TERM");

    let status = child.ended_within(PATIENCE).await.unwrap();
    assert_eq!((status.code(), child.output().as_str()), (Some(3), "up\nasked\n"));
}

#[tokio::test]
async fn a_cut_line_resets_and_a_paused_one_keeps_silent() {
    let echo = echo_server(b"").await;
    let proxy = Proxy::start(echo).await;
    let mut one = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut one, b"a").await.unwrap(), *b"a");

    proxy.pause();
    one.write_all(b"b").await.unwrap();
    let silent = tokio::time::timeout(Duration::from_millis(100), one.read_u8()).await;
    assert!(silent.is_err());
    proxy.mend();
    assert_eq!(one.read_u8().await.unwrap(), b'b');

    proxy.hiccup().await;
    assert!(ask(&mut one, b"c").await.is_err());
    let mut other = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut other, b"d").await.unwrap(), *b"d");
}

#[tokio::test]
async fn the_balancer_goes_round_without_stickiness() {
    let servers = [
        echo_server(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none").await,
        echo_server(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\ntwo").await,
    ];
    let balancer = Haproxy::start_unchecked(&servers).await;
    let visitor = reqwest::Client::new();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let response = visitor.get(balancer.url()).send().await.unwrap();
        seen.push(response.text().await.unwrap());
    }

    seen[..2].sort();
    seen[2..].sort();
    assert_eq!(seen, ["one", "two", "one", "two"]);
}

#[test]
fn the_client_reads_what_the_protocol_defines() {
    assert_eq!(packet::read(r#"0{"sid":"x"}"#), Packet::Connected(json!({"sid": "x"})));
    assert_eq!(
        packet::read(r#"4/custom,{"message":"no"}"#),
        Packet::Refused(json!({"message": "no"}))
    );
    assert_eq!(packet::read("1"), Packet::Disconnected);
    assert_eq!(
        packet::read("3/custom,17[1,\"a\"]"),
        Packet::Ack(17, vec![json!(1), json!("a")])
    );
    let Packet::Event(event) = packet::read(r#"52-/custom,5["file",{"_placeholder":true,"num":0}]"#) else {
        panic!("an event");
    };
    assert_eq!((event.name.as_str(), event.ack, event.announced), ("file", Some(5), 2));
}

#[test]
fn the_client_writes_what_the_protocol_defines() {
    assert_eq!(packet::connect("/", None), "40");
    assert_eq!(
        packet::connect("/custom", Some(&json!({"token": "t"}))),
        r#"40/custom,{"token":"t"}"#
    );
    assert_eq!(
        packet::emit("/", Some(3), "say", &[json!({"a": 1})]),
        r#"423["say",{"a":1}]"#
    );
    assert_eq!(packet::ack("/custom", 4, &[]), "43/custom,4[]");
    assert_eq!(packet::disconnect("/"), "41");
}

/// Answers whatever it reads: with `answer`, or with the same when that is empty.
async fn echo_server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                    let answer = if answer.is_empty() { &buffer[..read] } else { answer };
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

async fn ask(stream: &mut TcpStream, byte: &[u8; 1]) -> std::io::Result<[u8; 1]> {
    stream.write_all(byte).await?;
    let mut answer = [0];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_browser_shows_clicks_and_types() {
    let page = "data:text/html,<button onclick=\"this.hidden=true;out.textContent='clicked'\">b</button>\
                <input oninput=\"out.textContent=this.value\"><p id=out></p>";
    let browser = Browser::start().await;
    let window = browser.open(page).await;

    window.click("button").await;
    assert_eq!(window.text("#out").await, "clicked");
    assert!(!window.shows("button").await);
    window.type_into("input", "typed").await;
    window.wait_for_text("#out", "typed").await;
}

#[tokio::test]
async fn who_stands_by_takes_over_with_what_it_has_heard_and_the_other_stands_by_then() {
    let mut redis = Redis::start_with_standby(Extra::default()).await;
    let set = |redis: &Redis, key: &str| assert_eq!(redis.command(&["SET", key, "value"]), ["OK"]);
    for round in ["1", "2"] {
        let (heard, unheard) = (format!("heard {round}"), format!("unheard {round}"));
        set(&redis, &heard);
        redis.deafen_standby().await;
        set(&redis, &unheard);
        let before = redis.address();

        redis.fail_over();

        assert_ne!(redis.address(), before);
        let keys = redis.keys();
        assert!(keys.contains(&heard) && !keys.contains(&unheard), "{keys:?}");
        redis.stand_by_again().await;
    }
}
