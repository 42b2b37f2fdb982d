//! A WebSocket that replaces long-polling, on the same node or on another.

use crate::support::{Cluster, Session, Socket, brisk, calm};

async fn upgraded(session: &Session<'_>) -> Socket {
    let mut socket = session.upgrade().await.unwrap();
    socket.send("2probe").await;
    assert_eq!(socket.text().await, "3probe");
    socket.send("5").await;
    socket
}

#[tokio::test]
async fn a_waiting_poll_gives_way_and_the_websocket_goes_on() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, calm()).await;
        let session = cluster.session("engine.io").await;
        let (polled, mut socket) = tokio::join!(session.poll(), async {
            let mut socket = session.upgrade().await.unwrap();
            socket.send("2probe").await;
            assert_eq!(socket.text().await, "3probe");
            socket
        });
        assert_eq!(polled, (200, "6".to_owned()));

        socket.send("5").await;
        socket.send("4hello").await;

        assert_eq!(socket.text().await, "4hello");
        assert_eq!(session.poll().await.0, 400);
        assert_eq!(session.post("4a").await.0, 400);
        socket.send("4still here").await;
        assert_eq!(socket.text().await, "4still here");
    }
}

#[tokio::test]
async fn what_was_posted_and_not_yet_polled_comes_first_on_the_websocket() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, calm()).await;
        for _ in 0..5 {
            let session = cluster.session("engine.io").await;
            for n in 0..20 {
                session.post(format!("4{n}")).await;
            }
            let mut socket = upgraded(&session).await;
            for n in 20..40 {
                socket.send(&format!("4{n}")).await;
            }

            for n in 0..40 {
                assert_eq!(socket.text().await, format!("4{n}"), "{nodes} nodes");
            }
        }
    }
}

#[tokio::test]
async fn sockets_and_half_received_packets_move_with_the_session() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, calm()).await;
        let session = cluster.session("socket.io").await;
        session.post("40\u{1e}40/custom,").await;
        assert_eq!(session.packets(4).await.len(), 4);
        session
            .post("452-[\"message\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]\u{1e}bAQ==")
            .await;

        let mut socket = upgraded(&session).await;
        socket.send_bytes(&[2]).await;
        socket.send(r#"42/custom,["message","there"]"#).await;

        assert!(socket.text().await.starts_with(r#"452-["message-back","#));
        assert_eq!(socket.next().await.unwrap().into_data()[..], [1]);
        assert_eq!(socket.next().await.unwrap().into_data()[..], [2]);
        assert_eq!(socket.text().await, r#"42/custom,["message-back","there"]"#);
    }
}

#[tokio::test]
async fn only_one_websocket_can_take_a_session_over() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, calm()).await;
        let session = cluster.session("engine.io").await;
        let mut first = session.upgrade().await.unwrap();

        assert_eq!(session.upgrade().await.unwrap().end().await, Some(1008));
        first.send("2probe").await;
        assert_eq!(first.text().await, "3probe");
        first.send("5").await;
        first.send("4mine").await;
        assert_eq!(first.text().await, "4mine");
        assert_eq!(session.upgrade().await.unwrap().end().await, Some(1008));
    }
}

#[tokio::test]
async fn a_websocket_for_a_forged_session_is_refused() {
    let cluster = Cluster::start(1, calm()).await;

    assert_eq!(cluster.dial("engine.io", "&sid=forged").await.err(), Some(400));
}

#[tokio::test]
async fn polling_goes_on_after_a_failed_upgrade() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, calm()).await;
        for bad in ["4hello", "3", "2", "nonsense", "1"] {
            let session = cluster.session("engine.io").await;
            let mut socket = session.upgrade().await.unwrap();
            socket.send(bad).await;
            socket.end().await;

            session.post("4a").await;

            assert_eq!(session.packets(1).await, ["4a"], "{bad}");
            let mut socket = upgraded(&session).await;
            socket.send("4b").await;
            assert_eq!(socket.text().await, "4b");
        }
    }
}

#[tokio::test]
async fn a_websocket_that_never_upgrades_is_closed() {
    let cluster = Cluster::start(1, brisk()).await;
    let session = cluster.session("engine.io").await;

    assert_eq!(session.upgrade().await.unwrap().end().await, Some(1008));
}
