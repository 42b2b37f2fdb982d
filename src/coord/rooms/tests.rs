//! Rooms: seats and lines. How rooms end, and what a dead node leaves behind, is in `endings_tests`.

use super::{Announced, EndRules, Retold, Said, Sat, SayRules, Saying, Unsat};
use crate::clock::Millis;
use crate::coord::notice::{Notice, Place};
use crate::coord::testing::{TestNode, World, assert_state, at, socket, texts, user};
use crate::domain::event::{Audience, Event, Typing};
use crate::domain::recovery::From;
use crate::domain::room::{Offset, RoomKind};
use crate::ids::{ClientMessageId, MessageId, RoomId, UserId};
use std::time::Duration;

const RULES: SayRules = SayRules {
    limit: 10,
    window: Duration::from_secs(10),
    log_keeps: 32,
    ids_kept: 3,
};

const IDLE: u64 = 1_800_000;
const HELD: u64 = 30_000;
const SWEEP: u64 = 60_000;

fn place(node: &TestNode, sid: &str) -> Place {
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
        text,
        client_id: client_id.as_ref(),
        echo: true,
    };
    node.coord.say(&saying, RULES).await.unwrap()
}

pub(super) async fn say(node: &TestNode, room: RoomId, who: &str, text: &str) -> Said {
    say_as(node, room, who, text, None).await
}

fn said(text: &str, ms: u64) -> Said {
    Said::As(MessageId::parse(&format!("m-{text}")).unwrap(), at(ms))
}

async fn unsit(node: &TestNode, room: RoomId, who: &str, sid: &str, since: Offset) -> Unsat {
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

fn both() -> Vec<UserId> {
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

fn offsets(notices: &[Notice]) -> Vec<Offset> {
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
    assert!(dump["room:R"].starts_with("active=T+0, kind=text, nodes=N"), "{dump:?}");
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
                "active=T+0, kind=text, nodes=N1, opened=T+0, s:a=p N1/s1, s:b=h T+30000 0, state=open, to=a b",
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

    assert!(matches!(sit(&one, room, "a", "s1").await, Sat::Present(found) if found.people == both()));
    assert_eq!(unsit(&one, room, "a", "s1", Offset::default()).await, Unsat::Held);
    announce(&two, room, &[], &[place(&two, "s2")]).await;

    assert_state(
        &world.dump().await,
        &[
            (
                "room:R",
                "active=T+0, kind=text, nodes=N2, opened=T+0, s:a=h T+30000 0-0, s:b=p N2/s2, state=open, to=a b",
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

    let first = node.coord.discard(room).await.unwrap();
    let again = node.coord.discard(room).await.unwrap();

    assert_eq!((first, again), (Some(both()), None));
    node.inbox().await;
    assert_state(&world.dump().await, &[]);
    assert_eq!(announce(&node, room, &[], &[]).await, Announced::Gone);
    assert_eq!(sit(&node, room, "a", "s1").await, Sat::None);
}

#[tokio::test]
async fn an_open_room_is_not_discarded() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let before = world.dump().await;

    assert_eq!(one.coord.discard(room).await.unwrap(), None);

    assert_eq!(world.dump().await, before);
}

#[tokio::test]
async fn a_line_reaches_both_nodes_the_log_and_nobody_else() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let mut third = world.node().await;
    let room = room_of(&world, &mut one, &mut two).await;

    assert_eq!(say(&one, room, "a", "hello").await, said("hello", 0));

    let dump = world.dump().await;
    assert_eq!(
        dump["log:R"],
        "k=seated d=text|a b|T+0 / s=a m=m-hello a=T+0 x=hello c="
    );
    assert!(dump["room:R"].contains("lines=1") && dump["room:R"].ends_with("w:a=T+0"));
    let told = "n=a b|said|R||#|a|m-hello|T+0|hello";
    assert_eq!((dump["inbox:N1"].as_str(), dump["inbox:N2"].as_str()), (told, told));
    assert_eq!(one.inbox().await, two.inbox().await);
    assert!(third.inbox().await.is_empty());
}

#[tokio::test]
async fn who_has_no_seat_says_nothing() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let before = world.dump().await;

    assert_eq!(say(&one, room, "c", "hello").await, Said::NoRoom);
    assert_eq!(
        say(&one, RoomId::fresh(crate::ids::Shard(0)), "a", "hello").await,
        Said::NoRoom
    );
    assert!(!one.coord.start_typing(room, &user("c"), at(1)).await.unwrap());
    assert!(!one.coord.stop_typing(room, &user("c")).await.unwrap());
    assert!(!one.coord.recall(room, &user("c"), &socket("s"), 5).await.unwrap());
    assert_eq!(sit(&one, room, "c", "s").await, Sat::None);

    assert_eq!(world.dump().await, before);
}

#[tokio::test]
async fn both_see_the_same_order_whoever_speaks_from_where() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let talk = (0..20).map(|i| {
        let (node, who) = if i % 2 == 0 { (&one, "a") } else { (&two, "b") };
        async move { say(node, room, who, &format!("{i}")).await }
    });
    futures_util::future::join_all(talk).await;

    let (heard_by_a, heard_by_b) = (one.inbox().await, two.inbox().await);

    assert_eq!(heard_by_a.len(), 20);
    assert_eq!(heard_by_a, heard_by_b);
    assert!(offsets(&heard_by_a).is_sorted());
}

#[tokio::test]
async fn ten_lines_in_ten_seconds_and_the_eleventh_waits_exactly_until_the_first_is_old() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    for i in 0..10 {
        assert_eq!(
            say(&one, room, "a", &i.to_string()).await,
            said(&i.to_string(), 100 * i)
        );
        world.clock.advance(Duration::from_millis(100));
    }

    let eleventh = say(&one, room, "a", "x").await;
    let partner = say(&two, room, "b", "y").await;
    world.clock.advance(Duration::from_millis(8999));
    let just_before = say(&one, room, "a", "x").await;
    world.clock.advance(Duration::from_millis(1));
    let free = say(&one, room, "a", "x").await;
    let next = say(&one, room, "a", "z").await;

    assert_eq!(eleventh, Said::SlowDown(Duration::from_millis(9000)));
    assert_eq!(partner, said("y", 1000), "a partner has a window of their own");
    assert_eq!(just_before, Said::SlowDown(Duration::from_millis(1)));
    assert_eq!(free, said("x", 10_000));
    assert_eq!(next, Said::SlowDown(Duration::from_millis(100)), "it slides");
    assert_eq!(one.inbox().await.len(), 12, "what was refused nobody heard");
}

#[tokio::test]
async fn a_retry_with_the_same_client_id_is_the_same_line_for_as_long_as_ids_are_kept() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    for i in 1..=3 {
        say_as(&one, room, "a", &format!("{i}"), Some(&format!("c{i}"))).await;
        world.clock.advance(Duration::from_millis(1));
    }
    let before = world.dump().await;

    assert_eq!(say_as(&one, room, "a", "retry", Some("c1")).await, said("1", 0));
    assert_eq!(say_as(&one, room, "a", "retry", Some("c3")).await, said("3", 2));
    assert_eq!(
        world.dump().await,
        before,
        "a retry changes nothing, not even the window"
    );
    assert_eq!(
        say_as(&two, room, "b", "b1", Some("c1")).await,
        said("b1", 3),
        "another's ids are another's"
    );
    assert_eq!(say_as(&one, room, "a", "4", Some("c4")).await, said("4", 3));
    assert_eq!(
        say_as(&one, room, "a", "5", Some("c")).await,
        said("5", 3),
        "a part of an id is no id"
    );
    assert_eq!(
        say_as(&one, room, "a", "new", Some("c1")).await,
        said("new", 3),
        "forgotten by now"
    );
    let marks = ["c4", "c", "c1"]
        .map(|id| ClientMessageId::parse(id).unwrap().mark())
        .concat();
    assert!(world.dump().await["room:R"].contains(&format!("c:a={marks}, ")));
}

#[tokio::test]
async fn an_id_that_only_looks_like_one_said_before_is_a_new_line() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let same_mark = ClientMessageId::parse("c2").unwrap().mark();
    say_as(&one, room, "a", "1", Some("c1")).await;
    let key = one.coord.keys().room(room);
    world.raw(&["HSET", &key, "c:a", &same_mark]).await;

    assert_eq!(say_as(&one, room, "a", "2", Some("c2")).await, said("2", 0));
}

#[tokio::test]
async fn a_retry_is_answered_even_when_the_window_is_full() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    for i in 0..10 {
        say_as(&one, room, "a", &format!("{i}"), Some(&format!("c{i}"))).await;
    }

    assert_eq!(say_as(&one, room, "a", "retry", Some("c9")).await, said("9", 0));
}

#[tokio::test]
async fn the_log_keeps_the_last_lines() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    for i in 0..100 {
        say(&one, room, "a", &i.to_string()).await;
        world.clock.advance(Duration::from_secs(1));
    }

    let kept = world.dump().await["log:R"].split(" / ").count();

    assert!((RULES.log_keeps..RULES.log_keeps + 16).contains(&kept), "{kept}");
    assert!(world.dump().await["log:R"].ends_with("x=99 c="));
}

fn typing(room: RoomId, typing: Typing, ms: u64) -> Notice {
    Notice {
        to: Audience::Users(vec![user("b")]),
        event: Event::Typing {
            room,
            user: user("a"),
            typing,
            at: at(ms),
        },
        places: vec![],
    }
}

#[tokio::test]
async fn typing_is_shown_to_the_partner_until_it_fades() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let (before, a) = (world.dump().await, user("a"));
    assert!(one.coord.start_typing(room, &a, at(3000)).await.unwrap());
    assert!(world.dump().await["timers"].contains(&"fade|R|a@T+3000".to_owned()));
    assert!(world.dump().await["room:R"].contains("t:a=T+3000"));
    world.clock.advance(Duration::from_millis(2999));
    assert!(!two.coord.fade_typing(room, &a).await.unwrap(), "not due");
    world.clock.advance(Duration::from_millis(1));

    let faded = [
        two.coord.fade_typing(room, &a).await.unwrap(),
        two.coord.fade_typing(room, &a).await.unwrap(),
    ];

    assert_eq!(faded, [true, false]);
    assert_eq!(
        two.inbox().await,
        [typing(room, Typing::Started, 0), typing(room, Typing::Stopped, 3000)]
    );
    one.inbox().await;
    world
        .raw(&[
            "ZREM",
            &one.coord.keys().timers(room.shard()),
            &format!("fade|{room}|a"),
        ])
        .await;
    two.inbox().await;
    one.inbox().await;
    assert_eq!(world.dump().await, before);
}

#[tokio::test]
async fn typing_goes_on_when_more_is_typed_and_ends_when_stopped_or_said() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let a = user("a");
    one.coord.start_typing(room, &a, at(3000)).await.unwrap();
    world.clock.advance(Duration::from_secs(2));
    one.coord.start_typing(room, &a, at(5000)).await.unwrap();
    world.clock.advance(Duration::from_secs(2));
    assert!(!one.coord.fade_typing(room, &a).await.unwrap());
    assert!(one.coord.stop_typing(room, &a).await.unwrap());
    assert!(!world.dump().await["timers"].contains("fade"));
    one.coord.start_typing(room, &a, at(7000)).await.unwrap();

    say(&one, room, "a", "done").await;
    world.clock.advance(Duration::from_secs(10));

    assert!(!one.coord.fade_typing(room, &a).await.unwrap(), "the line ended it");
    let told = two.inbox().await;
    assert_eq!(kinds(&told), ["typing", "typing", "typing", "typing", "said"]);
    assert!(matches!(told[4].event, Event::Said { typing_ended: true, .. }));
}

#[tokio::test]
async fn a_seat_held_and_retaken_on_another_node_gets_exactly_the_missed_lines_before_newer_ones() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let mut third = world.node().await;
    let room = room_of(&world, &mut one, &mut two).await;
    say(&one, room, "a", "seen").await;
    say(&one, room, "a", "missed1").await;
    let seen = two.inbox().await;
    let since = offsets(&seen)[1];

    assert_eq!(unsit(&two, room, "b", "s2", since).await, Unsat::Held);
    assert_eq!(unsit(&two, room, "b", "s2", since).await, Unsat::None, "the repeat");
    say(&one, room, "a", "missed2").await;
    assert!(two.inbox().await.is_empty(), "b is not there any more");
    one.inbox().await;
    let told = missed(sit(&third, room, "b", "s3").await);
    assert!(
        matches!(sit(&third, room, "b", "s3").await, Sat::Present(found) if found.people == both()),
        "the repeat"
    );
    say(&one, room, "a", "new").await;

    assert_eq!(texts_of(&told), ["missed1", "missed2"]);
    assert_eq!(lines(&third.inbox().await), ["new"]);
    assert_eq!(kinds(&one.inbox().await), ["retaken", "said"]);
    let dump = world.dump().await;
    assert!(dump["room:R"].contains("s:a=p N1/s1, s:b=p N3/s3") && dump["timers"] == "idle|R@T+1800000");
    assert_eq!((dump.get("rooms:N2"), dump["rooms:N3"].as_str()), (None, "R"));
}

#[tokio::test]
async fn a_second_socket_joins_the_seat_and_the_seat_is_held_only_after_the_last() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;

    assert!(matches!(sit(&two, room, "a", "s1b").await, Sat::Present(found) if found.people == both()));
    assert!(world.dump().await["room:R"].contains("s:a=p N1/s1 N2/s1b"));
    assert_eq!(unsit(&one, room, "a", "s1", Offset::default()).await, Unsat::Present);
    assert_eq!(
        unsit(&one, room, "a", "s1b", Offset::default()).await,
        Unsat::None,
        "not on this node"
    );
    assert!(!world.dump().await.contains_key("rooms:N1"));
    assert_eq!(unsit(&two, room, "a", "s1b", Offset::default()).await, Unsat::Held);
    assert_eq!(one.inbox().await.len() + two.inbox().await.len(), 0);
}

#[tokio::test]
async fn a_socket_that_moved_leaves_its_old_place_and_the_late_leave_takes_nothing() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    sit(&one, room, "a", "s1-x").await;
    sit(&one, room, "a", "s1.").await;

    assert!(matches!(sit(&two, room, "a", "s1").await, Sat::Present(found) if found.people == both()));
    assert!(
        world.dump().await["room:R"].contains("s:a=p N1/s1-x N1/s1. N2/s1,"),
        "only that socket moved"
    );
    assert_eq!(unsit(&one, room, "a", "s1", Offset::default()).await, Unsat::None);
    sit(&two, room, "a", "s1-x").await;
    sit(&two, room, "a", "s1.").await;

    let dump = world.dump().await;
    assert!(
        dump["room:R"].contains("nodes=N2, opened=T+0, s:a=p N2/s1 N2/s1-x N2/s1.,"),
        "{dump:?}"
    );
    assert_eq!(dump.get("rooms:N1"), None);
}

#[tokio::test]
async fn the_state_of_a_room_comes_to_the_socket_that_asked_with_its_last_lines() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    for text in ["x", "y", "z"] {
        say(&two, room, "b", text).await;
    }
    one.inbox().await;

    assert!(one.coord.recall(room, &user("a"), &socket("s1"), 2).await.unwrap());
    say(&two, room, "b", "later").await;

    let told = one.inbox().await;
    let Event::Resumed {
        people, lines, kind, ..
    } = &told[0].event
    else {
        panic!("{told:?}")
    };
    assert_eq!((people, *kind), (&both(), RoomKind::Text));
    assert_eq!(lines.iter().map(|l| l.text.as_str()).collect::<Vec<_>>(), ["y", "z"]);
    assert_eq!(told[0].to, Audience::Socket(socket("s1")));
    assert_eq!(kinds(&told), ["resumed", "said"]);
    assert_eq!(kinds(&two.inbox().await), ["said"; 4]);
}

#[tokio::test]
async fn text_of_any_script_arrives_as_it_was_said() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let text = "\u{1f469}\u{200d}\u{1f680} \u{e9} 'a' \"b\" %s %d \\n\nline two\t|";
    let saying = Saying {
        room,
        user: &user("a"),
        message: &MessageId::parse("m").unwrap(),
        text,
        client_id: None,
        echo: true,
    };

    one.coord.say(&saying, RULES).await.unwrap();

    assert_eq!(lines(&two.inbox().await), [text]);
    let log = world.raw(&["XRANGE", &one.coord.keys().log(room), "-", "+"]).await;
    assert_eq!(texts(log).len(), 2, "that they were seated, and the line");
}

fn heard(events: &[Event]) -> From {
    From::After(events.last().and_then(Event::place).unwrap().1)
}

async fn resume(node: &TestNode, room: RoomId, sid: &str, heard: From, before: Option<&Place>) -> Sat {
    let (user, sid) = (user("b"), socket(sid));
    node.coord.resume(room, &user, &sid, heard, before).await.unwrap()
}

#[tokio::test]
async fn a_session_taken_up_gets_exactly_what_came_after_its_bookmark_in_the_place_of_the_dead_socket() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let mut third = world.node().await;
    let room = room_of(&world, &mut one, &mut two).await;
    say(&one, room, "a", "heard").await;
    let events: Vec<_> = two.inbox().await.into_iter().map(|n| n.event).collect();
    say(&one, room, "a", "missed").await;

    let before = place(&two, "s2");
    let first = resume(&third, room, "s3", heard(&events), Some(&before)).await;
    let again = resume(&third, room, "s3", heard(&events), Some(&before)).await;

    assert_eq!(first, again);
    assert!(matches!(&first, Sat::Present(found) if found.whole && found.people == both()));
    assert_eq!(texts_of(&missed(first)), ["missed"]);
    assert!(world.dump().await["room:R"].contains("s:b=p N3/s3"), "s2 has left");
    let all = missed(resume(&third, room, "s3", From::Start, None).await);
    assert_eq!(kinds_of(&all), ["seated", "said", "said"]);
    assert!(third.inbox().await.is_empty());
}

#[tokio::test]
async fn a_log_that_was_cut_after_the_bookmark_says_so() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    say(&one, room, "a", "heard").await;
    let events: Vec<_> = two.inbox().await.into_iter().map(|n| n.event).collect();
    for i in 0..64 {
        world.clock.advance(Duration::from_secs(10));
        say(&one, room, "a", &i.to_string()).await;
    }

    let cut = resume(&two, room, "s3", heard(&events), None).await;
    let retold = one.coord.retell(room, &user("b"), heard(&events)).await.unwrap();

    assert!(matches!(cut, Sat::Present(found) if !found.whole));
    assert_eq!(retold, Retold::Cut);
    let late: Vec<_> = two.inbox().await.into_iter().map(|n| n.event).collect();
    let end = one.coord.retell(room, &user("b"), heard(&late)).await.unwrap();
    assert_eq!(end, Retold::Whole(vec![]), "nothing was missed after a quiet time");
}

#[tokio::test]
async fn what_is_left_of_a_room_is_told_to_its_people_after_its_end_and_to_nobody_else() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    say(&one, room, "a", "last words").await;
    let rules = EndRules {
        tombstone: Duration::from_secs(60),
        release_at: at(2000),
    };
    one.coord.end(room, &user("a"), rules).await.unwrap();

    let retold = one.coord.retell(room, &user("b"), From::Start).await.unwrap();

    let Retold::Whole(events) = retold else {
        panic!("{retold:?}")
    };
    assert_eq!(kinds_of(&events), ["seated", "said", "ended"]);
    for (room, who) in [(room, "c"), (world.room("UNKNOWN"), "b")] {
        let other = one.coord.retell(room, &user(who), From::Start).await.unwrap();
        assert_eq!(other, Retold::Gone, "{who}");
    }
}
