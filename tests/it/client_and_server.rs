//! Our virtual client against the conformance server, over every transport: two codecs written apart agree.

use crate::harness::client::{Dial, Refused, Via};
use crate::harness::haproxy::Haproxy;
use crate::harness::node::Conformance;
use crate::harness::redis::Redis;
use serde_json::json;
use std::time::Duration;

const TRANSPORTS: [Via; 3] = [Via::WebSocket, Via::Polling, Via::Upgrade];

#[tokio::test]
async fn events_and_acks_go_both_ways_over_every_transport() {
    let redis = Redis::start().await;
    let server = Conformance::start(&redis, &[]).await;
    for via in TRANSPORTS {
        let mut client = Dial::to(&server.url())
            .via(via)
            .auth(json!({ "token": "t" }))
            .connect()
            .await;
        assert_eq!(client.expect("auth").await, [json!({ "token": "t" })], "{via:?}");

        client.emit("message", &[json!(1), json!("ä\u{1e}"), json!({ "a": [null] })]);
        let ack = client.emit_with_ack("message-with-ack", &[json!("x")]).await;

        assert_eq!(ack, [json!("x")], "{via:?}");
        assert_eq!(
            client.expect("message-back").await,
            [json!(1), json!("ä\u{1e}"), json!({ "a": [null] })],
            "{via:?}"
        );
        client.close().await;
    }
}

#[tokio::test]
async fn any_request_may_land_on_any_of_two_nodes() {
    let redis = Redis::start().await;
    let (one, two) = tokio::join!(Conformance::start(&redis, &[]), Conformance::start(&redis, &[]));
    let balancer = Haproxy::start_unchecked(&[one.address(), two.address()]).await;
    for via in TRANSPORTS {
        let mut client = Dial::to(&balancer.url()).via(via).connect().await;
        for i in 0..10 {
            let ack = client.emit_with_ack("message-with-ack", &[json!(i)]).await;
            assert_eq!(ack, [json!(i)], "{via:?}");
        }
        client.close().await;
    }
}

#[tokio::test]
async fn binary_attachments_come_back_over_every_transport() {
    let redis = Redis::start().await;
    let server = Conformance::start(&redis, &[]).await;
    for via in TRANSPORTS {
        let mut client = Dial::to(&server.url()).via(via).connect().await;

        client.raw(r#"451-["message",{"_placeholder":true,"num":0}]"#);
        client.raw_binary(&[1, 2, 3]);

        let back = client.expect_event("message-back").await;
        assert_eq!(back.binary, [[1, 2, 3]], "{via:?}");
    }
}

#[tokio::test]
async fn a_namespace_that_is_not_there_refuses() {
    let redis = Redis::start().await;
    let server = Conformance::start(&redis, &[]).await;
    let there = Dial::to(&server.url()).namespace("/custom").connect().await;
    let refused = Dial::to(&server.url()).namespace("/random").try_connect().await.err();

    assert!(!there.sid().is_empty());
    assert_eq!(
        refused,
        Some(Refused::ByServer(json!({ "message": "Invalid namespace" })))
    );
}

#[tokio::test]
async fn a_client_that_does_not_answer_pings_is_let_go_and_one_that_does_stays() {
    let options = ["--ping-interval", "300", "--ping-timeout", "200"];
    let redis = Redis::start().await;
    let server = Conformance::start(&redis, &options).await;
    for via in TRANSPORTS {
        let mut silent = Dial::to(&server.url()).via(via).connect().await;
        let mut alive = Dial::to(&server.url()).via(via).connect().await;
        silent.ignore_pings();

        silent.ended().await;

        assert_eq!(
            alive.emit_with_ack("message-with-ack", &[]).await,
            [] as [serde_json::Value; 0]
        );
        alive.expect_none("message-back", Duration::from_millis(20)).await;
        alive.drop_abruptly().await;
    }
}
