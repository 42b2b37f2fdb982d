//! What happens between two steps of one node: the first is on its way to Redis and held there, while a client or another
//! node does something else.

use crate::harness::client::{Client, Via, device};
use crate::harness::eventually;
use crate::harness::pair::{Pair, say, shown};
use crate::harness::redis::Kind;
use crate::harness::world::{Plan, World, left_over};
use serde_json::json;

/// On one server, so that a node has one connection for what it asks.
fn plan() -> Plan {
    World::quick()
        .redis(Kind::Single)
        .set("PALAVER_LEASE__NODE_FOR", "4s")
        .set("PALAVER_SOCKETS__RECOVERY_WINDOW", "1s")
}

#[tokio::test]
async fn a_room_that_ends_while_its_state_is_sent_to_somebody_who_came_anew_lets_them_in_and_is_told() {
    let world = plan().start().await;
    let ann = world.dial_node(1).guest("ann").connect().await;
    let bob = world.dial_node(0).guest("bob");
    let Pair { ann, bob: gone, .. } = Pair::seat(ann, bob.clone().connect().await).await;
    gone.drop_abruptly().await;

    // Nobody knows this session: who brings it comes anew, and is sent the state of the room.
    world.line.hold("recall");
    let coming = tokio::spawn(bob.taking_up("p1.unknown.unknown", None).try_connect());
    world.line.caught().await;
    ann.emit("leave_text_room", &[]);
    let mut ann = ann;
    ann.expect("text_room_ended").await;
    world.line.let_go();

    let mut back = coming.await.unwrap().expect("let in all the same");
    assert_eq!(back.hear("text_room_ended").await["reason"], "partner_left");
    ann.close().await;
    back.close().await;
    world.ends_empty().await;
}

#[tokio::test]
async fn a_line_that_is_said_while_the_state_is_sent_is_not_told_before_it() {
    let world = plan().start().await;
    let ann = world.dial_node(1).guest("ann").connect().await;
    let bob = world.dial_node(0).guest("bob");
    let Pair { ann, bob: gone, .. } = Pair::seat(ann, bob.clone().connect().await).await;
    let echo = json!({ "token": "dev-guest-token", "guestId": device("ann"), "echo": true });
    let mut tab = world.dial_node(0).auth(echo).connect().await;
    gone.drop_abruptly().await;
    say(&ann, "missed");

    world.line.hold("recall");
    let coming = tokio::spawn(bob.taking_up("p1.unknown.unknown", None).try_connect());
    world.line.caught().await;
    say(&ann, "meanwhile");
    // By then bob's node has heard of it.
    while tab.hear("text_message_received").await["content"] != "meanwhile" {}
    world.line.let_go();

    let mut back = coming.await.unwrap().expect("let in");
    let events = [back.next().await, back.next().await];
    let [(why, _), (state, lines)] = &events;
    assert_eq!([why, state], ["recovery_failed", "text_reconnected"]);
    let lines = lines[0]["messages"].as_array().unwrap();
    let said: Vec<_> = lines.iter().map(|line| line["content"].as_str().unwrap()).collect();
    assert_eq!(said, ["missed", "meanwhile"]);
    say(&ann, "after");
    let (name, line) = back.next().await;
    assert_eq!(
        (name.as_str(), &line[0]["content"]),
        ("text_message_received", &json!("after"))
    );
    ann.emit("leave_text_room", &[]);
    back.hear("text_room_ended").await;
    for client in [ann, tab, back] {
        client.close().await;
    }
    world.ends_empty().await;
}

#[tokio::test]
async fn sockets_that_go_while_their_node_begins_anew_leave_nothing_behind() {
    // More than are brought along at once.
    const PEOPLE: usize = 100;
    let plan = plan().nodes(1).set("PALAVER_REDIS__COMMAND_TIMEOUT", "30s");
    let mut world = plan.start().await;
    let dial = world.dial_node(0);
    let coming = (0..PEOPLE).map(|at| dial.clone().guest(&format!("g{at:03}")).connect());
    let people: Vec<Client> = futures_util::future::join_all(coming).await;
    let epoch = world.redis.keys().into_iter().find(|key| key.ends_with(":epoch"));

    world.line.hold("attach");
    world.redis.command(&["SET", &epoch.unwrap(), "another"]);
    world.line.caught().await;
    for person in people {
        person.drop_abruptly().await;
    }
    // Time for the node to read that they are gone; should it not, nothing is proved, and nothing fails.
    for _ in 0..50 {
        world.node(0).is_ready().await;
    }
    world.line.let_go();

    let users = || {
        world
            .redis
            .keys()
            .into_iter()
            .filter(|key| key.contains("}:users:"))
            .count()
    };
    eventually("nobody is here", async || users() == 0).await;
    assert_eq!(left_over(&world.redis), [] as [String; 0]);
}

#[tokio::test]
async fn who_polls_is_told_nothing_after_a_line_that_was_lost_on_its_way_to_redis() {
    let plan = plan().set("PALAVER_REDIS__COMMAND_TIMEOUT", "2s");
    let mut world = plan.set("PALAVER_REDIS__RECONNECT_MAX_WAIT", "100ms").start().await;
    let ann = world.dial_node(0).guest("ann").connect().await;
    let bob = world.dial_node(1).guest("bob").via(Via::Polling).connect().await;
    let Pair { mut ann, mut bob, .. } = Pair::seat(ann, bob).await;
    let said = "palaver_events_sent_total{event=\"said\"}";
    let calls = "palaver_script_duration_seconds_count";

    world.line.hold("session_emit");
    say(&ann, "one");
    world.line.caught().await;
    let before = world.node(1).metric(calls).await;
    say(&ann, "two");
    let node = world.node(1);
    eventually("both lines wait", async || node.metric(said).await >= 2.0).await;
    ann.dealt_with().await;
    world.line.cut();
    world.line.let_go();
    let node = world.node(1);
    eventually("the call fails", async || node.metric(calls).await > before).await;
    world.line.mend();

    bob.ended().await;
    let told = bob.unread();
    assert!(!told.iter().any(|name| name == "text_message_received"), "{told:?}");
    let mut back = world.dial_node(1).guest("bob").connect().await;
    for line in ["one", "two"] {
        assert_eq!(back.hear("text_message_received").await["content"], line);
    }
    back.emit("leave_text_room", &[]);
    ann.expect("text_room_ended").await;
    ann.close().await;
    back.close().await;
    world.ends_empty().await;
}

async fn pair_on_two_nodes(world: &World) -> Pair {
    let ann = world.dial_node(0).guest("ann").connect().await;
    let bob = world.dial_node(1).guest("bob").connect().await;
    Pair::seat(ann, bob).await
}

/// Everybody takes the node of this user for dead: it begins a new life.
fn bury_the_node_of(world: &World, user: &str) {
    let keys = world.redis.keys();
    let has_them = |key: &str| {
        world
            .redis
            .command(&["SMEMBERS", key])
            .iter()
            .any(|id| shown(id) == user)
    };
    let is_theirs = |key: &&String| key.contains(":users:") && has_them(key);
    let theirs = keys.iter().find(is_theirs).expect("where they are");
    let nodes = keys.iter().find(|key| key.ends_with(":nodes")).expect("leases");
    world
        .redis
        .command(&["ZREM", nodes, theirs.rsplit(':').next().unwrap()]);
}

/// The node of `ann` begins a new life; while its request `held` is on its way, `bob` says a last line and leaves.
async fn a_room_ends_while_a_node_begins_anew(held: &'static str) {
    let world = plan().start().await;
    let Pair {
        mut ann,
        mut bob,
        ann_id,
        ..
    } = pair_on_two_nodes(&world).await;
    world.line.hold(held);
    bury_the_node_of(&world, &ann_id);
    world.line.caught().await;
    say(&bob, "farewell");
    bob.dealt_with().await;
    bob.emit("leave_text_room", &[]);
    bob.expect("text_room_ended").await;
    world.line.let_go();

    let (name, args) = ann.next().await;
    assert_eq!(
        (name.as_str(), args[0]["content"].as_str()),
        ("text_message_received", Some("farewell"))
    );
    let (name, args) = ann.next().await;
    assert_eq!(
        (name.as_str(), args[0]["reason"].as_str()),
        ("text_room_ended", Some("partner_left"))
    );
    ann.close().await;
    bob.close().await;
    world.ends_empty().await;
}

#[tokio::test]
async fn who_finds_the_room_ended_when_their_node_begins_anew_is_told_its_last_lines_and_its_end() {
    a_room_ends_while_a_node_begins_anew("resume").await;
}

#[tokio::test]
async fn who_was_let_go_of_when_their_node_begins_anew_is_told_the_last_lines_and_the_end_of_the_room() {
    a_room_ends_while_a_node_begins_anew("attach").await;
}

/// Every node takes Redis for another server: it begins a new life.
fn change_the_epoch(world: &World) {
    let keys = world.redis.keys();
    let epoch = keys.iter().find(|key| key.ends_with(":epoch")).expect("an epoch");
    world.redis.command(&["SET", epoch, "another"]);
}

async fn part(world: World, mut pair: Pair) {
    pair.chats().await;
    assert_eq!(pair.ann.unread(), [""; 0]);
    pair.ann.emit("leave_text_room", &[]);
    pair.bob.expect("text_room_ended").await;
    pair.ann.close().await;
    pair.bob.close().await;
    world.ends_empty().await;
}

#[tokio::test]
async fn what_is_said_while_a_node_looks_at_another_redis_waits_and_is_not_refused() {
    let mut world = plan().start().await;
    let mut pair = pair_on_two_nodes(&world).await;

    world.line.hold("attach");
    change_the_epoch(&world);
    world.line.caught().await;
    say(&pair.ann, "are you there?");
    // Time for the node to read that; should it not, nothing is proved, and nothing fails.
    for _ in 0..50 {
        world.node(0).is_ready().await;
    }
    world.line.let_go();

    assert_eq!(
        pair.bob.hear("text_message_received").await["content"],
        "are you there?"
    );
    part(world, pair).await;
}

#[tokio::test]
async fn who_polls_goes_on_at_once_when_their_node_looks_at_another_redis() {
    // Should the lease of the life before be waited for, patience ends.
    let world = plan().set("PALAVER_LEASE__NODE_FOR", "5m").start().await;
    let ann = world.dial_node(0).guest("ann").connect().await;
    let bob = world.dial_node(1).guest("bob").via(Via::Polling).connect().await;
    let mut pair = Pair::seat(ann, bob).await;

    world.line.hold("register");
    change_the_epoch(&world);
    world.line.caught().await;
    world.line.let_go();

    say(&pair.bob, "still here");
    let heard = pair.ann.hear("text_message_received").await;
    assert_eq!(heard["content"], "still here");
    part(world, pair).await;
}

#[tokio::test]
async fn what_is_read_by_a_node_that_was_given_up_for_dead_is_refused() {
    let world = plan().start().await;
    let mut pair = pair_on_two_nodes(&world).await;

    world.line.hold("attach");
    bury_the_node_of(&world, &pair.ann_id);
    world.line.caught().await;
    say(&pair.ann, "are you there?");

    let refused = pair.ann.hear("text_chat_error").await;
    assert_eq!(refused["code"], "UNAVAILABLE");
    world.line.let_go();
    // Until Redis has answered, whatever she says is refused.
    while pair
        .ann
        .emit_with_ack("send_text_message", &[json!({ "content": "and now?" })])
        .await[0]["code"]
        == "UNAVAILABLE"
    {}
    assert_eq!(pair.bob.hear("text_message_received").await["content"], "and now?");
    part(world, pair).await;
}

#[tokio::test]
async fn who_heard_the_end_of_a_room_and_takes_up_the_session_at_once_is_not_told_it_again() {
    let plan = plan().set("PALAVER_SOCKETS__RECOVERY_WINDOW", "10s");
    let world = plan.start().await;
    let Pair {
        mut ann,
        bob,
        room,
        ann_id,
        ..
    } = pair_on_two_nodes(&world).await;
    say(&bob, "farewell");
    assert_eq!(ann.hear("text_message_received").await["content"], "farewell");
    bob.emit("leave_text_room", &[]);
    ann.expect("text_room_ended").await;
    let (pid, mark) = (ann.pid().to_owned(), ann.mark());
    ann.drop_abruptly().await;
    let hers = format!(":user:{ann_id}");
    let hers = world.redis.keys().into_iter().find(|key| key.contains(&hers));
    let hers = hers.expect("what she is doing");
    let state = || world.redis.command(&["HMGET", &hers, "state"]);
    eventually("she is let go of", async || state().is_empty()).await;

    // As it is for a moment after a room has ended.
    let room = room.trim_start_matches("text_room_");
    world.redis.command(&["HSET", &hers, "state", "seated", "room", room]);
    let coming = world.dial_node(1).guest("ann").taking_up(&pid, mark.as_deref());
    let mut back = coming.connect().await;
    back.dealt_with().await;

    assert_eq!(back.pid(), pid, "the session goes on");
    let told = back.unread();
    assert!(!told.iter().any(|name| name.starts_with("text_")), "{told:?}");
    back.close().await;
    bob.close().await;
}
