//! SIGTERM: a node empties itself, nobody loses anything, and others take over at once.

use crate::harness::client::Via;
use crate::harness::client::person::Person;
use crate::harness::company::Company;
use crate::harness::eventually;
use crate::harness::history::Moment;
use crate::harness::node;
use crate::harness::world::{Plan, World};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

/// Long node leases: whoever takes over at once does so because a lease was given back.
fn plan() -> Plan {
    World::new()
        .talkative()
        .set("PALAVER_DRAIN__NOT_READY_FOR", "1s")
        .set("PALAVER_DRAIN__SPREAD_OVER", "1s")
        .set("PALAVER_DRAIN__FINISH_WITHIN", "3s")
        .set("PALAVER_LEASE__RENEW_EVERY", "200ms")
        .set("PALAVER_LEASE__KEEPER_FOR", "20s")
        .set("PALAVER_LEASE__NODE_FOR", "20s")
}

#[tokio::test]
async fn a_drained_node_says_so_first_then_sends_its_sockets_away_in_batches_and_loses_nothing() {
    let mut world = plan().start().await;
    let balancer = world.dial();
    let nodes = [world.dial_node(0), world.dial_node(1)];
    let company = Company::of_pairs(8, |side| vec![nodes[side].clone()]).await;
    company.babble();
    company.go_on(5).await;
    for person in &company.people {
        person.go_to(vec![balancer.clone()]);
    }

    let told = Instant::now();
    world.node(0).terminate();
    let node = world.node(0);
    eventually("it is not ready", async || !node.is_ready().await).await;
    let not_ready = told.elapsed();
    assert!(
        company.people.iter().all(Person::is_connected),
        "nobody is sent away before balancers know"
    );
    let status = world.node(0).ended().await;
    let took = told.elapsed();

    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(6), "{took:?}");
    company.go_on(10).await;
    company.settle().await;
    company.assert_nobody_ended();
    let logs = company.logs();
    let lost: Vec<_> = logs
        .iter()
        .flat_map(|log| &log.moments)
        .filter_map(|(at, moment)| match moment {
            Moment::Lost(why) => Some((*at - told, why.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(lost.len(), 8, "one half is sent away, once: {lost:?}");
    assert!(
        lost.iter()
            .all(|(_, why)| why.contains("Restart") || why.contains("1012")),
        "{lost:?}"
    );
    let (first, last) = (
        lost.iter().map(|l| l.0).min().unwrap(),
        lost.iter().map(|l| l.0).max().unwrap(),
    );
    println!(
        "drain: not ready after {not_ready:?}, sockets sent away from {first:?} to {last:?}, ended after {took:?}; longest silence {:?}",
        company.longest_silence_since(told)
    );
    assert!(first >= Duration::from_secs(1), "balancers get their time: {first:?}");
    assert!(
        last - first >= Duration::from_millis(400),
        "in batches, not at once: {first:?} {last:?}"
    );
}

#[tokio::test]
async fn a_drained_node_answers_until_its_balancer_has_noticed() {
    let mut world = plan()
        .set("PALAVER_DRAIN__NOT_READY_FOR", "0s")
        .set("PALAVER_DRAIN__SPREAD_OVER", "0s")
        .set("PALAVER_DRAIN__FINISH_WITHIN", "1m")
        .start()
        .await;
    let url = format!("http://{}/api/status/summary", world.node(0).address());

    world.node(0).terminate();
    let node = world.node(0);
    eventually("it is not ready", async || !node.is_ready().await).await;
    // One connection each: an answer closes it.
    let late = (0..4).map(|_| async {
        for _ in 0..50 {
            let answer = reqwest::get(&url).await.expect("an answer");
            assert_eq!(answer.status(), 200);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    });
    futures_util::future::join_all(late).await;

    assert!(world.node(0).ended().await.success());
}

#[tokio::test]
async fn a_node_whose_terminal_closes_is_drained() {
    let mut world = plan().nodes(1).start().await;

    world.node(0).hang_up();

    let status = world.node(0).ended().await;
    assert!(status.success(), "{status}");
    let output = world.node(0).output();
    assert!(output.contains("drained"), "{output}");
}

#[tokio::test]
async fn a_node_that_was_started_to_outlive_its_terminal_does() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("nohup");
    let script = format!(
        "#!/bin/sh\ntrap '' HUP\nexec {} \"$@\"\n",
        env!("CARGO_BIN_EXE_palaver")
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let plan = plan().nodes(1).set(node::PROGRAM, program.display());
    let mut world = plan.start().await;

    world.node(0).hang_up();
    // A second signal that is heeded would end a drain at once.
    world.node(0).terminate();

    let status = world.node(0).ended().await;
    assert!(status.success(), "{status}");
    let output = world.node(0).output();
    assert!(
        output.contains("drained") && !output.contains("stopped while draining"),
        "{output}"
    );
}

#[tokio::test]
async fn a_drained_keeper_gives_its_leases_back_so_that_pairing_goes_on_at_once() {
    let mut world = plan().set("PALAVER_DRAIN__NOT_READY_FOR", "0s").start().await;
    world.node(0).terminate();
    assert!(world.node(0).ended().await.success());
    let ended = Instant::now();

    let second = world.dial_node(1);
    let company = Company::of_pairs(1, |_| vec![second.clone()]).await;

    let took = ended.elapsed();
    println!("drain: paired by another keeper {took:?} after the end");
    assert!(
        took < Duration::from_secs(10),
        "a lease of 20 s was waited for: {took:?}"
    );
    company.assert_nobody_ended();
    let leases = world.redis.command(&["ZRANGE", &nodes_key(&world), "0", "-1"]);
    assert_eq!(leases.len(), 1, "only the second node's is left: {leases:?}");
}

fn nodes_key(world: &World) -> String {
    let keys = world.redis.keys();
    keys.into_iter().find(|key| key.ends_with(":nodes")).expect("leases")
}

#[tokio::test]
async fn polling_sessions_go_on_elsewhere_when_their_node_is_drained() {
    let mut world = plan().start().await;
    let balancer = world.dial().via(Via::Polling);
    let company = Company::of_pairs(4, |_| vec![balancer.clone()]).await;
    company.babble();
    company.go_on(5).await;

    let told = Instant::now();
    world.node(0).terminate();
    let status = world.node(0).ended().await;
    let took = told.elapsed();

    assert!(status.success(), "{status}");
    company.go_on(10).await;
    company.settle().await;
    company.assert_nobody_ended();
    let lost: usize = company
        .logs()
        .iter()
        .map(|log| log.count(|m| matches!(m, Moment::Lost(_))))
        .sum();
    println!(
        "drain of those who poll: {took:?}, {lost} of 8 had to begin a new session; longest silence {:?}",
        company.longest_silence_since(told)
    );
    assert_eq!(lost, 0, "a session lives on: {}", company.story());
}
