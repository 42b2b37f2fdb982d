//! What a socket is told, in which order, and what it may have missed when it goes.

use super::Departure;
use super::member::CLOCKS_APART;
use crate::clock::Millis;
use crate::domain::event::Event;
use crate::domain::recovery::Bookmark;
use crate::domain::room::{Ending, Offset, RoomKind};
use crate::ids::{RoomId, Shard, UserId};
use crate::wire::hub::Hub;
use crate::wire::settings::Settings;
use crate::wire::testing::{UNNOTICED, arriving, line, said};
use std::sync::Arc;
use std::time::Duration;

fn retaken(room: RoomId, ms: u64) -> Event {
    Event::Retaken {
        room,
        offset: Offset { ms, seq: 0 },
        user: UserId::parse("b").unwrap(),
        at: Millis(ms),
    }
}

/// The state of a room whose last line is of then.
fn resumed(room: RoomId, ms: u64) -> Event {
    Event::Resumed {
        room,
        kind: RoomKind::Text,
        people: Vec::new(),
        lines: vec![line(ms)],
    }
}

#[test]
fn nothing_is_asked_in_the_name_of_who_only_says_that_they_take_up_a_session() {
    let now = Millis(1_000_000);
    let hub = Hub::default();
    let [known, claim, owner] = [arriving(now), arriving(now).unproven(), arriving(now).unproven()].map(Arc::new);
    for member in [&known, &claim, &owner] {
        hub.enroll(member.clone());
    }

    owner.prove(true);
    let mut asked: Vec<_> = hub.everyone_proven().iter().map(|m| m.socket.sid().clone()).collect();

    let mut expected = [&known, &owner].map(|member| member.socket.sid().clone());
    asked.sort();
    expected.sort();
    assert_eq!(asked, expected);
    let over = [&known, &claim, &owner].map(|member| member.socket.connection().is_over());
    assert_eq!(over, [false, true, false], "it is sent away");
}

#[test]
fn a_socket_that_was_told_nothing_missed_nothing_that_was_there_when_it_came() {
    let now = Millis(1_000_000);
    let member = arriving(now);
    let last = Offset {
        ms: now.0 - 300,
        seq: 0,
    };
    let unknown = Offset::at(now - CLOCKS_APART).next();

    member.settle(&[], Some((RoomId::fresh(Shard(0)), last)));

    for departure in [Departure::Drained, Departure::Lost] {
        assert_eq!(member.may_have_missed(departure), last.next());
    }
    member.socket.note_written(Offset::at(now).packed());
    for departure in [Departure::Drained, Departure::Lost] {
        assert_eq!(member.may_have_missed(departure), unknown, "nothing is confirmed");
    }
    assert_eq!(member.may_have_missed(Departure::Clean), Offset::at(now).next());
}

#[test]
fn a_socket_that_goes_before_redis_has_answered_may_have_missed_what_was_held_for_its_user() {
    let now = Millis(1_000_000);
    let [member, free] = [arriving(now), arriving(now)];
    free.settle(&[], None);

    for departure in [Departure::Clean, Departure::Lost] {
        assert_eq!(member.may_have_missed(departure), Offset::at(now - UNNOTICED).next());
        assert_eq!(free.may_have_missed(departure), Offset::at(now - CLOCKS_APART).next());
    }
}

#[test]
fn what_is_told_as_the_state_of_a_room_is_missed_until_that_is_confirmed() {
    let now = Millis(1_000_000);
    let member = arriving(now);
    let room = RoomId::fresh(Shard(0));
    let missed = Event::Retaken {
        room,
        offset: Offset::at(now - UNNOTICED),
        user: UserId::parse("b").unwrap(),
        at: now,
    };

    member.is_owed([&missed]);
    member.settle(&[], Some((room, Offset::at(now))));

    for departure in [Departure::Drained, Departure::Lost] {
        assert!(member.may_have_missed(departure) < Offset::at(now - UNNOTICED));
    }
}

#[test]
fn pongs_that_were_held_up_confirm_nothing_that_was_written_after_they_were_posted() {
    let (now, settings) = (Millis(1_000_000), Settings::default());
    let member = arriving(now);
    let connection = member.socket.connection().clone();
    connection.join(member.socket.clone());

    member.socket.note_written(5);
    for _ in 0..2 {
        connection.note_posted_pong(now, &settings);
        assert_eq!(member.socket.confirmed(), 0);
    }
    connection.note_posted_pong(now + settings.ping_interval, &settings);
    assert_eq!(member.socket.confirmed(), 5);
}

#[test]
fn what_happens_in_a_room_while_its_state_is_on_its_way_is_told_after_that_or_is_part_of_it() {
    let member = arriving(Millis(1_000_000));
    member.socket.open(&[]);
    let room = RoomId::fresh(Shard(0));
    let told = || member.socket.connection().outbox.drain(usize::MAX).0.len();

    member.await_state(room, Offset { ms: 5, seq: 0 });
    for ms in [6, 7] {
        member.hear(&said(room, ms), &mut None);
    }
    assert_eq!(told(), 0);
    member.hear_alone(&resumed(room, 6));
    assert_eq!(told(), 2, "the state, and what came after it");
    member.hear(&said(room, 8), &mut None);
    assert_eq!(told(), 1);
}

#[test]
fn what_the_state_of_a_room_has_is_not_told_again_when_redis_was_asked_anew_before_it_came() {
    let member = arriving(Millis(1_000_000));
    member.socket.open(&[]);
    let room = RoomId::fresh(Shard(0));
    let told = || member.socket.connection().outbox.drain(usize::MAX).0.len();

    member.await_state(room, Offset { ms: 5, seq: 0 });
    member.await_answer();
    member.hear_alone(&resumed(room, 7));
    assert_eq!(told(), 1, "who asks is answered");
    for ms in [7, 8] {
        member.hear(&said(room, ms), &mut None);
    }

    // Taken before the state was.
    let missed = [said(room, 6)];
    member.settle(&missed, Some((room, Offset { ms: 6, seq: 0 })));

    assert_eq!(told(), 1, "what came after the state");
}

#[test]
fn what_was_missed_is_told_once_when_redis_was_asked_twice_at_once() {
    let now = Millis(1_000_000);
    let member = arriving(now);
    member.socket.open(&[]);
    let room = RoomId::fresh(Shard(0));
    let at = |ms| Offset { ms, seq: 0 };
    let retaken = |ms| retaken(room, ms);

    member.settle(&[retaken(5), retaken(6)], Some((room, at(6))));
    assert_eq!(member.knows_of(room), Some(true));
    member.hear(&retaken(7), &mut None);
    member.settle(&[retaken(5), retaken(6), retaken(7), retaken(8)], Some((room, at(8))));

    let (told, _) = member.socket.connection().outbox.drain(usize::MAX);
    assert_eq!(told.len(), 4);
    member.await_answer();
    assert_eq!(member.knows_of(room), None, "Redis is asked anew");
}

#[test]
fn who_takes_up_a_session_and_is_not_answered_yet_has_heard_up_to_the_bookmark() {
    let now = Millis(1_000_000);
    let heard = Offset::at(Millis(5));
    let [member, unknown] = [arriving(now), arriving(now)];

    member.has_heard(Bookmark::In(RoomId::fresh(Shard(0)), heard));

    assert_eq!(member.await_answer(), heard);
    assert_eq!(unknown.await_answer(), Offset::at(now - UNNOTICED));
}

#[test]
fn who_took_up_a_session_never_missed_what_comes_before_the_bookmark() {
    let now = Millis(1_000_000);
    let (room, heard) = (RoomId::fresh(Shard(0)), Offset::at(now - Duration::from_millis(5)));
    let member = arriving(now);
    let returned = Event::Retaken {
        room,
        offset: Offset::at(now),
        user: member.who.user.clone(),
        at: now,
    };

    member.has_heard(Bookmark::In(room, heard));
    member.settle(&[returned], Some((room, Offset::at(now))));

    assert_eq!(member.may_have_missed(Departure::Lost), heard.next());
}

#[test]
fn who_was_told_something_elsewhere_may_not_have_heard_it_when_the_connection_is_lost() {
    let now = Millis(1_000_000);
    let (room, told) = (RoomId::fresh(Shard(0)), Offset::at(now - Duration::from_millis(5)));
    let member = arriving(now);

    member.was_told(Bookmark::In(room, told));
    member.settle(&[], Some((room, told)));

    let all = Offset::at(now - UNNOTICED).next();
    assert_eq!(member.may_have_missed(Departure::Lost), all);
    member.socket.note_written(Offset::at(now).packed());
    assert_eq!(member.may_have_missed(Departure::Lost), all);
    assert_eq!(member.may_have_missed(Departure::Clean), Offset::at(now).next());
    assert_eq!(member.await_answer(), told, "on this connection it is still to come");
}

#[test]
fn a_late_notice_of_what_a_returning_client_has_heard_is_no_news() {
    let now = Millis(1_000_000);
    let member = arriving(now);
    let (room, other) = (RoomId::fresh(Shard(0)), RoomId::fresh(Shard(0)));
    let ended = |room| Event::Ended {
        room,
        offset: Some(Offset::at(now)),
        ending: Ending::Lost,
        at: now,
    };

    let told = || member.socket.connection().outbox.drain(usize::MAX).0.len();

    member.socket.open(&[]);
    member.has_heard(Bookmark::After(room, now));
    member.settle(&[], None);
    member.hear(&ended(room), &mut None);
    assert_eq!(told(), 0);
    member.hear(&ended(other), &mut None);

    assert_eq!(told(), 1);
}

#[test]
fn of_a_room_whose_end_was_told_nothing_more_is_told_until_its_people_are_seated_again() {
    let now = Millis(1_000_000);
    let member = arriving(now);
    let room = RoomId::fresh(Shard(0));
    let at = |ms| Offset { ms, seq: 0 };
    let ended = |ms| Event::Ended {
        room,
        offset: Some(at(ms)),
        ending: Ending::Lost,
        at: now,
    };
    let retaken = |ms| retaken(room, ms);
    let seated = |ms| Event::Seated {
        room,
        offset: Some(at(ms)),
        kind: RoomKind::Text,
        people: Vec::new(),
        at: now,
    };
    let told = |event: &Event| {
        member.hear(event, &mut None);
        member.socket.connection().outbox.drain(usize::MAX).0.len()
    };

    member.socket.open(&[]);
    member.settle(&[], Some((room, at(now.0))));
    assert_eq!(told(&ended(now.0 + 1)), 1);

    assert_eq!(told(&retaken(now.0 + 2)), 0);
    assert_eq!(told(&ended(now.0 + 3)), 0);
    assert_eq!(told(&seated(now.0 + 4)), 1);
    assert_eq!(told(&retaken(now.0 + 5)), 1);
}
