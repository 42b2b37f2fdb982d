//! How rooms end, and what is left of them.

use super::tests::{room_of, say, sit};
use super::{Discarded, EndRules, Report, Said, Sat};
use crate::coord::notice::Notice;
use crate::coord::testing::{TestNode, World, assert_state, at, socket, user};
use crate::domain::event::{Audience, Event};
use crate::domain::fact::Fact;
use crate::domain::refusal::Refusal;
use crate::domain::room::{Ending, Offset, RoomKind};
use crate::domain::safety::Violation;
use crate::ids::{FactId, RoomId, Shard, UserId};
use std::time::Duration;

pub(super) const S: Shard = Shard(0);

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
    assert_eq!(
        one.coord.discard(room, rules().tombstone).await.unwrap(),
        Discarded::Kept
    );
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
