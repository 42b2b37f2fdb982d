//! Two strangers find each other and talk, across real nodes, whatever happens to the machines in between.

use crate::harness::browser::Browser;
use crate::harness::client::{Client, Via};
use crate::harness::world::World;
use serde_json::json;

/// Both seek; the room they meet in.
async fn meet(one: &mut Client, other: &mut Client) -> String {
    one.emit("join_text_queue", &[]);
    one.expect("text_queue_joined").await;
    other.emit("join_text_queue", &[]);
    let (mine, theirs) = tokio::join!(one.expect("text_match_found"), other.expect("text_match_found"));
    assert_eq!(mine[0]["roomId"], theirs[0]["roomId"]);
    mine[0]["roomId"].as_str().unwrap().to_owned()
}

/// One line from one to the other.
async fn tell(one: &Client, other: &mut Client, words: &str) {
    one.emit("send_text_message", &[json!({ "content": words })]);
    assert_eq!(other.expect("text_message_received").await[0]["content"], words);
}

#[tokio::test]
async fn strangers_on_one_node_talk() {
    let world = World::new().nodes(1).start().await;
    talk_and_leave(world, 0, 0).await;
}

#[tokio::test]
async fn strangers_on_two_nodes_talk() {
    let world = World::new().nodes(2).start().await;
    talk_and_leave(world, 0, 1).await;
}

#[tokio::test]
async fn strangers_whose_keys_are_spread_over_three_shards_talk() {
    let world = World::new().nodes(2).set("PALAVER_REDIS__SHARDS", 3).start().await;
    talk_and_leave(world, 0, 1).await;
}

/// The whole of a plain conversation, one stranger on each of two nodes.
async fn talk_and_leave(world: World, here: usize, there: usize) {
    let mut one = world.dial_node(here).guest("one").connect().await;
    let mut other = world.dial_node(there).guest("other").connect().await;
    meet(&mut one, &mut other).await;

    tell(&one, &mut other, "hello").await;
    tell(&other, &mut one, "hello yourself").await;

    one.emit("leave_text_room", &[]);
    assert_eq!(other.expect("text_room_ended").await[0]["reason"], "partner_left");
    one.close().await;
    other.drop_abruptly().await;
    world.ends_empty().await;
}

#[tokio::test]
async fn strangers_talk_through_the_balancer_over_every_transport() {
    let world = World::new().nodes(2).start().await;
    for via in [Via::WebSocket, Via::Polling, Via::Upgrade] {
        let mut one = world.dial().via(via).guest(&format!("one {via:?}")).connect().await;
        let mut other = world.dial().via(via).guest(&format!("other {via:?}")).connect().await;
        meet(&mut one, &mut other).await;
        tell(&one, &mut other, "hello").await;
        tell(&other, &mut one, "hello yourself").await;
        one.close().await;
        other.close().await;
    }
}

#[tokio::test]
async fn strangers_go_on_when_redis_was_unreachable_for_a_moment() {
    let world = World::new().nodes(2).start().await;
    let mut one = world.dial_node(0).guest("one").connect().await;
    let mut other = world.dial_node(1).guest("other").connect().await;
    meet(&mut one, &mut other).await;

    world.line.hiccup().await;

    tell(&one, &mut other, "hello").await;
    tell(&other, &mut one, "hello yourself").await;
}

#[tokio::test]
async fn a_browser_and_another_on_another_node_talk() {
    let mut world = World::new().nodes(2).start().await;
    let browser = Browser::start().await;
    let one = browser.open(&world.node(0).url()).await;
    let other = browser.open(&world.node(1).url()).await;
    for window in [&one, &other] {
        window.wait_for("body[data-link=online]").await;
        window.click("#start").await;
    }
    for window in [&one, &other] {
        window.wait_for("body[data-state=chatting]").await;
    }

    one.type_into("#composer", "hello from a browser\u{E007}").await;
    other.wait_for_text("#messages", "hello from a browser").await;
    other.type_into("#composer", "and back\u{E007}").await;
    one.wait_for_text("#messages", "and back").await;

    one.click("#leave").await;
    other.wait_for("#ended").await;
}

#[tokio::test]
async fn a_killed_node_ends_no_conversation_and_loses_no_line() {
    let mut world = World::new().nodes(2).start().await;
    let mut one = world.dial_node(0).guest("one").connect().await;
    let mut other = world.dial_node(1).guest("other").connect().await;
    let room = meet(&mut one, &mut other).await;
    tell(&one, &mut other, "before").await;

    world.node(0).kill9();
    one.ended().await;
    other.emit("send_text_message", &[json!({ "content": "while you were away" })]);
    let mut one = world.dial_node(1).guest("one").connect().await;

    one.emit("attempt_text_reconnect", &[json!({ "roomId": room })]);
    let missed = one.expect("text_reconnected").await;
    let missed = missed[0]["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["content"].as_str().unwrap());
    assert_eq!(missed.collect::<Vec<_>>(), ["before", "while you were away"]);
    tell(&one, &mut other, "back again").await;
}

#[tokio::test]
async fn a_drained_node_sends_its_people_elsewhere_and_ends_by_itself() {
    let quick = |world: crate::harness::world::Plan| {
        world
            .set("PALAVER_DRAIN__NOT_READY_FOR", "100ms")
            .set("PALAVER_DRAIN__SPREAD_OVER", "100ms")
    };
    let mut world = quick(World::new().nodes(2)).start().await;
    let mut one = world.dial_node(0).guest("one").connect().await;
    let mut other = world.dial_node(1).guest("other").connect().await;
    meet(&mut one, &mut other).await;

    world.node(0).terminate();
    one.ended().await;
    let mut one = world.dial_node(1).guest("one").connect().await;

    tell(&other, &mut one, "still there?").await;
    tell(&one, &mut other, "yes").await;
    assert!(world.node(0).ended().await.success());
}

#[tokio::test]
async fn strangers_go_on_when_redis_was_restarted() {
    let mut world = World::new().nodes(2).start().await;
    let mut one = world.dial_node(0).guest("one").connect().await;
    let mut other = world.dial_node(1).guest("other").connect().await;
    meet(&mut one, &mut other).await;

    world.redis.kill();
    world.redis.restart_with_data().await;

    tell(&one, &mut other, "hello").await;
    tell(&other, &mut one, "hello yourself").await;
}
