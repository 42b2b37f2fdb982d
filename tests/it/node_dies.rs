//! A node dies with everything it held: others take over, and nothing of it is left (design 4, 8).

use crate::harness::client::Via;
use crate::harness::eventually;
use crate::harness::stage::{Pair, Plan, Shape, relays, say, with};
use serde_json::json;
use std::time::Duration;

const TWO_NODES: [Shape; 2] = [Shape { nodes: 2, shards: 1 }, Shape { nodes: 2, shards: 3 }];

/// The dead are found soon.
fn short_leases() -> Plan {
    with(|s| {
        s.lease.node_for = Duration::from_secs(1);
        s.lease.keeper_for = Duration::from_secs(1);
    })
}

#[tokio::test]
async fn people_of_a_dead_node_come_back_on_another_and_miss_nothing() {
    short_leases()
        .on(&TWO_NODES, async |stage| {
            let bob = stage.dial(1).guest("bob").connect().await;
            let Pair { mut ann, mut bob, .. } = Pair::seat(stage.guest(0).await, bob).await;
            relays(&ann, &mut bob).await;

            stage.kill(1);
            bob.drop_abruptly().await;
            say(&ann, "while you were away");
            ann.dealt_with().await;
            let mut bob = stage.dial(0).guest("bob").connect().await;

            let mut heard = String::new();
            while heard != "while you were away" {
                let line = bob.hear("text_message_received").await;
                line["content"].as_str().unwrap().clone_into(&mut heard);
            }
            relays(&bob, &mut ann).await;
            eventually("the dead node is forgotten", async || stage.living_nodes() == 1).await;
            relays(&ann, &mut bob).await;
            stage.pass(Duration::from_secs(60)).await;
            relays(&ann, &mut bob).await;
        })
        .await;
}

#[tokio::test]
async fn who_does_not_come_back_from_a_dead_node_loses_the_seat() {
    short_leases()
        .on(&TWO_NODES, async |stage| {
            let Pair { mut ann, bob, .. } = Pair::seat(stage.guest(0).await, stage.guest(1).await).await;
            stage.kill(1);
            eventually("the seat is held", async || stage.timers("hold|").len() == 1).await;
            stage.pass(Duration::from_secs(30)).await;
            assert_eq!(
                ann.hear("text_room_ended").await,
                json!({ "reason": "partner_disconnected" })
            );
            drop(bob);
        })
        .await;
}

#[tokio::test]
async fn a_seeker_of_a_dead_node_is_met_by_nobody() {
    short_leases()
        .on(&TWO_NODES, async |stage| {
            let mut gone = stage.guest(1).await;
            gone.emit("join_text_queue", &[]);
            gone.hear("text_queue_joined").await;
            stage.kill(1);
            eventually("the dead node is forgotten", async || stage.living_nodes() == 1).await;

            let mut two = Pair::seat(stage.guest(0).await, stage.guest(0).await).await;

            two.chats().await;
            stage.pass(Duration::from_secs(10)).await;
            eventually("the queue is empty", async || stage.keys("queue:*").is_empty()).await;
        })
        .await;
}

#[tokio::test]
async fn a_polling_session_outlives_the_node_that_owned_it() {
    short_leases()
        .on(&TWO_NODES, async |stage| {
            let opening = stage.dial(1).guest("bob").via(Via::Polling).connect().await;
            let Pair { mut ann, bob, .. } = Pair::seat(stage.guest(0).await, opening).await;
            let sid = bob.opening()["sid"].as_str().unwrap().to_owned();
            let at = format!("{}/socket.io/?EIO=4&transport=polling&sid={sid}", stage.url(0));
            stage.kill(1);
            eventually("the dead node is forgotten", async || stage.living_nodes() == 1).await;

            // The next request lands on the node that is left: it goes on with the session.
            let http = reqwest::Client::new();
            let line = r#"42["send_text_message",{"content":"still here"}]"#;
            let posted = http.post(&at).body(line).send().await.unwrap();
            assert_eq!(posted.status(), 200);
            assert_eq!(ann.hear("text_message_received").await["content"], json!("still here"));
            say(&ann, "good");
            let mut polled = String::new();
            while !polled.contains("good") {
                polled = http.get(&at).send().await.unwrap().text().await.unwrap();
            }
            assert_eq!(http.post(&at).body("1").send().await.unwrap().status(), 200);
        })
        .await;
}

#[tokio::test]
async fn a_new_node_serves_like_the_others() {
    short_leases()
        .on(&TWO_NODES, async |stage| {
            let ann = stage.guest(0).await;
            stage.kill(1);
            let new = stage.add_node().await;
            let mut two = Pair::seat(ann, stage.guest(new).await).await;
            two.chats().await;
        })
        .await;
}
