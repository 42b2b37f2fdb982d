//! The inbox as its reader sees it: nothing lost, nothing twice, what was not given out stays.

use super::{InboxReader, Incoming};
use crate::coord::testing::{self, TestNode, World};
use crate::domain::presence::Counts;
use crate::ids::Shard;
use std::time::Duration;

const S: Shard = Shard(0);

async fn tell(world: &World, node: &TestNode, from: u32, to: u32) {
    let key = node.coord.keys().inbox(S, &node.id);
    for i in from..to {
        world
            .raw(&["XADD", &key, "*", "s", &i.to_string(), "s", &format!("{i}b")])
            .await;
    }
}

async fn read(reader: &mut InboxReader) -> Vec<String> {
    let (_, incoming) = testing::read(reader, Duration::from_millis(1)).await.unwrap();
    let signal = |i: Incoming| match i {
        Incoming::Signal(text) => text,
        other => panic!("{other:?}"),
    };
    incoming.into_iter().map(signal).collect()
}

/// The reader must be waiting already, else what comes proves nothing.
async fn is_waiting(world: &World) {
    while !format!("{:?}", world.raw(&["INFO", "clients"]).await).contains("blocked_clients:1") {}
}

fn signals(from: u32, to: u32) -> Vec<String> {
    (from..to).flat_map(|i| [i.to_string(), format!("{i}b")]).collect()
}

async fn standing(world: &World) -> String {
    world.dump().await.remove("inbox:N1").unwrap_or_default()
}

#[tokio::test]
async fn what_was_given_out_leaves_when_it_gets_quiet_and_what_was_not_stays() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    tell(&world, &node, 0, 2).await;

    assert_eq!(read(&mut node.inboxes[0]).await, signals(0, 2));
    tell(&world, &node, 2, 3).await;
    assert_eq!(standing(&world).await, "s=0 s=0b / s=1 s=1b / s=2 s=2b");
    assert_eq!(read(&mut node.inboxes[0]).await, signals(2, 3));
    assert_eq!(read(&mut node.inboxes[0]).await, signals(0, 0));
    tell(&world, &node, 3, 4).await;
    assert_eq!(read(&mut node.inboxes[0]).await, signals(3, 4));

    assert_eq!(standing(&world).await, "s=3 s=3b");
}

#[tokio::test]
async fn while_more_comes_a_few_that_were_given_out_may_stay() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    tell(&world, &node, 0, 64).await;
    read(&mut node.inboxes[0]).await;
    tell(&world, &node, 64, 66).await;

    read(&mut node.inboxes[0]).await;

    assert_eq!(standing(&world).await, "s=64 s=64b / s=65 s=65b");
}

#[tokio::test]
async fn who_needs_to_know_exactly_what_was_not_given_out_has_the_rest_trimmed() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    tell(&world, &node, 0, 2).await;
    read(&mut node.inboxes[0]).await;
    tell(&world, &node, 2, 3).await;

    node.coord.trim_inboxes().await.unwrap();
    node.coord.trim_inboxes().await.unwrap();

    assert_eq!(standing(&world).await, "s=2 s=2b");
    assert_eq!(read(&mut node.inboxes[0]).await, signals(2, 3));
}

#[tokio::test]
async fn more_than_a_batch_comes_in_several_reads_in_order() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    tell(&world, &node, 0, 600).await;

    let mut read_all = Vec::new();
    for _ in 0..3 {
        let batch = read(&mut node.inboxes[0]).await;
        assert!(batch.len() <= 2 * 256);
        read_all.extend(batch);
    }

    assert_eq!(read_all, signals(0, 600));
}

#[tokio::test]
async fn of_an_inbox_that_was_cut_nothing_is_given_out_until_the_next_life() {
    let mut world = World::new(1).await;
    world.inbox_cap = 3;
    let mut node = world.node().await;
    let (coord, keys) = (node.coord.clone(), node.coord.keys().clone());
    tell(&world, &node, 0, 3).await;
    assert_eq!(
        read(&mut node.inboxes[0]).await,
        signals(0, 3),
        "as many as are kept are whole"
    );

    // As a script does that finds the inbox too long.
    tell(&world, &node, 4, 7).await;
    world.raw(&["SADD", &keys.gaps(S), node.id.as_str()]).await;
    assert_eq!(read(&mut node.inboxes[0]).await, signals(0, 0));
    let waiting = testing::read(&mut node.inboxes[0], Duration::from_secs(20));
    let next_life = async { coord.identity().renew() };
    let (of_before, next) = futures_util::future::join(waiting, next_life).await;

    assert!(of_before.unwrap().1.is_empty());
    world.raw(&["XADD", &keys.inbox(S, &next), "*", "s", "x"]).await;
    assert_eq!(read(&mut node.inboxes[0]).await, ["x"]);
}

#[tokio::test]
async fn nothing_is_lost_when_the_connection_breaks() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    let mut read_all = Vec::new();

    for round in 0..5 {
        tell(&world, &node, round * 10, round * 10 + 10).await;
        world.raw(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
        while read_all.len() < (round as usize + 1) * 20 {
            // A read that failed is repeated: it moved nothing.
            if let Ok((_, incoming)) = testing::read(&mut node.inboxes[0], Duration::from_millis(50)).await {
                read_all.extend(incoming.into_iter().map(|i| format!("{i:?}")));
            }
        }
    }

    let expected: Vec<_> = signals(0, 50).iter().map(|s| format!("Signal({s:?})")).collect();
    assert_eq!(read_all, expected);
}

#[tokio::test]
async fn a_reader_that_waits_is_woken_by_the_next_notice() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    let key = node.coord.keys().inbox(S, &node.id);

    let waiting = testing::read(&mut node.inboxes[0], Duration::from_secs(20));
    let telling = async {
        is_waiting(&world).await;
        world.raw(&["XADD", &key, "*", "s", "x"]).await;
    };
    let (read, ()) = futures_util::future::join(waiting, telling).await;

    assert!(matches!(&read.unwrap().1[..], [Incoming::Signal(x)] if x == "x"));
}

#[tokio::test]
async fn what_a_reader_waited_for_in_a_life_that_is_over_is_not_given_out() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    let (coord, keys) = (node.coord.clone(), node.coord.keys().clone());
    let add = async |inbox: String| world.raw(&["XADD", &inbox, "*", "s", "x"]).await;

    let waiting = testing::read(&mut node.inboxes[0], Duration::from_secs(20));
    let next_life = async {
        is_waiting(&world).await;
        let next = coord.identity().renew();
        add(keys.inbox(S, &next)).await;
        add(keys.inbox(S, &node.id)).await;
    };
    let (of_before, ()) = futures_util::future::join(waiting, next_life).await;

    assert!(of_before.unwrap().1.is_empty());
    assert_eq!(read(&mut node.inboxes[0]).await, ["x"]);
}

#[tokio::test]
async fn an_unreadable_notice_is_dropped_and_the_rest_goes_on() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    let key = node.coord.keys().inbox(S, &node.id);
    world
        .raw(&["XADD", &key, "*", "n", "of another release", "s", "fine"])
        .await;

    assert_eq!(read(&mut node.inboxes[0]).await, ["fine"]);
}

#[tokio::test]
async fn the_age_of_what_came_is_that_of_its_first_entry() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    let key = node.coord.keys().inbox(S, &node.id);
    world.raw(&["XADD", &key, "5-0", "s", "x"]).await;
    world.raw(&["XADD", &key, "9-0", "s", "y"]).await;

    let (first, _) = testing::read(&mut node.inboxes[0], Duration::from_millis(1))
        .await
        .unwrap();
    let (none, _) = testing::read(&mut node.inboxes[0], Duration::from_millis(1))
        .await
        .unwrap();

    assert_eq!((first.map(|m| m.0), none), (Some(5), None));
}

#[tokio::test]
async fn counts_of_the_topic_reach_every_node() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let topic = one.coord.keys().topic(S);
    world
        .raw(&["XADD", &topic, "*", "c", "counts\u{1f}4\u{1f}1\u{1f}2\u{1f}3"])
        .await;
    let expected = Counts {
        online: 4,
        text: 1,
        audio: 2,
        video: 3,
    };

    for node in [&mut one, &mut two] {
        let (age, incoming) = testing::read(&mut node.inboxes[0], Duration::from_millis(1))
            .await
            .unwrap();

        assert!(matches!(&incoming[..], [Incoming::Counts(S, counts)] if *counts == expected));
        assert_eq!(age, None, "the age is that of notices");
    }
}
