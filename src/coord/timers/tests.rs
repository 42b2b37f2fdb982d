//! Timers: claimed once, due again unless settled, never settled when set anew.

use super::{Due, Timer};
use crate::coord::testing::{World, assert_state, at, user};
use crate::ids::{RoomId, Shard};
use std::time::Duration;

const S: Shard = Shard(0);

fn due(member: &str, ms: u64) -> Due {
    Due {
        member: member.to_owned(),
        at: at(ms),
    }
}

#[tokio::test]
async fn what_is_due_is_claimed_by_one_and_due_again_unless_settled() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    let key = one.coord.keys().timers(S);
    for (member, ms) in [("a", 0), ("b", 5), ("c", 1000)] {
        world.raw(&["ZADD", &key, &at(ms).to_string(), member]).await;
    }
    world.clock.advance(Duration::from_millis(5));

    let first = one.coord.claim_due(S, 10, at(500)).await.unwrap();
    let second = two.coord.claim_due(S, 10, at(500)).await.unwrap();

    assert_eq!((first, second), (vec![due("a", 0), due("b", 5)], vec![]));
    assert_state(&world.dump().await, &[("timers", "a@T+500.5, b@T+500.5, c@T+1000")]);
    one.coord.settle(S, "a", at(500)).await.unwrap();
    one.coord.settle(S, "a", at(500)).await.unwrap();
    world.clock.advance(Duration::from_millis(496));
    assert_eq!(
        two.coord.claim_due(S, 10, at(900)).await.unwrap(),
        [due("b", 500)],
        "its claimer died"
    );
}

#[tokio::test]
async fn a_timer_set_anew_while_it_was_claimed_is_not_settled() {
    let world = World::new(1).await;
    let node = world.node().await;
    let key = node.coord.keys().timers(S);
    world.raw(&["ZADD", &key, &at(0).to_string(), "a"]).await;
    node.coord.claim_due(S, 10, at(500)).await.unwrap();
    world.raw(&["ZADD", &key, &at(700).to_string(), "a"]).await;

    node.coord.settle(S, "a", at(500)).await.unwrap();

    assert_state(&world.dump().await, &[("timers", "a@T+700")]);
}

#[tokio::test]
async fn a_timer_set_anew_to_the_very_time_of_its_claim_is_not_settled() {
    let world = World::new(1).await;
    let node = world.node().await;
    let key = node.coord.keys().timers(S);
    world.raw(&["ZADD", &key, &at(0).to_string(), "a"]).await;
    node.coord.claim_due(S, 10, at(500)).await.unwrap();
    world.raw(&["ZADD", &key, &at(500).to_string(), "a"]).await;

    node.coord.settle(S, "a", at(500)).await.unwrap();

    assert_state(&world.dump().await, &[("timers", "a@T+500")]);
}

#[tokio::test]
async fn no_more_than_asked_for_are_claimed_the_longest_due_first() {
    let world = World::new(1).await;
    let node = world.node().await;
    let key = node.coord.keys().timers(S);
    for i in (0..5).rev() {
        world
            .raw(&["ZADD", &key, &(at(0).0 - i).to_string(), &format!("t{i}")])
            .await;
    }

    let members = async || {
        let due = node.coord.claim_due(S, 3, at(500)).await.unwrap();
        due.into_iter().map(|d| d.member).collect::<Vec<_>>()
    };

    assert_eq!(members().await, ["t4", "t3", "t2"]);
    assert_eq!(members().await, ["t1", "t0"]);
}

#[test]
fn every_timer_is_read_as_it_was_written() {
    let room = RoomId::fresh(S);
    for timer in [
        Timer::Seek(user("a")),
        Timer::Opening(room),
        Timer::Hold(room, user("a")),
        Timer::Idle(room),
        Timer::Fade(room, user("a")),
        Timer::Release(room, vec![user("a"), user("b")]),
    ] {
        assert_eq!(Timer::parse(&timer.to_string()), Some(timer));
    }
    assert_eq!(Timer::parse("sing|a"), None);
}
