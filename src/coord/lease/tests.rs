//! Leases over one and two nodes: beginning, renewing, dying, resigning, and who keeps the shard.

use super::Renewed;
use crate::clock::Millis;
use crate::coord::inbox::Incoming;
use crate::coord::testing::{self, LEASE, START, TestNode, World, assert_state, socket, user};
use crate::ids::Shard;
use std::time::Duration;

const S: Shard = Shard(0);

fn later() -> Millis {
    START + LEASE
}

async fn epoch(node: &TestNode) -> String {
    node.coord.register(S, later()).await.unwrap()
}

fn kept(keeper: bool, gap: bool, ill: bool) -> Renewed {
    Renewed::Kept { keeper, gap, ill }
}

#[tokio::test]
async fn a_node_registers_on_every_start_and_finds_the_first_epoch() {
    let world = World::new(1).await;
    let (one, two) = (world.stranger().await, world.stranger().await);
    let first = one.coord.register(S, later()).await.unwrap();
    world.name(&first.split_once(' ').unwrap().0, "E");

    let again = one.coord.register(S, later()).await.unwrap();
    let other = two.coord.register(S, later()).await.unwrap();

    assert_eq!((&again, &other), (&first, &first));
    let mut dump = world.dump_all().await;
    dump.retain(|key, _| !key.starts_with("done:"));
    assert_eq!(dump["epoch"], "E");
    assert!(["N1@T+3600000, N2@T+3600000", "N2@T+3600000, N1@T+3600000"].contains(&dump["nodes"].as_str()));
    assert_eq!(dump.len(), 2, "{dump:?}");
}

#[tokio::test]
async fn a_node_that_counts_other_shards_than_the_data_are_laid_out_for_is_told_so_and_not_let_in() {
    let world = World::new(1).await;
    let node = world.stranger().await;
    let key = node.coord.keys().epoch(S);
    let register = async |epoch: &str| {
        world.raw(&["SET", &key, epoch]).await;
        node.coord.register(S, later()).await
    };

    let fault = register("random-6").await.unwrap_err();
    let nodes = world.dump().await.remove("nodes");
    let fits = [register("random-1").await, register("of-the-release-before").await];

    assert!(fault.why.contains("laid out for 6 shards"), "{fault}");
    assert_eq!(nodes, None);
    assert!(fits.iter().all(Result::is_ok));
}

#[tokio::test]
async fn the_first_to_renew_keeps_the_shard_until_its_lease_ends() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    let epoch = epoch(&one).await;
    let short = START + Duration::from_millis(5);

    let first = one.coord.renew(S, START, &epoch).await.unwrap();
    let second = two.coord.renew(S, later(), &epoch).await.unwrap();
    let again = one.coord.renew(S, short, &epoch).await.unwrap();

    assert_eq!(first, kept(true, false, false));
    assert_eq!(second, kept(false, false, false));
    assert_eq!(again, kept(true, false, false));
    assert_state(&world.dump().await, &[("keeper", "node=N1, until=T+5")]);
    world.raw(&["HSET", &one.coord.keys().keeper(S), "until", "1"]).await;
    assert_eq!(
        two.coord.renew(S, later(), &epoch).await.unwrap(),
        kept(true, false, false)
    );
    assert_eq!(
        one.coord.renew(S, later(), &epoch).await.unwrap(),
        kept(false, false, false)
    );
}

#[tokio::test]
async fn another_epoch_is_told_and_renews_nothing() {
    let world = World::new(1).await;
    let node = world.node().await;
    let before = world.dump_all().await["nodes"].clone();

    let renewed = node.coord.renew(S, START, "of before").await.unwrap();

    assert_eq!(renewed, Renewed::NewEpoch);
    assert_eq!(world.dump_all().await["nodes"], before);
}

#[tokio::test]
async fn a_node_that_lost_its_place_in_redis_is_fenced_when_it_renews() {
    let world = World::new(1).await;
    let node = world.node().await;
    let epoch = epoch(&node).await;
    world
        .raw(&["DEL", &node.coord.keys().nodes(S), &node.coord.keys().epoch(S)])
        .await;

    let fault = node.coord.renew(S, later(), &epoch).await.unwrap_err();

    assert_eq!(fault.why, crate::coord::script::FENCED);
    assert_ne!(
        node.coord.register(S, later()).await.unwrap(),
        epoch,
        "a new epoch begins"
    );
}

#[tokio::test]
async fn an_overdue_node_is_buried_once_and_its_inbox_goes_when_it_rests() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    let epoch = epoch(&one).await;
    world
        .raw(&["XADD", &one.coord.keys().inbox(S, &two.id), "*", "s", "x"])
        .await;
    world.raw(&["SADD", &one.coord.keys().gaps(S), two.id.as_str()]).await;
    two.coord.register(S, Millis(START.0 - 1)).await.unwrap();
    assert_eq!(
        one.coord.renew(S, later(), &epoch).await.unwrap(),
        kept(true, false, true)
    );

    let dying = [one.coord.bury(S).await.unwrap(), one.coord.bury(S).await.unwrap()];

    assert_eq!(dying, [[two.id.clone()], [two.id.clone()]], "until it rests");
    let keeper = ("keeper", "node=N1, until=T+3600000");
    assert_state(
        &world.dump().await,
        &[("dying", "N2"), ("gaps", "N2"), ("inbox:N2", "s=x"), keeper],
    );
    assert_eq!(
        one.coord.renew(S, later(), &epoch).await.unwrap(),
        kept(true, false, true)
    );
    one.coord.rest(S, &two.id).await.unwrap();
    one.coord.rest(S, &two.id).await.unwrap();
    assert_state(&world.dump().await, &[keeper]);
    assert_eq!(
        one.coord.renew(S, later(), &epoch).await.unwrap(),
        kept(true, false, false)
    );
    assert!(
        two.coord.renew(S, later(), &epoch).await.is_err(),
        "it cannot come back"
    );
}

#[tokio::test]
async fn a_node_that_resigns_leaves_nothing_and_another_keeps_the_shard_at_once() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    let epoch = epoch(&one).await;
    one.coord.renew(S, later(), &epoch).await.unwrap();
    world
        .raw(&["XADD", &one.coord.keys().inbox(S, &one.id), "*", "s", "x"])
        .await;

    one.coord.resign(S).await.unwrap();

    assert_state(&world.dump().await, &[]);
    assert_eq!(world.dump_all().await["nodes"], "N2@T+3600000");
    assert_eq!(
        two.coord.renew(S, later(), &epoch).await.unwrap(),
        kept(true, false, false)
    );
    assert!(one.coord.resign(S).await.is_err(), "it holds no lease any more");
    two.coord.resign(S).await.unwrap();
    assert_state(&world.dump().await, &[]);
}

#[tokio::test]
async fn what_a_node_leaves_behind_that_resigns_is_taken_over_at_once() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    one.coord.attach(&user("a"), &socket("s1"), 8, None).await.unwrap();

    one.coord.resign(S).await.unwrap();

    assert_eq!(two.coord.bury(S).await.unwrap(), std::slice::from_ref(&one.id));
    assert!(one.coord.resign(S).await.is_err(), "it holds no lease any more");
}

#[tokio::test]
async fn what_a_life_that_is_over_left_behind_is_taken_over_at_once() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    one.coord.attach(&user("a"), &socket("s1"), 8, None).await.unwrap();
    one.coord.identity().renew();
    epoch(&one).await;

    one.coord.resign_life(S, &one.id).await.unwrap();

    assert_eq!(two.coord.bury(S).await.unwrap(), std::slice::from_ref(&one.id));
    one.coord.resign(S).await.unwrap();
}

#[tokio::test]
async fn an_inbox_that_was_cut_is_told_as_a_gap_until_the_life_is_over() {
    let mut world = World::new(1).await;
    world.inbox_cap = 3;
    let (mut reader, mut writer) = (world.node().await, world.node().await);
    let epoch = epoch(&reader).await;
    let room = world.room("R");
    let key = writer.coord.keys().room(room);
    world
        .raw(&["HSET", &key, "nodes", reader.id.as_str(), "to", "a b", "s:a", "p"])
        .await;
    let type_once = async |node: &TestNode| node.coord.start_typing(room, &user("a"), START).await.unwrap();

    for _ in 0..3 {
        assert!(type_once(&writer).await);
    }
    assert_eq!(
        reader.coord.renew(S, later(), &epoch).await.unwrap(),
        kept(true, false, false)
    );
    assert_eq!(reader.inbox().await.len(), 3);
    assert_eq!(reader.inbox().await.len(), 0, "what was read is trimmed now");
    for _ in 0..3 {
        type_once(&writer).await;
    }
    assert_eq!(
        reader.coord.renew(S, later(), &epoch).await.unwrap(),
        kept(true, false, false)
    );
    type_once(&writer).await;

    let told = [
        reader.coord.renew(S, later(), &epoch).await.unwrap(),
        reader.coord.renew(S, later(), &epoch).await.unwrap(),
    ];

    assert_eq!(told, [kept(true, true, false), kept(true, true, false)]);
    assert_eq!(
        writer.coord.renew(S, later(), &epoch).await.unwrap(),
        kept(false, false, false)
    );
    assert!(reader.inbox().await.is_empty(), "what is left comes after the gap");
    assert!(writer.inbox().await.is_empty());
    reader.coord.resign(S).await.unwrap();
    assert!(!world.dump().await.contains_key("gaps"));
}

#[tokio::test]
async fn a_new_life_is_told_nothing_of_the_old_one() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    world
        .raw(&["XADD", &node.coord.keys().inbox(S, &node.id), "*", "s", "old"])
        .await;

    let next = node.coord.identity().renew();
    world.name(&next, "N1b");
    node.coord.register(S, later()).await.unwrap();
    world
        .raw(&["XADD", &node.coord.keys().inbox(S, &next), "*", "s", "new"])
        .await;

    let (_, incoming) = testing::read(&mut node.inboxes[0], Duration::from_millis(1))
        .await
        .unwrap();
    assert!(
        matches!(&incoming[..], [Incoming::Signal(s)] if s == "new"),
        "{incoming:?}"
    );
    node.coord.attach(&user("a"), &socket("s"), 5, None).await.unwrap();
    assert_eq!(world.dump().await["users:N1b"], "a");
}
