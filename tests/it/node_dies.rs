//! A node dies with everything it held: others take over, and nothing of it is left (design 4, 8).

use crate::harness::client::Client;
use crate::harness::pair::{Pair, relays, say, token};
use crate::harness::stage::{Plan, Shape, Stage, with};
use crate::harness::{PATIENCE, eventually};
use futures_util::{SinkExt, StreamExt};
use palaver::config::Settings;
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

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
        Self::open_with(node, "").await
    }

    /// With a token in the header of the first request.
    async fn open_with(node: &str, authorization: &str) -> Self {
        let http = reqwest::Client::new();
        let opened = http.get(format!("{node}/socket.io/?EIO=4&transport=polling"));
        let opened = opened.header("authorization", authorization).send();
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

    /// Polls until something came that has `wanted` in it; all that came, but for pings.
    async fn poll_until(&self, node: &str, wanted: &str) -> Vec<String> {
        let mut came = Vec::new();
        let polling = async {
            while !came.iter().any(|packet: &String| packet.contains(wanted)) {
                let polled = self.http.get(format!("{node}{}", self.rest)).send().await.unwrap();
                assert_eq!(polled.status(), 200, "{wanted}");
                let answer = polled.text().await.unwrap();
                for packet in answer.split('\u{1e}') {
                    match packet {
                        "2" => self.post(node, "3").await,
                        _ => came.push(packet.to_owned()),
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, polling).await.expect(wanted);
        came
    }

    /// A WebSocket that wants to replace polling.
    async fn probe(&self, node: &str) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
        let url = format!("{node}{}", self.rest)
            .replace("http:", "ws:")
            .replace("=polling", "=websocket");
        tokio_tungstenite::connect_async(url).await.unwrap().0
    }

    /// One that replaces it; what comes on it until something came that has `wanted` in it.
    async fn upgrade_until(&self, node: &str, wanted: &str) -> Vec<String> {
        let mut socket = self.probe(node).await;
        let mut came = Vec::new();
        let upgrading = async {
            socket.send(Message::text("5")).await.unwrap();
            while !came.iter().any(|packet: &String| packet.contains(wanted)) {
                match socket.next().await.unwrap().unwrap() {
                    Message::Text(packet) => came.push(packet.to_string()),
                    other => panic!("{other:?}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, upgrading).await.expect(wanted);
        socket.send(Message::text("1")).await.unwrap();
        came
    }

    /// Another node takes its session and does nothing more.
    fn is_taken_and_dropped(&self, stage: &Stage) {
        let record = &stage.keys(&format!("session:{}", self.sid()))[0];
        let owner = &stage.redis(&["HGET", record, "owner"])[0];
        stage.redis(&["HSET", record, "owner", "gone", "epoch", "2"]);
        let shard = record.split_inclusive("}:").next().unwrap();
        let taken = ["taken", self.sid(), "1"].join("\u{1f}");
        stage.redis(&["XADD", &format!("{shard}inbox:{owner}"), "*", "s", &taken]);
    }

    /// The id of its session.
    fn sid(&self) -> &str {
        self.rest.rsplit_once('=').unwrap().1
    }
}

/// What packets told of a room, in short.
fn told(packets: &[String]) -> Vec<String> {
    let event = |packet: &String| {
        let event: serde_json::Value = serde_json::from_str(packet.strip_prefix("42")?).unwrap();
        match event[0].as_str()? {
            "text_message_received" => Some(event[1]["content"].as_str()?.to_owned()),
            "mode-user-counts" => None,
            name => Some(name.to_owned()),
        }
    };
    packets.iter().filter_map(event).collect()
}

/// Two in a room: one who polls and says `connect`, on a node that will die, asking the one that stays; and a guest there.
/// And what the former has heard since.
async fn poller_and_guest(stage: &Stage, connect: &str) -> (Poller, Client, Vec<String>) {
    let (dies, stays) = (stage.url(1), stage.url(0));
    let bob = Poller::open(&dies).await;
    bob.post(&dies, connect).await;
    bob.poll_until(&stays, "40{").await;
    let mut ann = stage.guest(0).await;
    ann.emit("join_text_queue", &[]);
    bob.post(&stays, r#"42["join_text_queue"]"#).await;
    let heard = bob.poll_until(&stays, "text_match_found").await;
    ann.hear("text_match_found").await;
    (bob, ann, heard)
}

#[tokio::test]
async fn a_polling_session_outlives_the_node_that_owned_it() {
    short_leases()
        .on(&TWO_NODES, async |stage| {
            let stays = stage.url(0);
            let (bob, mut ann, _) = poller_and_guest(stage, "40").await;
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
async fn the_token_of_the_header_goes_with_a_session_whose_node_dies_before_it_was_used() {
    short_leases()
        .on(&TWO_NODES, async |stage| {
            let (dies, stays) = (stage.url(1), stage.url(0));
            let bob = Poller::open_with(&dies, &format!("Bearer {}", token("user-7"))).await;
            let record = format!("session:{}", bob.sid());
            let knows = |stage: &Stage| {
                let records = stage.keys(&record);
                let brought = records.iter().flat_map(|key| stage.redis(&["HGET", key, "n:"]));
                brought.filter(|value| value.ends_with(&token("user-7"))).count()
            };
            eventually("the record knows", async || knows(stage) == 1).await;

            stage.kill(1);
            eventually("the dead node is forgotten", async || stage.living_nodes() == 1).await;
            bob.post(&stays, "40").await;
            bob.poll_until(&stays, "40{").await;

            assert_eq!(stage.sockets_of("user-7"), 1);
            eventually("the token is kept no longer", async || knows(stage) == 0).await;
            bob.post(&stays, "1").await;
        })
        .await;
}

/// Whether the dead node has been buried before the session goes on.
#[derive(Clone, Copy, PartialEq)]
enum Burial {
    Before,
    After,
}

/// A polling client whose node dies hears all of it once: what it has heard already, what waits in the record of its
/// session, what its node was told and did not tell, and what is said later.
async fn goes_on_exactly(stage: &mut Stage, connect: &str, burial: Burial) {
    let stays = stage.url(0);
    let (bob, mut ann, mut heard) = poller_and_guest(stage, connect).await;
    say(&ann, "heard 1");
    say(&ann, "heard 2");
    heard.extend(bob.poll_until(&stays, "heard 2").await);
    say(&ann, "kept");
    let kept = async || {
        let out = stage.keys(&format!("out:{}", bob.sid()));
        let waits = out.iter().flat_map(|key| stage.redis(&["LRANGE", key, "0", "-1"]));
        waits.filter(|packet| packet.contains("kept")).count() == 1
    };
    eventually("a line waits for the next poll", kept).await;

    stage.kill(1);
    say(&ann, "missed 1");
    say(&ann, "missed 2");
    ann.dealt_with().await;
    match burial {
        Burial::Before => eventually("the dead node is forgotten", async || stage.living_nodes() == 1).await,
        Burial::After => heard.extend(bob.poll_until(&stays, "kept").await),
    }
    heard.extend(bob.poll_until(&stays, "missed 2").await);
    say(&ann, "new");
    heard.extend(bob.poll_until(&stays, "new").await);

    let mut heard = told(&heard);
    heard.retain(|what| what != "text_queue_joined");
    let all = [
        "text_match_found",
        "heard 1",
        "heard 2",
        "kept",
        "missed 1",
        "missed 2",
        "new",
    ];
    assert_eq!(heard, all, "{connect}");
    bob.post(&stays, "1").await;
    ann.emit("leave_text_room", &[]);
    ann.hear("text_room_ended").await;
}

#[tokio::test]
async fn whoever_polls_on_when_the_owner_has_died_is_told_what_was_missed_and_nothing_twice() {
    short_leases()
        .on(&TWO_NODES, async |stage| {
            for connect in ["40", r#"40{"recovery":false}"#] {
                for burial in [Burial::Before, Burial::After] {
                    goes_on_exactly(stage, connect, burial).await;
                    stage.replace(1).await;
                }
            }
        })
        .await;
}

#[tokio::test]
async fn what_is_posted_to_a_living_node_while_the_owner_is_dead_and_nobody_knows_is_done_once_and_in_order() {
    short_leases()
        .on(&TWO_NODES, async |stage| {
            let stays = stage.url(0);
            let (bob, mut ann, _) = poller_and_guest(stage, "40").await;
            let say = |number: usize| format!(r#"42{number}["send_text_message",{{"content":"line {number}"}}]"#);
            bob.post(&stays, &say(1)).await;
            bob.poll_until(&stays, "431[").await;

            stage.kill(1);
            bob.post(&stays, &say(2)).await;
            bob.post(&stays, &format!("{}\u{1e}{}", say(3), say(4))).await;
            let answers = bob.poll_until(&stays, "434[").await;
            bob.post(&stays, &say(5)).await;

            let acks = answers.iter().filter(|packet| packet.starts_with("43"));
            assert_eq!(acks.map(|ack| &ack[..4]).collect::<Vec<_>>(), ["432[", "433[", "434["]);
            for number in 1..=5 {
                let line = ann.hear("text_message_received").await;
                assert_eq!(line["content"], json!(format!("line {number}")));
            }
            bob.post(&stays, "1").await;
        })
        .await;
}

#[tokio::test]
async fn what_is_posted_while_the_owner_is_dead_and_nobody_knows_is_done_when_the_session_upgrades_before_that_is_known()
 {
    // The lease of the dead node goes on for as long as the upgrade takes.
    Plan::default()
        .on(&TWO_NODES, async |stage| {
            let stays = stage.url(0);
            let (bob, mut ann, _) = poller_and_guest(stage, "40").await;
            let say = |number: usize| format!(r#"42{number}["send_text_message",{{"content":"line {number}"}}]"#);

            stage.kill(1);
            bob.post(&stays, &say(1)).await;
            bob.post(&stays, &say(2)).await;
            let came = bob.upgrade_until(&stays, "432[").await;

            let acks = came.iter().filter(|packet| packet.starts_with("43"));
            assert_eq!(acks.map(|ack| &ack[..4]).collect::<Vec<_>>(), ["431[", "432["]);
            for number in 1..=2 {
                let line = ann.hear("text_message_received").await;
                assert_eq!(line["content"], json!(format!("line {number}")));
            }
        })
        .await;
}

#[tokio::test]
async fn a_polling_request_between_two_lives_of_its_node_waits_for_the_next_one() {
    let seldom = |s: &mut Settings| s.lease.renew_every = Duration::from_secs(1);
    with(seldom)
        .on(&[Shape { nodes: 1, shards: 1 }], async |stage| {
            let node = stage.url(0);
            let others_take_it_for_dead = async || {
                stage.redis(&["DEL", &stage.keys("nodes")[0]]);
            };
            let bob = Poller::open(&node).await;

            others_take_it_for_dead().await;
            bob.post(&node, "6").await;

            let attempt = bob.probe(&node).await;
            let polled = tokio::join!(bob.poll_until(&node, "6"), async {
                let record = &stage.keys(&format!("session:{}", bob.sid()))[0];
                eventually("the poll is about to give way", async || {
                    !stage.redis(&["HGET", record, "waiting"]).is_empty()
                })
                .await;
                others_take_it_for_dead().await;
            });
            assert_eq!(polled.0, ["6"]);
            drop(attempt);
            bob.post(&node, "1").await;
        })
        .await;
}

#[tokio::test]
async fn who_cannot_be_told_of_holds_up_nobody_else_whose_node_never_had_them() {
    let quick = |s: &mut Settings| {
        s.sockets.ping_interval = Duration::from_secs(2);
        s.sockets.ping_timeout = Duration::from_secs(2);
    };
    with(quick)
        .on(&[Shape { nodes: 1, shards: 1 }], async |stage| {
            let node = stage.url(0);
            let mut moved = Vec::new();
            for user in ["user-1", "user-2"] {
                let bob = Poller::open_with(&node, &format!("Bearer {}", token(user))).await;
                bob.post(&node, "40").await;
                bob.poll_until(&node, "40{").await;
                moved.push(bob);
            }
            let broken = &stage.keys("user:user-1")[0];
            let aside = format!("{broken}-aside");
            stage.redis(&["RENAME", broken, &aside]);
            stage.redis(&["SET", broken, "as an unreachable one"]);

            for bob in &moved {
                bob.is_taken_and_dropped(stage);
            }

            eventually("who can be told of is gone", async || stage.sockets_of("user-2") == 0).await;
            stage.redis(&["RENAME", &aside, broken]);
            eventually("nobody is here", async || stage.keys("users:*").is_empty()).await;
        })
        .await;
}

#[tokio::test]
async fn who_polled_leaves_nothing_behind_when_the_node_that_took_them_dies_before_it_has_them() {
    let quick = |s: &mut Settings| {
        s.sockets.ping_interval = Duration::from_secs(2);
        s.sockets.ping_timeout = Duration::from_secs(2);
    };
    with(quick)
        .on(&TWO_NODES, async |stage| {
            let node = stage.url(0);
            let bob = Poller::open(&node).await;
            bob.post(&node, "40").await;
            bob.poll_until(&node, "40{").await;
            bob.is_taken_and_dropped(stage);

            eventually("nobody is here", async || stage.keys("users:*").is_empty()).await;
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
