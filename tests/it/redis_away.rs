//! Redis goes and comes back, with its data and without; the line to it is cut, falls silent, dies without a word.

use crate::harness::client::person::Person;
use crate::harness::company::Company;
use crate::harness::history::{Log, Moment};
use crate::harness::world::{Plan, World};
use crate::harness::{PATIENCE, eventually, holds_within};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

fn plan() -> Plan {
    World::quick()
        .set("PALAVER_REDIS__COMMAND_TIMEOUT", "1s")
        .set("PALAVER_REDIS__RECONNECT_MAX_WAIT", "200ms")
}

async fn all_ready(world: &mut World, wanted: bool) {
    for index in 0..2 {
        let node = world.node(index);
        let what = format!("node {index} is ready: {wanted}");
        eventually(&what, async || node.is_ready().await == wanted).await;
    }
}

/// Lines that somebody was told more than once.
fn told_twice(log: &Log) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    let heard = log.moments.iter().filter_map(|(_, moment)| match moment {
        Moment::Heard { id, text, .. } => Some((id, text.as_str())),
        _ => None,
    });
    heard
        .filter(|(id, _)| !seen.insert(*id))
        .map(|(_, text)| text)
        .collect()
}

#[tokio::test]
async fn redis_restarted_with_its_data_costs_a_pause_and_nothing_else() {
    let mut world = plan().start().await;
    let company = Company::chatting(&world, 4).await;

    world.redis.kill();
    all_ready(&mut world, false).await;
    world.redis.restart_with_data().await;
    let back = Instant::now();

    company.go_on(10).await;
    all_ready(&mut world, true).await;
    company.settle().await;
    company.assert_nobody_ended();
    for log in company.logs() {
        let twice = told_twice(&log);
        assert_eq!(twice, [""; 0], "{}: their connections never broke", log.who);
    }
    let pause = company.longest_silence_since(back);
    println!("measured: Redis back with data, everybody heard again after {pause:?}");
}

#[tokio::test]
async fn redis_restarted_without_its_data_ends_rooms_with_session_lost_and_seekers_wait_again() {
    let mut world = plan().start().await;
    let company = Company::chatting(&world, 4).await;
    let lonely = Person::new("lonely", vec![world.dial_node(1)]);
    lonely.seek();
    eventually("somebody waits", async || {
        lonely.log().count(|m| *m == Moment::Queued) > 0
    })
    .await;

    world.redis.kill();
    all_ready(&mut world, false).await;
    world.redis.restart_empty().await;
    let back = Instant::now();
    all_ready(&mut world, true).await;
    let ready = back.elapsed();

    let ended = async || company.logs().iter().all(|log| log.endings() == ["session_lost"]);
    if !holds_within(PATIENCE, ended).await {
        let endings: Vec<_> = company.logs().iter().map(|log| log.endings()).collect();
        panic!("not everybody is told what was lost: {endings:?}\n{}", company.story());
    }
    println!(
        "measured: Redis back without data, ready after {ready:?}, all told after {:?}",
        back.elapsed()
    );
    // One of them meets whoever was waiting, who has not asked again.
    company.people[0].seek();
    eventually("the seeker is found", async || lonely.log().room().is_some()).await;
    company.people[2..].iter().for_each(Person::seek);
    let seated = async || company.people[2..].iter().all(|p| p.log().room().is_some());
    eventually("new rooms are found", seated).await;
    let Company { mut people } = company;
    people.remove(1);
    people.push(lonely);
    let company = Company { people };
    company.babble();
    company.go_on(5).await;
    company.settle().await;
}

#[tokio::test]
async fn a_line_to_redis_that_is_cut_for_seconds_loses_and_doubles_nothing() {
    let mut world = plan().start().await;
    let company = Company::chatting(&world, 4).await;

    world.line.cut();
    all_ready(&mut world, false).await;
    world.line.mend();
    let mended = Instant::now();
    company.go_on(10).await;
    for _ in 0..3 {
        world.line.hiccup().await;
        company.go_on(3).await;
    }
    all_ready(&mut world, true).await;
    company.settle().await;
    company.assert_nobody_ended();
    let pause = company.longest_silence_since(mended);
    println!("measured: line mended, everybody heard again after {pause:?}");
}

#[tokio::test]
async fn a_line_to_redis_that_falls_silent_for_seconds_loses_and_doubles_nothing_and_is_made_anew_once() {
    let mut world = plan().set("PALAVER_REDIS__SHARDS", "3").start().await;
    let company = Company::chatting(&world, 30).await;

    world.line.pause();
    all_ready(&mut world, false).await;
    // The fault itself: long enough for everybody to give up waiting several times.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let before = world.line.made();
    world.line.mend();
    let mended = Instant::now();

    company.go_on(10).await;
    all_ready(&mut world, true).await;
    company.settle().await;
    company.assert_nobody_ended();
    let (pause, made) = (company.longest_silence_since(mended), world.line.made() - before);
    println!("measured: silence over, everybody heard again after {pause:?}, {made} connections");
    assert!(made < 60, "{made} connections");
}

#[tokio::test]
async fn connections_to_redis_that_died_without_a_word_are_given_up_and_made_anew() {
    let mut world = plan().start().await;
    let company = Company::chatting(&world, 4).await;

    world.line.strand();
    let stranded = Instant::now();

    company.go_on(10).await;
    all_ready(&mut world, true).await;
    company.settle().await;
    company.assert_nobody_ended();
    let pause = company.longest_silence_since(stranded);
    println!("measured: connections stranded, everybody heard again after {pause:?}");
    assert!(pause < Duration::from_secs(20), "{pause:?}");
}
