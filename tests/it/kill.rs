//! `kill -9` of a node: no acknowledged line is lost, rooms go on, timers fire, pairs are made.

use crate::harness::client::Via;
use crate::harness::client::person::Person;
use crate::harness::company::Company;
use crate::harness::eventually;
use crate::harness::history::Moment;
use crate::harness::world::World;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_killed_node_loses_no_acknowledged_line_and_rooms_go_on_elsewhere() {
    let mut world = World::quick().start().await;
    let balancer = world.dial();
    let nodes = [world.dial_node(0), world.dial_node(1)];
    let company = Company::of_pairs(6, |side| vec![nodes[side].clone()]).await;
    company.babble();
    company.go_on(10).await;
    for person in &company.people {
        person.go_to(vec![balancer.clone()]);
    }

    world.node(0).kill9();
    let killed = Instant::now();

    company.go_on(60).await;
    company.settle().await;
    company.assert_nobody_ended();
    println!(
        "longest silence after kill -9: {:?}",
        company.longest_silence_since(killed)
    );
}

#[tokio::test]
async fn whoever_polls_comes_back_to_another_node_and_is_given_what_was_missed() {
    let mut world = World::quick().start().await;
    let balancer = world.dial();
    let nodes = [world.dial_node(0), world.dial_node(1)];
    let company = Company::of_pairs(3, |side| vec![nodes[side].clone().via(Via::Polling)]).await;
    company.babble();
    company.go_on(5).await;
    for person in &company.people {
        person.go_to(vec![balancer.clone().via(Via::Polling)]);
    }

    world.node(0).kill9();
    let killed = Instant::now();

    company.go_on(20).await;
    company.settle().await;
    company.assert_nobody_ended();
    println!(
        "longest silence of those who poll: {:?}",
        company.longest_silence_since(killed)
    );
}

#[tokio::test]
async fn the_keeper_killed_timers_fire_once_and_pairing_goes_on_within_a_lease() {
    let mut world = World::quick()
        .set("PALAVER_CHAT__SEAT_HOLD", "3s")
        .set("PALAVER_CHAT__TYPING_FADE", "2s")
        .start()
        .await;
    // The first node keeps the only shard; everybody is on the second.
    let second = world.dial_node(1);
    let dial = || vec![second.clone()];
    let company = Company::of_pairs(2, |_| dial()).await;
    let mut typist = second.clone().user("typist").connect().await;
    let mut reader = second.clone().user("reader").connect().await;
    typist.emit("join_text_queue", &[]);
    reader.emit("join_text_queue", &[]);
    typist.expect("text_match_found").await;
    reader.expect("text_match_found").await;
    // Taken before what it is of: no timer may fire before its time.
    let typed = Instant::now();
    typist.emit("text_typing_start", &[]);
    reader.expect("text_partner_typing").await;
    // Somebody goes for good: the partner's room ends when the window is over.
    let mut people = company.people;
    let gone = Instant::now();
    drop(people.remove(0));

    world.node(0).kill9();
    let killed = Instant::now();
    let late = [Person::new("late-1", dial()), Person::new("late-2", dial())];
    late.iter().for_each(Person::seek);

    eventually("late comers are paired", async || {
        late.iter().all(|p| p.log().room().is_some())
    })
    .await;
    let paired = killed.elapsed();
    reader.expect("text_partner_stopped_typing").await;
    let faded = typed.elapsed();
    let left = &people[0];
    eventually("the window closes", async || !left.log().endings().is_empty()).await;
    let closed = gone.elapsed();
    println!("after the keeper's death: paired in {paired:?}, typing faded at {faded:?}, window closed at {closed:?}");
    assert_eq!(left.log().endings(), ["partner_disconnected"]);
    assert!(
        closed >= Duration::from_secs(3) && closed < Duration::from_secs(6),
        "{closed:?}"
    );
    assert!(paired < Duration::from_secs(4), "{paired:?}");
    assert!(
        faded >= Duration::from_secs(2) && faded < Duration::from_secs(5),
        "{faded:?}"
    );
    // A second firing would come with the claims of the dead keeper, which are over after a second.
    reader
        .expect_none("text_partner_stopped_typing", Duration::from_millis(1200))
        .await;
    assert_eq!(left.log().endings().len(), 1);
}

#[tokio::test]
async fn a_node_killed_in_the_middle_of_pairing_leaves_everybody_paired_or_waiting_and_nobody_twice() {
    const SEEKERS: usize = 200;
    let mut world = World::quick()
        .nodes(3)
        .set("PALAVER_QUEUE__ELIGIBLE_AFTER", "300ms")
        .start()
        .await;
    let dials = [world.dial_node(1), world.dial_node(2), world.dial_node(0)];
    let mut people = Vec::new();
    for i in 0..SEEKERS {
        // A quarter is on the node that will die, and comes back to another.
        let at = if i % 4 == 0 { 2 } else { i % 2 };
        people.push(Person::new(&format!("seeker-{i}"), vec![dials[at].clone()]));
    }
    eventually("all are connected", async || people.iter().all(Person::is_connected)).await;
    for (i, person) in people.iter().enumerate() {
        person.seek();
        person.go_to(vec![dials[i % 2].clone()]);
    }
    eventually("the first pairs are made", async || {
        people.iter().filter(|p| p.log().room().is_some()).count() >= 10
    })
    .await;

    world.node(0).kill9();

    let company = Company { people };
    eventually("everybody is paired", async || {
        let alone = company.people.iter().filter(|p| p.log().room().is_none()).count();
        // Odd ones out may wait for each other's recent partners; nobody may be forgotten.
        alone == 0
    })
    .await;
    company.babble();
    company.go_on(2).await;
    company.settle().await;
    let matched = |log: &crate::harness::history::Log| log.count(|m| matches!(m, Moment::Matched { .. }));
    assert!(company.logs().iter().all(|log| matched(log) >= 1));
    company.assert_nobody_ended();
}
