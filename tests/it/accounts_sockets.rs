//! Sockets and the tokens they come in with (contract of voice rooms 1.4; of one-to-one chat 1.3).

use crate::harness::client::{Refused, Via};
use crate::harness::pair::Pair;
use crate::harness::people::{Api, foreign_token, plan, text};
use serde_json::{Value, json};
use std::time::Duration;

fn device() -> Value {
    json!({"age": 18, "deviceFingerprint": "a device of the tests", "termsAccepted": true, "privacyAccepted": true})
}

fn code(refused: Refused) -> Value {
    match refused {
        Refused::ByServer(error) => error["data"]["code"].clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_websocket_is_told_before_its_token_ends_and_comes_back_to_its_seat_with_another() {
    comes_back(Via::WebSocket).await;
}

#[tokio::test]
async fn who_polls_is_told_before_the_token_ends_and_comes_back_to_the_seat_with_another() {
    comes_back(Via::Polling).await;
}

async fn comes_back(via: Via) {
    let world = plan().inside().set("PALAVER_QUEUE__ELIGIBLE_AFTER", "0s").start().await;
    let api = Api::of(&world);
    let session = api.post("/api/auth/register", device()).await.done();
    let (first, refresh) = (text(&session["data"], "token"), text(&session["data"], "refreshToken"));
    let dial = |token: &str| world.dial_node(1).auth(json!({"token": token})).via(via);
    let guest = world.dial_node(0).guest("bob").connect().await;
    let Pair { mut ann, mut bob, .. } = Pair::seat(dial(&first).connect().await, guest).await;

    world.clock.advance(Duration::from_secs(14 * 60 + 1));
    let told = ann.hear("session_expiring").await;
    assert_eq!(told["code"], json!("TOKEN_EXPIRING"));
    assert!(told["expiresAt"].is_u64());
    let fresh = api
        .post("/api/auth/refresh", json!({"refreshToken": refresh}))
        .await
        .done();
    world.clock.advance(Duration::from_secs(65));
    assert_eq!(ann.hear("session_expired").await["code"], json!("TOKEN_EXPIRED"));
    ann.ended().await;

    assert_eq!(
        code(dial(&first).try_connect().await.err().unwrap()),
        json!("TOKEN_EXPIRED")
    );
    let mut ann = dial(&text(&fresh, "token")).connect().await;
    bob.hear("text_partner_reconnected").await;
    bob.emit("send_text_message", &[json!({"content": "still there?"})]);
    ann.hear("text_message_received").await;
}

#[tokio::test]
async fn a_bad_token_is_refused_where_the_client_can_get_another_and_a_guest_otherwise() {
    let world = plan().start().await;
    let expired = json!({ "userId": "user-7", "exp": 1_000_000_000 });
    let key = jsonwebtoken::EncodingKey::from_secret(crate::harness::world::JWT_SECRET.as_bytes());
    let expired = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &expired, &key).unwrap();
    let forged = foreign_token("user-7") + "x";
    let dial = async |auth: Value| world.dial_node(0).auth(auth).try_connect().await;

    for (token, expected) in [
        (&expired, "TOKEN_EXPIRED"),
        (&forged, "TOKEN_INVALID"),
        (&"x".to_owned(), "TOKEN_INVALID"),
    ] {
        let refused = dial(json!({"token": token})).await.err().unwrap();
        assert_eq!(code(refused), json!(expected));
        let guest = dial(json!({"token": token, "guestId": null})).await;
        assert!(guest.is_ok(), "the web app of one-to-one chat is never refused");
    }
    for token in [json!(""), json!(null), json!("dev-guest-token"), json!(7)] {
        assert!(dial(json!({"token": token})).await.is_ok(), "{token}");
    }
    assert!(dial(json!({})).await.is_ok());
}

#[tokio::test]
async fn a_bad_token_in_the_header_is_refused_as_one_in_the_payload_is() {
    let world = plan().start().await;
    let header = |value: &str| world.dial_node(0).header("authorization", value);
    for via in [Via::WebSocket, Via::Polling] {
        let refused = header("Bearer x").via(via).try_connect().await.err().unwrap();
        assert_eq!(code(refused), json!("TOKEN_INVALID"), "{via:?}");
        let guest = json!({"token": "", "guestId": null});
        assert!(header("Bearer x").via(via).auth(guest).try_connect().await.is_ok());
        for none in ["Bearer", "Basic YW5uOmE=", ""] {
            assert!(header(none).via(via).try_connect().await.is_ok(), "{none:?} by {via:?}");
        }
    }
    let long = format!("Bearer {}", "x".repeat(6000));
    assert_eq!(
        code(header(&long).try_connect().await.err().unwrap()),
        json!("TOKEN_INVALID")
    );
}

#[tokio::test]
async fn a_token_of_another_server_has_no_login_here_and_its_socket_stays() {
    let world = plan().inside().start().await;
    let (soon, key) = (world.clock.now().0 / 1000 + 30, crate::harness::world::JWT_SECRET);
    let claims = json!({ "userId": "user-7", "exp": soon });
    let key = jsonwebtoken::EncodingKey::from_secret(key.as_bytes());
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    let mut socket = world.dial_node(0).auth(json!({ "token": token })).connect().await;

    world.clock.advance(Duration::from_secs(60));

    socket.expect_none("session_expired", Duration::from_secs(3)).await;
    socket.close().await;
}
