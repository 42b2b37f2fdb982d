//! A polling session becomes a WebSocket.

use super::tests::{BEAT, carried, emit, opened, packets, sid, signals, wake};
use super::*;
use crate::coord::testing::{START, TestNode, World};
use crate::ids::Shard;

#[tokio::test]
async fn session_probe_is_for_one_at_a_time_and_makes_polls_yield() {
    let (_world, mut owner, other) = opened().await;
    let patience = Duration::from_secs(10);
    owner.coord.session_poll(&sid(), "t1").await.unwrap();

    assert_eq!(
        other.coord.session_probe(&sid(), "w1", patience).await.unwrap(),
        Probed::Probing
    );
    assert_eq!(
        other.coord.session_probe(&sid(), "w2", patience).await.unwrap(),
        Probed::Busy
    );
    let nobody = SessionId::parse("nobody").unwrap();
    assert_eq!(
        other.coord.session_probe(&nobody, "w2", patience).await.unwrap(),
        Probed::Unknown
    );

    assert_eq!(signals(&mut owner).await, [wake("t1")]);
    assert_eq!(owner.coord.session_poll(&sid(), "t1").await.unwrap(), Polled::Upgrading);
    assert!(owner.coord.session_yield(&sid(), "t1").await.unwrap());
    assert!(!owner.coord.session_yield(&nobody, "t1").await.unwrap());
    other.coord.session_unprobe(&sid(), "w2").await.unwrap();
    assert_eq!(other.coord.session_poll(&sid(), "t2").await.unwrap(), Polled::Upgrading);
    other.coord.session_unprobe(&sid(), "w1").await.unwrap();
    assert!(matches!(
        other.coord.session_poll(&sid(), "t2").await.unwrap(),
        Polled::Wait(_)
    ));
}

#[tokio::test]
async fn session_upgrade_routes_what_the_owner_still_says_until_session_hand() {
    let (_world, mut owner, mut other) = opened().await;
    owner.coord.session_join(&sid(), 1, &carried()).await.unwrap();
    emit(&owner, 1, &["4a"]).await;
    other.coord.session_poll(&sid(), "t1").await.unwrap();
    emit(&owner, 1, &["4b"]).await;
    other
        .coord
        .session_probe(&sid(), "w1", Duration::from_secs(10))
        .await
        .unwrap();

    let unclaimed = other.coord.session_upgrade(&sid(), "w2").await.unwrap();
    let upgraded = other.coord.session_upgrade(&sid(), "w1").await.unwrap();

    assert_eq!(unclaimed, Upgraded::Unknown);
    assert_eq!(upgraded, Upgraded::Moving(vec!["4b".into()]));
    assert_eq!(
        signals(&mut owner).await,
        [SessionSignal::Moved { sid: sid(), epoch: 1 }]
    );
    assert_eq!(emit(&owner, 1, &["4c", "bAQ=="]).await, Emitted::Routed);
    let leftover = ["451-[]".to_owned(), "bAQ==".to_owned()];
    assert!(
        owner
            .coord
            .session_hand(&sid(), 1, &[carried()], &leftover)
            .await
            .unwrap()
    );
    assert!(!owner.coord.session_hand(&sid(), 1, &[], &[]).await.unwrap());
    let routed = SessionSignal::Routed {
        sid: sid(),
        entries: vec!["4c".into(), "bAQ==".into()],
    };
    let handed = SessionSignal::Handed {
        sid: sid(),
        joined: vec![carried()],
        leftover: leftover.to_vec(),
    };
    assert_eq!(signals(&mut other).await, [routed, handed]);
    assert_eq!(other.coord.session_poll(&sid(), "t2").await.unwrap(), Polled::Unknown);
    assert_eq!(emit(&owner, 1, &["4late"]).await, Emitted::Lost);
    let late = other.coord.session_probe(&sid(), "w3", Duration::from_secs(10)).await;
    assert_eq!(late.unwrap(), Probed::Busy);
}

fn handed(leftover: &[&str]) -> SessionSignal {
    SessionSignal::Handed {
        sid: sid(),
        joined: vec![carried()],
        leftover: leftover.iter().map(|body| (*body).to_owned()).collect(),
    }
}

/// A session is posted to at another node than its owner's, and a WebSocket there wants to replace it.
async fn posted_and_probed(owner: &TestNode, other: &TestNode) {
    let patience = Duration::from_secs(10);
    owner.coord.session_join(&sid(), 1, &carried()).await.unwrap();
    for body in ["4a", "4b"] {
        assert!(other.coord.session_push(&sid(), body).await.unwrap());
    }
    other.coord.session_probe(&sid(), "w1", patience).await.unwrap();
}

#[tokio::test]
async fn a_session_without_a_live_owner_upgrades_by_its_record() {
    let world = World::new(1).await;
    let (dead, mut heir) = (world.stranger().await, world.node().await);
    let until = START + Duration::from_secs(5);
    dead.coord.register(Shard(0), until).await.unwrap();
    dead.coord.session_open(&sid(), BEAT).await.unwrap();
    posted_and_probed(&dead, &heir).await;
    dead.coord.register(Shard(0), START).await.unwrap();

    let upgraded = heir.coord.session_upgrade(&sid(), "w1").await.unwrap();

    assert_eq!(upgraded, Upgraded::Moving(vec![]));
    assert_eq!(signals(&mut heir).await, [handed(&["4a", "4b"])]);
    assert!(!dead.coord.session_hand(&sid(), 1, &[], &[]).await.unwrap());
}

#[tokio::test]
async fn session_take_gives_what_is_kept_by_the_record_when_its_owner_does_not_hand_over_and_nothing_twice() {
    let (_world, mut owner, mut other) = opened().await;
    posted_and_probed(&owner, &other).await;
    let upgraded = other.coord.session_upgrade(&sid(), "w1").await.unwrap();
    let dealt = Packets {
        dealt: 1,
        ..packets(&[], &["4c"])
    };
    let emitted = owner.coord.session_emit(&sid(), 1, dealt).await.unwrap();

    assert!(other.coord.session_take(&sid()).await.unwrap());
    assert!(other.coord.session_take(&sid()).await.unwrap());

    assert_eq!((upgraded, emitted), (Upgraded::Moving(vec![]), Emitted::Routed));
    let routed = SessionSignal::Routed {
        sid: sid(),
        entries: vec!["4c".into()],
    };
    assert_eq!(signals(&mut other).await, [routed, handed(&["4b"])]);
    let told = signals(&mut owner).await;
    let taken = SessionSignal::Taken { sid: sid(), epoch: 1 };
    assert_eq!(told[2..], [SessionSignal::Moved { sid: sid(), epoch: 1 }, taken]);
    assert!(!owner.coord.session_hand(&sid(), 1, &[], &[]).await.unwrap());
    assert_eq!(emit(&owner, 1, &["4late"]).await, Emitted::Lost);
}

#[tokio::test]
async fn session_take_leaves_what_the_owner_has_handed_over_meanwhile() {
    let (_world, owner, mut other) = opened().await;
    assert!(!other.coord.session_take(&sid()).await.unwrap(), "it has not moved");
    posted_and_probed(&owner, &other).await;
    other.coord.session_upgrade(&sid(), "w1").await.unwrap();
    assert!(owner.coord.session_hand(&sid(), 1, &[carried()], &[]).await.unwrap());

    assert!(other.coord.session_take(&sid()).await.unwrap());

    assert_eq!(signals(&mut other).await, [handed(&["4a", "4b"])]);
}
