//! Whose session it is: owners that die, leave, and hand over.

use super::tests::{BEAT, carried, dead_node, emit, opened, packets, records, sid, signals, wake};
use super::*;
use crate::coord::testing::{START, World, assert_state};
use crate::domain::recovery::Bookmark;
use crate::ids::{RoomId, Shard, SocketId};

#[tokio::test]
async fn session_push_reaches_the_owner_wherever_it_was_posted() {
    let (_world, mut owner, other) = opened().await;

    assert!(other.coord.session_push(&sid(), "4a\u{1f}b").await.unwrap());

    let push = SessionSignal::Push {
        sid: sid(),
        epoch: 1,
        body: "4a\u{1f}b".into(),
    };
    assert_eq!(signals(&mut owner).await, [push]);
    let nobody = SessionId::parse("nobody").unwrap();
    assert!(!other.coord.session_push(&nobody, "4a").await.unwrap());
}

#[tokio::test]
async fn a_session_whose_owner_is_dead_is_owned_by_the_node_that_gets_its_request() {
    let world = World::new(1).await;
    let (dead, mut heir) = (dead_node(&world).await, world.node().await);
    dead.coord.session_open(&sid(), BEAT).await.unwrap();
    dead.coord.session_join(&sid(), 1, &carried()).await.unwrap();

    assert!(heir.coord.session_push(&sid(), "4a").await.unwrap());

    let adopt = SessionSignal::Adopt {
        sid: sid(),
        epoch: 2,
        dead: START + BEAT.dead,
        joined: vec![carried()],
    };
    let push = SessionSignal::Push {
        sid: sid(),
        epoch: 2,
        body: "4a".into(),
    };
    assert_eq!(signals(&mut heir).await, [adopt, push]);
    assert_eq!(emit(&dead, 1, &["4late"]).await, Emitted::Lost);
}

#[tokio::test]
async fn a_poll_asks_again_when_the_lease_of_its_owner_on_another_node_is_over() {
    let world = World::new(1).await;
    let (owner, other) = (world.stranger().await, world.node().await);
    let until = START + Duration::from_secs(5);
    owner.coord.register(Shard(0), until).await.unwrap();
    owner.coord.session_open(&sid(), BEAT).await.unwrap();
    assert_eq!(
        other.coord.session_poll(&sid(), "t1").await.unwrap(),
        Polled::Wait(until)
    );

    owner.coord.register(Shard(0), START + BEAT.dead).await.unwrap();
    let again = other.coord.session_poll(&sid(), "t1").await.unwrap();

    assert_eq!(again, Polled::Wait(START + BEAT.ping));
}

#[tokio::test]
async fn the_next_owner_knows_up_to_where_what_session_emit_left_has_been_told() {
    let world = World::new(1).await;
    let (dead, mut heir) = (dead_node(&world).await, world.node().await);
    dead.coord.session_open(&sid(), BEAT).await.unwrap();
    dead.coord.session_join(&sid(), 1, &carried()).await.unwrap();
    let heard = Bookmark::After(RoomId::fresh(Shard(0)));
    let marks = [(SocketId::parse("s1").unwrap(), heard)];

    let packets = packets(&marks, &["4a", "4b"]);
    let emitted = dead.coord.session_emit(&sid(), 1, packets).await.unwrap();
    assert_eq!(emitted, Emitted::Kept);
    let polled = heir.coord.session_poll(&sid(), "t1").await.unwrap();

    assert_eq!(polled, Polled::Data(vec!["4a".into(), "4b".into()]));
    let told = signals(&mut heir).await;
    let [SessionSignal::Adopt { joined, .. }] = &told[..] else {
        panic!("{told:?}")
    };
    let heard = Some(heard);
    assert_eq!(joined, &[Carried { heard, ..carried() }]);
}

#[tokio::test]
async fn session_free_lets_another_node_take_over_at_once() {
    let (_world, owner, mut other) = opened().await;

    assert!(owner.coord.session_free(&sid(), 1, &[]).await.unwrap());
    assert!(!owner.coord.session_free(&sid(), 7, &[]).await.unwrap());
    other.coord.session_poll(&sid(), "t1").await.unwrap();

    let told = signals(&mut other).await;
    assert!(matches!(told[..], [SessionSignal::Adopt { epoch: 2, .. }]), "{told:?}");
}

#[tokio::test]
async fn what_is_posted_from_session_leave_on_waits_for_the_next_owner_behind_what_session_free_brings() {
    let (world, mut owner, mut other) = opened().await;
    let push = |epoch, body: &str| SessionSignal::Push {
        sid: sid(),
        epoch,
        body: body.into(),
    };
    other.coord.session_push(&sid(), "4a").await.unwrap();

    assert!(owner.coord.session_leave(&sid(), 1).await.unwrap());
    assert!(!owner.coord.session_leave(&sid(), 7).await.unwrap());
    assert!(other.coord.session_push(&sid(), "4b").await.unwrap());
    let last = SessionSignal::Last { sid: sid(), epoch: 1 };
    assert_eq!(signals(&mut owner).await, [push(1, "4a"), last]);
    assert_eq!(
        other.coord.session_poll(&sid(), "t1").await.unwrap(),
        Polled::Wait(START + BEAT.ping)
    );
    assert!(owner.coord.session_free(&sid(), 1, &["4a".into()]).await.unwrap());
    assert_eq!(signals(&mut other).await, [wake("t1")]);
    other.coord.session_poll(&sid(), "t1").await.unwrap();

    let told = signals(&mut other).await;
    assert!(matches!(told[0], SessionSignal::Adopt { epoch: 2, .. }), "{told:?}");
    assert_eq!(told[1..], [push(2, "4a"), push(2, "4b")]);
    let record = "bytes=0, dead=T+45000, epoch=2, owner=N2, ping=T+25000, sent=0, waiting=N2 t1 (ttl)";
    assert_state(&records(&world).await, &[("session:abcdefghij0123456789", record)]);
}

#[tokio::test]
async fn a_node_that_is_leaving_takes_no_session_over_and_what_it_is_posted_waits_for_the_next_one() {
    let (_world, owner, mut other) = opened().await;
    owner.coord.identity().leave();
    assert!(owner.coord.session_free(&sid(), 1, &[]).await.unwrap());

    assert!(owner.coord.session_push(&sid(), "4a").await.unwrap());
    let polled = owner.coord.session_poll(&sid(), "t1").await.unwrap();
    assert!(owner.coord.session_pong(&sid(), BEAT).await.unwrap());
    assert!(owner.coord.session_yield(&sid(), "t1").await.unwrap());
    other.coord.session_poll(&sid(), "t2").await.unwrap();

    assert!(matches!(polled, Polled::Wait(_)), "{polled:?}");
    let told = signals(&mut other).await;
    assert!(
        matches!(&told[..], [SessionSignal::Adopt { epoch: 2, .. }, SessionSignal::Push { body, .. }] if body == "4a"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_bounded_number_of_bodies_waits_while_an_owner_leaves() {
    let (_world, owner, other) = opened().await;
    owner.coord.session_leave(&sid(), 1).await.unwrap();

    for _ in 0..MOST_KEPT {
        assert!(other.coord.session_push(&sid(), "4a").await.unwrap());
    }

    assert!(!other.coord.session_push(&sid(), "4a").await.unwrap());
}

#[tokio::test]
async fn a_websocket_that_takes_over_from_an_owner_that_leaves_is_given_what_waits() {
    let (_world, owner, other) = opened().await;
    owner.coord.session_leave(&sid(), 1).await.unwrap();
    other.coord.session_push(&sid(), "4b").await.unwrap();
    let patience = Duration::from_secs(10);
    other.coord.session_probe(&sid(), "w1", patience).await.unwrap();

    let upgraded = other.coord.session_upgrade(&sid(), "w1").await.unwrap();

    let moving = Moving {
        handing: true,
        joined: vec![],
        kept: vec!["4b".into()],
        entries: vec![],
    };
    assert_eq!(upgraded, Upgraded::Moving(moving));
    assert!(!owner.coord.session_free(&sid(), 1, &["4a".into()]).await.unwrap());
    assert!(owner.coord.session_hand(&sid(), 1, &[], &["4a".into()]).await.unwrap());
}
