//! A polling session becomes a WebSocket.

use super::tests::{BEAT, carried, dead_node, emit, opened, sid, signals, wake};
use super::*;
use crate::coord::testing::World;

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
    let moving = Moving {
        handing: true,
        joined: vec![carried()],
        kept: vec![],
        entries: vec!["4b".into()],
    };
    assert_eq!(upgraded, Upgraded::Moving(moving));
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

#[tokio::test]
async fn a_session_without_a_live_owner_upgrades_by_its_record() {
    let world = World::new(1).await;
    let (dead, heir) = (dead_node(&world).await, world.node().await);
    dead.coord.session_open(&sid(), BEAT).await.unwrap();
    dead.coord.session_join(&sid(), 1, &carried()).await.unwrap();
    heir.coord
        .session_probe(&sid(), "w1", Duration::from_secs(10))
        .await
        .unwrap();

    let upgraded = heir.coord.session_upgrade(&sid(), "w1").await.unwrap();

    let moving = Moving {
        handing: false,
        joined: vec![carried()],
        kept: vec![],
        entries: vec![],
    };
    assert_eq!(upgraded, Upgraded::Moving(moving));
    assert!(!dead.coord.session_hand(&sid(), 1, &[], &[]).await.unwrap());
}
