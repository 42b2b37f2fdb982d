//! How rooms end, and what everybody is told of it (contract 2.5, 3.3, 3.7, 5.1).

use crate::harness::client::Client;
use crate::harness::eventually;
use crate::harness::pair::{Pair, pair, relays, say, shown};
use crate::harness::stage::{everywhere, with};
use serde_json::{Value, json};
use sqlx::{Connection, Row};
use std::collections::HashMap;
use std::time::Duration;

#[tokio::test]
async fn who_leaves_and_who_is_left_are_told_so() {
    everywhere(async |stage| {
        for leaver_sends in [vec![], vec![json!({ "roomId": "text_room_of_the_past" })]] {
            let mut two = pair(stage).await;

            two.ann.emit("leave_text_room", &leaver_sends);

            assert_eq!(two.ann.hear("text_room_ended").await, json!({ "reason": "user_left" }));
            assert_eq!(
                two.bob.hear("text_room_ended").await,
                json!({ "reason": "partner_left" })
            );
            for client in [&mut two.ann, &mut two.bob] {
                say(client, "too late");
                assert_eq!(
                    client.hear("text_chat_error").await["message"],
                    json!("No active text chat room")
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn leaving_without_a_room_is_silent() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        let mut cat = stage.guest(1).await;
        cat.emit("leave_text_room", &[]);
        cat.emit("leave_text_room", &[json!({ "roomId": two.room })]);
        cat.dealt_with().await;
        assert_eq!(cat.unread(), ["mode-user-counts"]);
        two.chats().await;

        two.ann.emit("leave_text_room", &[]);
        two.ann.hear("text_room_ended").await;
        two.ann.emit("leave_text_room", &[]);
        two.ann.dealt_with().await;
        assert!(!two.ann.unread().contains(&"text_room_ended".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_quiet_room_ends_after_thirty_minutes_and_a_line_postpones_that() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        for _ in 0..2 {
            stage.pass(Duration::from_secs(29 * 60)).await;
            relays(&two.ann, &mut two.bob).await;
        }

        stage.pass(Duration::from_secs(30 * 60)).await;

        for client in [&mut two.ann, &mut two.bob] {
            assert_eq!(
                client.next().await,
                ("text_room_ended".to_owned(), vec![json!({ "reason": "timeout" })])
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_room_ends_thirty_seconds_after_one_is_lost_and_not_before() {
    everywhere(async |stage| {
        let Pair { mut ann, bob, .. } = pair(stage).await;
        bob.drop_abruptly().await;
        eventually("the seat is held", async || stage.timers("hold|").len() == 1).await;

        stage.pass(Duration::from_secs(28)).await;
        ann.dealt_with().await;
        assert!(!ann.unread().contains(&"text_room_ended".to_owned()));

        stage.pass(Duration::from_secs(2)).await;
        let expected = vec![json!({ "reason": "partner_disconnected" })];
        assert_eq!(ann.next().await, ("text_room_ended".to_owned(), expected));
    })
    .await;
}

#[tokio::test]
async fn a_goodbye_of_the_socket_holds_the_seat_as_well() {
    everywhere(async |stage| {
        let Pair { mut ann, bob, .. } = pair(stage).await;
        bob.close().await;
        eventually("the seat is held", async || stage.timers("hold|").len() == 1).await;

        stage.pass(Duration::from_secs(30)).await;

        assert_eq!(
            ann.hear("text_room_ended").await,
            json!({ "reason": "partner_disconnected" })
        );
    })
    .await;
}

#[tokio::test]
async fn the_room_is_held_only_when_the_last_tab_goes() {
    everywhere(async |stage| {
        let mut tabs = vec![
            stage.dial(1).guest("bob").connect().await,
            stage.dial(0).guest("bob").connect().await,
            stage.dial(1).guest("bob").connect().await,
        ];
        let Pair { mut ann, bob, .. } = Pair::seat(stage.guest(0).await, tabs.remove(0)).await;

        bob.drop_abruptly().await;
        tabs.remove(0).close().await;
        eventually("two are gone", async || stage.sockets_of("guest-0000000000626f62") == 1).await;
        stage.pass(Duration::from_secs(60)).await;
        relays(&ann, &mut tabs[0]).await;
        assert_eq!(stage.timers("hold|"), [""; 0]);

        drop(tabs);
        eventually("the seat is held", async || stage.timers("hold|").len() == 1).await;
        stage.pass(Duration::from_secs(30)).await;
        assert_eq!(
            ann.hear("text_room_ended").await,
            json!({ "reason": "partner_disconnected" })
        );
    })
    .await;
}

/// The name of the next event that says where somebody is, and its room if it has one.
async fn next_turn(client: &mut Client) -> (String, Value) {
    loop {
        let (name, mut args) = client.next().await;
        if name != "text_queue_joined" {
            return (name, args.pop().unwrap_or_default()["roomId"].take());
        }
    }
}

#[tokio::test]
async fn the_end_of_a_room_is_always_heard_before_the_next_match() {
    with(|s| s.queue.recent_partners = 0)
        .everywhere(async |stage| {
            let mut clients = Vec::new();
            for i in 0..4 {
                let client = stage.guest(i).await;
                client.emit("join_text_queue", &[]);
                clients.push(client);
            }
            for round in 0..50 {
                let mut rooms: HashMap<String, Vec<usize>> = HashMap::new();
                for (i, client) in clients.iter_mut().enumerate() {
                    let (name, room) = next_turn(client).await;
                    assert_eq!(name, "text_match_found", "round {round}");
                    rooms.entry(room.as_str().unwrap().to_owned()).or_default().push(i);
                }
                assert!(rooms.values().all(|people| people.len() == 2), "{rooms:?}");
                // One goes on without waiting for anything, the other when told.
                for people in rooms.values() {
                    let hasty = people[round % 2];
                    clients[hasty].emit("leave_text_room", &[]);
                    clients[hasty].emit("join_text_queue", &[]);
                }
                for people in rooms.values() {
                    for &i in people {
                        assert_eq!(next_turn(&mut clients[i]).await.0, "text_room_ended", "round {round}");
                        if i != people[round % 2] {
                            clients[i].emit("join_text_queue", &[]);
                        }
                    }
                }
            }
        })
        .await;
}

#[tokio::test]
async fn both_leaving_at_once_end_one_room_once() {
    everywhere(async |stage| {
        for _ in 0..5 {
            let mut two = pair(stage).await;
            two.ann.emit("leave_text_room", &[]);
            two.bob.emit("leave_text_room", &[]);

            let reasons = [
                two.ann.hear("text_room_ended").await["reason"].clone(),
                two.bob.hear("text_room_ended").await["reason"].clone(),
            ];

            assert!(
                reasons == [json!("user_left"), json!("partner_left")]
                    || reasons == [json!("partner_left"), json!("user_left")],
                "{reasons:?}"
            );
            for client in [&mut two.ann, &mut two.bob] {
                client.dealt_with().await;
                assert!(!client.unread().contains(&"text_room_ended".to_owned()));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn that_two_talked_is_kept_but_not_what_they_said() {
    with(|_| ())
        .database()
        .everywhere(async |stage| {
            let mut two = pair(stage).await;
            relays(&two.ann, &mut two.bob).await;
            relays(&two.bob, &mut two.ann).await;
            two.bob.emit("leave_text_room", &[]);
            two.ann.hear("text_room_ended").await;

            let mut db = sqlx::PgConnection::connect(stage.postgres_url()).await.unwrap();
            let find = "select kind, end_reason, ended_by, messages, people, ended_at >= opened_at as in_order \
                        from conversations where room = $1::uuid";
            let room = two.room.trim_start_matches("text_room_");
            let mut row = None;
            eventually("the conversation is stored", async || {
                row = sqlx::query(find).bind(room).fetch_optional(&mut db).await.unwrap();
                row.is_some()
            })
            .await;

            let row = row.unwrap();
            let word = |column: &str| row.get::<String, _>(column);
            assert_eq!(
                (word("kind"), word("end_reason"), shown(&word("ended_by"))),
                ("text".into(), "left".into(), two.bob_id.clone())
            );
            assert_eq!(row.get::<i32, _>("messages"), 2);
            let mut people: Vec<_> = row.get::<Vec<String>, _>("people").iter().map(|id| shown(id)).collect();
            people.sort();
            assert_eq!(people, [two.ann_id, two.bob_id]);
            assert!(row.get::<bool, _>("in_order"));
        })
        .await;
}
