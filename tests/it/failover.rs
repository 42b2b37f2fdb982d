//! A master of Redis dies and its replica takes over, in a cluster and behind sentinels, while people talk. What the
//! replica had not heard is said again by the nodes that promised it; what is gone is told.

use crate::harness::client::Client;
use crate::harness::client::person::Person;
use crate::harness::company::Company;
use crate::harness::history::{Moment, Violation};
use crate::harness::pair::{Pair, say};
use crate::harness::redis::{Couple, Kind, Redis, Watched};
use crate::harness::world::{Plan, World};
use crate::harness::{PATIENCE, eventually, holds_within};
use palaver::clock::Clock;
use serde_json::json;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

fn plan() -> Plan {
    World::quick()
        .set("PALAVER_REDIS__COMMAND_TIMEOUT", "2s")
        .set("PALAVER_REDIS__RECONNECT_MAX_WAIT", "200ms")
        // Longer than a failover takes.
        .set("PALAVER_LEASE__NODE_FOR", "4s")
}

/// The master and the replica that the first pair's room is on: what befalls that master is felt.
fn couple_of_a_room(redis: &Redis, couples: &[Couple], company: &Company) -> Couple {
    let room = company.people[0].room().expect("the first pair has a room");
    let (_, id) = room.rsplit_once('_').expect("text_room_ID");
    let has_it = |couple: &&Couple| redis.has(**couple, &format!("*:room:{id}"));
    *couples.iter().find(has_it).expect("a master has the room")
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

fn now() -> u64 {
    Clock::system().now().0
}

/// When a line was said, in milliseconds, as its id has it.
fn said_at(id: &str) -> u64 {
    let time = id.split('_').nth(1).expect("msg_TIME_RANDOM");
    time.parse().expect("a time")
}

/// Not promised: two lines may be in another order when one of them was lost; who had heard both keeps that of before.
fn order_of_lines(lost: RangeInclusive<u64>) -> impl Fn(&Violation) -> bool {
    move |violation| match violation {
        Violation::Disorder { first, then, .. } => [first, then].into_iter().any(|id| lost.contains(&said_at(id))),
        _ => false,
    }
}

async fn calls_lost(world: &mut World) -> f64 {
    world.node(0).metric("palaver_calls_lost_total").await + world.node(1).metric("palaver_calls_lost_total").await
}

#[tokio::test]
async fn a_master_killed_under_chat_costs_its_rooms_a_pause_and_nobody_a_line() {
    let mut world = plan().redis(Kind::Replicated).start().await;
    let company = Company::chatting(&world, 8).await;
    let couple = couple_of_a_room(&world.redis, &world.redis.couples(), &company);

    world.redis.lose(couple);
    let killed = Instant::now();
    world.redis.taken_over(couple).await;
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
    let couple = couple_of_a_room(&world.redis, &world.redis.couples(), &company);
    world.redis.deafen(couple).await;
    let deaf = now();
    // All but the first of these lines are said after that.
    company.go_on(5).await;

    world.redis.lose(couple);
    let (killed, lost) = (Instant::now(), deaf..=now());

    company.go_on(20).await;
    all_ready(&mut world).await;
    company.settle_but(order_of_lines(lost)).await;
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
    // Should only two be without a room, they meet again. Who was told so may be waited for as long as a seat is held.
    let plan = plan()
        .set("PALAVER_QUEUE__RECENT_PARTNERS", "0")
        .set("PALAVER_CHAT__SEAT_HOLD", "3s");
    let mut world = plan.redis(Kind::Replicated).start().await;
    let couples = world.redis.couples();
    for couple in &couples {
        world.redis.deafen(*couple).await;
    }
    let deaf = now();
    let company = Company::chatting(&world, 12).await;
    let couple = couple_of_a_room(&world.redis, &couples, &company);
    let rooms: Vec<_> = company.people.iter().map(Person::room).collect();

    world.redis.lose(couple);
    let (killed, lost) = (Instant::now(), deaf..=now());

    // Both of a pair go on in their room, or both have been told that it is over.
    world.redis.taken_over(couple).await;
    for index in 0..2 {
        let node = world.node(index);
        eventually("a node looks at all its sockets anew", async || {
            node.metric("palaver_leases_lost_total").await > 0.0
        })
        .await;
    }
    all_ready(&mut world).await;
    let looked = Instant::now();
    let stays = |at: usize| company.people[at].room() == rooms[at];
    let goes_on = |at: usize| {
        let moments = company.people[at].log().moments.into_iter();
        stays(at) && moments.filter(|(at, m)| *at > looked && is_ack(m)).count() >= 20
    };
    let of_one_mind = async || {
        let mut pairs = (0..rooms.len()).step_by(2).map(|at| [at, at + 1]);
        pairs.all(|pair| pair.into_iter().all(goes_on) || !pair.into_iter().any(stays))
    };
    assert!(
        holds_within(PATIENCE, of_one_mind).await,
        "not both of every pair are of one mind: {}",
        company.story()
    );
    let told = killed.elapsed();
    let gone: Vec<_> = (0..rooms.len()).filter(|at| !stays(*at)).collect();
    println!(
        "measured: {} of 24 lost their rooms; all clear after {told:?}",
        gone.len()
    );
    for at in gone {
        let person = &company.people[at];
        // Whoever asked in between was told that it is gone, and may have heard that it is back before it was lost.
        let told = person.log().endings();
        let known = |why: &String| ["session_lost", "gone", "partner_disconnected"].contains(&why.as_str());
        assert!(!told.is_empty() && told.iter().all(known), "{told:?}");
        // Who was seeking again as far as the replica knew may have found somebody already.
        if person.room().is_none() {
            person.seek();
        }
    }
    eventually("all have a room again", async || {
        company.people.iter().all(|person| person.log().room().is_some())
    })
    .await;
    company.go_on(10).await;
    company.settle_but(order_of_lines(lost)).await;
}

#[tokio::test]
async fn a_master_that_hands_over_on_request_loses_nothing() {
    let mut world = plan().redis(Kind::Replicated).start().await;
    let company = Company::chatting(&world, 4).await;
    let couple = couple_of_a_room(&world.redis, &world.redis.couples(), &company);

    let asked = Instant::now();
    world.redis.hand_over(couple).await;

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

    watched.lose_the_master();
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

#[tokio::test]
async fn who_was_told_the_end_of_a_room_hears_no_line_of_it_that_was_taken_before_the_end_was_repeated() {
    let mut world = plan()
        .with_standby()
        .set("PALAVER_QUEUE__RECENT_PARTNERS", "0")
        .start()
        .await;
    let [ann, bob] = ["ann", "bob"].map(|name| world.dial_node(usize::from(name == "bob")).guest(name));
    let Pair {
        mut ann, mut bob, room, ..
    } = Pair::seat(ann.connect().await, bob.connect().await).await;
    world.redis.deafen_standby().await;
    // A line under way while the room ends.
    world.line.hold("say");
    say(&bob, "late");
    world.line.caught().await;
    ann.emit("leave_text_room", &[]);
    ann.expect("text_room_ended").await;
    bob.expect("text_room_ended").await;

    // Who takes over has not heard of the end, and hears of the line before it is repeated.
    world.redis.fail_over();
    world.line.hold("end");
    world.line.aim(world.redis.address());
    world.line.caught().await;
    let is_log = |key: &String| key.contains(":log:") && key.ends_with(room.trim_start_matches("text_room_"));
    let log = world.redis.keys().into_iter().find(is_log).expect("the room has a log");
    eventually("the line is taken", async || {
        world
            .redis
            .command(&["XRANGE", &log, "-", "+"])
            .iter()
            .any(|text| text.contains("late"))
    })
    .await;
    world.line.let_go();

    // By then the end is repeated.
    ann.emit("join_text_queue", &[]);
    assert_eq!(told_before("text_queue_joined", &mut ann).await, [] as [&str; 0]);
    bob.emit("join_text_queue", &[]);
    assert_eq!(told_before("text_match_found", &mut ann).await, [] as [&str; 0]);
    let told = told_before("text_match_found", &mut bob).await;
    assert!(told.iter().all(|name| name == "text_queue_joined"), "{told:?}");
    ann.emit("leave_text_room", &[]);
    bob.expect("text_room_ended").await;
    for client in [ann, bob] {
        client.close().await;
    }
    world.ends_empty().await;
}

#[tokio::test]
async fn who_is_found_in_a_room_whose_end_was_lost_with_the_node_that_promised_it_can_speak_and_leave() {
    let mut world = plan().with_standby().start().await;
    let [ann, bob] = ["ann", "bob"].map(|name| world.dial_node(usize::from(name == "bob")).guest(name));
    let Pair { mut ann, bob, room, .. } = Pair::seat(ann.connect().await, bob.connect().await).await;
    world.redis.deafen_standby().await;
    bob.emit("leave_text_room", &[]);
    ann.expect("text_room_ended").await;

    // Nobody is left to say again that Bob has gone.
    world.node(1).kill9();
    drop(bob);
    world.redis.fail_over();
    world.line.aim(world.redis.address());

    assert_eq!(ann.hear("text_match_found").await["roomId"], *room);
    let line = json!({ "content": "are you there?" });
    let receipt = ann.emit_with_ack("send_text_message", &[line]).await;
    assert!(receipt[0]["messageId"].is_string(), "{receipt:?}");
    ann.emit("leave_text_room", &[]);
    ann.expect("text_room_ended").await;
    ann.close().await;
    world.ends_empty().await;
}

/// The names of what somebody is told until something is.
async fn told_before(name: &str, person: &mut Client) -> Vec<String> {
    let mut before = Vec::new();
    loop {
        match person.next().await.0 {
            told if told == name => return before,
            told => before.push(told),
        }
    }
}
