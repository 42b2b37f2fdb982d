//! Counts over shards, arrivals per minute, and what is published of them.

use super::MINUTES;
use crate::coord::inbox::Incoming;
use crate::coord::testing::{self, TestNode, World, socket, user};
use crate::domain::presence::{Counts, Mode};
use crate::ids::Shard;
use std::time::Duration;

async fn come(node: &TestNode, who: &str) {
    node.coord.attach(&user(who), &socket(who), 5, None).await.unwrap();
}

#[tokio::test]
async fn counts_are_summed_over_shards_and_arrivals_told_per_minute() {
    let world = World::new(3).await;
    let node = world.node().await;
    for i in 0..10 {
        come(&node, &format!("u{i}")).await;
    }
    world.clock.advance(Duration::from_secs(60));
    come(&node, "late").await;
    node.coord.set_mode(&user("late"), Some(Mode::Audio)).await.unwrap();

    let (counts, arrivals) = node.coord.count().await.unwrap();

    let expected = Counts {
        online: 11,
        audio: 1,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
    assert_eq!(arrivals.len() as u64, MINUTES);
    assert_eq!(arrivals[28..], [(16_666_666, 10), (16_666_667, 1)]);
    assert!(arrivals[..28].iter().all(|(_, n)| *n == 0));
}

#[tokio::test]
async fn counts_are_published_when_they_have_changed_and_only_then() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    let shard = Shard(0);
    node.coord.publish(shard).await.unwrap();
    assert_eq!(world.dump().await.len(), 0, "nobody has come yet");
    come(&node, "a").await;

    node.coord.publish(shard).await.unwrap();
    node.coord.publish(shard).await.unwrap();

    let dump = world.dump().await;
    assert_eq!(
        (dump["topic"].as_str(), dump["counts"].as_str()),
        ("c=counts|1|0|0|0", "online=1")
    );
    let (_, incoming) = testing::read(&mut node.inboxes[0], Duration::from_millis(1))
        .await
        .unwrap();
    assert!(matches!(&incoming[..], [Incoming::Counts(s, c)] if *s == shard && c.online == 1));
}

#[tokio::test]
async fn the_topic_keeps_only_the_newest() {
    let world = World::new(1).await;
    let node = world.node().await;
    for i in 0..20 {
        come(&node, &format!("u{i}")).await;
        node.coord.publish(Shard(0)).await.unwrap();
    }

    let topic = world.dump().await["topic"].clone();

    assert_eq!(topic.split(" / ").count(), super::TOPIC_KEEPS);
    assert!(topic.ends_with("c=counts|20|0|0|0"));
}
