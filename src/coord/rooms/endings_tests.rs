//! How rooms end, what is left of them, and what a dead node leaves behind.

use super::tests::{kinds, kinds_of, missed, room_of, say, sit, sit_unsure_since, texts_of};
use super::{Discarded, EndRules, Report, Said, Sat, Takeover};
use crate::clock::Millis;
use crate::coord::notice::Notice;
use crate::coord::testing::{TestNode, World, assert_state, at, socket, user};
use crate::domain::event::{Audience, Event};
use crate::domain::fact::Fact;
use crate::domain::refusal::Refusal;
use crate::domain::room::{Ending, Offset, RoomKind};
use crate::domain::safety::Violation;
use crate::ids::{FactId, RoomId, Shard, UserId};
use std::time::Duration;

const S: Shard = Shard(0);

pub(super) fn rules() -> EndRules {
    EndRules {
        tombstone: Duration::from_secs(60),
        release_at: at(2000),
    }
}

fn both() -> Vec<UserId> {
    vec![user("a"), user("b")]
}

fn ended(room: RoomId, ending: Ending, ms: u64) -> Notice {
    Notice {
        to: Audience::Users(both()),
        event: Event::Ended {
            room,
            offset: None,
            ending,
            at: at(ms),
        },
        places: vec![],
    }
}

/// Without the places in the log, which Redis draws.
fn unplaced(mut notices: Vec<Notice>) -> Vec<Notice> {
    for notice in &mut notices {
        if let Event::Ended { offset, .. } = &mut notice.event {
            assert!(offset.take().is_some());
        }
    }
    notices
}

#[tokio::test]
async fn leaving_ends_the_room_for_both_and_leaves_a_tombstone_and_a_fact() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    say(&one, room, "a", "bye").await;
    one.coord.start_typing(room, &user("b"), at(3000)).await.unwrap();
    one.inbox().await;
    two.inbox().await;
    assert_eq!(one.coord.end(room, &user("c"), rules()).await.unwrap(), None, "no seat");

    let first = one.coord.end(room, &user("a"), rules()).await.unwrap();
    let again = two.coord.end(room, &user("b"), rules()).await.unwrap();

    assert_eq!((first, again), (Some(both()), None));
    let told = ended(room, Ending::Left(user("a")), 0);
    assert_eq!(
        (unplaced(one.inbox().await), unplaced(two.inbox().await)),
        (vec![told.clone()], vec![told])
    );
    one.inbox().await;
    two.inbox().await;
    assert_state(
        &world.dump().await,
        &[
            ("room:R", "at=T+0, by=a, state=ended, to=a b, why=left (ttl)"),
            (
                "log:R",
                "k=seated d=text|a b|T+0 / l=a|m-bye|T+0|bye / k=ended d=left|a|T+0 (ttl)",
            ),
            ("timers", "release|R|a|b@T+2000"),
            (
                "journal",
                "fact=ended room=R kind=text opened=T+0 ended=T+0 why=left by=a lines=1 people=a b",
            ),
        ],
    );
    assert_eq!(
        sit(&two, room, "b", "s9").await,
        Sat::Ended(Ending::Left(user("a")), both())
    );
    assert_eq!(sit(&two, room, "c", "s9").await, Sat::None);
    assert_eq!(say(&one, room, "a", "late").await, Said::NoRoom);
    assert!(!one.coord.start_typing(room, &user("a"), at(1)).await.unwrap());
    assert!(!one.coord.recall(room, &user("a"), &socket("s1"), 5).await.unwrap());
    let late = one
        .coord
        .announce(room, at(1), at(1), [(&user("a"), &[]), (&user("b"), &[])])
        .await
        .unwrap();
    assert_eq!(late, super::Announced::Open, "it was announced");
    assert_eq!(one.coord.discard(room).await.unwrap(), Discarded::Kept);
}

#[tokio::test]
async fn a_room_that_is_still_opening_cannot_be_left() {
    let world = World::new(1).await;
    let node = world.node().await;
    let room = world.room("R");
    node.coord
        .open(room, RoomKind::Text, [&user("a"), &user("b")], at(1))
        .await
        .unwrap();
    let before = world.dump().await;

    assert_eq!(node.coord.end(room, &user("a"), rules()).await.unwrap(), None);

    assert_eq!(world.dump().await, before);
}

async fn report(node: &TestNode, room: RoomId, by: &str, whom: &str) -> Result<Vec<UserId>, Refusal> {
    let report = Report {
        id: &FactId::parse("F").unwrap(),
        room,
        reporter: &user(by),
        reported: &user(whom),
        violation: Violation::Spam,
        description: "said the same again",
        lines: 30,
    };
    node.coord.report(&report, rules()).await.unwrap()
}

#[tokio::test]
async fn a_report_freezes_the_last_thirty_lines_in_the_journal_and_ends_the_room() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    for i in 0..40 {
        say(&two, room, "b", &i.to_string()).await;
        world.clock.advance(Duration::from_secs(2));
    }
    one.inbox().await;
    two.inbox().await;
    assert_eq!(report(&one, room, "a", "a").await, Err(Refusal::NotYourPartner));
    assert_eq!(report(&one, room, "a", "c").await, Err(Refusal::NotYourPartner));
    assert_eq!(report(&one, room, "c", "a").await, Err(Refusal::NoRoom));

    let answers = [report(&one, room, "a", "b").await, report(&one, room, "a", "b").await];

    assert_eq!(answers, [Ok(both()), Err(Refusal::NoRoom)]);
    assert_eq!(
        unplaced(two.inbox().await),
        [ended(room, Ending::Reported(user("a")), 80_000)]
    );
    assert_eq!(
        sit(&two, room, "b", "s2").await,
        Sat::Ended(Ending::Reported(user("a")), both())
    );
    let facts = one.journals[0].oldest(10).await.unwrap();
    let (Some(Fact::Reported(reported)), Some(Fact::Ended(life))) = (&facts[0].fact, &facts[1].fact) else {
        panic!("{facts:?}")
    };
    let frozen: Vec<_> = reported.lines.iter().map(|l| l.text.clone()).collect();
    assert_eq!(frozen, (10..40).map(|i| i.to_string()).collect::<Vec<_>>());
    assert!(reported.lines.iter().all(|l| l.sender == user("b")));
    assert_eq!(
        (reported.at, &reported.reported, reported.opened),
        (at(80_000), &user("b"), at(0))
    );
    assert_eq!(
        (life.lines, &life.ending, facts.len()),
        (40, &Ending::Reported(user("a")), 2)
    );
    one.inbox().await;
    assert!(world.dump().await["log:R"].ends_with("k=ended d=reported|a|T+80000 (ttl)"));
}

async fn leave_seat(node: &TestNode, room: RoomId, who: &str, sid: &str, until: u64) {
    let (who, sid) = (user(who), socket(sid));
    node.coord
        .unsit(room, &who, &sid, at(until), Offset::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_held_seat_is_lost_after_the_window_and_not_before() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let expire = async |who| one.coord.expire_hold(room, &user(who), rules()).await.unwrap();
    leave_seat(&two, room, "b", "s2", 30_000).await;
    let before = world.dump().await;
    world.clock.advance(Duration::from_millis(29_999));
    assert_eq!((expire("b").await, expire("a").await), (None, None));
    assert_eq!(world.dump().await, before);
    world.clock.advance(Duration::from_millis(1));

    let answers = [expire("b").await, expire("b").await];

    assert_eq!(answers, [Some(both()), None]);
    assert_eq!(
        unplaced(one.inbox().await),
        [ended(room, Ending::Disconnected(user("b")), 30_000)]
    );
    assert!(two.inbox().await.is_empty());
    one.inbox().await;
    let dump = world.dump().await;
    assert_eq!(dump["timers"], "release|R|a|b@T+2000");
    assert_eq!(
        sit(&two, room, "b", "s2").await,
        Sat::Ended(Ending::Disconnected(user("b")), both())
    );
}

#[tokio::test]
async fn the_timer_of_an_earlier_absence_does_not_end_a_later_one() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let expire = async || one.coord.expire_hold(room, &user("b"), rules()).await.unwrap();
    leave_seat(&two, room, "b", "s2", 30_000).await;
    sit(&two, room, "b", "s3").await;
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(expire().await, None, "back");

    leave_seat(&two, room, "b", "s3", 60_000).await;

    assert_eq!(expire().await, None, "held anew");
    assert!(world.dump().await["timers"].contains("hold|R|b@T+60000"));
}

#[tokio::test]
async fn a_quiet_room_ends_and_one_that_was_not_quiet_goes_on() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let quiet = Duration::from_secs(1800);
    let expire = async || one.coord.expire_idle(room, quiet, rules()).await.unwrap();
    world.clock.advance(Duration::from_secs(10));
    say(&one, room, "a", "still here").await;
    two.inbox().await;
    world.clock.advance(quiet - Duration::from_millis(1));
    assert_eq!(expire().await, None);
    assert_eq!(
        world.dump().await["timers"],
        "idle|R@T+1810000",
        "it comes when it may be due"
    );
    world.clock.advance(Duration::from_millis(1));

    let answers = [expire().await, expire().await];

    assert_eq!(answers, [Some(both()), None]);
    assert_eq!(unplaced(two.inbox().await), [ended(room, Ending::Timeout, 1_810_000)]);
    assert_eq!(sit(&two, room, "b", "s2").await, Sat::Ended(Ending::Timeout, both()));
}

/// Rooms of a (on the dying node) and b (on the other).
async fn die(world: &World, dead: &TestNode, alive: &TestNode) -> Millis {
    world
        .raw(&["ZADD", &alive.coord.keys().nodes(S), "1", dead.id.as_str()])
        .await;
    assert_eq!(alive.coord.bury(S).await.unwrap(), std::slice::from_ref(&dead.id));
    at(30_000)
}

#[tokio::test]
async fn seats_of_a_dead_node_are_held_and_its_people_get_what_it_had_not_dispatched() {
    let world = World::new(1).await;
    let (mut dead, mut alive) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut dead, &mut alive).await;
    say(&alive, room, "b", "dispatched").await;
    assert_eq!(dead.inbox().await.len(), 1);
    // Redis's clock must go on between the line before and those after: the point is told in milliseconds.
    let mark = redis_ms(&world).await;
    while redis_ms(&world).await == mark {}
    say(&alive, room, "b", "read, not dispatched").await;
    say(&alive, room, "b", "never read").await;
    let held = die(&world, &dead, &alive).await;
    say(&alive, room, "b", "after").await;

    let reaped = alive
        .coord
        .reap_rooms(S, &dead.id, 10, all_noticed(held))
        .await
        .unwrap();
    alive.coord.rest(S, &dead.id).await.unwrap();
    say(&alive, room, "b", "while held").await;

    assert_eq!(reaped, 1);
    alive.inbox().await;
    alive.inbox().await;
    let dump = world.dump().await;
    assert!(
        dump["room:R"].contains("nodes=N2, opened=T+0, s:a=h T+30000 @, s:b=p N2/s2"),
        "{dump:?}"
    );
    assert_eq!(dump["timers"], "hold|R|a@T+30000, idle|R@T+1800000");
    assert!(!dump.keys().any(|k| k.ends_with("N1") || k == "dying"), "{dump:?}");
    let told = missed(sit(&alive, room, "a", "s1b").await);
    assert_eq!(
        texts_of(&told),
        ["read, not dispatched", "never read", "after", "while held"]
    );
    assert_eq!(
        alive
            .coord
            .reap_rooms(S, &dead.id, 10, all_noticed(held))
            .await
            .unwrap(),
        0,
        "the repeat"
    );
}

#[tokio::test]
async fn who_comes_while_another_socket_may_be_dead_is_sent_what_that_may_not_have_brought() {
    let world = World::new(1).await;
    let (mut dead, mut alive) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut dead, &mut alive).await;
    say(&alive, room, "b", "dispatched").await;
    assert_eq!((dead.inbox().await.len(), dead.inbox().await.len()), (1, 0));
    let mark = redis_ms(&world).await;
    while redis_ms(&world).await <= mark + 1 {}
    let unnoticed = Millis(redis_ms(&world).await);
    say(&alive, room, "b", "never read").await;
    alive.inbox().await;

    let sat = sit_unsure_since(&alive, room, "a", "s1b", unnoticed).await;

    let told = missed(sat);
    assert_eq!(
        (kinds_of(&told), texts_of(&told)),
        (vec!["said"], vec!["never read".to_owned()])
    );
}

/// Nothing that the dead node has dispatched may not have been brought.
fn all_noticed(held: Millis) -> Takeover {
    let unnoticed = Millis(9_999_999_999_999);
    Takeover { held, unnoticed }
}

async fn redis_ms(world: &World) -> u64 {
    let time = crate::coord::testing::texts(world.raw(&["TIME"]).await);
    time[0].parse::<u64>().unwrap() * 1000 + time[1].parse::<u64>().unwrap() / 1000
}

#[tokio::test]
async fn people_of_a_dead_node_that_had_dispatched_everything_are_sent_only_what_came_after() {
    let world = World::new(1).await;
    let (mut dead, mut alive) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut dead, &mut alive).await;
    say(&alive, room, "b", "dispatched").await;
    // The second read says that the first was dispatched.
    assert_eq!((dead.inbox().await.len(), dead.inbox().await.len()), (1, 0));
    let mark = redis_ms(&world).await;
    while redis_ms(&world).await <= mark + 1 {}
    let held = die(&world, &dead, &alive).await;

    alive
        .coord
        .reap_rooms(S, &dead.id, 10, all_noticed(held))
        .await
        .unwrap();
    say(&alive, room, "b", "after").await;
    alive.inbox().await;
    let told = missed(sit(&alive, room, "a", "s1b").await);

    assert_eq!(kinds(&alive.inbox().await), ["retaken"]);
    assert_eq!(
        (kinds_of(&told), texts_of(&told)),
        (vec!["said", "retaken"], vec!["after".to_owned()])
    );
}

#[tokio::test]
async fn people_of_a_dead_node_whose_inbox_was_cut_are_sent_everything() {
    let mut world = World::new(1).await;
    world.inbox_cap = 3;
    let (mut dead, mut alive) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut dead, &mut alive).await;
    for text in ["1", "2", "3", "4", "5"] {
        say(&alive, room, "b", text).await;
    }
    let held = die(&world, &dead, &alive).await;
    alive
        .coord
        .reap_rooms(S, &dead.id, 10, all_noticed(held))
        .await
        .unwrap();
    alive.coord.rest(S, &dead.id).await.unwrap();
    alive.inbox().await;

    let told = missed(sit(&alive, room, "a", "s1b").await);

    assert_eq!(texts_of(&told), ["1", "2", "3", "4", "5"]);
    assert!(!world.dump().await.get("gaps").is_some_and(|g| g.contains("N1")));
}

#[tokio::test]
async fn a_seat_with_a_socket_elsewhere_survives_a_dead_node_and_batches_end() {
    let world = World::new(1).await;
    let (mut dead, mut alive) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut dead, &mut alive).await;
    sit(&alive, room, "a", "s1b").await;
    for i in 0..4 {
        let more = world.room(&format!("R{i}"));
        let pair = [&user("c"), &user("d")];
        alive.coord.open(more, RoomKind::Text, pair, at(1)).await.unwrap();
        sit(&dead, more, "c", "sc").await;
    }
    let held = die(&world, &dead, &alive).await;

    let mut reaped = Vec::new();
    for _ in 0..3 {
        reaped.push(alive.coord.reap_rooms(S, &dead.id, 3, all_noticed(held)).await.unwrap());
    }

    assert_eq!(reaped, [3, 2, 0]);
    let dump = world.dump().await;
    assert!(
        dump["room:R"].contains("nodes=N2, opened=T+0, s:a=p N2/s1b, s:b=p N2/s2"),
        "{dump:?}"
    );
    assert!(
        dump["room:R3"].contains("nodes=, opened=T+0, s:c=h T+30000 "),
        "{dump:?}"
    );
    assert!(!dump.contains_key("rooms:N1"));
}
