//! Seeking a partner: from entering to being seated, put back, or giving up.

use super::tests::{ARRIVALS, CHECK, attach, detach, enter, stay};
use super::{ApartRules, Claimed, Detached, Entered, Looker, Rechecked, State};
use crate::coord::notice;
use crate::coord::testing::{TestNode, World, assert_state, at, socket, ticket, user};
use crate::domain::queue::{Place, Queue};
use crate::ids::{RoomId, Ticket, UserId};
use std::time::Duration;

const APART: ApartRules = ApartRules {
    partners: 2,
    apart_for: Duration::from_secs(300),
};

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
    let check = async || {
        node.coord
            .recheck(&user("a"), at(2 * CHECK), Looker::Timer)
            .await
            .unwrap()
    };

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
    let other = node.coord.recheck(&user("a"), at(2 * CHECK), Looker::Other).await;
    assert_eq!(other.unwrap(), Rechecked::Away);
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
        node.coord.release(&user("a"), room, partner, APART).await.unwrap();
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

    node.coord.release(&user("a"), room, None, APART).await.unwrap();

    assert_state(
        &world.dump().await,
        &[
            ("counts", "changed=1, online=0"),
            ("past:a", "rooms=R (ttl)"),
            (ARRIVALS, "1 (ttl)"),
        ],
    );
}
