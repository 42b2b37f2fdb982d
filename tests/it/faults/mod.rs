//! Real nodes and real clients under a random schedule of faults, and a verdict over everybody's history.
//!
//! `schedule` derives from a seed what is done when, `arena` is the world it is done to, `crowd` the people in it,
//! `harness::history` the judge. `FAULTS_SEED` and `FAULTS_SECONDS` make a longer run (`./dev faults`).

mod arena;
mod crowd;
mod report;
mod schedule;

use crate::harness::history::facts::disagreements;
use crate::harness::history::sessions::broken_sessions;
use crate::harness::history::standstill::longest_standstill;
use crate::harness::history::weather::{Failover, SAID_WITHIN, Weather};
use crate::harness::history::{Log, Violation, violations};
use arena::{Arena, stored};
use crowd::Crowd;
use palaver::clock::Clock;
use report::Report;
use schedule::{Fault, Schedule};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The seed of a run that names none, and how many seconds it lasts.
const SEED: u64 = 118;
const SHORT: u64 = 25;
/// How long after a fault everybody may take to get over it: leases, pings, and coming back.
const AFTERMATH: Duration = Duration::from_secs(12);
/// How long the last promises may take to be kept once everything works again.
const SETTLED_WITHIN: Duration = Duration::from_secs(20);
/// How long one may know what the other does not yet.
const PASSES_WITHIN: Duration = Duration::from_secs(5);
/// How long Redis may take to be empty once everybody is gone: every window, one after the other.
const EMPTY_WITHIN: Duration = Duration::from_secs(45);
/// Longest time in which not one line may be acknowledged: whatever is away then is back after seconds.
const STANDS_STILL: Duration = Duration::from_secs(30);
/// How long facts may take to be in Postgres.
const STORED_WITHIN: Duration = Duration::from_secs(20);

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_promise_is_broken_by_a_random_schedule_of_faults() {
    let seed = number("FAULTS_SEED").unwrap_or(SEED);
    let length = Duration::from_secs(number("FAULTS_SECONDS").unwrap_or(SHORT));
    let people = number("FAULTS_PEOPLE").unwrap_or(30) as usize;
    run(Schedule::of(seed, length), people).await;
}

/// Runs a schedule to its verdict; panics when a promise was broken.
async fn run(schedule: Schedule, people: usize) {
    let mut report = Report::begin(&schedule, people);
    let mut arena = Arena::set_up(schedule.shape, report.logs()).await;
    let mut crowd = Crowd::gather(people, schedule.seed, &arena);
    let begun = Instant::now();
    let weather = strike(&schedule, &mut arena, &mut report).await;
    let over = Instant::now();
    let fallen = arena.fallen();
    report.broken(fallen.into_iter().map(|node| format!("node {node} ended by itself")));
    if !arena.all_ready().await {
        report.broken(["not every node is ready again".to_owned()]);
    }
    report.broken(crowd.calm_down().await);
    let broken = until_none(SETTLED_WITHIN, async || promised(&crowd.logs(), &weather)).await;
    report.violations(&broken);
    report.broken(crowd.leave().await);
    let logs = crowd.logs();
    report.standstill(longest_standstill(&logs, begun, over), STANDS_STILL);
    crowd.go().await;
    report.broken(still_there(&arena).await);
    report.broken(untrue(&arena, &logs, &weather).await);
    report.broken(broken_sessions(&logs, &weather));
    report.verdict(&logs);
}

/// What is broken of what was promised in such weather.
fn promised(logs: &[Log], weather: &Weather) -> Vec<Violation> {
    let mut found = violations(logs);
    found.retain(|violation| !weather.excuses(violation, logs));
    found
}

/// Does all that is scheduled; what that was like for people.
async fn strike(schedule: &Schedule, arena: &mut Arena, report: &mut Report) -> Weather {
    let begun = Instant::now();
    report.begun(begun);
    let mut steps: Vec<_> = schedule.strikes.iter().map(|s| (s.at, true, *s)).collect();
    steps.extend(schedule.strikes.iter().map(|s| (s.at + s.lasts, false, *s)));
    steps.sort_by_key(|(at, ..)| *at);
    let mut weather = Weather::default();
    // What takes long to begin or to end delays all that comes after it, so that everything holds as long as it should.
    let mut late = Duration::ZERO;
    let mut begins_at = BTreeMap::new();
    for (at, begins, strike) in steps {
        let due = begun + at + late;
        tokio::time::sleep_until(due.into()).await;
        if begins {
            if begun.elapsed() >= schedule.length {
                continue;
            }
            begins_at.insert(strike.at, (Instant::now(), now()));
            arena.begin(strike.fault).await;
            if let Fault::Kill { .. } = strike.fault {
                weather.deaths.push(Instant::now());
            }
        } else if let Some((begin, then)) = begins_at.remove(&strike.at) {
            arena.end(strike.fault).await;
            let end = Instant::now();
            weather.storms.push((begin, end + AFTERMATH));
            if strike.fault.closes_the_store() {
                weather.closed.push((begin, end));
            }
            // A replica that took over lacks what it did not hear.
            if matches!(strike.fault, Fault::LoseRedis | Fault::FailOver) {
                weather.losses.push((begin, end));
            }
            if strike.fault == Fault::FailOver {
                weather.failovers.push(Failover {
                    deaf: begin,
                    taken_over: end,
                    over: end + AFTERMATH,
                    // Lines bear the time at which their node began to say them.
                    unheard: then - SAID_WITHIN.as_millis() as u64..=now(),
                });
            }
            if let Fault::Drain { .. } = strike.fault {
                weather.deaths.push(end);
            }
        }
        report.step(begins, &strike);
        late += due.elapsed();
    }
    tokio::time::sleep_until((begun + schedule.length).into()).await;
    weather
}

/// Redis's time, in milliseconds.
fn now() -> u64 {
    Clock::system().now().0
}

/// Asks again and again for what is not yet as it should be, until that is nothing or the time is up. What was only just
/// happening then counts if it does not pass.
async fn until_none<T: PartialEq>(within: Duration, mut wrong: impl AsyncFnMut() -> Vec<T>) -> Vec<T> {
    let end = Instant::now() + within;
    loop {
        let mut found = wrong().await;
        if found.is_empty() {
            return found;
        }
        if Instant::now() >= end {
            tokio::time::sleep(PASSES_WITHIN).await;
            let still = wrong().await;
            found.retain(|one| still.contains(one));
            return found;
        }
        // Looking costs time that the nodes need.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// What is in Redis when everybody has gone and every window has passed.
async fn still_there(arena: &Arena) -> Vec<String> {
    let left = until_none(EMPTY_WITHIN, async || arena.left_over()).await;
    left.into_iter().map(|key| format!("left in Redis: {key}")).collect()
}

/// What people were told and Postgres does not agree with.
async fn untrue(arena: &Arena, logs: &[Log], weather: &Weather) -> Vec<String> {
    let mut store = arena.store().await;
    until_none(STORED_WITHIN, async || {
        disagreements(logs, &stored(&mut store).await, weather)
    })
    .await
}
