//! Losing the connection and coming back within the window (contract 2.5, 3.3, 5.6).

use crate::harness::client::{Client, Dial, Via};
use crate::harness::eventually;
use crate::harness::pair::{Pair, relays, say};
use crate::harness::stage::{Stage, everywhere, with};
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;

const BOB: &str = "guest-0000000000626f62";

fn bob(stage: &Stage, node: usize) -> Dial {
    stage.dial(node).guest("bob")
}

async fn pair(stage: &Stage) -> Pair {
    Pair::seat(stage.guest(0).await, bob(stage, 1).connect().await).await
}

/// The seat is held: everybody agrees that Bob is away.
async fn away(stage: &Stage) {
    eventually("the seat is held", async || stage.timers("hold|").len() == 1).await;
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
async fn who_comes_back_gets_what_was_missed_once_and_before_what_is_new() {
    everywhere(async |stage| {
        let Pair {
            mut ann, bob: mut gone, ..
        } = pair(stage).await;
        say(&ann, "heard");
        assert_eq!(texts(&mut gone, 1).await, ["heard"]);
        gone.close().await;
        away(stage).await;
        say(&ann, "missed 1");
        say(&ann, "missed 2");
        ann.dealt_with().await;

        let mut back = bob(stage, 0).connect().await;
        assert_eq!(ann.hear("text_partner_reconnected").await, json!({ "partnerId": BOB }));
        say(&ann, "new");

        assert_eq!(texts(&mut back, 3).await, ["missed 1", "missed 2", "new"]);
        // The seat is taken in silence: the page still shows the room.
        relays(&back, &mut ann).await;
        assert!(
            back.unread().iter().all(|name| name == "mode-user-counts"),
            "{:?}",
            back.unread()
        );
        stage.pass(Duration::from_secs(60)).await;
        relays(&ann, &mut back).await;
    })
    .await;
}

#[tokio::test]
async fn who_comes_back_for_a_moment_only_and_is_lost_again_misses_nothing() {
    everywhere(async |stage| {
        let Pair { ann, bob: mut gone, .. } = pair(stage).await;
        say(&ann, "heard");
        assert_eq!(texts(&mut gone, 1).await, ["heard"]);
        gone.close().await;
        away(stage).await;
        for round in 0..3 {
            say(&ann, &format!("missed {round}"));
            // What it was sent may have reached it or not.
            let back = bob(stage, round).connect().await;
            eventually("the seat is taken", async || stage.timers("hold|").is_empty()).await;
            back.drop_abruptly().await;
            away(stage).await;
        }

        let mut back = bob(stage, 1).connect().await;
        assert_eq!(first_texts(&mut back, 3).await, ["missed 0", "missed 1", "missed 2"]);
        // The same while the connection is dead and nobody has noticed.
        say(&ann, "missed 3");
        back.ignore_pings();
        let mut again = bob(stage, 0).connect().await;
        assert_eq!(
            first_texts(&mut again, 4).await,
            ["missed 0", "missed 1", "missed 2", "missed 3"]
        );
    })
    .await;
}

/// The first `count` different texts but what was heard before.
async fn first_texts(client: &mut Client, count: usize) -> Vec<String> {
    let mut first = Vec::new();
    while first.len() < count {
        let text = texts(client, 1).await.remove(0);
        if text != "heard" && !first.contains(&text) {
            first.push(text);
        }
    }
    first
}

#[tokio::test]
async fn nothing_is_missed_when_the_connection_breaks_and_what_comes_twice_is_recognised() {
    everywhere(async |stage| {
        let Pair {
            mut ann, bob: mut gone, ..
        } = pair(stage).await;
        let mut seen = HashSet::new();
        for round in 0..3 {
            for i in 0..3 {
                say(&ann, &format!("{round} {i}"));
            }
            // Whether these were read nobody but Bob knows.
            gone.hear("text_message_received").await;
            gone.drop_abruptly().await;
            away(stage).await;
            say(&ann, &format!("{round} away"));
            ann.dealt_with().await;
            gone = bob(stage, round).connect().await;

            let mut last = String::new();
            while last != format!("{round} away") {
                let line = gone.hear("text_message_received").await;
                seen.insert(line["messageId"].to_string());
                last = line["content"].as_str().unwrap().to_owned();
            }
            // Ann's limit is ten lines.
            stage.advance(Duration::from_secs(11));
        }
        // The first of each round was read before; the others came at the latest after the return.
        assert!(seen.len() >= 9, "{seen:?}");
        relays(&gone, &mut ann).await;
    })
    .await;
}

#[tokio::test]
async fn a_line_said_long_after_the_pairing_is_not_lost_with_the_connection() {
    everywhere(async |stage| {
        let Pair { mut ann, bob: gone, .. } = pair(stage).await;
        stage.advance(Duration::from_secs(600));
        gone.drop_abruptly().await;
        away(stage).await;
        say(&ann, "missed");
        ann.dealt_with().await;

        let mut back = bob(stage, 1).connect().await;

        assert_eq!(texts(&mut back, 1).await, ["missed"]);
    })
    .await;
}

#[tokio::test]
async fn who_asks_for_the_room_gets_it_with_the_last_lines() {
    with(|s| s.chat.rate_limit = 60)
        .everywhere(async |stage| {
            let Pair {
                mut ann,
                bob: mut gone,
                room,
                ann_id,
                ..
            } = pair(stage).await;
            for i in 0..33 {
                say(&ann, &i.to_string());
            }
            texts(&mut gone, 33).await;
            say(&gone, "mine");
            let mine = ann.hear("text_message_received").await;
            gone.close().await;
            away(stage).await;

            let mut back = bob(stage, 0).connect().await;
            back.emit("attempt_text_reconnect", &[]);
            let state = back.hear("text_reconnected").await;

            assert_eq!(ann.hear("text_partner_reconnected").await, json!({ "partnerId": BOB }));
            assert_eq!((&state["roomId"], &state["partnerId"]), (&json!(room), &json!(ann_id)));
            let messages = state["messages"].as_array().unwrap();
            assert_eq!(messages.len(), 30);
            assert_eq!(messages[0]["content"], json!("4"));
            assert_eq!(messages[29], mine);
            // Asked again, told again; the partner is not.
            back.emit("attempt_text_reconnect", &[]);
            assert_eq!(back.hear("text_reconnected").await, state);
            relays(&back, &mut ann).await;
            assert!(!ann.unread().contains(&"text_partner_reconnected".to_owned()));
        })
        .await;
}

#[tokio::test]
async fn after_the_window_there_is_nothing_to_come_back_to() {
    everywhere(async |stage| {
        let Pair { mut ann, bob: gone, .. } = pair(stage).await;
        gone.drop_abruptly().await;
        away(stage).await;
        stage.pass(Duration::from_secs(30)).await;
        ann.hear("text_room_ended").await;

        let mut back = bob(stage, 0).connect().await;
        for _ in 0..2 {
            back.emit("attempt_text_reconnect", &[]);
            let expected = json!({ "reason": "Session expired or room no longer exists" });
            assert_eq!(back.hear("text_reconnect_failed").await, expected);
        }
        say(&back, "anybody?");
        assert_eq!(
            back.hear("text_chat_error").await["message"],
            json!("No active text chat room")
        );
    })
    .await;
}

#[tokio::test]
async fn who_never_had_a_room_has_none_to_come_back_to() {
    everywhere(async |stage| {
        let mut ann = stage.guest(0).await;
        ann.emit("attempt_text_reconnect", &[]);
        let expected = json!({ "reason": "Session expired or room no longer exists" });
        assert_eq!(ann.hear("text_reconnect_failed").await, expected);
    })
    .await;
}

#[tokio::test]
async fn who_comes_back_after_the_partner_left_is_free_again() {
    everywhere(async |stage| {
        let Pair { mut ann, bob: gone, .. } = pair(stage).await;
        gone.drop_abruptly().await;
        away(stage).await;
        ann.emit("leave_text_room", &[]);
        assert_eq!(ann.hear("text_room_ended").await, json!({ "reason": "user_left" }));

        let mut back = bob(stage, 0).connect().await;
        back.emit("join_text_queue", &[]);
        assert_eq!(back.hear("text_queue_joined").await["position"], json!(1));
    })
    .await;
}

#[tokio::test]
async fn the_partner_of_somebody_away_is_not_told_before_the_window_is_over() {
    everywhere(async |stage| {
        let Pair { mut ann, bob: gone, .. } = pair(stage).await;
        gone.drop_abruptly().await;
        away(stage).await;
        say(&ann, "are you there?");
        ann.dealt_with().await;
        assert!(
            ann.unread().iter().all(|name| name == "mode-user-counts"),
            "{:?}",
            ann.unread()
        );
    })
    .await;
}

#[tokio::test]
async fn both_can_be_away_and_both_come_back() {
    everywhere(async |stage| {
        let ann = stage.dial(0).guest("ann").connect().await;
        let Pair { ann, bob: gone, .. } = Pair::seat(ann, bob(stage, 1).connect().await).await;
        ann.close().await;
        gone.drop_abruptly().await;
        eventually("both seats are held", async || stage.timers("hold|").len() == 2).await;
        stage.pass(Duration::from_secs(20)).await;

        let mut ann = stage.dial(1).guest("ann").connect().await;
        let mut back = bob(stage, 0).connect().await;

        relays(&ann, &mut back).await;
        relays(&back, &mut ann).await;
    })
    .await;
}

#[tokio::test]
async fn a_seeker_who_reconnects_at_once_keeps_the_place_when_another_tab_stays() {
    with(|s| s.queue.eligible_after = Duration::from_secs(10))
        .everywhere(async |stage| {
            let one = bob(stage, 0).connect().await;
            let mut other = bob(stage, 1).connect().await;
            one.emit("join_text_queue", &[]);
            eventually("in the queue", async || stage.keys("queue:*").len() == 1).await;
            one.close().await;
            eventually("one is gone", async || stage.sockets_of(BOB) == 1).await;

            let mut ann = stage.guest(0).await;
            ann.emit("join_text_queue", &[]);
            assert_eq!(ann.hear("text_queue_joined").await["position"], json!(2));
            stage.advance(Duration::from_secs(10));
            assert_eq!(
                other.hear("text_match_found").await["roomId"],
                ann.hear("text_match_found").await["roomId"]
            );
        })
        .await;
}

#[tokio::test]
async fn every_transport_comes_back_over_every_other() {
    everywhere(async |stage| {
        let Pair {
            mut ann, bob: mut gone, ..
        } = pair(stage).await;
        for (i, via) in [Via::Polling, Via::Upgrade, Via::WebSocket, Via::Upgrade, Via::Polling]
            .into_iter()
            .enumerate()
        {
            gone.close().await;
            away(stage).await;
            say(&ann, &format!("missed {i}"));
            gone = bob(stage, i).via(via).connect().await;
            assert_eq!(texts(&mut gone, 1).await, [format!("missed {i}")], "{via:?}");
            relays(&gone, &mut ann).await;
        }
        gone.close().await;
    })
    .await;
}

#[tokio::test]
async fn who_comes_anew_and_missed_more_than_a_connection_takes_is_sent_the_state_instead() {
    let plan = with(|settings| {
        settings.sockets.outbox = 64 << 10;
        settings.chat.rate_limit = 60;
    });
    plan.everywhere(async |stage| {
        let Pair { mut ann, bob: gone, .. } = pair(stage).await;
        gone.drop_abruptly().await;
        away(stage).await;
        for i in 0..50 {
            say(&ann, &format!("{i} {}", "x".repeat(600)));
        }
        ann.dealt_with().await;

        let mut back = bob(stage, 0).connect().await;

        assert_eq!(back.hear("recovery_failed").await, json!({ "reason": "trimmed" }));
        let state = back.hear("text_reconnected").await;
        let lines = state["messages"].as_array().unwrap();
        assert!(lines.last().unwrap()["content"].as_str().unwrap().starts_with("49 "));
        assert!(!back.unread().contains(&"text_message_received".to_owned()), "a part");
        relays(&ann, &mut back).await;
    })
    .await;
}
