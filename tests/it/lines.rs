//! Saying lines: delivery, order, echo, limits, retries (contract 2.5, 3.3, 3.7).

use crate::harness::client::{Client, Via};
use crate::harness::pair::{Pair, pair, relays, say, token};
use crate::harness::stage::{Stage, everywhere};
use serde_json::{Value, json};
use std::time::Duration;

/// Two clients written after the document: they show what the server sends, their own lines included.
async fn document_pair(stage: &Stage) -> Pair {
    let [ann, bob] = ["user-ann", "user-bob"].map(|user| json!({ "token": token(user) }));
    Pair::seat(
        stage.dial(0).auth(ann).connect().await,
        stage.dial(1).auth(bob).connect().await,
    )
    .await
}

async fn texts(client: &mut Client, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for _ in 0..count {
        let line = client.hear("text_message_received").await;
        texts.push(line["content"].as_str().unwrap().to_owned());
    }
    texts
}

#[tokio::test]
async fn a_line_reaches_the_partner_as_the_document_shows_it() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        let before = stage.now();

        say(&two.ann, "hello there");

        let line = two.bob.hear("text_message_received").await;
        let (id, at) = (line["messageId"].clone(), line["timestamp"].as_u64().unwrap());
        assert!(id.as_str().unwrap().starts_with("msg_"), "{id}");
        assert!((before..=stage.now()).contains(&at), "{at}");
        let expected = json!({
            "messageId": id, "roomId": two.room, "senderId": two.ann_id,
            "content": "hello there", "timestamp": at, "delivered": true,
        });
        assert_eq!(line, expected);
    })
    .await;
}

#[tokio::test]
async fn a_line_that_ends_within_a_character_arrives_and_so_does_the_next() {
    everywhere(async |stage| {
        for via in [Via::WebSocket, Via::Polling] {
            let ann = stage.dial(0).guest(&stage.fresh_name()).via(via).connect().await;
            let mut two = Pair::seat(ann, stage.guest(1).await).await;

            // As JavaScript writes `'party 😀'.slice(0, 7)`.
            two.ann.raw(r#"42["send_text_message",{"content":"party \ud83d"}]"#);
            say(&two.ann, "and on");

            assert_eq!(texts(&mut two.bob, 2).await, ["party \u{fffd}", "and on"], "{via:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn both_hear_all_lines_in_one_order() {
    everywhere(async |stage| {
        let mut two = document_pair(stage).await;
        for i in 0..10 {
            say(&two.ann, &format!("ann {i}"));
            say(&two.bob, &format!("bob {i}"));
        }

        let (to_ann, to_bob) = (texts(&mut two.ann, 20).await, texts(&mut two.bob, 20).await);

        assert_eq!(to_ann, to_bob);
        for who in ["ann", "bob"] {
            let own: Vec<_> = to_ann.iter().filter(|text| text.starts_with(who)).cloned().collect();
            assert_eq!(own, (0..10).map(|i| format!("{who} {i}")).collect::<Vec<_>>());
        }
    })
    .await;
}

#[tokio::test]
async fn own_lines_come_back_to_clients_of_the_document_and_to_all_their_tabs() {
    everywhere(async |stage| {
        let mut two = document_pair(stage).await;
        let mut tab = stage
            .dial(1)
            .auth(json!({ "token": token("user-ann") }))
            .connect()
            .await;

        say(&two.ann, "to all of us");

        let line = two.bob.hear("text_message_received").await;
        assert_eq!(two.ann.hear("text_message_received").await, line);
        assert_eq!(tab.hear("text_message_received").await, line);
    })
    .await;
}

#[tokio::test]
async fn own_lines_do_not_come_back_to_clients_that_send_a_guest_id_even_null() {
    everywhere(async |stage| {
        let quiet = json!({ "token": token("user-ann"), "guestId": null });
        let ann = stage.dial(0).auth(quiet.clone()).connect().await;
        let mut two = Pair::seat(ann, stage.guest(1).await).await;
        let mut tab = stage.dial(1).auth(quiet).connect().await;

        say(&two.ann, "shown by myself");
        two.bob.hear("text_message_received").await;

        // What comes after an echo would have come: the partner's line.
        relays(&two.bob, &mut two.ann).await;
        assert_eq!(tab.hear("text_message_received").await["senderId"], json!(two.bob_id));
    })
    .await;
}

#[tokio::test]
async fn a_client_may_say_whether_it_wants_its_lines_back() {
    everywhere(async |stage| {
        let ann = json!({ "token": token("user-ann"), "echo": false });
        let bob = json!({ "token": token("user-bob"), "guestId": null, "echo": true });
        let mut two = Pair::seat(
            stage.dial(0).auth(ann).connect().await,
            stage.dial(1).auth(bob).connect().await,
        )
        .await;

        say(&two.ann, "mine");
        assert_eq!(texts(&mut two.bob, 1).await, ["mine"]);
        say(&two.bob, "yours");

        assert_eq!(texts(&mut two.bob, 1).await, ["yours"]);
        assert_eq!(texts(&mut two.ann, 1).await, ["yours"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_message_is_refused_in_the_documents_words() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        let long = "x".repeat(1001);
        let (none, too_long) = ("Invalid message content", "Message too long (max 1000 characters)");
        for (payload, why) in [
            (json!({}), none),
            (json!({ "content": "" }), none),
            (json!({ "content": " \n\t " }), none),
            (json!({ "content": "<script>alert(1)</script>" }), none),
            (json!({ "content": 7 }), none),
            (json!({ "content": null }), none),
            (json!({ "content": ["x"] }), none),
            (json!({ "content": { "text": "x" } }), none),
            (json!("hello"), none),
            (Value::Null, none),
            (json!({ "content": long }), too_long),
        ] {
            two.ann.emit("send_text_message", std::slice::from_ref(&payload));
            assert_eq!(
                two.ann.hear("text_chat_error").await["message"],
                json!(why),
                "{payload}"
            );
        }
        two.ann.emit("send_text_message", &[]);
        assert_eq!(two.ann.hear("text_chat_error").await["message"], json!(none));
        two.chats().await;
    })
    .await;
}

#[tokio::test]
async fn a_thousand_characters_pass_whatever_they_weigh() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        for character in ["x", "é", "語", "🦀"] {
            let most = character.repeat(1000);
            say(&two.ann, &most);
            assert_eq!(texts(&mut two.bob, 1).await[0], most);

            say(&two.ann, &(most + character));
            let refused = two.ann.hear("text_chat_error").await;
            let expected = json!({ "message": "Message too long (max 1000 characters)", "code": "MESSAGE_TOO_LONG" });
            assert_eq!(refused, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn lines_are_trimmed_and_their_markup_is_gone() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        for (said, heard) in [
            ("  hello  ", "hello"),
            ("<b>bold</b> <script>alert(1)</script>move", "bold move"),
            ("<img src=x onerror=alert(1)>look", "look"),
            ("1 < 2 & 3 > 2", "1 < 2 & 3 > 2"),
            ("line\nbreak", "line\nbreak"),
            ("a\u{1f}b\u{0}c", "abc"),
        ] {
            say(&two.ann, said);
            assert_eq!(texts(&mut two.bob, 1).await, [heard]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_line_without_a_room_is_refused() {
    everywhere(async |stage| {
        let mut ann = stage.guest(0).await;
        say(&ann, "anybody?");
        let expected = json!({ "message": "No active text chat room", "code": "NO_ROOM" });
        assert_eq!(ann.hear("text_chat_error").await, expected);
    })
    .await;
}

#[tokio::test]
async fn ten_lines_in_ten_seconds_and_the_window_slides() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        for i in 0..5 {
            say(&two.ann, &i.to_string());
        }
        texts(&mut two.bob, 5).await;
        stage.advance(Duration::from_secs(5));
        for i in 5..11 {
            say(&two.ann, &i.to_string());
        }

        let refused = two.ann.hear("rate_limit_exceeded").await;
        assert_eq!(refused, json!({ "message": "Rate limit exceeded", "remaining": 0 }));
        assert_eq!(texts(&mut two.bob, 5).await, ["5", "6", "7", "8", "9"]);
        // Each has a window of one's own.
        relays(&two.bob, &mut two.ann).await;

        // The first five leave the window, the others stay in it.
        stage.advance(Duration::from_millis(5100));
        for i in 11..17 {
            say(&two.ann, &i.to_string());
        }
        two.ann.hear("rate_limit_exceeded").await;
        assert_eq!(texts(&mut two.bob, 5).await, ["11", "12", "13", "14", "15"]);
    })
    .await;
}

#[tokio::test]
async fn the_limit_begins_anew_with_the_next_room() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        for i in 0..11 {
            say(&two.ann, &i.to_string());
        }
        two.ann.hear("rate_limit_exceeded").await;
        two.ann.emit("leave_text_room", &[]);
        two.ann.hear("text_room_ended").await;

        let mut next = Pair::seat(two.ann, stage.guest(1).await).await;

        for i in 0..10 {
            say(&next.ann, &i.to_string());
        }
        assert_eq!(texts(&mut next.bob, 10).await.len(), 10);
    })
    .await;
}

#[tokio::test]
async fn tabs_share_one_limit() {
    everywhere(async |stage| {
        let ann = |node| stage.dial(node).guest("ann");
        let mut two = Pair::seat(ann(0).connect().await, stage.guest(1).await).await;
        let mut tab = ann(1).connect().await;
        for i in 0..5 {
            say(&two.ann, &i.to_string());
            say(&tab, &i.to_string());
        }
        texts(&mut two.bob, 10).await;

        say(&tab, "one more");

        tab.hear("rate_limit_exceeded").await;
    })
    .await;
}

#[tokio::test]
async fn a_retry_of_one_client_message_id_is_one_line() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        let line = [json!({ "content": "once", "clientMessageId": "c-1" })];

        let first = two.ann.emit_with_ack("send_text_message", &line).await;
        let second = two.ann.emit_with_ack("send_text_message", &line).await;

        assert_eq!(first, second);
        let heard = two.bob.hear("text_message_received").await;
        assert_eq!(
            first,
            [json!({ "messageId": heard["messageId"], "timestamp": heard["timestamp"] })]
        );
        // The next line is another one: the retry was not delivered again.
        say(&two.ann, "next");
        assert_eq!(texts(&mut two.bob, 1).await, ["next"]);
    })
    .await;
}

#[tokio::test]
async fn a_retry_is_answered_also_when_the_limit_is_reached() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        let mut acks = Vec::new();
        for i in 0..10 {
            let line = [json!({ "content": "x", "clientMessageId": format!("c-{i}") })];
            acks.push(two.ann.emit_with_ack("send_text_message", &line).await);
        }

        let again = [json!({ "content": "x", "clientMessageId": "c-0" })];
        assert_eq!(two.ann.emit_with_ack("send_text_message", &again).await, acks[0]);
    })
    .await;
}

#[tokio::test]
async fn who_asks_for_an_ack_gets_the_refusal_in_it() {
    everywhere(async |stage| {
        let mut lonely = stage.guest(0).await;
        let answer = lonely
            .emit_with_ack("send_text_message", &[json!({ "content": "x" })])
            .await;
        assert_eq!(
            answer,
            [json!({ "error": "No active text chat room", "code": "NO_ROOM" })]
        );

        let mut two = pair(stage).await;
        for (payload, answer) in [
            (
                json!({ "content": "" }),
                json!({ "error": "Invalid message content", "code": "INVALID_MESSAGE" }),
            ),
            (
                json!({ "content": "x".repeat(1001) }),
                json!({ "error": "Message too long (max 1000 characters)", "code": "MESSAGE_TOO_LONG" }),
            ),
            (
                json!({ "content": "x", "clientMessageId": 7 }),
                json!({ "error": "Invalid payload: clientMessageId", "code": "INVALID_PAYLOAD" }),
            ),
        ] {
            assert_eq!(two.ann.emit_with_ack("send_text_message", &[payload]).await, [answer]);
        }
        for _ in 0..10 {
            two.ann
                .emit_with_ack("send_text_message", &[json!({ "content": "x" })])
                .await;
        }
        let answer = two
            .ann
            .emit_with_ack("send_text_message", &[json!({ "content": "x" })])
            .await;
        let wait = answer[0]["retryAfterMs"].as_u64().unwrap();
        assert!((1..=10_000).contains(&wait), "{wait}");
        let expected = json!({ "error": "Rate limit exceeded", "code": "RATE_LIMIT_EXCEEDED", "retryAfterMs": wait });
        assert_eq!(answer, [expected]);
        // The limit is told by its event in any case; the other refusals are not told twice.
        assert!(!two.ann.unread().contains(&"text_chat_error".to_owned()));
    })
    .await;
}

/// Without one, clients that were told to retry (`retries`) say everything again.
#[tokio::test]
async fn whatever_was_carried_out_is_acknowledged_after_what_it_caused() {
    everywhere(async |stage| {
        let (mut ann, bob) = (stage.guest(0).await, stage.guest(1).await);
        let nothing = || Vec::<Value>::new();
        let mode = json!({ "mode": "text" });
        assert_eq!(ann.emit_with_ack("mode-presence-update", &[mode]).await, nothing());
        assert_eq!(ann.emit_with_ack("no_such_event", &[]).await, nothing());
        assert_eq!(ann.emit_with_ack("join_text_queue", &[]).await, nothing());
        assert!(ann.unread().contains(&"text_queue_joined".to_owned()));
        assert_eq!(ann.emit_with_ack("leave_text_queue", &[]).await, nothing());
        assert!(ann.unread().contains(&"text_queue_left".to_owned()));
        assert_eq!(ann.emit_with_ack("leave_text_queue", &[]).await, nothing());
        ann.forget();

        let mut two = Pair::seat(ann, bob).await;
        for name in ["text_typing_start", "text_typing_stop", "attempt_text_reconnect"] {
            assert_eq!(two.ann.emit_with_ack(name, &[]).await, nothing(), "{name}");
        }
        assert_eq!(two.ann.emit_with_ack("leave_text_room", &[]).await, nothing());
        assert_eq!(two.ann.emit_with_ack("leave_text_room", &[]).await, nothing());
        two.bob.expect("text_room_ended").await;

        let mut two = pair(stage).await;
        let report = json!({ "reportedUserId": two.bob_id, "violationType": "spam", "description": "" });
        assert_eq!(two.ann.emit_with_ack("report_text_chat", &[report]).await, nothing());
    })
    .await;
}
