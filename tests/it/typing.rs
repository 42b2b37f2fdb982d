//! Being seen to type (contract 2.5, 3.3, 5.1).

use crate::harness::stage::{Pair, everywhere, pair, relays, say, token};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn typing_is_shown_to_the_partner_and_its_end_too() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        for (event, told, shown) in [
            ("text_typing_start", "text_partner_typing", true),
            ("text_typing_stop", "text_partner_stopped_typing", false),
        ] {
            two.ann.emit(event, &[json!({})]);

            let heard = two.bob.hear(told).await;
            let at = heard["timestamp"].as_u64().unwrap();
            assert!(at <= stage.now() && at + 60_000 > stage.now());
            let expected = json!({ "roomId": two.room, "userId": two.ann_id, "isTyping": shown, "timestamp": at });
            assert_eq!(heard, expected);
        }
        relays(&two.bob, &mut two.ann).await;
        assert!(
            !two.ann.unread().iter().any(|name| name.contains("typing")),
            "nobody is told of oneself"
        );
    })
    .await;
}

#[tokio::test]
async fn typing_fades_after_three_seconds() {
    everywhere(async |stage| {
        // Bob hears his own lines: what came before one of them came before its echo.
        let bob = stage
            .dial(1)
            .auth(json!({ "token": token("user-bob") }))
            .connect()
            .await;
        let mut two = Pair::seat(stage.guest(0).await, bob).await;
        two.ann.emit("text_typing_start", &[json!({})]);
        let started = two.bob.hear("text_partner_typing").await["timestamp"].as_u64().unwrap();

        let nearly = (started + 2900).saturating_sub(stage.now());
        stage.pass(Duration::from_millis(nearly)).await;
        say(&two.bob, "still typing?");
        two.bob.hear("text_message_received").await;
        let early = two.bob.unread().contains(&"text_partner_stopped_typing".to_owned());
        assert!(!early || stage.now() >= started + 3000);

        stage.pass(Duration::from_millis(200)).await;
        let stopped = two.bob.hear("text_partner_stopped_typing").await;
        assert_eq!(
            (&stopped["isTyping"], &stopped["userId"]),
            (&json!(false), &json!(two.ann_id))
        );
        assert!(stopped["timestamp"].as_u64().unwrap() >= started + 3000);
    })
    .await;
}

#[tokio::test]
async fn typing_on_postpones_the_fading() {
    everywhere(async |stage| {
        let bob = stage
            .dial(1)
            .auth(json!({ "token": token("user-bob") }))
            .connect()
            .await;
        let mut two = Pair::seat(stage.guest(0).await, bob).await;
        let mut last = 0;
        for _ in 0..3 {
            two.ann.emit("text_typing_start", &[json!({})]);
            last = two.bob.hear("text_partner_typing").await["timestamp"].as_u64().unwrap();
            stage.pass(Duration::from_millis(2000)).await;
        }

        stage.pass(Duration::from_millis(1100)).await;

        let stopped = two.bob.hear("text_partner_stopped_typing").await;
        assert!(
            stopped["timestamp"].as_u64().unwrap() >= last + 3000,
            "{stopped} after {last}"
        );
        say(&two.bob, "done");
        two.bob.hear("text_message_received").await;
        assert!(
            !two.bob.unread().contains(&"text_partner_stopped_typing".to_owned()),
            "told once"
        );
    })
    .await;
}

#[tokio::test]
async fn a_line_ends_the_typing_before_it_is_heard() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        two.ann.emit("text_typing_start", &[json!({})]);
        say(&two.ann, "written");

        let mut names = Vec::new();
        for _ in 0..3 {
            names.push(two.bob.next().await.0);
        }
        assert_eq!(
            names,
            [
                "text_partner_typing",
                "text_partner_stopped_typing",
                "text_message_received"
            ]
        );

        // Nothing fades any more.
        stage.pass(Duration::from_secs(5)).await;
        say(&two.ann, "next");
        assert_eq!(two.bob.next().await.0, "text_message_received");
    })
    .await;
}

#[tokio::test]
async fn typing_without_a_room_is_nothing() {
    everywhere(async |stage| {
        let mut ann = stage.guest(0).await;
        for event in ["text_typing_start", "text_typing_stop"] {
            ann.emit(event, &[json!({})]);
            ann.emit(event, &[]);
        }
        ann.dealt_with().await;
        assert_eq!(ann.unread(), ["mode-user-counts"]);
    })
    .await;
}
