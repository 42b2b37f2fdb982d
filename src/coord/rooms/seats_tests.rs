//! Seats that are left, held and taken again, and what somebody who comes back is told.

use super::tests::{
    both, kinds, kinds_of, lines, missed, offsets, place, room_of, say, sit, sit_unsure_since, texts_of, unsit,
};
use super::{EndRules, Retold, Sat, Unsat};
use crate::clock::Millis;
use crate::coord::notice::Place;
use crate::coord::testing::{TestNode, World, at, socket, text, user};
use crate::domain::event::{Audience, Event};
use crate::domain::recovery::From;
use crate::domain::room::{Offset, RoomKind};
use crate::ids::RoomId;
use std::time::Duration;

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
async fn a_node_that_asks_twice_at_once_for_a_socket_gets_what_was_missed_with_both_answers() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    say(&one, room, "a", "seen").await;
    let since = offsets(&two.inbox().await)[0];
    assert_eq!(unsit(&two, room, "b", "s2", since.next()).await, Unsat::Held);
    say(&one, room, "a", "missed").await;

    // For the node's new life, and as its client came.
    let anew = missed(resume(&two, room, "s3", From::After(since), None).await);
    let came = missed(sit_unsure_since(&two, room, "b", "s3", Millis(0)).await);

    assert_eq!(texts_of(&anew), ["missed"]);
    assert_eq!(texts_of(&came), ["seen", "missed"]);
}

#[tokio::test]
async fn a_socket_that_moves_from_a_node_whose_inbox_was_cut_is_given_all_that_may_be_missing() {
    let mut world = World::new(1).await;
    world.inbox_cap = 3;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let lines: Vec<_> = (0..12).map(|i| i.to_string()).collect();
    for line in &lines {
        world.clock.advance(Duration::from_secs(2));
        say(&one, room, "a", line).await;
    }

    let moved = missed(sit_unsure_since(&one, room, "b", "s2", Millis(0)).await);

    assert_eq!(texts_of(&moved), lines);
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
    let (_, last) = events.last().and_then(Event::place).unwrap();
    for socket in ["s2", "s3"] {
        unsit(&two, room, "b", socket, last.next()).await;
    }
    let anew = sit(&two, room, "b", "s4").await;
    assert!(
        matches!(anew, Sat::Retaken(found) if !found.whole),
        "nor is a new socket told a part"
    );
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

#[tokio::test]
async fn a_log_in_which_nothing_is_said_does_not_grow_without_end() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let log = one.coord.keys().log(room);
    let many = "for i = 1, 12000 do redis.call('XADD', KEYS[1], '*', 'k', 'retaken', 'd', 'b\\31' .. '5') end";
    world.raw(&["EVAL", many, "1", &log]).await;

    unsit(&two, room, "b", "s2", Offset::default()).await;
    sit(&two, room, "b", "s3").await;

    let length: usize = text(world.raw(&["XLEN", &log]).await).parse().unwrap();
    assert!((10_000..10_200).contains(&length), "{length}");
}
