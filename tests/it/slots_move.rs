//! A shard's slot moves from one master of a cluster to another while people talk, as when a master is added.

use crate::harness::client::person::Person;
use crate::harness::company::Company;
use crate::harness::history::Moment;
use crate::harness::redis::{CLUSTER_SHARDS, Kind};
use crate::harness::world::{Plan, World};
use crate::harness::{PATIENCE, eventually, holds_within};
use std::time::{Duration, Instant};

fn plan() -> Plan {
    World::quick().redis(Kind::Cluster)
}

/// A key that is there as long as a shard is used.
fn key_of(shard: u8) -> String {
    format!("palaver:{{s{shard}}}:nodes")
}

fn shard_of_the_room_of(person: &Person) -> u8 {
    let room = person.room().expect("a room");
    // The id begins with the shard, in two digits.
    u8::from_str_radix(&room.trim_start_matches("text_room_")[..2], 16).unwrap()
}

async fn all_ready(world: &mut World) {
    for index in 0..2 {
        let node = world.node(index);
        eventually("the node is ready", async || node.is_ready().await).await;
    }
}

#[tokio::test]
async fn while_a_shard_is_on_its_way_its_rooms_wait_and_the_others_talk_on() {
    let mut world = plan().start().await;
    let company = Company::chatting(&world, 8).await;
    let shard = shard_of_the_room_of(&company.people[0]);
    let elsewhere = |person: &&Person| shard_of_the_room_of(person) != shard;
    let others: Vec<_> = company.people.iter().filter(elsewhere).collect();
    assert!(!others.is_empty(), "all rooms are on one shard");

    let began = Instant::now();
    let moving = world.redis.begin_to_move(&key_of(shard));
    world.redis.move_half_of_the_keys(&moving);
    let acked = |person: &Person| person.log().count(|m| matches!(m, Moment::Acked { .. }));
    let before: Vec<_> = others.iter().map(|person| acked(person)).collect();
    eventually("people on other shards talk on", async || {
        let mut each = others.iter().zip(&before);
        each.all(|(person, before)| acked(person) >= before + 20)
    })
    .await;
    let held = began.elapsed();
    world.redis.finish_to_move(moving);

    company.go_on(20).await;
    all_ready(&mut world).await;
    company.settle().await;
    company.assert_nobody_ended();
    let silences = company.silences_since(began);
    let (mut of_others, mut of_shard) = (Duration::ZERO, Duration::ZERO);
    for (person, silence) in company.people.iter().zip(silences) {
        let longest = if elsewhere(&person) {
            &mut of_others
        } else {
            &mut of_shard
        };
        *longest = silence.max(*longest);
    }
    println!(
        "measured: a slot moved, held halfway for {held:?}; longest silence on it {of_shard:?}, elsewhere {of_others:?}"
    );
    assert!(of_shard < held + Duration::from_secs(5), "{of_shard:?}");
    let reconnects = world.node(0).metric("palaver_redis_reconnects_total").await;
    assert!(reconnects < 10.0, "a connection for every try: {reconnects}");
}

#[tokio::test]
async fn every_shard_moves_to_another_master_under_chat_and_nothing_is_lost() {
    let mut world = plan().start().await;
    let company = Company::chatting(&world, 8).await;
    let lonely = Person::new("lonely", vec![world.dial_node(1)]);
    lonely.seek();
    eventually("somebody waits", async || {
        lonely.log().count(|m| *m == Moment::Queued) > 0
    })
    .await;
    let began = Instant::now();

    for shard in 0..CLUSTER_SHARDS {
        let moving = world.redis.begin_to_move(&key_of(shard));
        world.redis.finish_to_move(moving);
        company.go_on(5).await;
    }

    all_ready(&mut world).await;
    let newcomer = Person::new("newcomer", vec![world.dial_node(0)]);
    let found = async || {
        // A node that has just found out that the last shard moved may ask to try again.
        newcomer.seek();
        holds_within(Duration::from_secs(1), async || lonely.room().is_some()).await
    };
    assert!(holds_within(PATIENCE, found).await, "who waited is not found");
    company.go_on(20).await;
    company.settle().await;
    company.assert_nobody_ended();
    let silence = company.longest_silence_since(began);
    println!("measured: six slots moved one after the other; longest silence {silence:?}");
    assert!(silence < Duration::from_secs(5), "{silence:?}");
}
