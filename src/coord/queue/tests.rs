//! Queues: order, proposals, and offers that outlive whoever took them.

use super::{Offer, Proposal, Proposed};
use crate::clock::Millis;
use crate::coord::notice::Place as Seated;
use crate::coord::rooms::Opening;
use crate::coord::testing::{START, TestNode, World, assert_state, at, socket, texts, ticket, user};
use crate::coord::users::{Entered, Remembered, Stay};
use crate::domain::event::Event;
use crate::domain::pairing::{Met, Seeker};
use crate::domain::queue::{Place, Queue};
use crate::domain::room::RoomKind;
use crate::ids::{RoomId, Shard};
use std::time::Duration;

/// How long somebody new waits at the least.
const WAIT: Duration = Duration::from_millis(150);

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
    node.coord.join(&user(who), &stay, WAIT).await.unwrap()
}

const OPENING: Opening = Opening {
    kind: RoomKind::Text,
    idle: Millis(START.0 + 1_800_000),
    held: Millis(START.0 + 30_000),
};

async fn propose(node: &TestNode, room: RoomId, a: &Seeker, b: &Seeker) -> Proposed {
    let proposal = Proposal { room, pair: [a, b] };
    node.coord.propose(Queue::Text, OPENING, &[proposal]).await.unwrap()[0]
}

/// A room that another shard will have, so that the pair is offered.
fn room_elsewhere(world: &World, name: &str) -> RoomId {
    let room = RoomId::fresh(Shard(1));
    world.name(&room, name);
    room
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
            ("seekers:text", "a=ta|150|, b=tb|150|, late=tlate|150|"),
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
    node.coord.join(&user("a"), &with_past, WAIT).await.unwrap();
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

    node.coord.join(&user("a"), &stay("new", 30), WAIT).await.unwrap();
    node.coord.leave(&user("a"), Queue::Text, &ticket("ta")).await.unwrap();

    assert_state(
        &world.dump().await,
        &[("queue:text", "a@T+30"), ("seekers:text", "a=new|150|")],
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
    let (room, other) = (room_elsewhere(&world, "R"), room_elsewhere(&world, "OTHER"));

    let first = propose(&one, room, &seen[0], &seen[1]).await;
    let again = propose(&two, room, &seen[0], &seen[1]).await;
    let crossing = propose(&two, other, &seen[1], &seen[2]).await;

    assert_eq!(
        (first, again, crossing),
        (Proposed::Offered, Proposed::Stale, Proposed::Stale)
    );
    assert_state(
        &world.dump().await,
        &[
            ("queue:text", "c@T+10"),
            ("seekers:text", "c=tc|150|"),
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
    node.coord.join(&user("b"), &stay("new", 30), WAIT).await.unwrap();
    let before = world.dump().await;

    for room in [world.room("R"), room_elsewhere(&world, "E")] {
        assert_eq!(propose(&node, room, &seen[0], &seen[1]).await, Proposed::Stale);
    }

    assert_eq!(world.dump().await, before);
}

/// Somebody with a socket who seeks, and stands in line.
async fn seeks(world: &World, node: &TestNode, who: &str) {
    let (user, sid) = (user(who), socket(&format!("s{who}")));
    node.coord.attach(&user, &sid, 3, None).await.unwrap();
    let entered = node.coord.seek(&user, Queue::Text, WAIT).await.unwrap();
    assert!(matches!(entered, Entered::Waiting(_)), "{entered:?}");
    let seen = seekers(node).await;
    world.name(
        &seen.iter().find(|s| s.user == user).unwrap().ticket,
        &format!("t{who}"),
    );
}

#[tokio::test]
async fn who_lives_where_the_queue_does_is_seated_at_once_and_told_once() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    seeks(&world, &one, "a").await;
    seeks(&world, &two, "b").await;
    let (seen, room) = (seekers(&one).await, world.room("R"));

    let answers = [
        propose(&one, room, &seen[0], &seen[1]).await,
        propose(&two, room, &seen[0], &seen[1]).await,
        propose(&two, world.room("OTHER"), &seen[0], &seen[1]).await,
    ];

    assert_eq!(answers, [Proposed::Seated, Proposed::Stale, Proposed::Stale]);
    for node in [&mut one, &mut two] {
        let told = node.inbox().await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(matches!(&told[0].event, Event::Seated { room: told, .. } if *told == room));
    }
    assert_state(
        &world.dump().await,
        &[
            (
                "user:a",
                "@sa=N1, queue=text, room=R, since=T+0, state=seated, ticket=ta, trail=R",
            ),
            (
                "user:b",
                "@sb=N2, queue=text, room=R, since=T+0, state=seated, ticket=tb, trail=R",
            ),
            (
                "room:R",
                &format!(
                    "kind=text, n:a=a b|N2|N1, n:b=a b|N1|N2, nodes={}, opened=T+0, s:a=p N1/sa, s:b=p N2/sb, state=open, to=a b",
                    world.in_order(&[&one, &two])
                ),
            ),
            ("log:R", "k=seated d=text|a b|T+0"),
            ("rooms:N1", "R"),
            ("rooms:N2", "R"),
            ("users:N1", "a"),
            ("users:N2", "b"),
            ("timers", "idle|R@T+1800000"),
            ("counts", "changed=1, online=2"),
            ("arrivals:16666666", "2 (ttl)"),
        ],
    );
}

#[tokio::test]
async fn who_cannot_be_had_is_out_and_the_other_waits_on_at_the_same_place() {
    let world = World::new(1).await;
    let node = world.node().await;
    for (who, after) in [("stays", 0), ("away", 10), ("gone", 20), ("late", 30)] {
        world.clock.advance(Duration::from_millis(after));
        seeks(&world, &node, who).await;
    }
    node.coord
        .detach(
            &user("away"),
            &socket("saway"),
            at(10_000),
            Remembered::both(Duration::ZERO),
        )
        .await
        .unwrap();
    // The node died before the queue heard of it.
    node.coord.give_up(&user("gone")).await.unwrap();
    let seen = seekers(&node).await;
    let before = world.dump().await;

    let with_away = propose(&node, world.room("R1"), &seen[0], &seen[1]).await;
    let with_gone = propose(&node, world.room("R2"), &seen[2], &seen[0]).await;

    assert_eq!((with_away, with_gone), (Proposed::Parted, Proposed::Parted));
    let left = seekers(&node).await;
    assert_eq!(left, [seen[0].clone(), seen[3].clone()]);
    let mut after = world.dump().await;
    after.extend(before.clone().into_iter().filter(|(key, _)| key.contains(":text")));
    assert_eq!(after, before, "nothing else has changed");
    let rest = propose(&node, world.room("R3"), &seen[0], &seen[3]).await;
    assert_eq!(rest, Proposed::Seated);
}

#[tokio::test]
async fn many_pairs_are_proposed_in_one_act_each_with_its_own_outcome() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    for who in ["a", "b", "c", "d", "e", "f"] {
        world.clock.advance(Duration::from_millis(1));
        seeks(&world, &node, who).await;
    }
    let seen = seekers(&node).await;
    let stranger = Seeker {
        ticket: ticket("another"),
        ..seen[4].clone()
    };
    let proposal = |room, a, b| Proposal { room, pair: [a, b] };
    let proposals = [
        proposal(world.room("R1"), &seen[0], &seen[1]),
        proposal(room_elsewhere(&world, "R2"), &seen[2], &seen[3]),
        proposal(world.room("R3"), &stranger, &seen[5]),
    ];

    let outcomes = node.coord.propose(Queue::Text, OPENING, &proposals).await.unwrap();

    assert_eq!(outcomes, [Proposed::Seated, Proposed::Offered, Proposed::Stale]);
    assert_eq!(names(&seekers(&node).await), ["e", "f"]);
    let told = node.inbox().await;
    let places = |notice: &crate::coord::notice::Notice| notice.places.clone();
    let at_node = |sid: &str| Seated {
        node: node.id.clone(),
        socket: socket(sid),
    };
    assert_eq!(
        told.iter().map(places).collect::<Vec<_>>(),
        [[at_node("sa"), at_node("sb")]]
    );
    let dump = world.dump().await;
    assert_eq!(dump["offers"], "offer=text R2 c tc d td");
    assert_eq!(dump["timers"], "idle|R1@T+1800000");
    assert!(dump["user:c"].contains("state=seeking"));
}

async fn offer(world: &World, node: &TestNode, pair: [&str; 2]) -> RoomId {
    join(node, pair[0], 10).await;
    join(node, pair[1], 11).await;
    let (seen, room) = (seekers(node).await, room_elsewhere(world, &pair.concat()));
    assert_eq!(propose(node, room, &seen[0], &seen[1]).await, Proposed::Offered);
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

#[tokio::test]
async fn the_lives_of_nodes_leave_nothing_behind_in_the_consumer_group() {
    let world = World::new(1).await;
    let lives = [world.node().await, world.node().await, world.node().await];
    lives[0].offers[0].prepare().await.unwrap();

    for (node, pair) in lives.iter().zip([["a", "b"], ["c", "d"], ["e", "f"]]) {
        offer(&world, node, pair).await;
        let taken = node.offers[0].next(5, Duration::from_millis(1)).await.unwrap();
        assert_eq!(taken.len(), 1);
        let left = node.offers[0].left_over(5, Duration::ZERO).await.unwrap();
        node.coord.settle_offer(&left[0]).await.unwrap();
    }

    let key = lives[0].coord.keys().offers(Shard(0));
    let consumers = world.raw(&["XINFO", "CONSUMERS", &key, "seat"]).await;
    assert_eq!(consumers.into_array().len(), 1);
}

#[tokio::test]
async fn an_offer_that_cannot_be_read_leaves_the_stream_and_holds_up_no_other() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    one.offers[0].prepare().await.unwrap();
    let key = one.coord.keys().offers(Shard(0));
    for text in ["text", "a quintet", ""] {
        world.raw(&["XADD", &key, "*", "offer", text]).await;
    }
    let readable = offer(&world, &one, ["a", "b"]).await;

    let read = one.offers[0].next(5, Duration::from_millis(1)).await.unwrap();
    // Taken by a node that died before it could drop it.
    world.raw(&["XADD", &key, "*", "offer", "text"]).await;
    world
        .raw(&["XREADGROUP", "GROUP", "seat", "dead", "STREAMS", &key, ">"])
        .await;
    let left = two.offers[0].left_over(5, Duration::ZERO).await.unwrap();

    assert_eq!((rooms(&read), rooms(&left)), (vec![readable], vec![readable]));
    assert_state(&world.dump().await, &[("offers", "offer=text ab a ta b tb")]);
    let pending = texts(world.raw(&["XPENDING", &key, "seat"]).await);
    assert_eq!(pending[0], "1");
}
