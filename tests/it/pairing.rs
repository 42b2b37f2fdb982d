//! Finding a partner: the queue, its answers, who meets whom (contract 2.5, 3.3, 5.1).

use crate::harness::eventually;
use crate::harness::pair::{Pair, pair, token};
use crate::harness::stage::{everywhere, with};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn seekers_are_told_their_place_and_how_long_it_takes() {
    // Nobody is paired, so that the places stay.
    with(|s| s.queue.eligible_after = Duration::from_secs(10))
        .everywhere(async |stage| {
            let mut clients = Vec::new();
            for (position, wait) in [(1, 1), (2, 2), (3, 2), (4, 4), (5, 4), (6, 6)] {
                let mut client = stage.guest(position).await;
                client.emit("join_text_queue", &[]);
                let told = client.hear("text_queue_joined").await;
                assert_eq!(told, json!({ "position": position, "estimatedWaitTime": wait }));
                clients.push(client);
            }
        })
        .await;
}

#[tokio::test]
async fn joining_again_keeps_the_place() {
    with(|s| s.queue.eligible_after = Duration::from_secs(10))
        .everywhere(async |stage| {
            let (mut ann, mut bob) = (stage.guest(0).await, stage.guest(1).await);
            for _ in 0..2 {
                for (client, position) in [(&mut ann, 1), (&mut bob, 2)] {
                    client.emit("join_text_queue", &[]);
                    assert_eq!(client.hear("text_queue_joined").await["position"], json!(position));
                }
            }
        })
        .await;
}

#[tokio::test]
async fn leaving_the_queue_is_confirmed_only_to_those_who_were_in_it() {
    everywhere(async |stage| {
        let mut ann = stage.guest(0).await;
        ann.emit("leave_text_queue", &[]);
        ann.dealt_with().await;
        assert_eq!(ann.unread(), ["mode-user-counts"]);

        ann.emit("join_text_queue", &[]);
        ann.emit("leave_text_queue", &[]);
        assert_eq!(ann.next().await.0, "text_queue_joined");
        assert_eq!(ann.next().await, ("text_queue_left".to_owned(), vec![json!({})]));
        ann.emit("leave_text_queue", &[]);
        ann.dealt_with().await;
        assert!(!ann.unread().contains(&"text_queue_left".to_owned()));

        // Nobody is left in the queue to be met.
        let mut bob = stage.guest(1).await;
        bob.emit("join_text_queue", &[]);
        assert_eq!(bob.hear("text_queue_joined").await["position"], json!(1));
    })
    .await;
}

#[tokio::test]
async fn a_pair_is_told_of_each_other_in_one_room() {
    everywhere(async |stage| {
        let mut ann = stage.dial(0).guest("ann").connect().await;
        let mut bob = stage
            .dial(1)
            .auth(json!({ "token": token("user-bob") }))
            .connect()
            .await;
        ann.emit("join_text_queue", &[]);
        bob.emit("join_text_queue", &[]);

        let (to_ann, to_bob) = (ann.hear("text_match_found").await, bob.hear("text_match_found").await);

        let room = to_ann["roomId"].as_str().unwrap();
        assert!(room.starts_with("text_room_"), "{room}");
        assert_eq!(to_ann, json!({ "roomId": room, "partnerId": "user-bob" }));
        assert_eq!(to_bob, json!({ "roomId": room, "partnerId": "guest-0000000000616e6e" }));
    })
    .await;
}

#[tokio::test]
async fn every_socket_of_both_hears_of_the_match() {
    everywhere(async |stage| {
        let mut ann = [
            stage.dial(0).guest("ann").connect().await,
            stage.dial(1).guest("ann").connect().await,
        ];
        let mut bob = [
            stage.dial(1).guest("bob").connect().await,
            stage.dial(0).guest("bob").connect().await,
        ];
        ann[0].emit("join_text_queue", &[]);
        bob[0].emit("join_text_queue", &[]);

        let room = ann[0].hear("text_match_found").await["roomId"].clone();

        assert_eq!(ann[1].hear("text_match_found").await["roomId"], room);
        for bob in &mut bob {
            assert_eq!(bob.hear("text_match_found").await["roomId"], room);
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_meets_oneself_in_another_tab() {
    everywhere(async |stage| {
        let mut one = stage.dial(0).guest("ann").connect().await;
        let mut other = stage.dial(1).guest("ann").connect().await;
        for tab in [&mut one, &mut other] {
            tab.emit("join_text_queue", &[]);
            assert_eq!(tab.hear("text_queue_joined").await["position"], json!(1));
        }

        // Others meet, so the pairing has looked at the queue; the first in it was passed over only for having nobody.
        let mut bob = stage.guest(0).await;
        bob.emit("join_text_queue", &[]);
        let partner = bob.hear("text_match_found").await["partnerId"].clone();

        assert_eq!(partner, json!("guest-0000000000616e6e"));
        assert_eq!(
            one.hear("text_match_found").await["partnerId"],
            other.hear("text_match_found").await["partnerId"]
        );
    })
    .await;
}

#[tokio::test]
async fn who_waits_longest_is_paired_first() {
    with(|s| s.queue.eligible_after = Duration::from_secs(10))
        .everywhere(async |stage| {
            let mut clients = Vec::new();
            for i in 0..6 {
                let mut client = stage.guest(i).await;
                client.emit("join_text_queue", &[]);
                client.expect("text_queue_joined").await;
                clients.push(client);
            }

            stage.advance(Duration::from_secs(10));

            let mut rooms = Vec::new();
            for client in &mut clients {
                rooms.push(client.hear("text_match_found").await["roomId"].clone());
            }
            assert!(
                rooms[0] == rooms[1] && rooms[2] == rooms[3] && rooms[4] == rooms[5],
                "{rooms:?}"
            );
            assert!(rooms[0] != rooms[2] && rooms[2] != rooms[4], "{rooms:?}");
        })
        .await;
}

#[tokio::test]
async fn a_seeker_is_left_alone_for_the_first_150_milliseconds() {
    with(|s| s.queue.eligible_after = palaver::config::Settings::default().queue.eligible_after)
        .everywhere(async |stage| {
            let (mut ann, mut bob) = (stage.guest(0).await, stage.guest(1).await);
            let started = tokio::time::Instant::now();
            ann.emit("join_text_queue", &[]);
            bob.emit("join_text_queue", &[]);
            ann.hear("text_match_found").await;
            bob.hear("text_match_found").await;
            assert!(
                started.elapsed() >= Duration::from_millis(145),
                "{:?}",
                started.elapsed()
            );
        })
        .await;
}

#[tokio::test]
async fn partners_do_not_meet_again_for_five_minutes() {
    everywhere(async |stage| {
        let Pair { mut ann, mut bob, .. } = pair(stage).await;
        ann.emit("leave_text_room", &[]);
        ann.hear("text_room_ended").await;
        bob.hear("text_room_ended").await;
        ann.emit("join_text_queue", &[]);
        bob.emit("join_text_queue", &[]);
        ann.hear("text_queue_joined").await;
        bob.hear("text_queue_joined").await;

        // A third who comes later is met by the one who waits longest.
        let mut cat = stage.guest(0).await;
        cat.emit("join_text_queue", &[]);
        let with_cat = cat.hear("text_match_found").await;
        let first = if ann.unread().contains(&"text_match_found".to_owned()) {
            &mut ann
        } else {
            &mut bob
        };
        assert_eq!(first.hear("text_match_found").await["roomId"], with_cat["roomId"]);
        cat.emit("leave_text_room", &[]);
        cat.hear("text_room_ended").await;
        first.hear("text_room_ended").await;

        first.emit("join_text_queue", &[]);
        first.hear("text_queue_joined").await;
        stage.advance(Duration::from_secs(290));
        first.expect_none("text_match_found", Duration::from_millis(100)).await;
        stage.advance(Duration::from_secs(20));
        let room = ann.hear("text_match_found").await["roomId"].clone();
        assert_eq!(bob.hear("text_match_found").await["roomId"], room);
    })
    .await;
}

#[tokio::test]
async fn joining_while_in_a_room_tells_the_room_again_and_queues_nobody() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;

        two.ann.emit("join_text_queue", &[]);

        let told = two.ann.next().await;
        let expected = json!({ "roomId": two.room, "partnerId": two.bob_id });
        assert_eq!(told, ("text_match_found".to_owned(), vec![expected]));
        assert_eq!(stage.keys("queue:*"), [""; 0]);
        two.chats().await;
    })
    .await;
}

#[tokio::test]
async fn whoever_is_gone_from_the_page_or_the_net_is_gone_from_the_queue() {
    everywhere(async |stage| {
        for leaves in ["null", "video", "close"] {
            let mut ann = stage.guest(0).await;
            ann.emit("mode-presence-update", &[json!({ "mode": "text" })]);
            ann.emit("join_text_queue", &[]);
            ann.hear("text_queue_joined").await;
            match leaves {
                "close" => ann.close().await,
                mode => {
                    let mode = if mode == "null" { Value::Null } else { json!(mode) };
                    ann.emit("mode-presence-update", &[json!({ "mode": mode })]);
                    ann.dealt_with().await;
                }
            }
            eventually("the queue is empty", async || stage.keys("queue:*").is_empty()).await;
        }
        let mut bob = stage.guest(1).await;
        bob.emit("join_text_queue", &[]);
        assert_eq!(bob.hear("text_queue_joined").await["position"], json!(1));
    })
    .await;
}

#[tokio::test]
async fn where_no_partners_are_remembered_the_same_two_meet_again_and_again() {
    with(|s| s.queue.recent_partners = 0)
        .everywhere(async |stage| {
            let (mut ann, mut bob) = (stage.guest(0).await, stage.guest(1).await);
            for _ in 0..3 {
                let Pair { ann: a, bob: b, .. } = Pair::seat(ann, bob).await;
                (ann, bob) = (a, b);
                ann.emit("leave_text_room", &[]);
                ann.hear("text_room_ended").await;
                bob.hear("text_room_ended").await;
            }
            assert_eq!(stage.keys("recent:*"), [""; 0]);
        })
        .await;
}

#[tokio::test]
async fn an_entry_of_somebody_who_does_not_seek_leaves_the_queue_by_itself() {
    with(|s| s.queue.eligible_after = Duration::from_secs(3600))
        .everywhere(async |stage| {
            let mut ann = stage.guest(0).await;
            ann.emit("join_text_queue", &[]);
            ann.hear("text_queue_joined").await;
            // As if the place of somebody had been made sure of in the moment in which a partner was found.
            let (queue, seekers) = (&stage.keys("queue:*")[0], &stage.keys("seekers:*")[0]);
            stage.redis(&["ZADD", queue, "1", "user-gone"]);
            stage.redis(&["HSET", seekers, "user-gone", "0123456789abcdef|1|"]);

            stage.pass(Duration::from_secs(30)).await;

            eventually("the entry is gone", async || stage.redis(&["ZCARD", queue]) == ["1"]).await;
            assert_eq!(stage.redis(&["HLEN", seekers]), ["1"]);
            ann.emit("join_text_queue", &[]);
            assert_eq!(ann.hear("text_queue_joined").await["position"], json!(1));
        })
        .await;
}
