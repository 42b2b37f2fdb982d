//! Sessions that are a WebSocket from the start.

use crate::support::{Cluster, brisk, calm};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn a_websocket_opens_without_upgrades_and_echoes() {
    let cluster = Cluster::start(1, calm()).await;
    let mut socket = cluster.dial("engine.io", "").await.unwrap();
    let opening: Value = serde_json::from_str(socket.text().await.strip_prefix('0').unwrap()).unwrap();
    assert_eq!(opening["upgrades"], json!([]));

    socket.send("4hello").await;
    socket.send_bytes(&[1, 2, 3]).await;

    assert_eq!(socket.text().await, "4hello");
    assert_eq!(socket.next().await, Some(Message::binary(vec![1, 2, 3])));
}

#[tokio::test]
async fn large_messages_come_back_whole() {
    let settings = palaver::wire::Settings {
        max_payload: 1_000_000,
        outbox: 4_000_000,
        ..calm()
    };
    let cluster = Cluster::start(1, settings).await;
    let mut socket = cluster.websocket("engine.io").await;
    let large = format!("4{}", "x".repeat(999_999));

    socket.send(&large).await;
    socket.send("4after").await;

    assert!(socket.text().await == large);
    assert_eq!(socket.text().await, "4after");
}

#[tokio::test]
async fn a_session_that_is_a_websocket_takes_no_polling_requests() {
    let cluster = Cluster::start(2, calm()).await;
    let mut socket = cluster.dial("engine.io", "").await.unwrap();
    let opening: Value = serde_json::from_str(socket.text().await.strip_prefix('0').unwrap()).unwrap();
    let sid = opening["sid"].as_str().unwrap();

    let (status, _) = cluster.get("engine.io", &format!("transport=polling&sid={sid}")).await;

    assert_eq!(status, 400);
    assert_eq!(cluster.dial("engine.io", &format!("&sid={sid}")).await.err(), Some(400));
}

#[tokio::test]
async fn pings_come_and_a_missing_pong_ends_the_connection() {
    let cluster = Cluster::start(1, brisk()).await;
    let mut socket = cluster.websocket("engine.io").await;

    for _ in 0..3 {
        assert_eq!(socket.text().await, "2");
        socket.send("3").await;
    }
    assert_eq!(socket.text().await, "2");

    assert_eq!(socket.end().await, None, "cut: nobody is there to read a close frame");
    while cluster.nodes[0].echo.connections() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_that_joins_nothing_is_closed() {
    let cluster = Cluster::start(1, brisk()).await;
    let mut socket = cluster.websocket("socket.io").await;
    assert_eq!(socket.text().await, "2");
    socket.send("3").await;

    assert_eq!(socket.end().await, Some(1008));
}

#[tokio::test]
async fn a_drained_connection_is_told_to_come_back() {
    let cluster = Cluster::start(1, calm()).await;
    let mut socket = cluster.websocket("engine.io").await;

    cluster.nodes[0].echo.drain();
    assert_eq!(cluster.nodes[0].echo.send_away(10), 1);

    assert_eq!(socket.end().await, Some(1012));
    assert_eq!(cluster.dial("engine.io", "").await.err(), Some(503));
}

#[tokio::test]
async fn broken_packets_end_the_connection() {
    let cluster = Cluster::start(1, calm()).await;
    for bad in ["", "abc", "0{}", "2", "2probe", "7", "3x"] {
        let mut socket = cluster.websocket("engine.io").await;

        socket.send(bad).await;

        assert_eq!(socket.end().await, Some(1002), "{bad:?}");
    }
    let mut socket = cluster.websocket("engine.io").await;
    socket.send("1").await;
    assert_eq!(socket.end().await, Some(1000));
}
