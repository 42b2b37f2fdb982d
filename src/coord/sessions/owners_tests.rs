//! Whose session it is: owners that die, leave, and hand over.

use super::tests::{BEAT, carried, dead_node, emit, opened, packets, records, sid, signals, wake};
use super::*;
use crate::clock::Millis;
use crate::coord::testing::{START, World, assert_state};
use crate::domain::recovery::Bookmark;
use crate::ids::{RoomId, Shard, SocketId};

fn push(epoch: u64, number: u64, body: &str) -> SessionSignal {
    let body = body.to_owned();
    SessionSignal::Push {
        sid: sid(),
        epoch,
        number,
        body,
    }
}

#[tokio::test]
async fn session_push_reaches_the_owner_wherever_it_was_posted() {
    let (_world, mut owner, other) = opened().await;

    assert!(other.coord.session_push(&sid(), "4a\u{1f}b").await.unwrap());

    assert_eq!(signals(&mut owner).await, [push(1, 1, "4a\u{1f}b")]);
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
    assert_eq!(signals(&mut heir).await, [adopt, push(2, 1, "4a")]);
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
async fn a_poll_goes_on_when_its_node_has_begun_a_new_life_under_another_name() {
    let (_world, owner, mut other) = opened().await;
    other.coord.session_poll(&sid(), "t1").await.unwrap();

    let node = other.coord.identity().renew();
    other.coord.register(Shard(0), START + BEAT.dead).await.unwrap();
    let again = other.coord.session_poll(&sid(), "t1").await.unwrap();
    emit(&owner, 1, &["4a"]).await;

    assert_eq!(again, Polled::Wait(START + BEAT.ping), "{node}");
    assert_eq!(signals(&mut other).await, [wake("t1")]);
}

#[tokio::test]
async fn the_next_owner_knows_up_to_where_what_session_emit_left_has_been_told() {
    let world = World::new(1).await;
    let (dead, mut heir) = (dead_node(&world).await, world.node().await);
    dead.coord.session_open(&sid(), BEAT).await.unwrap();
    dead.coord.session_join(&sid(), 1, &carried()).await.unwrap();
    let heard = Bookmark::After(RoomId::fresh(Shard(0)), Millis(7));
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
async fn who_owns_a_session_no_longer_cannot_end_it() {
    let (_world, owner, other) = opened().await;
    let ends = async |epoch| {
        let coord = &owner.coord;
        let closed = coord.session_close(&sid(), Says::Owner(epoch), "1", "too_fast").await;
        closed.unwrap()
            || coord
                .session_drop(&sid(), Says::Owner(epoch), "forgotten")
                .await
                .unwrap()
    };
    assert!(owner.coord.session_free(&sid(), 1, &[]).await.unwrap());
    assert!(!ends(1).await, "it was given up");
    assert!(other.coord.session_push(&sid(), "4a").await.unwrap());
    assert!(!ends(1).await, "another node has it");

    assert!(other.coord.session_push(&sid(), "4b").await.unwrap(), "it lives");
    assert!(ends(2).await);
}

#[tokio::test]
async fn what_an_owner_has_not_dealt_with_waits_for_the_next_one_behind_what_session_free_brings() {
    let (world, mut owner, mut other) = opened().await;
    for body in ["4a", "4b", "4c"] {
        assert!(other.coord.session_push(&sid(), body).await.unwrap());
    }
    let pushes = [push(1, 1, "4a"), push(1, 2, "4b"), push(1, 3, "4c")];
    assert_eq!(signals(&mut owner).await, pushes);

    let dealt = Packets {
        dealt: 2,
        ..packets(&[], &[])
    };
    let emitted = owner.coord.session_emit(&sid(), 1, dealt).await.unwrap();
    assert!(owner.coord.session_free(&sid(), 1, &["b4a==".into()]).await.unwrap());
    other.coord.session_poll(&sid(), "t1").await.unwrap();

    assert_eq!(emitted, Emitted::Kept);
    let told = signals(&mut other).await;
    assert!(matches!(told[0], SessionSignal::Adopt { epoch: 2, .. }), "{told:?}");
    assert_eq!(told[1..], [push(2, 4, "b4a=="), push(2, 5, "4c")]);
    let dealt = Packets {
        dealt: 5,
        ..packets(&[], &[])
    };
    other.coord.session_emit(&sid(), 2, dealt).await.unwrap();
    let record =
        "bytes=0, dead=T+45000, dealt=5, epoch=2, owner=N2, ping=T+25000, posted=5, sent=0, waiting=N2 t1 (ttl)";
    assert_state(&records(&world).await, &[("session:abcdefghij0123456789", record)]);
}

#[tokio::test]
async fn what_was_posted_to_an_owner_that_is_dead_and_not_known_to_be_is_given_to_the_next_one() {
    let world = World::new(1).await;
    let (mut owner, mut heir) = (world.stranger().await, world.node().await);
    let until = START + Duration::from_secs(5);
    owner.coord.register(Shard(0), until).await.unwrap();
    owner.coord.session_open(&sid(), BEAT).await.unwrap();

    assert!(heir.coord.session_push(&sid(), "4a").await.unwrap());
    assert_eq!(signals(&mut owner).await, [push(1, 1, "4a")]);
    owner.coord.register(Shard(0), START).await.unwrap();
    assert!(heir.coord.session_push(&sid(), "4b").await.unwrap());

    let told = signals(&mut heir).await;
    assert!(matches!(told[0], SessionSignal::Adopt { epoch: 2, .. }), "{told:?}");
    assert_eq!(told[1..], [push(2, 1, "4a"), push(2, 2, "4b")]);
    let taken = SessionSignal::Taken { sid: sid(), epoch: 1 };
    assert_eq!(signals(&mut owner).await, [taken]);
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
async fn a_bounded_number_of_bodies_waits_for_an_owner() {
    let (_world, owner, other) = opened().await;

    for _ in 0..MOST_KEPT {
        assert!(other.coord.session_push(&sid(), "4a").await.unwrap());
    }

    assert!(!other.coord.session_push(&sid(), "4a").await.unwrap());
    let dealt = Packets {
        dealt: 1,
        ..packets(&[], &["4b"])
    };
    owner.coord.session_emit(&sid(), 1, dealt).await.unwrap();
    assert!(other.coord.session_push(&sid(), "4a").await.unwrap());
}

#[tokio::test]
async fn a_websocket_that_takes_over_is_handed_what_the_owner_has_not_dealt_with() {
    let (_world, owner, mut other) = opened().await;
    other.coord.session_push(&sid(), "4b").await.unwrap();
    let patience = Duration::from_secs(10);
    other.coord.session_probe(&sid(), "w1", patience).await.unwrap();

    let upgraded = other.coord.session_upgrade(&sid(), "w1").await.unwrap();

    assert_eq!(upgraded, Upgraded::Moving(vec![]));
    assert!(!owner.coord.session_free(&sid(), 1, &["4a".into()]).await.unwrap());
    assert!(owner.coord.session_hand(&sid(), 1, &[], &["4a".into()]).await.unwrap());
    let handed = SessionSignal::Handed {
        sid: sid(),
        joined: vec![],
        leftover: vec!["4a".into(), "4b".into()],
    };
    assert_eq!(signals(&mut other).await, [handed]);
}
