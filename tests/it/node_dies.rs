//! A node dies with everything it held: others take over, and nothing of it is left (design 4, 8).

use crate::harness::stage::{Pair, Plan, Shape, relays, say, with};
use crate::harness::{PATIENCE, eventually};
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

/// A polling client by hand, each of whose requests goes where the test wants.
struct Poller {
    http: reqwest::Client,
    rest: String,
}

impl Poller {
    async fn open(node: &str) -> Self {
        let http = reqwest::Client::new();
        let opened = http.get(format!("{node}/socket.io/?EIO=4&transport=polling")).send();
        let opening = opened.await.unwrap().text().await.unwrap();
        let opening: serde_json::Value = serde_json::from_str(&opening[1..]).unwrap();
        let rest = format!(
            "/socket.io/?EIO=4&transport=polling&sid={}",
            opening["sid"].as_str().unwrap()
        );
        Self { http, rest }
    }

    async fn post(&self, node: &str, packet: &str) {
        let posted = self
            .http
            .post(format!("{node}{}", self.rest))
            .body(packet.to_owned())
            .send();
        assert_eq!(posted.await.unwrap().status(), 200, "{packet}");
    }

    async fn poll_until(&self, node: &str, wanted: &str) {
        let polling = async {
            loop {
                let polled = self.http.get(format!("{node}{}", self.rest)).send().await.unwrap();
                assert_eq!(polled.status(), 200, "{wanted}");
                if polled.text().await.unwrap().contains(wanted) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, polling).await.expect(wanted);
    }
}

#[tokio::test]
async fn a_polling_session_outlives_the_node_that_owned_it() {
    short_leases()
        .on(&TWO_NODES, async |stage| {
            let (dies, stays) = (stage.url(1), stage.url(0));
            let bob = Poller::open(&dies).await;
            bob.post(&dies, "40").await;
            bob.poll_until(&stays, "40{").await;
            let mut ann = stage.guest(0).await;
            ann.emit("join_text_queue", &[]);
            bob.post(&stays, r#"42["join_text_queue"]"#).await;
            bob.poll_until(&stays, "text_match_found").await;
            ann.hear("text_match_found").await;
            stage.kill(1);
            eventually("the dead node is forgotten", async || stage.living_nodes() == 1).await;

            // The next request makes the node it lands on go on with the session.
            bob.post(&stays, r#"42["send_text_message",{"content":"still here"}]"#)
                .await;

            assert_eq!(ann.hear("text_message_received").await["content"], json!("still here"));
            say(&ann, "good");
            bob.poll_until(&stays, "good").await;
            bob.post(&stays, "1").await;
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
