//! Pairs that are seated in one step, because all that belongs to them is on one shard.

use super::{Opening, Paired};
use crate::coord::testing::{TestNode, World, at, socket, user};
use crate::coord::users::{Entered, Remembered};
use crate::domain::event::Event;
use crate::domain::queue::Queue;
use crate::domain::room::RoomKind;
use crate::ids::{RoomId, Ticket, UserId};
use std::time::Duration;

const OPENING: fn() -> Opening = || Opening {
    kind: RoomKind::Text,
    idle: at(1_800_000),
    held: at(30_000),
};

/// Somebody with a socket who seeks; in a queue that may be on another shard.
async fn seeks(world: &World, node: &TestNode, who: &str) -> (UserId, Ticket) {
    let (user, sid) = (user(who), socket(&format!("s{who}")));
    node.coord.attach(&user, &sid, 3, None).await.unwrap();
    match node.coord.enter(&user, Queue::Text, at(5000)).await.unwrap() {
        Entered::Seeking(stay) => {
            world.name(&stay.ticket, &format!("t{who}"));
            (user, stay.ticket)
        }
        other => panic!("{other:?}"),
    }
}

async fn seat(node: &TestNode, room: RoomId, pair: &[(UserId, Ticket); 2]) -> Paired {
    node.coord.seat(room, OPENING(), pair).await.unwrap()
}

/// Without what a test is not about.
async fn state(world: &World) -> Vec<(String, String)> {
    let dump = world.dump().await.into_iter();
    let about = |key: &str| !["counts", "arrivals", "users:"].iter().any(|k| key.starts_with(k));
    dump.filter(|(key, _)| about(key)).collect()
}

#[tokio::test]
async fn an_offered_pair_of_one_shard_is_seated_in_one_step_and_told_once() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let pair = [seeks(&world, &one, "a").await, seeks(&world, &two, "b").await];
    let room = world.room("R");

    let first = seat(&one, room, &pair).await;
    let before = world.dump().await;
    let again = seat(&two, room, &pair).await;

    assert_eq!((first, again), (Paired::Seated, Paired::Seated));
    assert_eq!(world.dump().await, before, "the repeat does nothing");
    for node in [&mut one, &mut two] {
        let told = node.inbox().await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(matches!(&told[0].event, Event::Seated { people, .. } if people.len() == 2));
    }
    assert!(before["room:R"].contains("s:a=p N1/sa, s:b=p N2/sb, state=open, to=a b"));
    assert!(before["user:a"].contains("room=R, since=T+0, state=seated, ticket=ta, trail=R"));
    assert_eq!(before["timers"], "idle|R@T+1800000", "those of seeking are over");
    assert_eq!((before["rooms:N1"].as_str(), before["rooms:N2"].as_str()), ("R", "R"));
}

#[tokio::test]
async fn the_repeat_of_an_offer_whose_room_has_ended_brings_nobody_back() {
    let world = World::new(1).await;
    let node = world.node().await;
    let pair = [seeks(&world, &node, "a").await, seeks(&world, &node, "b").await];
    let room = world.room("R");
    seat(&node, room, &pair).await;
    node.coord
        .end(room, &user("a"), super::endings_tests::rules())
        .await
        .unwrap();
    let before = world.dump().await;

    assert_eq!(seat(&node, room, &pair).await, Paired::Seated);

    assert_eq!(world.dump().await, before);
}

#[tokio::test]
async fn a_pair_of_which_one_cannot_be_had_is_not_seated_and_the_other_seeks_on() {
    let world = World::new(1).await;
    let node = world.node().await;
    let (a, b) = (seeks(&world, &node, "a").await, seeks(&world, &node, "b").await);
    let other_stay = (b.0.clone(), crate::coord::testing::ticket("another"));
    let before = state(&world).await;
    assert_eq!(
        seat(&node, world.room("R1"), &[a.clone(), other_stay]).await,
        Paired::Parted(vec![user("a")])
    );
    assert_eq!(state(&world).await, before);

    node.coord
        .detach(&b.0, &socket("sb"), at(10_000), Remembered::both(Duration::ZERO))
        .await
        .unwrap();
    let before = state(&world).await;
    let absent = seat(&node, world.room("R2"), &[b.clone(), a.clone()]).await;
    node.coord.give_up(&a.0).await.unwrap();
    let nobody = seat(&node, world.room("R3"), &[a.clone(), b.clone()]).await;

    assert_eq!(absent, Paired::Parted(vec![user("a")]));
    assert_eq!(nobody, Paired::Parted(vec![]));
    let mut after = state(&world).await;
    after.retain(|(key, _)| key == "user:b");
    assert!(before.contains(&after[0]));
}

#[tokio::test]
async fn places_on_a_dead_node_do_not_count_and_the_seat_is_held() {
    let world = World::new(1).await;
    let (one, dead) = (world.node().await, world.node().await);
    let pair = [seeks(&world, &one, "a").await, seeks(&world, &dead, "b").await];
    dead.coord.resign(crate::ids::Shard(0)).await.unwrap();
    one.coord.bury(crate::ids::Shard(0)).await.unwrap();

    assert_eq!(seat(&one, world.room("R"), &pair).await, Paired::Seated);

    let dump = world.dump().await;
    assert!(
        dump["room:R"].contains("nodes=N1, opened=T+0, s:a=p N1/sa, s:b=h T+30000 0"),
        "{dump:?}"
    );
    assert_eq!(dump["timers"], "hold|R|b@T+30000, idle|R@T+1800000");
    assert!(!dump.contains_key("rooms:N2"));
}
