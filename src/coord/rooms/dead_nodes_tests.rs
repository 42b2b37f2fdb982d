//! What a dead node leaves behind in rooms.

use super::Takeover;
use super::endings_tests::S;
use super::tests::{kinds, kinds_of, missed, room_of, say, sit, sit_unsure_since, texts_of};
use crate::clock::Millis;
use crate::coord::testing::{TestNode, World, at, user};
use crate::domain::room::RoomKind;
/// Rooms of a (on the dying node) and b (on the other).
async fn die(world: &World, dead: &TestNode, alive: &TestNode) -> Millis {
    world
        .raw(&["ZADD", &alive.coord.keys().nodes(S), "1", dead.id.as_str()])
        .await;
    assert_eq!(alive.coord.bury(S).await.unwrap(), std::slice::from_ref(&dead.id));
    at(30_000)
}

#[tokio::test]
async fn seats_of_a_dead_node_are_held_and_its_people_get_what_it_had_not_dispatched() {
    let world = World::new(1).await;
    let (mut dead, mut alive) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut dead, &mut alive).await;
    say(&alive, room, "b", "dispatched").await;
    assert_eq!(dead.inbox().await.len(), 1);
    // Redis's clock must go on between the line before and those after: the point is told in milliseconds.
    let mark = redis_ms(&world).await;
    while redis_ms(&world).await == mark {}
    say(&alive, room, "b", "read, not dispatched").await;
    say(&alive, room, "b", "never read").await;
    let held = die(&world, &dead, &alive).await;
    say(&alive, room, "b", "after").await;

    let reaped = alive
        .coord
        .reap_rooms(S, &dead.id, 10, all_noticed(held))
        .await
        .unwrap();
    alive.coord.rest(S, &dead.id).await.unwrap();
    say(&alive, room, "b", "while held").await;

    assert_eq!(reaped, 1);
    alive.inbox().await;
    alive.inbox().await;
    let dump = world.dump().await;
    assert!(
        dump["room:R"].contains("nodes=N2, opened=T+0, s:a=h T+30000 @, s:b=p N2/s2"),
        "{dump:?}"
    );
    assert_eq!(dump["timers"], "hold|R|a@T+30000, idle|R@T+1800000");
    assert!(!dump.keys().any(|k| k.ends_with("N1") || k == "dying"), "{dump:?}");
    let told = missed(sit(&alive, room, "a", "s1b").await);
    assert_eq!(
        texts_of(&told),
        ["read, not dispatched", "never read", "after", "while held"]
    );
    assert_eq!(
        alive
            .coord
            .reap_rooms(S, &dead.id, 10, all_noticed(held))
            .await
            .unwrap(),
        0,
        "the repeat"
    );
}

#[tokio::test]
async fn who_comes_while_another_socket_may_be_dead_is_sent_what_that_may_not_have_brought() {
    let world = World::new(1).await;
    let (mut dead, mut alive) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut dead, &mut alive).await;
    say(&alive, room, "b", "dispatched").await;
    assert_eq!((dead.inbox().await.len(), dead.inbox().await.len()), (1, 0));
    let mark = redis_ms(&world).await;
    while redis_ms(&world).await <= mark + 1 {}
    let unnoticed = Millis(redis_ms(&world).await);
    say(&alive, room, "b", "never read").await;
    alive.inbox().await;

    let sat = sit_unsure_since(&alive, room, "a", "s1b", unnoticed).await;

    let told = missed(sat);
    assert_eq!(
        (kinds_of(&told), texts_of(&told)),
        (vec!["said"], vec!["never read".to_owned()])
    );
}

/// Nothing that the dead node has dispatched may not have been brought.
fn all_noticed(held: Millis) -> Takeover {
    let unnoticed = Millis(9_999_999_999_999);
    Takeover { held, unnoticed }
}

async fn redis_ms(world: &World) -> u64 {
    let time = crate::coord::testing::texts(world.raw(&["TIME"]).await);
    time[0].parse::<u64>().unwrap() * 1000 + time[1].parse::<u64>().unwrap() / 1000
}

#[tokio::test]
async fn people_of_a_dead_node_that_had_dispatched_everything_are_sent_only_what_came_after() {
    let world = World::new(1).await;
    let (mut dead, mut alive) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut dead, &mut alive).await;
    say(&alive, room, "b", "dispatched").await;
    // The second read says that the first was dispatched.
    assert_eq!((dead.inbox().await.len(), dead.inbox().await.len()), (1, 0));
    let mark = redis_ms(&world).await;
    while redis_ms(&world).await <= mark + 1 {}
    let held = die(&world, &dead, &alive).await;

    alive
        .coord
        .reap_rooms(S, &dead.id, 10, all_noticed(held))
        .await
        .unwrap();
    say(&alive, room, "b", "after").await;
    alive.inbox().await;
    let told = missed(sit(&alive, room, "a", "s1b").await);

    assert_eq!(kinds(&alive.inbox().await), ["retaken"]);
    assert_eq!(
        (kinds_of(&told), texts_of(&told)),
        (vec!["said", "retaken"], vec!["after".to_owned()])
    );
}

#[tokio::test]
async fn people_of_a_dead_node_whose_inbox_was_cut_are_sent_everything() {
    let mut world = World::new(1).await;
    world.inbox_cap = 3;
    let (mut dead, mut alive) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut dead, &mut alive).await;
    for text in ["1", "2", "3", "4", "5"] {
        say(&alive, room, "b", text).await;
    }
    let held = die(&world, &dead, &alive).await;
    alive
        .coord
        .reap_rooms(S, &dead.id, 10, all_noticed(held))
        .await
        .unwrap();
    alive.coord.rest(S, &dead.id).await.unwrap();
    alive.inbox().await;

    let told = missed(sit(&alive, room, "a", "s1b").await);

    assert_eq!(texts_of(&told), ["1", "2", "3", "4", "5"]);
    assert!(!world.dump().await.get("gaps").is_some_and(|g| g.contains("N1")));
}

#[tokio::test]
async fn a_seat_with_a_socket_elsewhere_survives_a_dead_node_and_batches_end() {
    let world = World::new(1).await;
    let (mut dead, mut alive) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut dead, &mut alive).await;
    sit(&alive, room, "a", "s1b").await;
    for i in 0..4 {
        let more = world.room(&format!("R{i}"));
        let pair = [&user("c"), &user("d")];
        alive.coord.open(more, RoomKind::Text, pair, at(1)).await.unwrap();
        sit(&dead, more, "c", "sc").await;
    }
    let held = die(&world, &dead, &alive).await;

    let mut reaped = Vec::new();
    for _ in 0..3 {
        reaped.push(alive.coord.reap_rooms(S, &dead.id, 3, all_noticed(held)).await.unwrap());
    }

    assert_eq!(reaped, [3, 2, 0]);
    let dump = world.dump().await;
    assert!(
        dump["room:R"].contains("nodes=N2, opened=T+0, s:a=p N2/s1b, s:b=p N2/s2"),
        "{dump:?}"
    );
    assert!(
        dump["room:R3"].contains("nodes=, opened=T+0, s:c=h T+30000 "),
        "{dump:?}"
    );
    assert!(!dump.contains_key("rooms:N1"));
}
