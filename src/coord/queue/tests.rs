//! Queues: order, proposals, and offers that outlive whoever took them.

use super::Offer;
use crate::coord::testing::{TestNode, World, assert_state, at, ticket, user};
use crate::coord::users::Stay;
use crate::domain::pairing::{Met, Seeker};
use crate::domain::queue::{Place, Queue};
use crate::ids::RoomId;
use std::time::Duration;

fn stay(name: &str, since: u64) -> Stay {
    Stay {
        queue: Queue::Text,
        ticket: ticket(name),
        since: at(since),
        recent: vec![],
    }
}

async fn join(node: &TestNode, who: &str, since: u64) -> Place {
    let stay = stay(&format!("t{who}"), since);
    node.coord.join(&user(who), &stay, at(since + 150)).await.unwrap()
}

async fn seekers(node: &TestNode) -> Vec<Seeker> {
    node.coord.peek(Queue::Text, 10).await.unwrap().1
}

fn names(seekers: &[Seeker]) -> Vec<&str> {
    seekers.iter().map(|s| s.user.as_str()).collect()
}

#[tokio::test]
async fn seekers_stand_in_the_order_of_their_entering_whoever_joins_first() {
    let world = World::new(1).await;
    let node = world.node().await;

    let places = [
        join(&node, "late", 20).await,
        join(&node, "b", 10).await,
        join(&node, "a", 10).await,
    ];
    let again = join(&node, "late", 20).await;

    assert_eq!(places.map(|p| p.position), [1, 1, 1]);
    assert_eq!(again.position, 3);
    assert_eq!(names(&seekers(&node).await), ["a", "b", "late"]);
    assert_state(
        &world.dump().await,
        &[
            ("queue:text", "a@T+10, b@T+10, late@T+20"),
            ("seekers:text", "a=ta|T+160|, b=tb|T+160|, late=tlate|T+170|"),
        ],
    );
}

#[tokio::test]
async fn peeking_tells_everything_that_pairing_needs_and_how_many_wait() {
    let world = World::new(1).await;
    let node = world.node().await;
    let met = |who, ms| Met {
        user: user(who),
        at: at(ms),
    };
    let with_past = Stay {
        recent: vec![met("x", 3), met("y", 2)],
        ..stay("t", 10)
    };
    node.coord.join(&user("a"), &with_past, at(160)).await.unwrap();
    join(&node, "b", 20).await;

    let (waiting, front) = node.coord.peek(Queue::Text, 1).await.unwrap();

    let expected = Seeker {
        user: user("a"),
        ticket: ticket("t"),
        since: at(10),
        eligible: at(160),
        recent: with_past.recent,
    };
    assert_eq!((waiting, front), (2, vec![expected]));
}

#[tokio::test]
async fn only_the_ticket_of_the_stay_takes_a_seeker_out() {
    let world = World::new(1).await;
    let node = world.node().await;
    join(&node, "a", 10).await;
    let before = world.dump().await;
    // The beginning of a ticket is another ticket.
    for other in ["other", "t"] {
        node.coord.leave(&user("a"), Queue::Text, &ticket(other)).await.unwrap();
    }
    assert_eq!(world.dump().await, before);

    node.coord.leave(&user("a"), Queue::Text, &ticket("ta")).await.unwrap();
    node.coord.leave(&user("a"), Queue::Text, &ticket("ta")).await.unwrap();

    assert_state(&world.dump().await, &[]);
}

#[tokio::test]
async fn a_new_stay_replaces_the_old_one() {
    let world = World::new(1).await;
    let node = world.node().await;
    join(&node, "a", 10).await;

    node.coord.join(&user("a"), &stay("new", 30), at(180)).await.unwrap();
    node.coord.leave(&user("a"), Queue::Text, &ticket("ta")).await.unwrap();

    assert_state(
        &world.dump().await,
        &[("queue:text", "a@T+30"), ("seekers:text", "a=new|T+180|")],
    );
}

#[tokio::test]
async fn a_pair_is_offered_once_and_not_when_one_waits_no_longer() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    for who in ["a", "b", "c"] {
        join(&one, who, 10).await;
    }
    let seen = seekers(&one).await;
    let (room, other) = (world.room("R"), world.room("OTHER"));

    let first = one.coord.propose(Queue::Text, room, &seen[0], &seen[1]).await.unwrap();
    let again = two.coord.propose(Queue::Text, room, &seen[0], &seen[1]).await.unwrap();
    let crossing = two.coord.propose(Queue::Text, other, &seen[1], &seen[2]).await.unwrap();

    assert_eq!((first, again, crossing), (true, false, false));
    assert_state(
        &world.dump().await,
        &[
            ("queue:text", "c@T+10"),
            ("seekers:text", "c=tc|T+160|"),
            ("offers", "offer=text R a ta b tb"),
        ],
    );
}

#[tokio::test]
async fn somebody_who_left_and_came_back_is_not_offered_with_the_old_ticket() {
    let world = World::new(1).await;
    let node = world.node().await;
    join(&node, "a", 10).await;
    join(&node, "b", 10).await;
    let seen = seekers(&node).await;
    node.coord.join(&user("b"), &stay("new", 30), at(180)).await.unwrap();
    let before = world.dump().await;

    assert!(
        !node
            .coord
            .propose(Queue::Text, world.room("R"), &seen[0], &seen[1])
            .await
            .unwrap()
    );

    assert_eq!(world.dump().await, before);
}

async fn offer(world: &World, node: &TestNode, pair: [&str; 2]) -> RoomId {
    join(node, pair[0], 10).await;
    join(node, pair[1], 11).await;
    let (seen, room) = (seekers(node).await, world.room(&pair.concat()));
    assert!(node.coord.propose(Queue::Text, room, &seen[0], &seen[1]).await.unwrap());
    room
}

fn rooms(offers: &[Offer]) -> Vec<RoomId> {
    offers.iter().map(|o| o.room).collect()
}

#[tokio::test]
async fn an_offer_goes_to_one_node_and_leaves_when_settled() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    for node in [&one, &two] {
        node.offers[0].prepare().await.unwrap();
    }
    let first = offer(&world, &one, ["a", "b"]).await;
    let second = offer(&world, &one, ["c", "d"]).await;
    let wait = Duration::from_millis(1);

    let to_one = one.offers[0].next(1, wait).await.unwrap();
    let to_two = two.offers[0].next(5, wait).await.unwrap();

    let expected = Offer {
        shard: one.coord.keys().shard_of_queue(Queue::Text),
        id: to_one[0].id.clone(),
        queue: Queue::Text,
        room: first,
        pair: [(user("a"), ticket("ta")), (user("b"), ticket("tb"))],
    };
    assert_eq!(
        (to_one.as_slice(), rooms(&to_two)),
        ([expected].as_slice(), vec![second])
    );
    assert!(one.offers[0].next(5, wait).await.unwrap().is_empty());
    two.coord.settle_offer(&to_two[0]).await.unwrap();
    two.coord.settle_offer(&to_two[0]).await.unwrap();
    assert_state(&world.dump().await, &[("offers", "offer=text ab a ta b tb")]);
}

#[tokio::test]
async fn what_a_node_took_and_did_not_settle_is_left_over_for_another() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    one.offers[0].prepare().await.unwrap();
    let rooms_offered = [
        offer(&world, &one, ["a", "b"]).await,
        offer(&world, &one, ["c", "d"]).await,
    ];
    let taken = one.offers[0].next(5, Duration::from_millis(1)).await.unwrap();
    one.coord.settle_offer(&taken[0]).await.unwrap();
    drop(one);
    let busy = two.offers[0].left_over(5, Duration::from_secs(60)).await.unwrap();

    let left = two.offers[0].left_over(5, Duration::ZERO).await.unwrap();

    assert_eq!(busy, [], "its taker may still be at it");
    assert_eq!(left, [taken[1].clone()]);
    assert_eq!(rooms(&left), rooms_offered[1..]);
    two.coord.settle_offer(&left[0]).await.unwrap();
    assert!(two.offers[0].left_over(5, Duration::ZERO).await.unwrap().is_empty());
}
