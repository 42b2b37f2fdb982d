//! Requests that nobody should make: foreign origins, forged sids, polls beside polls. The neighbours chat on.

use crate::harness::client::{Client, Via};
use crate::harness::eventually;
use crate::harness::pair::beside;
use crate::harness::stage::everywhere;
use serde_json::{Value, json};

/// Where polling requests go.
pub(crate) const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// A visitor of its own connections.
pub(crate) fn http() -> reqwest::Client {
    reqwest::Client::new()
}

/// Status and body of the answer.
pub(crate) async fn answer(request: reqwest::RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// Opens a polling session by hand.
pub(crate) async fn polling_sid(url: &str) -> String {
    let (status, body) = answer(http().get(format!("{url}{POLLING}"))).await;
    assert_eq!(status, 200, "{body}");
    let open: Value = serde_json::from_str(&body[1..]).unwrap();
    open["sid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn too_many_packets_in_one_request_are_refused() {
    everywhere(async |stage| {
        beside(stage, async |stage| {
            let url = stage.url(1);
            for body in [
                vec!["6"; 1000].join("\x1e"),
                "bnot base64!".to_owned(),
                "nonsense".to_owned(),
                String::new(),
                "2probe".to_owned(),
            ] {
                let sid = polling_sid(&url).await;
                let at = format!("{url}{POLLING}&sid={sid}");
                let (status, refused) = answer(http().post(&at).body(body.clone())).await;
                assert_eq!(
                    (status, refused.as_str()),
                    (400, r#"{"code":3,"message":"Bad request"}"#),
                    "{body:.40}"
                );
                let (status, refused) = answer(http().get(&at)).await;
                assert_eq!(
                    (status, refused.as_str()),
                    (400, r#"{"code":1,"message":"Session ID unknown"}"#)
                );
            }
            let sid = polling_sid(&url).await;
            let (status, _) = answer(http().post(format!("{url}{POLLING}&sid={sid}")).body(vec![0xff, 0xfe])).await;
            assert_eq!(status, 400);
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn pages_of_foreign_origins_are_refused_on_every_transport() {
    everywhere(async |stage| {
        beside(stage, async |stage| {
            let url = stage.url(0);
            for origin in ["https://evil.example", "null", "http://localhost:3000.evil.example"] {
                let (status, body) = answer(http().get(format!("{url}{POLLING}")).header("origin", origin)).await;
                assert_eq!(
                    (status, body.as_str()),
                    (403, r#"{"code":4,"message":"Forbidden"}"#),
                    "{origin}"
                );
                let refused = stage.dial(0).header("origin", origin).try_connect().await.err();
                assert!(format!("{refused:?}").contains("403"), "{refused:?}");
            }

            let (ours, at) = ("http://localhost:3000", format!("{url}{POLLING}"));
            let allowed = http().get(&at).header("origin", ours).send().await.unwrap();
            assert_eq!(allowed.status(), 200);
            assert_eq!(allowed.headers()["access-control-allow-origin"], ours);
            let sid: Value = serde_json::from_str(&allowed.text().await.unwrap()[1..]).unwrap();
            answer(
                http()
                    .post(format!("{at}&sid={}", sid["sid"].as_str().unwrap()))
                    .body("1"),
            )
            .await;
            for via in [Via::WebSocket, Via::Upgrade] {
                stage
                    .dial(0)
                    .via(via)
                    .header("origin", ours)
                    .connect()
                    .await
                    .close()
                    .await;
            }
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn forged_sids_and_queries_are_refused_in_the_protocols_words() {
    everywhere(async |stage| {
        beside(stage, async |stage| {
            let url = stage.url(1);
            let unknown = r#"{"code":1,"message":"Session ID unknown"}"#;
            for sid in ["AAAAAAAAAAAAAAAAAAAA", "x", "", "../../etc/passwd", "%00", "{s0}:room"] {
                let at = format!("{url}{POLLING}&sid={sid}");
                let (status, body) = answer(http().get(&at)).await;
                assert_eq!((status, body.as_str()), (400, unknown), "{sid}");
                let (status, body) = answer(http().post(&at).body("42[\"join_text_queue\"]")).await;
                assert_eq!((status, body.as_str()), (400, unknown), "{sid}");
            }
            // A socket's id is not a session's.
            let client = stage.guest(1).await;
            let (status, _) = answer(http().get(format!("{url}{POLLING}&sid={}", client.sid()))).await;
            assert_eq!(status, 400);
            for (query, status, code) in [
                ("?EIO=4&transport=carrier-pigeon", 400, 0),
                ("?EIO=4", 400, 0),
                ("?EIO=3&transport=polling", 400, 5),
                ("?transport=polling", 400, 5),
                ("?EIO=4&transport=websocket", 400, 3),
            ] {
                let (got, body) = answer(http().get(format!("{url}/socket.io/{query}"))).await;
                let body: Value = serde_json::from_str(&body).unwrap();
                assert_eq!((got, &body["code"]), (status, &json!(code)), "{query}");
            }
            let (status, body) = answer(http().post(format!("{url}{POLLING}")).body("40")).await;
            assert_eq!(
                (status, body.as_str()),
                (400, r#"{"code":2,"message":"Bad handshake method"}"#)
            );
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn two_polls_at_once_end_the_session_wherever_they_land() {
    everywhere(async |stage| {
        beside(stage, async |stage| {
            let sid = polling_sid(&stage.url(0)).await;
            let first = tokio::spawn(answer(http().get(format!("{}{POLLING}&sid={sid}", stage.url(0)))));
            eventually("the first waits", async || {
                let sessions = stage.keys("session:*");
                sessions
                    .iter()
                    .any(|key| !stage.redis(&["HGET", key, "waiting"]).is_empty())
            })
            .await;

            let (status, _) = answer(http().get(format!("{}{POLLING}&sid={sid}", stage.url(1)))).await;

            assert_eq!(status, 400);
            assert_eq!(first.await.unwrap(), (200, "1".to_owned()));
            let (status, _) = answer(http().get(format!("{}{POLLING}&sid={sid}", stage.url(0)))).await;
            assert_eq!(status, 400);
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_session_of_somebody_else_cannot_be_upgraded_twice() {
    everywhere(async |stage| {
        beside(stage, async |stage| {
            let client: Client = stage.dial(0).via(Via::Upgrade).connect().await;
            let sid = client.opening()["sid"].as_str().unwrap().to_owned();
            let url = stage.url(1);
            let (status, _) = answer(http().get(format!("{url}{POLLING}&sid={sid}"))).await;
            assert_eq!(status, 400);
            let (status, _) = answer(http().post(format!("{url}{POLLING}&sid={sid}")).body("41")).await;
            assert_eq!(status, 400);
            let mut client = client;
            client.dealt_with().await;
            client.close().await;
        })
        .await;
    })
    .await;
}
