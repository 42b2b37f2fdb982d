//! Users: sockets on one and two nodes, what they are doing, and counts that never drift.

use super::{Attached, Claimed, Detached, Entered, ModeSet, Rechecked, State, Stay};
use crate::clock::Millis;
use crate::coord::notice;
use crate::coord::testing::{TestNode, World, assert_state, at, socket, ticket, user};
use crate::domain::pairing::Met;
use crate::domain::presence::{Counts, Mode};
use crate::domain::queue::{Place, Queue};
use crate::ids::{RoomId, Shard, Ticket, UserId};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const MOST: usize = 3;
const GIVE_UP: u64 = 10_000;
const KEPT: Duration = Duration::from_secs(60);
const CHECK: u64 = 5_000;
/// The minute since the Unix epoch in which every test begins.
const ARRIVALS: &str = "arrivals:16666666";

/// What the user is doing; none when the socket was one too many.
async fn attach(node: &TestNode, who: &str, sid: &str) -> Option<State> {
    match node.coord.attach(&user(who), &socket(sid), MOST, None).await.unwrap() {
        Attached::To(state, _) => Some(state),
        Attached::Crowded => None,
    }
}

async fn detach(node: &TestNode, who: &str, sid: &str) -> Detached {
    node.coord
        .detach(&user(who), &socket(sid), at(GIVE_UP), KEPT)
        .await
        .unwrap()
}

/// Enters, and calls the ticket `name` from then on.
async fn enter(world: &World, node: &TestNode, who: &str, name: &str) -> Ticket {
    let entered = node.coord.enter(&user(who), Queue::Text, at(CHECK)).await.unwrap();
    let Entered::Seeking(stay) = entered else {
        panic!("{entered:?}")
    };
    world.name(&stay.ticket, name);
    stay.ticket
}

fn stay(ticket: &Ticket, since: Millis, recent: &[(&str, u64)]) -> Stay {
    let met = |(who, ms): &(&str, u64)| Met {
        user: user(who),
        at: at(*ms),
    };
    Stay {
        queue: Queue::Text,
        ticket: ticket.clone(),
        since,
        recent: recent.iter().map(met).collect(),
    }
}

#[tokio::test]
async fn the_first_socket_makes_a_user_and_more_join_it() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);

    assert_eq!(attach(&one, "a", "s1").await, Some(State::Idle));
    assert_eq!(attach(&one, "a", "s1").await, Some(State::Idle), "the same again");
    assert_eq!(attach(&two, "a", "s2").await, Some(State::Idle));

    assert_state(
        &world.dump().await,
        &[
            ("user:a", "@s1=N1, @s2=N2"),
            ("users:N1", "a"),
            ("users:N2", "a"),
            ("counts", "changed=1, online=1"),
            (ARRIVALS, "1 (ttl)"),
        ],
    );
}

#[tokio::test]
async fn one_socket_too_many_is_refused_but_the_same_again_is_not() {
    let world = World::new(1).await;
    let node = world.node().await;
    for sid in ["s1", "s2", "s3"] {
        attach(&node, "a", sid).await;
    }
    let before = world.dump().await;

    let answers = [attach(&node, "a", "s4").await, attach(&node, "a", "s3").await];

    assert_eq!(answers, [None, Some(State::Idle)]);
    assert_eq!(world.dump().await, before);
}

#[tokio::test]
async fn the_last_socket_takes_the_user_along() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    attach(&one, "a", "s1").await;
    attach(&one, "a", "s2").await;
    attach(&two, "a", "s3").await;

    assert_eq!(detach(&one, "a", "s1").await, Detached::More(State::Idle));
    assert_eq!(
        detach(&two, "a", "s2").await,
        Detached::Elsewhere(State::Idle),
        "not its socket"
    );
    assert_eq!(detach(&one, "a", "s2").await, Detached::More(State::Idle));
    assert_state(
        &world.dump().await,
        &[
            ("user:a", "@s3=N2"),
            ("users:N2", "a"),
            ("counts", "changed=1, online=1"),
            (ARRIVALS, "1 (ttl)"),
        ],
    );
    assert_eq!(detach(&two, "a", "s3").await, Detached::Last(State::Idle));
    assert_eq!(
        detach(&two, "a", "s3").await,
        Detached::Elsewhere(State::Idle),
        "the repeat"
    );
    assert_state(
        &world.dump().await,
        &[("counts", "changed=1, online=0"), (ARRIVALS, "1 (ttl)")],
    );
}

#[tokio::test]
async fn a_socket_that_moved_to_another_node_is_not_taken_by_the_old_ones_late_detach() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    attach(&one, "a", "s1").await;

    attach(&two, "a", "s1").await;
    let late = detach(&one, "a", "s1").await;

    assert_eq!(late, Detached::Elsewhere(State::Idle));
    assert_state(
        &world.dump().await,
        &[
            ("user:a", "@s1=N2"),
            ("users:N2", "a"),
            ("counts", "changed=1, online=1"),
            (ARRIVALS, "1 (ttl)"),
        ],
    );
}

#[tokio::test]
async fn the_mode_is_counted_once_and_looking_elsewhere_ends_the_seeking() {
    let world = World::new(1).await;
    let node = world.node().await;
    let set = async |mode| node.coord.set_mode(&user("a"), mode).await.unwrap();
    assert_eq!(set(Some(Mode::Text)).await, ModeSet::Same, "nobody there");
    attach(&node, "a", "s1").await;

    assert_eq!(set(Some(Mode::Text)).await, ModeSet::Changed);
    assert_eq!(set(Some(Mode::Text)).await, ModeSet::Same);
    let ticket = enter(&world, &node, "a", "TICKET").await;
    assert_eq!(set(None).await, ModeSet::Stopped(Queue::Text, ticket));
    assert_eq!(set(Some(Mode::Video)).await, ModeSet::Changed);

    let counts = ("counts", "changed=1, online=1, text=0, video=1");
    assert_state(
        &world.dump().await,
        &[
            ("user:a", "@s1=N1, mode=video"),
            ("users:N1", "a"),
            counts,
            (ARRIVALS, "1 (ttl)"),
        ],
    );
    detach(&node, "a", "s1").await;
    let counts = ("counts", "changed=1, online=0, text=0, video=0");
    assert_state(&world.dump().await, &[counts, (ARRIVALS, "1 (ttl)")]);
}

#[tokio::test]
async fn looking_at_the_queues_own_kind_of_chat_goes_on_seeking() {
    let world = World::new(1).await;
    let node = world.node().await;
    attach(&node, "a", "s1").await;
    enter(&world, &node, "a", "TICKET").await;

    assert_eq!(
        node.coord.set_mode(&user("a"), Some(Mode::Text)).await.unwrap(),
        ModeSet::Changed
    );

    assert!(world.dump().await["user:a"].contains("state=seeking"));
}

#[tokio::test]
async fn entering_gives_one_ticket_for_all_sockets_of_a_user() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    let refused = one.coord.enter(&user("a"), Queue::Text, at(CHECK)).await.unwrap();
    attach(&one, "a", "s1").await;
    attach(&two, "a", "s2").await;
    world
        .raw(&["RPUSH", &one.coord.keys().recent(&user("a")), &format!("b {}", at(1))])
        .await;

    let first = one.coord.enter(&user("a"), Queue::Text, at(CHECK)).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    let again = two
        .coord
        .enter(&user("a"), Queue::Text, at(CHECK + 1000))
        .await
        .unwrap();

    assert_eq!(refused, Entered::Absent);
    let Entered::Seeking(first) = first else {
        panic!("{first:?}")
    };
    world.name(&first.ticket, "TICKET");
    assert_eq!(first, stay(&first.ticket, at(0), &[("b", 1)]));
    assert_eq!(again, Entered::Seeking(first));
    assert_state(
        &world.dump().await,
        &[
            (
                "user:a",
                "@s1=N1, @s2=N2, queue=text, since=T+0, state=seeking, ticket=TICKET",
            ),
            ("timers", "seek|a@T+5000"),
            ("recent:a", "b T+1"),
            ("users:N1", "a"),
            ("users:N2", "a"),
            ("counts", "changed=1, online=1"),
            (ARRIVALS, "1 (ttl)"),
        ],
    );
}

#[tokio::test]
async fn seeking_where_the_queue_is_gives_a_place_at_once_and_the_first_ticket_again() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    let seek = async |node: &TestNode| {
        let wait = Duration::from_millis(150);
        node.coord.seek(&user("a"), Queue::Text, wait).await.unwrap()
    };
    let refused = seek(&one).await;
    attach(&one, "a", "s1").await;
    world
        .raw(&["RPUSH", &one.coord.keys().recent(&user("a")), &format!("b {}", at(1))])
        .await;

    let first = seek(&one).await;
    world.clock.advance(Duration::from_secs(1));
    let again = seek(&two).await;

    assert_eq!((refused, first), (Entered::Absent, Entered::Waiting(Place::at(1))));
    let Entered::Seeking(again) = again else {
        panic!("{again:?}")
    };
    world.name(&again.ticket, "TICKET");
    assert_eq!(again, stay(&again.ticket, at(0), &[("b", 1)]));
    assert_state(
        &world.dump().await,
        &[
            ("user:a", "@s1=N1, queue=text, since=T+0, state=seeking, ticket=TICKET"),
            ("queue:text", "a@T+0"),
            ("seekers:text", "a=TICKET|150|b T+1"),
            ("recent:a", "b T+1"),
            ("users:N1", "a"),
            ("counts", "changed=1, online=1"),
            (ARRIVALS, "1 (ttl)"),
        ],
    );
    let room = world.room("R");
    one.coord.claim(&user("a"), &again.ticket, room).await.unwrap();
    assert_eq!(seek(&one).await, Entered::Seated(room));
}

#[tokio::test]
async fn giving_up_ends_the_stay_and_leaves_no_trace() {
    let world = World::new(1).await;
    let node = world.node().await;
    attach(&node, "a", "s1").await;
    let before = world.dump().await;
    let ticket = enter(&world, &node, "a", "TICKET").await;
    let room = world.room("R");
    node.coord.claim(&user("a"), &ticket, room).await.unwrap();
    node.coord.unclaim(&user("a"), room, at(CHECK)).await.unwrap();

    let first = node.coord.give_up(&user("a")).await.unwrap();
    let again = node.coord.give_up(&user("a")).await.unwrap();

    assert_eq!((first, again), (Some((Queue::Text, ticket)), None));
    assert_eq!(world.dump().await, before);
}

#[tokio::test]
async fn a_seeker_who_is_away_keeps_the_place_for_a_while_and_then_loses_it() {
    let world = World::new(1).await;
    let node = world.node().await;
    attach(&node, "a", "s1").await;
    let ticket = enter(&world, &node, "a", "TICKET").await;
    let check = async || node.coord.recheck(&user("a"), at(2 * CHECK)).await.unwrap();

    assert_eq!(check().await, Rechecked::Seeking(stay(&ticket, at(0), &[])));
    assert_eq!(world.dump().await["timers"], "seek|a@T+10000");
    let gone = detach(&node, "a", "s1").await;
    assert_eq!(gone, Detached::Last(State::Seeking(stay(&ticket, at(0), &[]))));
    assert_state(
        &world.dump().await,
        &[
            ("user:a", "queue=text, since=T+0, state=seeking, ticket=TICKET"),
            ("timers", "seek|a@T+10000"),
            ("counts", "changed=1, online=0"),
            (ARRIVALS, "1 (ttl)"),
        ],
    );
    let back = attach(&node, "a", "s2").await;
    assert_eq!(back, Some(State::Seeking(stay(&ticket, at(0), &[]))));
    detach(&node, "a", "s2").await;
    assert_eq!(check().await, Rechecked::GaveUp(Queue::Text, ticket));
    assert_eq!(check().await, Rechecked::NotSeeking);
    assert!(!world.dump().await.contains_key("user:a"));
}

#[tokio::test]
async fn a_claim_takes_a_seeker_with_that_ticket_and_names_the_places() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    attach(&one, "a", "s1").await;
    attach(&two, "a", "s2").await;
    let ticket_a = enter(&world, &one, "a", "TICKET").await;
    let (room, other) = (world.room("R"), world.room("OTHER"));
    let claim = async |ticket: &Ticket, room| two.coord.claim(&user("a"), ticket, room).await.unwrap();
    assert_eq!(claim(&ticket("another"), room).await, Claimed::Gone);

    let first = claim(&ticket_a, room).await;
    detach(&one, "a", "s1").await;
    let again = claim(&ticket_a, room).await;
    let lost_race = claim(&ticket_a, other).await;

    let place = |node: &TestNode, sid| notice::Place {
        node: node.id.clone(),
        socket: socket(sid),
    };
    let Claimed::At(mut places) = first else {
        panic!("{first:?}")
    };
    places.sort_by_key(|p| p.socket.clone());
    assert_eq!(places, [place(&one, "s1"), place(&two, "s2")]);
    assert_eq!(again, Claimed::At(vec![place(&two, "s2")]), "the places of now");
    assert_eq!(lost_race, Claimed::Gone);
    assert_state(
        &world.dump().await,
        &[
            (
                "user:a",
                "@s2=N2, queue=text, room=R, since=T+0, state=seated, ticket=TICKET, trail=R",
            ),
            ("users:N2", "a"),
            ("counts", "changed=1, online=1"),
            (ARRIVALS, "1 (ttl)"),
        ],
    );
    assert_eq!(
        one.coord.enter(&user("a"), Queue::Text, at(1)).await.unwrap(),
        Entered::Seated(room)
    );
    assert_eq!(one.coord.give_up(&user("a")).await.unwrap(), None);
}

#[tokio::test]
async fn somebody_without_a_socket_is_not_claimed() {
    let world = World::new(1).await;
    let node = world.node().await;
    attach(&node, "a", "s1").await;
    let ticket = enter(&world, &node, "a", "TICKET").await;
    detach(&node, "a", "s1").await;
    let before = world.dump().await;

    let claimed = node.coord.claim(&user("a"), &ticket, world.room("R")).await.unwrap();

    assert_eq!(claimed, Claimed::Absent);
    assert_eq!(world.dump().await, before);
}

#[tokio::test]
async fn who_is_put_back_keeps_ticket_and_time() {
    let world = World::new(1).await;
    let node = world.node().await;
    attach(&node, "a", "s1").await;
    let ticket = enter(&world, &node, "a", "TICKET").await;
    let (room, other) = (world.room("R"), world.room("OTHER"));
    world.clock.advance(Duration::from_secs(7));
    let unclaim = async |room| node.coord.unclaim(&user("a"), room, at(12_000)).await.unwrap();
    assert_eq!(unclaim(room).await, None, "not claimed yet");
    node.coord.claim(&user("a"), &ticket, room).await.unwrap();

    let answers = [unclaim(other).await, unclaim(room).await, unclaim(room).await];

    let back = Some(stay(&ticket, at(0), &[]));
    assert_eq!(answers, [None, back.clone(), back]);
    let dump = world.dump().await;
    assert_eq!(dump["timers"], "seek|a@T+12000");
    assert_eq!(
        dump["user:a"],
        "@s1=N1, queue=text, room=R, since=T+0, state=seeking, ticket=TICKET"
    );
    node.coord.claim(&user("a"), &ticket, other).await.unwrap();
    assert_eq!(
        unclaim(room).await,
        None,
        "the late repeat of an old room takes nobody out of a new one"
    );
}

#[tokio::test]
async fn after_a_room_people_are_idle_and_remember_their_last_partners() {
    let world = World::new(1).await;
    let node = world.node().await;
    attach(&node, "a", "s1").await;
    let room = world.room("R");
    let release = async |room: RoomId, partner: Option<&UserId>| {
        let apart = Duration::from_secs(300);
        node.coord.release(&user("a"), room, partner, 2, apart).await.unwrap();
    };
    for (i, partner) in ["b", "c", "d"].into_iter().enumerate() {
        let ticket = enter(&world, &node, "a", &format!("TICKET{i}")).await;
        node.coord.claim(&user("a"), &ticket, room).await.unwrap();
        release(world.room("OTHER"), Some(&user(partner))).await;
        world.clock.advance(Duration::from_secs(1));
        release(room, Some(&user(partner))).await;
        release(room, Some(&user(partner))).await;
    }

    assert_state(
        &world.dump().await,
        &[
            ("user:a", "@s1=N1, trail=R"),
            ("recent:a", "d T+3000, c T+2000 (ttl)"),
            ("users:N1", "a"),
            ("counts", "changed=1, online=1"),
            (ARRIVALS, "1 (ttl)"),
        ],
    );
}

#[tokio::test]
async fn somebody_released_without_a_socket_leaves_nothing() {
    let world = World::new(1).await;
    let node = world.node().await;
    attach(&node, "a", "s1").await;
    let ticket = enter(&world, &node, "a", "TICKET").await;
    let room = world.room("R");
    node.coord.claim(&user("a"), &ticket, room).await.unwrap();
    assert_eq!(detach(&node, "a", "s1").await, Detached::Last(State::Seated(room)));

    node.coord
        .release(&user("a"), room, None, 5, Duration::from_secs(300))
        .await
        .unwrap();

    assert_state(
        &world.dump().await,
        &[
            ("counts", "changed=1, online=0"),
            ("past:a", "rooms=R (ttl)"),
            (ARRIVALS, "1 (ttl)"),
        ],
    );
}

#[tokio::test]
async fn users_of_a_dead_node_keep_what_they_have_elsewhere() {
    let world = World::new(1).await;
    let (dead, alive) = (world.node().await, world.node().await);
    for (who, sid) in [("idle", "s1"), ("both", "s2"), ("seeks", "s3")] {
        attach(&dead, who, sid).await;
    }
    attach(&alive, "both", "s4").await;
    dead.coord.set_mode(&user("idle"), Some(Mode::Audio)).await.unwrap();
    enter(&world, &dead, "seeks", "TICKET").await;
    let reap = async |batch| {
        alive
            .coord
            .reap_users(Shard(0), &dead.id, batch, at(GIVE_UP), KEPT)
            .await
            .unwrap()
    };

    assert_eq!([reap(2).await, reap(2).await, reap(2).await], [2, 1, 0]);

    assert_state(
        &world.dump().await,
        &[
            ("user:both", "@s4=N2"),
            ("users:N2", "both"),
            ("user:seeks", "queue=text, since=T+0, state=seeking, ticket=TICKET"),
            ("timers", "seek|seeks@T+10000"),
            ("counts", "audio=0, changed=1, online=1"),
            (ARRIVALS, "3 (ttl)"),
        ],
    );
}

#[derive(Clone, Debug)]
enum Step {
    Attach(u8, u8, bool),
    Detach(u8, u8, bool),
    Mode(u8, u8),
    ReapSecond,
}

fn step() -> impl Strategy<Value = Step> {
    let (who, sid) = (0u8..3, 0u8..4);
    prop_oneof![
        4 => (who.clone(), sid.clone(), any::<bool>()).prop_map(|(w, s, n)| Step::Attach(w, s, n)),
        3 => (who.clone(), sid, any::<bool>()).prop_map(|(w, s, n)| Step::Detach(w, s, n)),
        2 => (who, 0u8..4).prop_map(|(w, m)| Step::Mode(w, m)),
        1 => Just(Step::ReapSecond),
    ]
}

/// What must be in Redis: per user the sockets with whether they are on the second node, and the mode.
type Model = BTreeMap<u8, (BTreeMap<u8, bool>, Option<Mode>)>;

const MODES: [Option<Mode>; 4] = [None, Some(Mode::Text), Some(Mode::Audio), Some(Mode::Video)];

async fn take(step: &Step, nodes: &[TestNode; 2], model: &mut Model) {
    match *step {
        Step::Attach(who, sid, second) => {
            let (sockets, _) = model.entry(who).or_default();
            let crowded = !sockets.contains_key(&sid) && sockets.len() >= MOST;
            if !crowded {
                sockets.insert(sid, second);
            }
            let attached = attach(
                &nodes[usize::from(second)],
                &format!("u{who}"),
                &format!("u{who}s{sid}"),
            )
            .await;
            assert_eq!(attached.is_none(), crowded);
        }
        Step::Detach(who, sid, second) => {
            let (sockets, _) = model.entry(who).or_default();
            let there = sockets.get(&sid) == Some(&second);
            if there {
                sockets.remove(&sid);
            }
            let detached = detach(
                &nodes[usize::from(second)],
                &format!("u{who}"),
                &format!("u{who}s{sid}"),
            )
            .await;
            assert_eq!(matches!(detached, Detached::Elsewhere(_)), !there);
        }
        Step::Mode(who, mode) => {
            let (sockets, now) = model.entry(who).or_default();
            if !sockets.is_empty() {
                *now = MODES[usize::from(mode)];
            }
            let mode = MODES[usize::from(mode)];
            nodes[0].coord.set_mode(&user(&format!("u{who}")), mode).await.unwrap();
        }
        Step::ReapSecond => {
            for (sockets, _) in model.values_mut() {
                sockets.retain(|_, second| !*second);
            }
            let coord = &nodes[0].coord;
            while coord
                .reap_users(Shard(0), &nodes[1].id, 2, at(GIVE_UP), KEPT)
                .await
                .unwrap()
                == 2
            {}
        }
    }
    model.retain(|_, (sockets, _)| !sockets.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counts_and_sets_never_drift_from_who_is_there(steps in prop::collection::vec(step(), 1..80)) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let world = World::new(1).await;
            let nodes = [world.node().await, world.node().await];
            let mut model = Model::new();
            for step in &steps {
                take(step, &nodes, &mut model).await;
            }
            let of = |mode| model.values().filter(|(_, m)| *m == Some(mode)).count() as u64;
            let expected = Counts {
                online: model.len() as u64,
                text: of(Mode::Text),
                audio: of(Mode::Audio),
                video: of(Mode::Video),
            };
            assert_eq!(nodes[0].coord.count().await.unwrap().0, expected);
            let dump = world.dump().await;
            let users: Vec<_> = dump.keys().filter(|k| k.starts_with("user:")).cloned().collect();
            assert_eq!(users, model.keys().map(|w| format!("user:u{w}")).collect::<Vec<_>>());
            for (second, key) in [(false, "users:N1"), (true, "users:N2")] {
                let there = model.iter().filter(|(_, (s, _))| s.values().any(|n| *n == second));
                let expected: Vec<_> = there.map(|(w, _)| format!("u{w}")).collect();
                assert_eq!(dump.get(key).cloned().unwrap_or_default(), expected.join(", "));
            }
        });
    }
}
