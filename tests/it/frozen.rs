//! A node stands still for longer than its lease (SIGSTOP) and comes back believing that it is alive.

use crate::harness::client::Via;
use crate::harness::client::person::Person;
use crate::harness::company::Company;
use crate::harness::eventually;
use crate::harness::history::Moment;
use crate::harness::pair::{Pair, relays, say};
use crate::harness::world::World;
use serde_json::json;
use std::time::Instant;

/// Freezes the first node until the second has taken over from it, then lets it go on.
async fn sleep_through_the_lease(world: &mut World) -> Instant {
    world.node(0).freeze();
    let second = world.node(1);
    eventually("the frozen node is given up", async || {
        second.metric("palaver_nodes_reaped_total").await > 0.0
    })
    .await;
    world.node(0).thaw();
    Instant::now()
}

#[tokio::test]
async fn a_node_that_slept_through_its_lease_begins_anew_and_its_people_go_on_where_they_were() {
    let mut world = World::quick().start().await;
    let nodes = [world.dial_node(0), world.dial_node(1)];
    let company = Company::of_pairs(5, |side| vec![nodes[side].clone()]).await;
    company.babble();
    company.go_on(5).await;

    let thawed = sleep_through_the_lease(&mut world).await;

    company.go_on(15).await;
    let pause = company.longest_silence_since(thawed);
    company.settle().await;
    company.assert_nobody_ended();
    assert_eq!(world.node(0).metric("palaver_leases_lost_total").await, 1.0);
    println!("measured: thawed, everybody heard again after {pause:?}");
}

#[tokio::test]
async fn people_who_left_a_sleeping_node_are_in_one_room_only_when_it_wakes() {
    let mut world = World::quick().start().await;
    let nodes = [world.dial_node(0), world.dial_node(1)];
    let company = Company::of_pairs(4, |side| vec![nodes[side].clone()]).await;
    let waiting = Person::new("waiting", vec![nodes[0].clone()]);
    waiting.seek();
    let queued = async || waiting.log().count(|m| *m == Moment::Queued) > 0;
    eventually("somebody waits", queued).await;
    company.babble();
    company.go_on(5).await;
    for person in company.people.iter().chain([&waiting]) {
        person.go_to(vec![nodes[1].clone()]);
    }

    world.node(0).freeze();
    // Their old connections stay open and unread, as those of a phone that changed its network.
    company.people.iter().step_by(2).for_each(Person::reconnect);
    waiting.reconnect();
    company.go_on(10).await;
    let second = world.node(1);
    eventually("the frozen node is given up", async || {
        second.metric("palaver_nodes_reaped_total").await > 0.0
    })
    .await;
    // One room ends and its people find others, while the node that knew them sleeps.
    company.people[0].hush();
    company.people[0].leave();
    let over = async || company.people[..2].iter().all(|p| p.log().room().is_none());
    eventually("a room ends", over).await;
    company.people[0].seek();
    eventually("a new pair is made", async || waiting.log().room().is_some()).await;
    company.people[0].babble();
    world.node(0).thaw();
    let lost = world.node(0);
    eventually("it wakes", async || {
        lost.metric("palaver_leases_lost_total").await > 0.0
    })
    .await;
    company.people[1].hush();

    let mut people = company.people;
    let alone = people.remove(1);
    people.push(waiting);
    let company = Company { people };
    company.babble();
    company.go_on(10).await;
    company.settle().await;
    assert_eq!(alone.log().endings(), ["partner_left"]);
}

#[tokio::test]
async fn who_missed_more_than_the_log_keeps_is_told_no_part_of_it_but_why() {
    let plan = World::quick()
        .set("PALAVER_CHAT__ROOM_LOG", "16")
        .set("PALAVER_CHAT__REPORT_LINES", "8");
    let mut world = plan.set("PALAVER_CHAT__RATE_LIMIT", "60").start().await;
    let [on_first, on_second] = [0, 1].map(|node| world.dial_node(node));
    let two = Pair::seat(
        on_second.clone().guest("ann").connect().await,
        on_first.guest("bob").connect().await,
    );
    let Pair { mut ann, mut bob, .. } = two.await;
    relays(&ann, &mut bob).await;

    world.node(0).freeze();
    for i in 0..48 {
        say(&ann, &i.to_string());
    }
    ann.dealt_with().await;
    let (shards, second) = (world.redis.kind().shards(), world.node(1));
    eventually("the frozen node is given up on every shard", async || {
        second.metric("palaver_nodes_reaped_total").await >= f64::from(shards)
    })
    .await;
    world.node(0).thaw();

    bob.ended().await;
    // What the node had read when it stood still comes first; nothing is left out between.
    let told = bob
        .unread()
        .iter()
        .filter(|name| *name == "text_message_received")
        .count();
    for i in 0..told {
        assert_eq!(bob.hear("text_message_received").await["content"], i.to_string());
    }
    let (pid, mark) = (bob.pid().to_owned(), bob.mark());
    let mut back = on_second.guest("bob").taking_up(&pid, mark.as_deref()).connect().await;
    assert_eq!(back.hear("recovery_failed").await, json!({ "reason": "trimmed" }));
    let state = back.hear("text_reconnected").await;
    assert_eq!(state["messages"].as_array().unwrap().last().unwrap()["content"], "47");
    relays(&ann, &mut back).await;
}

#[tokio::test]
async fn what_was_cut_out_of_the_inbox_of_a_sleeping_node_is_told_before_what_came_after_it() {
    // It wakes well before it looks after its lease: whatever it reads, it reads first.
    let plan = World::new()
        .talkative()
        .set("PALAVER_CHAT__RATE_WINDOW", "100ms")
        .set("PALAVER_LEASE__NODE_FOR", "30s")
        .set("PALAVER_LEASE__RENEW_EVERY", "5s")
        .set("PALAVER_LEASE__KEEPER_FOR", "10s")
        .set("PALAVER_REDIS__INBOX", "100");
    let mut world = plan.start().await;
    for via in [Via::WebSocket, Via::Polling] {
        let [on_first, on_second] = [0, 1].map(|node| world.dial_node(node));
        let ann = on_second.guest(&format!("ann by {via:?}")).connect().await;
        let bob = on_first.guest(&format!("bob by {via:?}")).via(via).connect().await;
        let Pair { mut ann, mut bob, .. } = Pair::seat(ann, bob).await;
        relays(&ann, &mut bob).await;
        let gaps = world.node(0).metric("palaver_inbox_gaps_total").await;
        let lines: Vec<_> = (0..140).map(|i| i.to_string()).collect();

        world.node(0).freeze();
        for line in &lines {
            let said = [json!({ "content": line })];
            // Until the limit lets it through. Each by itself: lines that are said at once can share an entry.
            while ann.emit_with_ack("send_text_message", &said).await[0]
                .get("messageId")
                .is_none()
            {}
        }
        world.node(0).thaw();

        for line in &lines {
            assert_eq!(
                bob.hear("text_message_received").await["content"],
                json!(line),
                "{via:?}"
            );
        }
        assert_eq!(world.node(0).metric("palaver_inbox_gaps_total").await, gaps + 1.0);
        relays(&ann, &mut bob).await;
    }
}
