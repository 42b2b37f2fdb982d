//! A master of Redis dies and its replica takes over, in a cluster and behind sentinels, while people talk. What the
//! replica had not heard is said again by the nodes that promised it; what is gone is told.

use crate::harness::client::person::Person;
use crate::harness::company::Company;
use crate::harness::eventually;
use crate::harness::history::Moment;
use crate::harness::redis::{Kind, Redis, Watched};
use crate::harness::world::{Plan, World};
use std::time::{Duration, Instant};

fn plan() -> Plan {
    World::new()
        .set("PALAVER_REDIS__COMMAND_TIMEOUT", "2s")
        .set("PALAVER_REDIS__RECONNECT_MAX_WAIT", "200ms")
        .set("PALAVER_LEASE__NODE_FOR", "4s")
        .set("PALAVER_LEASE__RENEW_EVERY", "300ms")
        .set("PALAVER_LEASE__KEEPER_FOR", "1s")
        .set("PALAVER_LEASE__OFFER_CLAIM", "500ms")
        .set("PALAVER_CHAT__RATE_LIMIT", "60")
        .set("PALAVER_CHAT__RATE_WINDOW", "1s")
        .set("PALAVER_QUEUE__ELIGIBLE_AFTER", "0s")
}

async fn promoted(redis: &Redis, masters: usize) {
    eventually("replicas have taken over", async || redis.masters().count() == masters).await;
}

/// What masters answer from now on is not replicated.
fn deafen(world: &mut World) {
    let (masters, replicas) = world.redis.servers().split_at(3);
    replicas.iter().for_each(|replica| replica.signal("STOP"));
    // What is on its way to them would be read later.
    for master in masters {
        master.command(&["CLIENT", "KILL", "TYPE", "replica"]).unwrap();
    }
}

/// With all that its replica has not heard.
fn lose_the_first_master(world: &mut World) {
    world.redis.servers()[0].kill();
    let replicas = &world.redis.servers()[3..];
    replicas.iter().for_each(|replica| replica.signal("CONT"));
}

async fn all_ready(world: &mut World) {
    for index in 0..2 {
        let node = world.node(index);
        eventually("the node is ready", async || node.is_ready().await).await;
    }
}

fn is_ack(moment: &Moment) -> bool {
    matches!(moment, Moment::Acked { .. })
}

async fn calls_lost(world: &mut World) -> f64 {
    world.node(0).metric("palaver_calls_lost_total").await + world.node(1).metric("palaver_calls_lost_total").await
}

#[tokio::test]
async fn a_master_killed_under_chat_costs_its_rooms_a_pause_and_the_others_nothing() {
    let mut world = plan().redis(Kind::Replicated).start().await;
    let company = Company::chatting(&world, 8).await;

    world.redis.servers()[0].kill();
    let killed = Instant::now();
    promoted(&world.redis, 3).await;
    let took_over = killed.elapsed();

    company.go_on(20).await;
    all_ready(&mut world).await;
    company.settle().await;
    company.assert_nobody_ended();
    println!(
        "measured: replica took over after {took_over:?}; longest silence {:?}; by room: {:?}",
        company.longest_silence_since(killed),
        company.silences_since(killed)
    );
    assert!(company.longest_silence_since(killed) < took_over + Duration::from_secs(5));
}

#[tokio::test]
async fn lines_that_the_replica_had_not_heard_are_said_again() {
    let mut world = plan().redis(Kind::Replicated).start().await;
    let company = Company::chatting(&world, 12).await;
    deafen(&mut world);
    company.go_on(5).await;

    lose_the_first_master(&mut world);
    let killed = Instant::now();

    company.go_on(20).await;
    all_ready(&mut world).await;
    company.settle().await;
    company.assert_nobody_ended();
    println!(
        "measured: a master lost with its last lines; longest silence {:?}; {} shards found something lost",
        company.longest_silence_since(killed),
        calls_lost(&mut world).await
    );
    assert!(
        calls_lost(&mut world).await > 0.0,
        "nothing was lost: the test proves nothing"
    );
}

#[tokio::test]
async fn rooms_that_the_replica_had_not_heard_of_go_on_or_are_told_to_be_gone() {
    let mut world = plan().redis(Kind::Replicated).start().await;
    deafen(&mut world);
    let company = Company::chatting(&world, 12).await;

    lose_the_first_master(&mut world);
    let killed = Instant::now();

    // Both of a pair go on in their room, or both have been told that it is over.
    promoted(&world.redis, 3).await;
    for index in 0..2 {
        let node = world.node(index);
        eventually("a node looks at all its sockets anew", async || {
            node.metric("palaver_leases_lost_total").await > 0.0
        })
        .await;
    }
    all_ready(&mut world).await;
    let looked = Instant::now();
    eventually("both of every pair are of one mind", async || {
        let on = |person: &Person| {
            let since = person
                .log()
                .moments
                .into_iter()
                .filter(|(at, m)| *at > looked && is_ack(m));
            (person.log().room().is_some(), since.count() >= 20)
        };
        let mut pairs = company.people.chunks(2).map(|pair| (on(&pair[0]), on(&pair[1])));
        pairs.all(|both| matches!(both, ((true, true), (true, true)) | ((false, _), (false, _))))
    })
    .await;
    let told = killed.elapsed();
    let gone: Vec<_> = company.people.iter().filter(|p| p.log().room().is_none()).collect();
    let endings = gone.iter().flat_map(|person| person.log().endings());
    assert!(endings.into_iter().all(|why| why == "session_lost"));
    println!(
        "measured: {} of 24 lost their rooms; all clear after {told:?}",
        gone.len()
    );
    gone.iter().for_each(|person| person.seek());
    eventually("all have a room again", async || {
        company.people.iter().all(|person| person.log().room().is_some())
    })
    .await;
    company.go_on(10).await;
    company.settle().await;
}

#[tokio::test]
async fn a_master_that_hands_over_on_request_loses_nothing() {
    let mut world = plan().redis(Kind::Replicated).start().await;
    let company = Company::chatting(&world, 4).await;

    world.redis.servers()[3].command(&["CLUSTER", "FAILOVER"]).unwrap();
    let asked = Instant::now();

    company.go_on(30).await;
    company.settle().await;
    company.assert_nobody_ended();
    println!(
        "measured: handed over, longest silence {:?}",
        company.longest_silence_since(asked)
    );
    assert_eq!(calls_lost(&mut world).await, 0.0);
}

#[tokio::test]
async fn sentinels_promote_the_replica_and_people_talk_on() {
    let mut watched = Watched::start().await;
    let mut world = plan().set("PALAVER_REDIS__URL", watched.url()).start().await;
    let company = Company::chatting(&world, 4).await;

    watched.servers[0].kill();
    let killed = Instant::now();

    company.go_on(20).await;
    all_ready(&mut world).await;
    company.settle().await;
    company.assert_nobody_ended();
    println!(
        "measured: sentinels promoted the replica; longest silence {:?}",
        company.longest_silence_since(killed)
    );
    let newcomers = [0, 1].map(|node| Person::new(&format!("new-{node}"), vec![world.dial_node(node)]));
    newcomers.iter().for_each(Person::seek);
    eventually("newcomers are paired", async || {
        newcomers.iter().all(|person| person.log().room().is_some())
    })
    .await;
}
