//! Sessions that clients take up again, and the trail of rooms that says what they missed.

use super::{ApartRules, Attached, Detached, Past, Recovered, Remembered, Session, State};
use crate::clock::Millis;
use crate::coord::notice::Place;
use crate::coord::testing::{TestNode, World, assert_state, at, socket, user};
use crate::domain::account::Standing;
use crate::domain::event::{Audience, Event};
use crate::domain::queue::Queue;
use crate::domain::recovery::TRAIL;
use crate::ids::{RecoveryKey, RoomId, Shard};
use std::time::Duration;

const MOST: usize = 3;
const WINDOW: Duration = Duration::from_secs(60);

fn session(sid: &str) -> Session {
    Session {
        sid: socket(sid),
        key: RecoveryKey::parse(&format!("key-of-{sid}")).unwrap(),
        standing: Standing::Guest,
    }
}

async fn attach(node: &TestNode, sid: &str, session: Option<&Session>) -> Past {
    let attached = node.coord.attach(&user("a"), &socket(sid), MOST, session).await;
    match attached.unwrap() {
        Attached::To(_, past) => past,
        Attached::Crowded => panic!("crowded"),
    }
}

async fn detach(node: &TestNode, sid: &str) -> Detached {
    node.coord
        .detach(&user("a"), &socket(sid), at(1), Remembered::both(WINDOW))
        .await
        .unwrap()
}

async fn recover(node: &TestNode, sid: &str, session: &Session, oldest: Millis) -> Recovered {
    let (user, sid) = (user("a"), socket(sid));
    node.coord.recover(&user, &sid, MOST, session, oldest).await.unwrap()
}

async fn claim_for(node: &TestNode, room: RoomId) {
    let entered = node.coord.enter(&user("a"), Queue::Text, at(5000)).await.unwrap();
    let super::Entered::Seeking(stay) = entered else {
        panic!("{entered:?}")
    };
    node.coord.claim(&user("a"), &stay.ticket, room).await.unwrap();
}

async fn leave(node: &TestNode, room: RoomId) {
    let user = user("a");
    let rules = ApartRules {
        partners: 0,
        apart_for: WINDOW,
    };
    node.coord.release(&user, room, None, rules).await.unwrap();
}

#[tokio::test]
async fn a_session_whose_connection_ended_is_taken_up_within_the_window_by_who_has_its_key() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    attach(&one, "s1", Some(&session("s1"))).await;
    assert_eq!(detach(&one, "s1").await, Detached::Last(State::Idle));
    assert!(world.dump().await["past:a"].ends_with("s1 (ttl)"));
    let ended = world.clock.now();
    let forged = Session {
        key: RecoveryKey::fresh(),
        ..session("s1")
    };
    let promoted = Session {
        standing: Standing::Registered,
        ..session("s1")
    };

    for refused in [&forged, &promoted, &session("s2")] {
        assert_eq!(recover(&two, "s2", refused, ended).await, Recovered::Unknown);
    }
    let too_late = ended + Duration::from_millis(1);
    assert_eq!(recover(&two, "s2", &session("s1"), too_late).await, Recovered::Unknown);
    let taken = recover(&two, "s2", &session("s1"), ended).await;

    assert!(matches!(taken, Recovered::To(State::Idle, _, None)), "{taken:?}");
    let dump = world.dump().await;
    assert_eq!(dump["user:a"], "#s2=s1 key-of-s1 guest, @s2=N2");
    assert_eq!(dump.get("past:a"), None);
    assert!(dump["counts"].contains("online=1"));
}

#[tokio::test]
async fn who_says_goodbye_leaves_no_session_and_the_trail_to_the_others() {
    let world = World::new(1).await;
    let node = world.node().await;
    let (sessions, room) = (["s1", "s2"].map(session), world.room("R1"));
    attach(&node, "s1", Some(&sessions[0])).await;
    attach(&node, "s2", Some(&sessions[1])).await;
    detach(&node, "s1").await;
    claim_for(&node, room).await;
    leave(&node, room).await;

    let goodbye = Remembered {
        session: Duration::ZERO,
        trail: WINDOW,
    };
    let gone = node.coord.detach(&user("a"), &socket("s2"), at(1), goodbye).await;

    assert_eq!(gone.unwrap(), Detached::Last(State::Idle));
    assert_eq!(recover(&node, "s3", &sessions[1], at(0)).await, Recovered::Unknown);
    let taken = recover(&node, "s3", &sessions[0], at(0)).await;
    assert!(
        matches!(&taken, Recovered::To(State::Idle, past, None) if past.trail == [room]),
        "{taken:?}"
    );
}

#[tokio::test]
async fn a_session_is_taken_up_from_a_connection_that_nobody_knows_to_be_dead() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    attach(&one, "s1", Some(&session("s1"))).await;
    attach(&one, "s0", None).await;

    let taken = recover(&two, "s2", &session("s1"), at(0)).await;

    let before = Place {
        node: one.id.clone(),
        socket: socket("s1"),
    };
    assert!(
        matches!(&taken, Recovered::To(State::Idle, _, Some(place)) if *place == before),
        "{taken:?}"
    );
    assert_eq!(detach(&one, "s1").await, Detached::Elsewhere(State::Idle), "too late");
    let expected = "#s2=s1 key-of-s1 guest, @s0=N1, @s2=N2";
    let dump = world.dump().await;
    assert_eq!((dump["user:a"].as_str(), dump["users:N1"].as_str()), (expected, "a"));
    assert!(dump["counts"].contains("online=1"));
    let again = recover(&two, "s2", &session("s1"), at(0)).await;
    assert!(matches!(again, Recovered::To(State::Idle, _, None)), "{again:?}");
    attach(&two, "s3", None).await;
    let crowded = recover(&two, "s4", &session("s9"), at(0)).await;
    assert_eq!(crowded, Recovered::Unknown);
}

#[tokio::test]
async fn the_last_of_many_sockets_superseded_takes_the_user_off_the_old_node_which_is_told() {
    let world = World::new(1).await;
    let (mut one, two) = (world.node().await, world.node().await);
    attach(&one, "s1", Some(&session("s1"))).await;

    recover(&two, "s2", &session("s1"), at(0)).await;

    let told: Vec<_> = one
        .inbox()
        .await
        .into_iter()
        .map(|notice| (notice.to, notice.event))
        .collect();
    assert_eq!(told, [(Audience::Socket(socket("s1")), Event::Superseded)]);

    assert_state(
        &world.dump().await,
        &[
            ("user:a", "#s2=s1 key-of-s1 guest, @s2=N2"),
            ("users:N2", "a"),
            ("counts", "changed=1, online=1"),
            ("arrivals:16666666", "1 (ttl)"),
        ],
    );
}

#[tokio::test]
async fn sessions_of_a_dead_node_are_kept_and_go_on_with_a_socket_that_was_alive_after_all() {
    let world = World::new(1).await;
    let (dead, alive) = (world.node().await, world.node().await);
    attach(&dead, "s1", Some(&session("s1"))).await;

    alive
        .coord
        .reap_users(Shard(0), &dead.id, 10, at(1), WINDOW)
        .await
        .unwrap();
    assert!(world.dump().await["past:a"].starts_with("s:s1 key-of-s1 guest=T+0 s1"));
    attach(&alive, "s1", None).await;

    let dump = world.dump().await;
    assert_eq!(dump["user:a"], "#s1=s1 key-of-s1 guest, @s1=N2");
    assert_eq!(dump.get("past:a"), None);
}

#[tokio::test]
async fn the_trail_names_the_last_rooms_without_those_that_came_to_nothing() {
    let world = World::new(1).await;
    let node = world.node().await;
    attach(&node, "s1", None).await;
    let rooms: Vec<_> = (0..TRAIL + 1).map(|i| world.room(&format!("R{i}"))).collect();
    for room in &rooms[..2] {
        claim_for(&node, *room).await;
        leave(&node, *room).await;
    }
    claim_for(&node, rooms[2]).await;
    node.coord.unclaim(&user("a"), rooms[2], at(5000)).await.unwrap();

    assert_eq!(attach(&node, "s1", None).await.trail, rooms[..2]);
    node.coord.give_up(&user("a")).await.unwrap();
    for room in &rooms[2..] {
        claim_for(&node, *room).await;
        leave(&node, *room).await;
    }
    assert_eq!(attach(&node, "s1", None).await.trail, rooms[1..]);
}

#[tokio::test]
async fn who_sits_in_a_room_for_longer_than_a_trail_is_remembered_still_has_it_in_the_trail() {
    let world = World::new(1).await;
    let (node, room, sessions) = (world.node().await, world.room("R1"), ["s1", "s2"].map(session));
    attach(&node, "s1", Some(&sessions[0])).await;
    claim_for(&node, room).await;
    let past = node.coord.keys().past(&user("a"));

    assert_eq!(detach(&node, "s1").await, Detached::Last(State::Seated(room)));
    world.raw(&["DEL", &past]).await;
    let attached = attach(&node, "s2", Some(&sessions[1])).await;
    assert_eq!(detach(&node, "s2").await, Detached::Last(State::Seated(room)));
    world.raw(&["HDEL", &past, "rooms"]).await;
    let taken = recover(&node, "s3", &sessions[1], at(0)).await;

    assert_eq!(attached.trail, [room]);
    assert!(
        matches!(&taken, Recovered::To(_, past, _) if past.trail == [room]),
        "{taken:?}"
    );
    assert!(world.dump().await["user:a"].contains("trail=R1"));
}

#[tokio::test]
async fn sessions_too_old_are_forgotten_when_there_are_many() {
    let world = World::new(1).await;
    let node = world.node().await;
    for i in 0..40 {
        let sid = format!("s{i}");
        attach(&node, &sid, Some(&session(&sid))).await;
        detach(&node, &sid).await;
        world.clock.advance(Duration::from_secs(10));
    }

    let kept = world.dump().await["past:a"].matches("key-of").count();
    assert!((6..=17).contains(&kept), "{kept}");
}
