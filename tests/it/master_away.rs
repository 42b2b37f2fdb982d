//! One master of a cluster does not answer for longer than a lease lasts.

use crate::harness::client::device;
use crate::harness::client::person::Person;
use crate::harness::company::Company;
use crate::harness::eventually;
use crate::harness::history::Moment;
use crate::harness::pair::Pair;
use crate::harness::redis::{CLUSTER_SHARDS, Kind, Server};
use crate::harness::world::World;
use palaver::ids::{Shard, UserId, shard_of};
use serde_json::json;
use std::time::{Duration, Instant};

const NODE_FOR: Duration = Duration::from_secs(2);

#[tokio::test]
async fn while_a_master_is_silent_for_longer_than_a_lease_rooms_on_others_go_on_and_nodes_are_ready() {
    let plan = World::quick().redis(Kind::Cluster);
    // A command that waits for the silent one waits for longer than the lease on the others lasts.
    let plan = plan
        .set("PALAVER_LEASE__NODE_FOR", "2s")
        .set("PALAVER_REDIS__COMMAND_TIMEOUT", "3s");
    let mut world = plan.start().await;
    let company = Company::chatting(&world, 8).await;
    let masters: Vec<_> = world.redis.masters().collect();
    let has_room_of = |at: usize, person: &Person| {
        let room = person.room().expect("a room");
        let (_, id) = room.rsplit_once('_').expect("text_room_ID");
        !masters[at]
            .command(&["KEYS", &format!("*:room:{id}")])
            .unwrap()
            .is_empty()
    };
    let silent = (0..masters.len())
        .find(|at| has_room_of(*at, &company.people[0]))
        .expect("a master has the room");
    let elsewhere: Vec<_> = company
        .people
        .iter()
        .filter(|person| !has_room_of(silent, person))
        .collect();
    assert!(!elsewhere.is_empty(), "all rooms are on one master");

    masters[silent].freeze();
    let frozen = Instant::now();
    let acked = |person: &Person| person.log().count(|m| matches!(m, Moment::Acked { .. }));
    eventually("longer than a lease", async || frozen.elapsed() > 3 * NODE_FOR).await;
    let before: Vec<_> = elsewhere.iter().map(|person| acked(person)).collect();
    eventually("people on other masters talk on", async || {
        let mut each = elsewhere.iter().zip(&before);
        each.all(|(person, before)| acked(person) >= before + 20)
    })
    .await;
    for index in 0..2 {
        let node = world.node(index);
        assert!(node.is_ready().await, "some shards answer");
        assert_eq!(node.metric("palaver_leases_lost_total").await, 0.0);
    }
    world.redis.thaw();

    company.go_on(20).await;
    company.settle().await;
    company.assert_nobody_ended();
}

/// A guest whose state is on a shard.
fn somebody_on(shard: u8, name: &str) -> String {
    let lives_there = |name: &String| {
        let user = UserId::guest(&device(name)).expect("a guest");
        shard_of(user.as_str(), CLUSTER_SHARDS) == Shard(shard)
    };
    (0..)
        .map(|i| format!("{name}{i}"))
        .find(lives_there)
        .expect("names without end")
}

/// A master that does not serve shard 0, and a shard that it serves.
fn some_other(masters: &[&Server]) -> (usize, u8) {
    let serves = |at: usize, shard: u8| {
        let key = format!("palaver:{{s{shard}}}:nodes");
        masters[at].command(&["EXISTS", &key]).is_ok_and(|there| there == ["1"])
    };
    let other = (0..masters.len()).find(|at| !serves(*at, 0)).expect("there are others");
    let shard = (1..CLUSTER_SHARDS).find(|shard| serves(other, *shard));
    (other, shard.expect("it serves a shard"))
}

#[tokio::test]
async fn those_whose_master_is_silent_keep_nobody_else_out() {
    let plan = World::quick().redis(Kind::Cluster).nodes(1);
    let plan = plan.set("PALAVER_SOCKETS__ARRIVALS_AT_ONCE", 2 * u32::from(CLUSTER_SHARDS));
    // Longer than anybody here waits for anything.
    let mut world = plan.set("PALAVER_REDIS__COMMAND_TIMEOUT", "1m").start().await;
    let masters: Vec<_> = world.redis.masters().collect();
    let (silent, away) = some_other(&masters);

    masters[silent].freeze();
    let dial = world.dial_node(0);
    let connect = |shard, name: String| dial.clone().guest(&somebody_on(shard, &name)).connect();
    let stuck: Vec<_> = (0..5)
        .map(|number| tokio::spawn(connect(away, format!("stuck{number}"))))
        .collect();
    let node = world.node(0);
    eventually("there is a line", async || {
        node.metric("palaver_arrivals_waiting").await == 3.0
    })
    .await;
    for number in 0..5 {
        connect(0, format!("free{number}")).await;
    }

    world.redis.thaw();
    for client in stuck {
        client.await.unwrap();
    }
}

#[tokio::test]
async fn timers_of_other_shards_fire_while_one_of_them_has_to_do_with_a_silent_master() {
    let plan = World::quick().redis(Kind::Cluster).set("PALAVER_CHAT__SEAT_HOLD", "1s");
    // Longer than anybody here waits for anything.
    let world = plan.set("PALAVER_REDIS__COMMAND_TIMEOUT", "1m").start().await;
    let masters: Vec<_> = world.redis.masters().collect();
    let (silent, away) = some_other(&masters);
    let seat = async |first: String, second: String| {
        let first = world.dial_node(0).guest(&first).connect().await;
        Pair::seat(first, world.dial_node(1).guest(&second).connect().await).await
    };
    // The room of two is on the shard of one of them.
    let mut tried = 0;
    let gone = loop {
        let name = |name| format!("{name}{tried}-");
        let mut pair = seat(somebody_on(0, &name("gone")), somebody_on(away, &name("away"))).await;
        if pair.room.starts_with("text_room_00") {
            break pair;
        }
        pair.ann.emit("leave_text_room", &[]);
        pair.bob.hear("text_room_ended").await;
        pair.ann.close().await;
        pair.bob.close().await;
        tried += 1;
    };
    let mut two = seat(somebody_on(0, "ann"), somebody_on(0, "bob")).await;

    masters[silent].freeze();
    let Pair {
        ann: gone,
        bob: mut away,
        ..
    } = gone;
    gone.drop_abruptly().await;
    // The timer that ends this room cannot let go of its people now.
    away.hear("text_room_ended").await;
    two.ann.emit("text_typing_start", &[json!({})]);
    two.bob.hear("text_partner_typing").await;
    two.bob.hear("text_partner_stopped_typing").await;

    world.redis.thaw();
    two.chats().await;
}
