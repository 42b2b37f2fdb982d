//! Every act on a polling session: its effect, its repetition, its refusal, and what other nodes are told.

use super::*;
use crate::coord::inbox::Incoming;
use crate::coord::testing::{self, START, TestNode, World, assert_state};
use crate::domain::recovery::Bookmark;
use crate::ids::SocketId;
use std::collections::BTreeMap;

pub(super) const BEAT: Beat = Beat {
    ping: Duration::from_secs(25),
    dead: Duration::from_secs(45),
};

/// Plenty.
const ROOM: usize = 1000;

pub(super) fn sid() -> SessionId {
    SessionId::parse("abcdefghij0123456789").unwrap()
}

pub(super) fn carried() -> Carried {
    Carried {
        namespace: "/a".into(),
        sid: "s1".into(),
        passport: "p q".into(),
        heard: Some(Bookmark::Start),
    }
}

pub(super) async fn signals(node: &mut TestNode) -> Vec<SessionSignal> {
    let (_, incoming) = testing::read(&mut node.inboxes[0], Duration::from_millis(1))
        .await
        .unwrap();
    let read = |one| match one {
        Incoming::Signal(payload) => Some(SessionSignal::decode(&payload).unwrap()),
        _ => None,
    };
    incoming.into_iter().filter_map(read).collect()
}

/// Everything but inboxes, which are looked at through their readers.
pub(super) async fn records(world: &World) -> BTreeMap<String, String> {
    let mut dump = world.dump().await;
    dump.retain(|key, _| !key.starts_with("inbox:"));
    dump
}

pub(super) async fn opened() -> (World, TestNode, TestNode) {
    let world = World::new(1).await;
    let (owner, other) = (world.node().await, world.node().await);
    owner.coord.session_open(&sid(), BEAT).await.unwrap();
    (world, owner, other)
}

/// A node whose lease is over, though nobody has noticed yet.
pub(super) async fn dead_node(world: &World) -> TestNode {
    let node = world.stranger().await;
    node.coord.register(crate::ids::Shard(0), START).await.unwrap();
    node
}

pub(super) fn wake(token: &str) -> SessionSignal {
    SessionSignal::Wake { token: token.into() }
}

fn data(entries: &[&str]) -> Polled {
    Polled::Data(entries.iter().map(|entry| (*entry).to_owned()).collect())
}

/// What is sent, and how far its readers have heard then.
pub(super) fn packets<'a>(heard: &'a [(SocketId, Bookmark)], entries: &[&str]) -> Packets<'a> {
    Packets {
        most_bytes: ROOM,
        dealt: 0,
        heard,
        entries: entries.iter().map(|entry| (*entry).to_owned()).collect(),
    }
}

pub(super) async fn emit(node: &TestNode, epoch: u64, entries: &[&str]) -> Emitted {
    node.coord
        .session_emit(&sid(), epoch, packets(&[], entries))
        .await
        .unwrap()
}

#[tokio::test]
async fn session_open_makes_a_record_that_ends_by_itself() {
    let (world, owner, _) = opened().await;

    owner.coord.session_open(&sid(), BEAT).await.unwrap();

    let record = "bytes=0, dead=T+45000, epoch=1, owner=N1, ping=T+25000, sent=0 (ttl)";
    assert_state(&records(&world).await, &[("session:abcdefghij0123456789", record)]);
}

#[tokio::test]
async fn session_poll_waits_until_the_ping_and_takes_what_session_emit_left() {
    let (_world, owner, mut other) = opened().await;

    let first = other.coord.session_poll(&sid(), "t1").await.unwrap();
    assert_eq!(first, Polled::Wait(START + BEAT.ping));
    assert_eq!(emit(&owner, 1, &["4a", "4b"]).await, Emitted::Kept);

    assert_eq!(signals(&mut other).await, [wake("t1")]);
    let again = other.coord.session_poll(&sid(), "t1").await.unwrap();
    assert_eq!(again, data(&["4a", "4b"]));
    assert_eq!(emit(&owner, 1, &["4c"]).await, Emitted::Kept);
    let next = owner.coord.session_poll(&sid(), "t2").await.unwrap();
    assert_eq!(next, data(&["4c"]), "the next poll confirms what the last was given");
}

#[tokio::test]
async fn session_emit_is_bounded_and_fenced() {
    let (_world, owner, other) = opened().await;
    let long = "4".repeat(ROOM + 1);

    assert_eq!(emit(&owner, 1, &[&long]).await, Emitted::Slow);
    assert_eq!(emit(&other, 2, &["4a"]).await, Emitted::Lost);
    let nobody = SessionId::parse("nobody").unwrap();
    let lost = owner.coord.session_emit(&nobody, 1, packets(&[], &["4"])).await;
    assert_eq!(lost.unwrap(), Emitted::Lost);
}

#[tokio::test]
async fn two_polls_at_once_end_the_session() {
    let (world, mut owner, mut other) = opened().await;
    owner.coord.session_poll(&sid(), "t1").await.unwrap();

    assert_eq!(other.coord.session_poll(&sid(), "t2").await.unwrap(), Polled::Unknown);

    let over = SessionSignal::Over {
        sid: sid(),
        epoch: 1,
        why: "overlap".into(),
    };
    assert_eq!(signals(&mut owner).await, [wake("t1"), over]);
    assert_eq!(signals(&mut other).await, []);
    assert_eq!(owner.coord.session_poll(&sid(), "t1").await.unwrap(), data(&["1"]));
    assert_eq!(owner.coord.session_poll(&sid(), "t3").await.unwrap(), Polled::Unknown);
    assert_state(&records(&world).await, &[]);
}

#[tokio::test]
async fn what_two_polls_at_once_leave_runs_out_when_nobody_comes_for_it() {
    let (world, owner, other) = opened().await;
    owner.coord.session_poll(&sid(), "t1").await.unwrap();

    other.coord.session_poll(&sid(), "t2").await.unwrap();

    let record = "bytes=0, closing=1, dead=T+45000, epoch=1, owner=N1, ping=T+25000, sent=0, waiting=N1 t1 (ttl)";
    let left = [
        ("out:abcdefghij0123456789", "1 (ttl)"),
        ("session:abcdefghij0123456789", record),
    ];
    assert_state(&records(&world).await, &left);
}

#[tokio::test]
async fn session_pong_moves_the_deadlines_and_tells_the_owner() {
    let (world, mut owner, other) = opened().await;
    world
        .raw(&["HSET", &other.coord.keys().session(&sid()), "pinged", "1"])
        .await;

    assert!(other.coord.session_pong(&sid(), BEAT).await.unwrap());

    let pong = SessionSignal::Pong { sid: sid(), epoch: 1 };
    assert_eq!(signals(&mut owner).await, [pong]);
    let record = "bytes=0, dead=T+45000, epoch=1, owner=N1, ping=T+25000, sent=0 (ttl)";
    assert_state(&records(&world).await, &[("session:abcdefghij0123456789", record)]);
}

#[tokio::test]
async fn a_ping_is_given_to_the_poll_that_waits_when_it_is_due() {
    let world = World::new(1).await;
    let node = world.node().await;
    let soon = Beat {
        ping: Duration::ZERO,
        dead: BEAT.dead,
    };
    node.coord.session_open(&sid(), soon).await.unwrap();

    assert_eq!(node.coord.session_poll(&sid(), "t1").await.unwrap(), data(&["2"]));
    let until_dead = node.coord.session_poll(&sid(), "t2").await.unwrap();
    assert_eq!(until_dead, Polled::Wait(START + BEAT.dead), "one ping until its pong");
}

#[tokio::test]
async fn session_expire_ends_an_overdue_session_and_spares_the_others() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    node.coord.session_open(&sid(), BEAT).await.unwrap();
    let alive = node.coord.session_expire(&sid(), 1).await.unwrap();
    assert_eq!(alive, Expired::Alive(START + BEAT.dead));

    let overdue = Beat {
        ping: Duration::ZERO,
        dead: Duration::ZERO,
    };
    node.coord.session_open(&sid(), overdue).await.unwrap();

    assert_eq!(node.coord.session_poll(&sid(), "t1").await.unwrap(), Polled::Unknown);
    assert!(!node.coord.session_push(&sid(), "4a").await.unwrap());
    assert_eq!(node.coord.session_expire(&sid(), 1).await.unwrap(), Expired::Expired);
    assert_eq!(node.coord.session_expire(&sid(), 1).await.unwrap(), Expired::Lost);
    assert_eq!(signals(&mut node).await, []);
    assert_state(&records(&world).await, &[]);
}

#[tokio::test]
async fn session_join_and_session_part_keep_what_an_heir_must_know() {
    let (world, owner, _) = opened().await;

    assert!(owner.coord.session_join(&sid(), 1, &carried()).await.unwrap());
    assert!(!owner.coord.session_join(&sid(), 9, &carried()).await.unwrap());
    let record = "bytes=0, dead=T+45000, epoch=1, h:s1=start, n:/a=s1|p q, owner=N1, ping=T+25000, sent=0 (ttl)";
    assert_state(&records(&world).await, &[("session:abcdefghij0123456789", record)]);

    let mut again = carried();
    "s2".clone_into(&mut again.sid);
    again.heard = None;
    assert!(owner.coord.session_join(&sid(), 1, &again).await.unwrap());
    let record = "bytes=0, dead=T+45000, epoch=1, n:/a=s2|p q, owner=N1, ping=T+25000, sent=0 (ttl)";
    assert_state(&records(&world).await, &[("session:abcdefghij0123456789", record)]);

    assert!(owner.coord.session_part(&sid(), 1, "/a").await.unwrap());
    assert!(!owner.coord.session_part(&sid(), 9, "/a").await.unwrap());
    let record = "bytes=0, dead=T+45000, epoch=1, owner=N1, ping=T+25000, sent=0 (ttl)";
    assert_state(&records(&world).await, &[("session:abcdefghij0123456789", record)]);
}

#[tokio::test]
async fn session_close_leaves_a_last_packet_and_session_drop_nothing() {
    let (world, mut owner, other) = opened().await;

    assert!(
        other
            .coord
            .session_close(&sid(), Says::Client, "6", "client")
            .await
            .unwrap()
    );
    assert!(
        !other
            .coord
            .session_close(&sid(), Says::Client, "6", "client")
            .await
            .unwrap()
    );
    assert!(!other.coord.session_push(&sid(), "4a").await.unwrap());
    assert_eq!(emit(&owner, 1, &["4late"]).await, Emitted::Lost);
    assert_eq!(other.coord.session_poll(&sid(), "t1").await.unwrap(), data(&["6"]));
    assert_state(&records(&world).await, &[]);

    owner.coord.session_open(&sid(), BEAT).await.unwrap();
    owner.coord.session_poll(&sid(), "t2").await.unwrap();
    assert!(
        other
            .coord
            .session_drop(&sid(), Says::Client, "malformed")
            .await
            .unwrap()
    );
    assert!(
        !other
            .coord
            .session_drop(&sid(), Says::Client, "malformed")
            .await
            .unwrap()
    );
    let over = |why: &str| SessionSignal::Over {
        sid: sid(),
        epoch: 1,
        why: why.into(),
    };
    assert_eq!(
        signals(&mut owner).await,
        [over("client"), wake("t2"), over("malformed")]
    );
    assert_state(&records(&world).await, &[]);
}

#[test]
fn every_signal_of_shared_lua_reads_as_it_was_written() {
    let sid = sid();
    let read = |payload: &str| SessionSignal::decode(&payload.replace('|', "\u{1f}")).unwrap();

    let adopt = |joined| SessionSignal::Adopt {
        sid: sid.clone(),
        epoch: 2,
        dead: Millis(77),
        joined,
    };
    assert_eq!(
        read(&format!("adopt|{sid}|2|77|/a|s1|p q|start")),
        adopt(vec![carried()])
    );
    assert_eq!(read(&format!("adopt|{sid}|2|77")), adopt(vec![]));
    let handed = SessionSignal::Handed {
        sid: sid.clone(),
        joined: vec![],
        leftover: vec![],
    };
    assert_eq!(read(&format!("handed|{sid}|0")), handed);
}

#[test]
fn what_nobody_writes_is_no_signal() {
    for bad in ["", "wake", "push|x", "push|a b|1|x", "nonsense|abc|1"] {
        assert_eq!(SessionSignal::decode(&bad.replace('|', "\u{1f}")), None, "{bad}");
    }
}
