//! Who a socket belongs to (contract 1.2, 1.3, 1.4).

use crate::harness::client::{Client, Refused, Via};
use crate::harness::eventually;
use crate::harness::pair::{Pair, token};
use crate::harness::stage::{JWT_SECRET, Stage, everywhere, with};
use serde_json::{Value, json};

const DEVICE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF";

/// Who somebody is, as a partner is told.
async fn identity(stage: &Stage, client: Client) -> (String, Client) {
    let Pair { ann, bob, bob_id, .. } = Pair::seat(stage.guest(0).await, client).await;
    ann.emit("leave_text_room", &[]);
    ann.close().await;
    (bob_id, bob)
}

async fn identity_of(stage: &Stage, auth: Value) -> String {
    let client = stage.dial(1).auth(auth).connect().await;
    let (id, client) = identity(stage, client).await;
    client.close().await;
    id
}

#[tokio::test]
async fn a_valid_token_is_the_same_user_on_every_connection() {
    everywhere(async |stage| {
        for guest in [json!(null), json!(DEVICE)] {
            let auth = json!({ "token": token("user-7"), "guestId": guest });
            assert_eq!(identity_of(stage, auth).await, "user-7");
        }
        assert_eq!(identity_of(stage, json!({ "token": token("user-7") })).await, "user-7");
    })
    .await;
}

#[tokio::test]
async fn the_token_may_come_in_the_header_of_the_handshake() {
    everywhere(async |stage| {
        let header = format!("Bearer {}", token("user-7"));
        for via in [Via::WebSocket, Via::Polling, Via::Upgrade] {
            let dial = || stage.dial(1).via(via).header("authorization", &header);
            for auth in [json!({}), json!({ "token": "" })] {
                let (id, client) = identity(stage, dial().auth(auth).connect().await).await;
                assert_eq!(id, "user-7", "{via:?}");
                client.close().await;
            }
            let other = json!({ "token": token("user-8") });
            let (id, client) = identity(stage, dial().auth(other).connect().await).await;
            assert_eq!(id, "user-8", "the payload counts first, {via:?}");
            client.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_no_good_makes_a_guest_and_refuses_nobody() {
    everywhere(async |stage| {
        let expired = json!({ "userId": "user-7", "exp": 1_000_000_000 });
        let key = jsonwebtoken::EncodingKey::from_secret(JWT_SECRET.as_bytes());
        let expired = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &expired, &key).unwrap();
        let forged = token("user-7") + "x";
        for bad in [
            json!(expired),
            json!(forged),
            json!("dev-guest-token"),
            json!(""),
            json!(7),
            json!(null),
        ] {
            let known = identity_of(stage, json!({ "token": bad, "guestId": DEVICE })).await;
            assert_eq!(known, "guest-0123456789abcdef", "{bad}");
        }
        let unknown = identity_of(stage, json!({ "token": expired, "guestId": null })).await;
        assert!(unknown.starts_with("user-") && unknown != "user-7", "{unknown}");
    })
    .await;
}

#[tokio::test]
async fn without_any_identity_every_connection_is_somebody_new() {
    everywhere(async |stage| {
        let mut seen = Vec::new();
        for auth in [
            json!({ "token": "dev-guest-token", "guestId": null }),
            json!({ "token": "dev-guest-token", "guestId": null }),
            json!({ "token": "dev-guest-token", "guestId": "not 64 hex digits" }),
            json!({ "guestId": 7 }),
            json!({}),
        ] {
            let id = identity_of(stage, auth).await;
            assert!(id.starts_with("user-") && !seen.contains(&id), "{id} {seen:?}");
            seen.push(id);
        }
        let (id, silent) = identity(stage, stage.dial(1).connect().await).await;
        assert!(id.starts_with("user-") && !seen.contains(&id));
        silent.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_guest_is_shown_by_the_first_sixteen_digits_in_lower_case() {
    everywhere(async |stage| {
        for device in [DEVICE.to_owned(), DEVICE.to_uppercase()] {
            let id = identity_of(stage, json!({ "token": "dev-guest-token", "guestId": device })).await;
            assert_eq!(id, "guest-0123456789abcdef");
        }
    })
    .await;
}

#[tokio::test]
async fn who_knows_the_name_of_a_guest_is_not_that_guest() {
    everywhere(async |stage| {
        let known = json!({ "token": "dev-guest-token", "guestId": DEVICE });
        let made_up = json!({ "token": "dev-guest-token", "guestId": format!("{}{}", &DEVICE[..16], "e".repeat(48)) });
        let victim = stage.dial(0).auth(known).connect().await;
        let intruder = stage.dial(1).auth(made_up).connect().await;

        let mut two = Pair::seat(victim, intruder).await;

        assert_eq!(
            (&*two.ann_id, &*two.bob_id),
            ("guest-0123456789abcdef", "guest-0123456789abcdef")
        );
        let report = json!({ "reportedUserId": two.bob_id, "violationType": "other", "description": "an intruder" });
        two.ann.emit("report_text_chat", &[report]);
        assert_eq!(two.ann.hear("report_submitted").await, json!({ "success": true }));
        two.bob.hear("text_room_ended").await;
    })
    .await;
}

#[tokio::test]
async fn one_user_has_only_so_many_sockets() {
    with(|s| s.sockets.per_user = 3)
        .everywhere(async |stage| {
            let mut sockets = Vec::new();
            for i in 0..3 {
                sockets.push(stage.dial(i).guest("ann").connect().await);
            }
            for via in [Via::WebSocket, Via::Upgrade] {
                let refused = stage.dial(1).guest("ann").via(via).try_connect().await.err();
                let expected = json!({
                    "message": "Too many connections of one user", "data": { "code": "TOO_MANY_SOCKETS" },
                });
                assert_eq!(refused, Some(Refused::ByServer(expected)));
            }
            stage.guest(0).await.close().await;

            sockets.remove(0).close().await;
            eventually("one is gone", async || stage.sockets_of("guest-0000000000616e6e") == 2).await;
            stage.dial(1).guest("ann").connect().await.close().await;
        })
        .await;
}

#[tokio::test]
async fn a_page_that_dials_three_times_in_a_second_leaves_nothing() {
    everywhere(async |stage| {
        for i in 0..5 {
            let first = stage
                .dial(i)
                .auth(json!({ "token": "dev-guest-token", "guestId": null }))
                .connect()
                .await;
            let second = stage
                .dial(i + 1)
                .auth(json!({ "token": token("user-7"), "guestId": null }))
                .connect();
            let (second, ()) = tokio::join!(second, first.close());
            let third = stage
                .dial(i)
                .auth(json!({ "token": token("user-7"), "guestId": DEVICE }))
                .connect();
            let (third, ()) = tokio::join!(third, second.drop_abruptly());
            third.emit("mode-presence-update", &[json!({ "mode": "text" })]);
            third.close().await;
        }
        eventually("nobody is left", async || stage.keys("user:*").is_empty()).await;
        assert_eq!(stage.keys("session:*"), [""; 0]);
        assert_eq!(stage.timers(""), [""; 0]);
    })
    .await;
}
