//! Users: sockets on one and two nodes, what they are doing, and counts that never drift.

use super::{Attached, Detached, Entered, ModeSet, Remembered, State, Stay};
use crate::clock::Millis;
use crate::coord::testing::{TestNode, World, assert_state, at, socket, user};
use crate::domain::pairing::Met;
use crate::domain::presence::Mode;
use crate::domain::queue::Queue;
use crate::ids::{Shard, Ticket};
use std::time::Duration;

pub(super) const MOST: usize = 3;
pub(super) const GIVE_UP: u64 = 10_000;
pub(super) const KEPT: Duration = Duration::from_secs(60);
pub(super) const CHECK: u64 = 5_000;
/// The minute since the Unix epoch in which every test begins.
pub(super) const ARRIVALS: &str = "arrivals:16666666";

/// What the user is doing; none when the socket was one too many.
pub(super) async fn attach(node: &TestNode, who: &str, sid: &str) -> Option<State> {
    match node.coord.attach(&user(who), &socket(sid), MOST, None).await.unwrap() {
        Attached::To(state, _) => Some(state),
        Attached::Crowded => None,
    }
}

pub(super) async fn detach(node: &TestNode, who: &str, sid: &str) -> Detached {
    node.coord
        .detach(&user(who), &socket(sid), at(GIVE_UP), Remembered::both(KEPT))
        .await
        .unwrap()
}

/// Enters, and calls the ticket `name` from then on.
pub(super) async fn enter(world: &World, node: &TestNode, who: &str, name: &str) -> Ticket {
    let entered = node.coord.enter(&user(who), Queue::Text, at(CHECK)).await.unwrap();
    let Entered::Seeking(stay) = entered else {
        panic!("{entered:?}")
    };
    world.name(&stay.ticket, name);
    stay.ticket
}

pub(super) fn stay(ticket: &Ticket, since: Millis, recent: &[(&str, u64)]) -> Stay {
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
