//! Packets that nobody should send: they get the protocol's own error, or a `text_chat_error`, and the neighbours chat on.

use crate::bad_requests::{POLLING, answer, http, polling_sid};
use crate::harness::client::{Refused, Via};
use crate::harness::eventually;
use crate::harness::pair::{Pair, beside, pair, relays, say};
use crate::harness::stage::{Shape, everywhere, with};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn malformed_packets_close_the_connection_and_nothing_else() {
    everywhere(async |stage| {
        beside(stage, async |stage| {
            for bad in [
                "4",
                "49",
                "4x",
                "42",
                "42{}",
                "42[]",
                "42[1",
                "42null",
                "42[null]",
                "42[{\"a\":1}]",
                "42[[]]",
                "42[\"connect\"]",
                "42[\"disconnect\"]",
                "4299999999999999999999[\"a\"]",
                "43[]",
                "437{}",
                "431",
                "44{\"message\":\"no\"}",
                "40",
                "40{\"token\":",
                "41extra",
                "45[\"a\"]",
                "45-[\"a\"]",
                "4599999999-[\"a\"]",
                "451-[\"a\",{\"_placeholder\":true,\"num\":7}]",
                "42[\"a\",{\"_placeholder\":true,\"num\":0}]",
                "42/\u{1}bad,[\"a\"]",
                "",
                "x",
                "7",
                "2probe",
                "0{}",
            ] {
                let mut client = stage.guest(0).await;
                client.raw(bad);
                let how = client.ended().await;
                assert!(how.contains("1002") || how.contains("Protocol"), "{bad:?}: {how}");
            }
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn attachments_that_belong_to_nothing_close_the_connection() {
    everywhere(async |stage| {
        beside(stage, async |stage| {
            for via in [Via::WebSocket, Via::Polling] {
                let mut client = stage.dial(1).via(via).connect().await;
                client.raw_binary(&[0, 1, 2, 255]);
                client.ended().await;

                let mut client = stage.dial(1).via(via).connect().await;
                client.raw("452-[\"send_text_message\",{\"_placeholder\":true,\"num\":0}]");
                client.raw("42[\"text where an attachment belongs\"]");
                client.ended().await;
            }
            // With the attachment it is an event like any other, and no message.
            let mut client = stage.guest(1).await;
            client.raw("451-[\"send_text_message\",{\"_placeholder\":true,\"num\":0}]");
            client.raw_binary(&[0xff; 100]);
            assert_eq!(
                client.hear("text_chat_error").await["message"],
                json!("Invalid message content")
            );
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn unknown_events_and_namespaces_of_nobody_are_passed_over() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        for event in [
            "session_ended",
            "send_like",
            "message",
            "find_match",
            "constructor",
            "__proto__",
            "",
        ] {
            two.ann.emit(event, &[json!({ "sessionId": "x" })]);
        }
        two.ann.raw("42[7,{}]");
        // An answer to nothing that was asked.
        two.ann.raw("431[]");
        two.ann.dealt_with().await;
        assert!(two.ann.unread().is_empty(), "{:?}", two.ann.unread());
        two.chats().await;
    })
    .await;
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_refused_and_the_one_that_is_there_is_not() {
    everywhere(async |stage| {
        beside(stage, async |stage| {
            let no = Refused::ByServer(json!({ "message": "Invalid namespace" }));
            for via in [Via::WebSocket, Via::Polling, Via::Upgrade] {
                for namespace in ["/admin", "/a?token=b", "//"] {
                    let refused = stage.dial(1).via(via).namespace(namespace).try_connect().await.err();
                    assert_eq!(refused.as_ref(), Some(&no), "{via:?} {namespace}");
                }
                let there = stage.dial(1).via(via).namespace("/?token=b").connect().await;
                there.close().await;
            }
            // Beside a namespace that is there nothing is to be said in another.
            let mut client = stage.guest(0).await;
            client.raw("40/admin,{}");
            client.raw("42/admin,[\"join_text_queue\"]");
            client.dealt_with().await;
            assert!(!client.unread().contains(&"text_queue_joined".to_owned()));
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn payloads_of_any_shape_get_an_answer_or_none_but_break_nothing() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        let odd = [
            json!(null),
            json!(true),
            json!(-1),
            json!(1e300),
            json!(""),
            json!("x"),
            json!([]),
            json!([[[]]]),
            json!({}),
            json!({ "content": null }),
            json!({ "content": -0.5 }),
            json!({ "mode": [] }),
            json!({ "roomId": {} }),
            json!({ "content": "\u{0}" }),
            json!({ "reportedUserId": [], "violationType": {} }),
        ];
        for event in [
            "text_typing_start",
            "text_typing_stop",
            "leave_text_queue",
            "mode-presence-update",
            "send_text_message",
            "report_text_chat",
        ] {
            for payload in &odd {
                two.ann.emit(event, &[payload.clone(), payload.clone()]);
            }
        }
        two.ann.dealt_with().await;
        let known = ["text_chat_error", "mode-user-counts"];
        assert!(
            two.ann.unread().iter().all(|name| known.contains(&name.as_str())),
            "{:?}",
            two.ann.unread()
        );
        two.chats().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_too_large_or_too_deep_closes_the_connection() {
    everywhere(async |stage| {
        beside(stage, async |stage| {
            let mut client = stage.guest(0).await;
            say(&client, &"x".repeat(64 * 1024));
            let how = client.ended().await;
            assert!(how.contains("1009") || how.contains("Size"), "{how}");

            let mut client = stage.guest(0).await;
            client.raw_binary(&vec![0; 64 * 1024 + 1]);
            client.ended().await;

            let deep = format!("42[\"send_text_message\",{}{}]", "[".repeat(20_000), "]".repeat(20_000));
            let mut client = stage.guest(0).await;
            client.raw(&deep);
            client.ended().await;

            let url = stage.url(1);
            let sid = polling_sid(&url).await;
            let post = http()
                .post(format!("{url}{POLLING}&sid={sid}"))
                .body("4".repeat(64 * 1024 + 1));
            let (status, body) = answer(post).await;
            assert_eq!(
                (status, body.as_str()),
                (413, r#"{"code":3,"message":"Payload too large"}"#)
            );
            answer(http().post(format!("{url}{POLLING}&sid={sid}")).body("1")).await;
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn who_talks_too_fast_is_closed() {
    everywhere(async |stage| {
        beside(stage, async |stage| {
            for via in [Via::WebSocket, Via::Polling] {
                let mut client = stage.dial(0).via(via).connect().await;
                if via == Via::WebSocket {
                    (0..400).for_each(|_| client.emit("text_typing_start", &[]));
                } else {
                    let many = vec!["42[\"text_typing_start\"]"; 120].join("\x1e");
                    (0..3).for_each(|_| client.raw(&many));
                }
                client.ended().await;
            }
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_has_joined_nothing_has_nothing_to_say() {
    everywhere(async |stage| {
        beside(stage, async |stage| {
            for early in ["42[\"join_text_queue\"]", "431[]"] {
                let mut client = stage.dial(0).open().await.ok().unwrap();
                client.raw(early);
                client.ended().await;
            }
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn rooms_of_others_cannot_be_spoken_into_left_or_reported() {
    everywhere(async |stage| {
        let mut theirs = pair(stage).await;
        let mut ours = pair(stage).await;
        let mut nobody = stage.guest(0).await;
        let line = json!({ "content": "psst", "roomId": theirs.room, "senderId": theirs.ann_id });
        nobody.emit("send_text_message", std::slice::from_ref(&line));
        assert_eq!(
            nobody.hear("text_chat_error").await["message"],
            json!("No active text chat room")
        );
        let report = json!({ "reportedUserId": theirs.bob_id, "violationType": "spam", "description": "" });
        nobody.emit("report_text_chat", &[report]);
        assert_eq!(
            nobody.hear("text_chat_error").await["message"],
            json!("No active text chat room")
        );
        nobody.emit("leave_text_room", &[json!({ "roomId": theirs.room })]);
        nobody.emit("text_typing_start", &[json!({ "roomId": theirs.room })]);
        nobody.dealt_with().await;

        // A foreign id in the payload changes nothing about whose room it is.
        ours.ann.emit("send_text_message", &[line]);
        let heard = ours.bob.hear("text_message_received").await;
        assert_eq!(
            (&heard["roomId"], &heard["senderId"]),
            (&json!(ours.room), &json!(ours.ann_id))
        );

        assert!(theirs.ann.unread().is_empty() && theirs.bob.unread().is_empty());
        theirs.chats().await;
    })
    .await;
}

#[tokio::test]
async fn who_answers_no_ping_or_never_joins_is_let_go() {
    // Times of connections are real: one shape is enough to wait in.
    let plan = with(|s| {
        s.sockets.ping_interval = Duration::from_millis(300);
        s.sockets.ping_timeout = Duration::from_millis(300);
        s.sockets.connect_timeout = Duration::from_millis(300);
    });
    plan.on(&[Shape { nodes: 2, shards: 1 }], async |stage| {
        let mut neighbours = pair(stage).await;
        let half_open = stage.guest(1).await;
        half_open.ignore_pings();
        let Pair {
            mut ann,
            bob: mut half_open,
            ..
        } = Pair::seat(stage.guest(0).await, half_open).await;
        let mut silent = stage.dial(0).open().await.ok().unwrap();

        half_open.ended().await;
        silent.ended().await;

        eventually("the seat is held", async || stage.timers("hold|").len() == 1).await;
        stage.pass(Duration::from_secs(30)).await;
        ann.hear("text_room_ended").await;
        relays(&neighbours.ann, &mut neighbours.bob).await;
    })
    .await;
}
