//! Rooms: seats and lines. How rooms end is in `endings_tests`, what a dead node leaves behind in `dead_nodes_tests`.

use super::endings_tests::rules;
use super::{Announced, Discarded, Said, Sat, SayRules, Saying, Unsat};
use crate::clock::Millis;
use crate::coord::notice::{Notice, Place};
use crate::coord::testing::{TestNode, World, assert_state, at, socket, user};
use crate::domain::event::{Audience, Event};
use crate::domain::room::{Offset, RoomKind};
use crate::ids::{ClientMessageId, MessageId, RoomId, UserId};
use std::time::Duration;

pub(super) const RULES: SayRules = SayRules {
    limit: 10,
    window: Duration::from_secs(10),
    log_keeps: 32,
    ids_kept: 3,
};

const IDLE: u64 = 1_800_000;
const HELD: u64 = 30_000;
const SWEEP: u64 = 60_000;

pub(super) fn place(node: &TestNode, sid: &str) -> Place {
    Place {
        node: node.id.clone(),
        socket: socket(sid),
    }
}

async fn open(node: &TestNode, room: RoomId) {
    let pair = [&user("a"), &user("b")];
    node.coord.open(room, RoomKind::Text, pair, at(SWEEP)).await.unwrap();
}

async fn announce(node: &TestNode, room: RoomId, of_a: &[Place], of_b: &[Place]) -> Announced {
    let pair = [(&user("a"), of_a), (&user("b"), of_b)];
    node.coord.announce(room, at(IDLE), at(HELD), pair).await.unwrap()
}

/// A room of a on `one` and b on `two`; what they were told on the way is read.
pub(super) async fn room_of(world: &World, one: &mut TestNode, two: &mut TestNode) -> RoomId {
    let room = world.room("R");
    open(one, room).await;
    announce(one, room, &[place(one, "s1")], &[place(two, "s2")]).await;
    one.inbox().await;
    two.inbox().await;
    room
}

pub(super) async fn say_as(node: &TestNode, room: RoomId, who: &str, text: &str, client_id: Option<&str>) -> Said {
    let client_id = client_id.map(|c| ClientMessageId::parse(c).unwrap());
    let saying = Saying {
        room,
        user: &user(who),
        message: &MessageId::parse(&format!("m-{}", text.replace([' ', ','], ""))).unwrap(),
        at: node.coord.clock().now(),
        text,
        client_id: client_id.as_ref(),
        echo: true,
    };
    node.coord.say(&saying, RULES).await.unwrap()
}

/// User a says something, and hears of it on `node` with an `echo`.
pub(super) async fn say_with(echo: bool, node: &TestNode, room: RoomId, text: &str) {
    let saying = Saying {
        room,
        user: &user("a"),
        message: &MessageId::parse("m").unwrap(),
        at: node.coord.clock().now(),
        text,
        client_id: None,
        echo,
    };
    node.coord.say(&saying, RULES).await.unwrap();
}

pub(super) async fn say(node: &TestNode, room: RoomId, who: &str, text: &str) -> Said {
    say_as(node, room, who, text, None).await
}

pub(super) fn said(text: &str, ms: u64) -> Said {
    Said::As(MessageId::parse(&format!("m-{text}")).unwrap(), at(ms))
}

pub(super) async fn unsit(node: &TestNode, room: RoomId, who: &str, sid: &str, since: Offset) -> Unsat {
    let (who, sid) = (user(who), socket(sid));
    node.coord.unsit(room, &who, &sid, at(HELD), since).await.unwrap()
}

/// Takes a seat; every other socket in it is known to be well.
/// What somebody was given who took a seat.
#[track_caller]
pub(super) fn missed(sat: Sat) -> Vec<Event> {
    match sat {
        Sat::Present(found) | Sat::Retaken(found) if found.people == both() => found.missed,
        other => panic!("{other:?}"),
    }
}

pub(super) fn kinds_of(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::kind).collect()
}

pub(super) fn texts_of(events: &[Event]) -> Vec<String> {
    let text = |event: &Event| match event {
        Event::Said { line, .. } => Some(line.text.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

pub(super) async fn sit(node: &TestNode, room: RoomId, who: &str, sid: &str) -> Sat {
    sit_unsure_since(node, room, who, sid, Millis(9_999_999_999_999)).await
}

/// Takes a seat whose other sockets may have been dead since then.
pub(super) async fn sit_unsure_since(node: &TestNode, room: RoomId, who: &str, sid: &str, since: Millis) -> Sat {
    node.coord.sit(room, &user(who), &socket(sid), since).await.unwrap()
}

pub(super) fn both() -> Vec<UserId> {
    vec![user("a"), user("b")]
}

/// The texts of the lines that were told, in order.
pub(super) fn lines(notices: &[Notice]) -> Vec<String> {
    let text = |n: &Notice| match &n.event {
        Event::Said { line, .. } => Some(line.text.clone()),
        _ => None,
    };
    notices.iter().filter_map(text).collect()
}

pub(super) fn kinds(notices: &[Notice]) -> Vec<&'static str> {
    notices.iter().map(|n| n.event.kind()).collect()
}

pub(super) fn offsets(notices: &[Notice]) -> Vec<Offset> {
    let offset = |n: &Notice| match &n.event {
        Event::Said { line, .. } => Some(line.offset),
        _ => None,
    };
    notices.iter().filter_map(offset).collect()
}

#[tokio::test]
async fn a_room_is_opened_once_with_nobody_in_it() {
    let world = World::new(1).await;
    let node = world.node().await;
    let room = world.room("R");

    open(&node, room).await;
    world.clock.advance(Duration::from_secs(1));
    open(&node, room).await;

    assert_state(
        &world.dump().await,
        &[
            ("room:R", "kind=text, opened=T+0, s:a=e, s:b=e, state=opening, to=a b"),
            ("timers", "opening|R@T+60000"),
        ],
    );
    assert_eq!(say(&node, room, "a", "hi").await, Said::NoRoom, "nobody sits yet");
}

#[tokio::test]
async fn announcing_seats_both_and_tells_each_node_once() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = world.room("R");
    open(&one, room).await;
    let (of_a, of_b) = ([place(&one, "s1"), place(&two, "s3")], [place(&two, "s2")]);

    let answers = [
        announce(&one, room, &of_a, &of_b).await,
        announce(&two, room, &of_a, &of_b).await,
    ];

    assert_eq!(answers, [Announced::Open, Announced::Open]);
    let told = one.inbox().await;
    let Event::Seated { offset, .. } = told[0].event else {
        panic!("{told:?}")
    };
    assert!(offset.is_some());
    let seated = Notice {
        to: Audience::Users(both()),
        event: Event::Seated {
            room,
            offset,
            kind: RoomKind::Text,
            people: both(),
            at: at(0),
        },
        places: vec![of_a[0].clone(), of_a[1].clone(), of_b[0].clone()],
    };
    assert_eq!(told, std::slice::from_ref(&seated));
    assert_eq!(two.inbox().await, [seated]);
    let dump = world.dump().await;
    let (both_nodes, with_a) = (world.in_order(&[&one, &two]), "N2");
    let nodes = format!("kind=text, n:a=a b|{with_a}|N1, n:b=a b|{both_nodes}|, nodes={both_nodes}, ");
    assert!(dump["room:R"].starts_with(&nodes), "{dump:?}");
    let mut rest = dump.clone();
    rest.remove("room:R");
    assert!(dump["room:R"].ends_with("opened=T+0, s:a=p N1/s1 N2/s3, s:b=p N2/s2, state=open, to=a b"));
    assert_state(
        &rest,
        &[
            ("log:R", "k=seated d=text|a b|T+0"),
            ("rooms:N1", "R"),
            ("rooms:N2", "R"),
            ("timers", "idle|R@T+1800000"),
        ],
    );
}

#[tokio::test]
async fn somebody_without_a_socket_has_the_seat_held_from_the_start() {
    let world = World::new(1).await;
    let (mut one, two) = (world.node().await, world.node().await);
    let room = world.room("R");
    open(&one, room).await;

    announce(&one, room, &[place(&one, "s1")], &[]).await;

    assert_state(
        &world.dump().await,
        &[
            (
                "room:R",
                "kind=text, n:a=a b||N1, n:b=a b|N1|, nodes=N1, opened=T+0, s:a=p N1/s1, s:b=h T+30000 0, state=open, to=a b",
            ),
            ("rooms:N1", "R"),
            ("timers", "hold|R|b@T+30000, idle|R@T+1800000"),
            ("inbox:N1", "n=a b|seated|R|#|text|a b|T+0|N1/s1 "),
            ("log:R", "k=seated d=text|a b|T+0"),
        ],
    );
    assert_eq!(kinds(&one.inbox().await), ["seated"]);
    say(&one, room, "a", "hello").await;
    let told = missed(sit(&two, room, "b", "s2").await);
    assert_eq!(
        kinds_of(&told),
        ["seated", "said", "retaken"],
        "what was told before b came"
    );
}

#[tokio::test]
async fn places_on_a_node_that_has_died_do_not_count() {
    let world = World::new(1).await;
    let (one, dead) = (world.node().await, world.node().await);
    let room = world.room("R");
    open(&one, room).await;
    dead.coord.resign(crate::ids::Shard(0)).await.unwrap();

    announce(&one, room, &[place(&one, "s1")], &[place(&dead, "s2")]).await;

    let dump = world.dump().await;
    assert!(
        dump["room:R"].contains("nodes=N1, opened=T+0, s:a=p N1/s1, s:b=h T+30000 0"),
        "{dump:?}"
    );
    assert!(!dump.contains_key("inbox:N2") && !dump.contains_key("rooms:N2"));
}

#[tokio::test]
async fn a_socket_that_vanished_before_the_announcement_is_named_in_the_notice_to_be_taken_out() {
    let world = World::new(1).await;
    let (mut one, two) = (world.node().await, world.node().await);
    let room = world.room("R");
    open(&one, room).await;
    let vanished = place(&one, "s1");
    assert_eq!(unsit(&one, room, "a", "s1", Offset::default()).await, Unsat::None);

    announce(&two, room, std::slice::from_ref(&vanished), &[place(&two, "s2")]).await;

    let told = one.inbox().await;
    assert!(told[0].places.contains(&vanished));
    assert_eq!(unsit(&one, room, "a", "s1", Offset::default()).await, Unsat::Held);
    assert!(world.dump().await["room:R"].contains("nodes=N2, opened=T+0, s:a=h T+30000 0-0, s:b=p N2/s2"));
}

#[tokio::test]
async fn sockets_that_come_and_go_while_the_room_opens_are_kept_in_step() {
    let world = World::new(1).await;
    let (one, mut two) = (world.node().await, world.node().await);
    let room = world.room("R");
    open(&one, room).await;

    assert_eq!(sit(&one, room, "a", "s1").await, Sat::Opening);
    assert_eq!(unsit(&one, room, "a", "s1", Offset::default()).await, Unsat::Held);
    announce(&two, room, &[], &[place(&two, "s2")]).await;

    assert_state(
        &world.dump().await,
        &[
            (
                "room:R",
                "kind=text, n:a=a b|N2|, n:b=a b||N2, nodes=N2, opened=T+0, s:a=h T+30000 0-0, s:b=p N2/s2, state=open, to=a b",
            ),
            ("rooms:N2", "R"),
            ("timers", "hold|R|a@T+30000, idle|R@T+1800000"),
            ("inbox:N2", "n=a b|seated|R|#|text|a b|T+0| N2/s2"),
            ("log:R", "k=seated d=text|a b|T+0"),
        ],
    );
    two.inbox().await;
    let again = world.room("AGAIN");
    open(&one, again).await;
    sit(&one, again, "a", "s1").await;
    unsit(&one, again, "a", "s1", Offset::default()).await;
    announce(&two, again, &[place(&one, "s9")], &[place(&two, "s2")]).await;
    let dump = world.dump().await;
    assert!(dump["room:AGAIN"].contains("s:a=p N1/s9"));
    assert!(!dump["timers"].contains("hold|AGAIN"), "nothing is held any more");
}

#[tokio::test]
async fn a_room_never_announced_is_swept_away_with_all_that_belongs_to_it() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    let room = world.room("R");
    open(&node, room).await;
    sit(&node, room, "a", "s1").await;
    sit(&node, room, "b", "s2").await;
    assert_eq!(say(&node, room, "a", "early").await, said("early", 0));
    unsit(&node, room, "b", "s2", Offset::default()).await;
    node.inbox().await;

    let discard = async || node.coord.discard(room, rules().tombstone).await.unwrap();
    let (first, again) = (discard().await, discard().await);

    assert_eq!((first, again), (Discarded::Now(both()), Discarded::Before));
    node.inbox().await;
    assert_state(&world.dump().await, &[("room:R", "state=discarded, to=a b (ttl)")]);
    assert_eq!(announce(&node, room, &[], &[]).await, Announced::Gone);
    assert_eq!(sit(&node, room, "a", "s1").await, Sat::Opening);
    assert_eq!(sit(&node, room, "c", "s3").await, Sat::None);
    assert_state(&world.dump().await, &[("room:R", "state=discarded, to=a b (ttl)")]);
}

#[tokio::test]
async fn an_open_room_is_not_discarded() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let before = world.dump().await;

    assert_eq!(
        one.coord.discard(room, rules().tombstone).await.unwrap(),
        Discarded::Kept
    );

    assert_eq!(world.dump().await, before);
}
