//! Seating that was tried before, and people who come or ask while it is under way.

use super::Actions;
use super::connect::Arrival;
use super::seek::Sought;
use crate::config::Settings;
use crate::coord::queue::Offer;
use crate::coord::testing::{TestNode, World, at, socket, user};
use crate::coord::users::{Entered, Looker, Rechecked};
use crate::domain::queue::Queue;
use crate::domain::room::RoomKind;
use crate::ids::{RoomId, Shard, Ticket, UserId};
use crate::store::Store;
use std::sync::Arc;

const SHARDS: u8 = 2;

fn actions(node: &TestNode) -> Actions {
    let settings = Settings::default();
    let store = Store::open(&settings.postgres).unwrap();
    Actions::new(node.coord.clone(), store, Arc::new(settings))
}

/// Somebody who lives on this shard, with a socket, and seeks.
async fn seeks(node: &TestNode, shard: u8) -> (UserId, Ticket) {
    let keys = node.coord.keys();
    let lives_there = |who: &UserId| keys.shard_of_user(who) == Shard(shard);
    let who = (0..99).map(|n| user(&format!("u{n}"))).find(lives_there).unwrap();
    let sid = socket(&format!("s{shard}"));
    node.coord.attach(&who, &sid, 3, None).await.unwrap();
    match node.coord.enter(&who, Queue::Text, at(5000)).await.unwrap() {
        Entered::Seeking(stay) => (who, stay.ticket),
        other => panic!("{other:?}"),
    }
}

async fn offered(node: &TestNode) -> Offer {
    Offer {
        shard: node.coord.keys().shard_of_queue(Queue::Text),
        id: "1-1".to_owned(),
        queue: Queue::Text,
        room: RoomId::fresh(Shard(0)),
        pair: [seeks(node, 0).await, seeks(node, 1).await],
    }
}

async fn is_seeking(actions: &Actions, who: &UserId) -> bool {
    let found = actions.coord().recheck(who, at(60_000), Looker::Other).await.unwrap();
    matches!(found, Rechecked::Seeking(_))
}

#[tokio::test]
async fn an_offer_that_is_tried_again_when_one_has_left_the_room_makes_nobody_seek_who_did_not_ask() {
    let world = World::new(SHARDS).await;
    let node = world.node().await;
    let (actions, offer) = (actions(&node), offered(&node).await);
    let [(a, _), (b, _)] = &offer.pair;
    actions.seat(&offer).await.unwrap();
    let rules = actions.end_rules();
    actions.coord().end(offer.room, b, rules).await.unwrap().unwrap();
    actions.let_go_of(b, offer.room, None).await.unwrap();

    // By another node, as whoever seated them did not live to say so.
    actions.seat(&offer).await.unwrap();

    assert!(!is_seeking(&actions, a).await && !is_seeking(&actions, b).await);
}

#[tokio::test]
async fn who_comes_or_asks_while_their_room_opens_is_told_of_no_partner_before_it_is_open() {
    let world = World::new(SHARDS).await;
    let node = world.node().await;
    let (actions, offer) = (actions(&node), offered(&node).await);
    let ([(a, ticket), (b, _)], room) = (&offer.pair, offer.room);
    let coord = actions.coord();
    coord.open(room, RoomKind::Text, [a, b], at(60_000)).await.unwrap();
    coord.claim(a, ticket, room).await.unwrap();

    let sought = actions.seek(a, &socket("s0"), Queue::Text).await.unwrap();
    let came = actions.arrive(a, &socket("another"), None).await.unwrap();

    assert!(matches!(sought, Sought::Waiting(_)), "{sought:?}");
    assert_eq!((came.arrival, came.missed), (Arrival::Opening, vec![]));
    actions.discard(room).await.unwrap();
    let late = actions.arrive(a, &socket("late"), None).await.unwrap();
    assert_eq!((late.arrival, late.missed), (Arrival::Opening, vec![]), "not yet back");
    actions.put_back(room, &[a.clone(), b.clone()]).await.unwrap();
    assert!(is_seeking(&actions, a).await);
}
