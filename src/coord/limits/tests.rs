//! Windows that slide, locks that shut, and that nothing of it stays.

use super::{Held, Tried};
use crate::coord::testing::{TestNode, World, assert_state};
use crate::domain::limits::{self, Mark, Quota, Subject, Window};
use std::time::Duration;

fn mark(world: &World, who: &str) -> Mark {
    let mark = Subject::Email(who).mark(b"a key of the tests");
    world.name(&mark.as_str(), who);
    mark
}

fn held(window: &'static Window, mark: &Mark) -> Held {
    let (most, mark) = (window.most, mark.clone());
    Held { window, most, mark }
}

/// What is left of logging in for `who`, or how many seconds there is none.
async fn take(node: &TestNode, who: &Mark) -> Result<u32, u64> {
    let told = node
        .coord
        .take_limits(&[held(&limits::LOGIN_EMAIL, who)])
        .await
        .unwrap();
    told[0]
        .map(|quota| quota.left)
        .map_err(|quota| quota.frees_in.as_secs())
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[tokio::test]
async fn a_window_lets_so_many_through_on_any_node_and_one_more_when_the_oldest_has_left() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    let ann = mark(&world, "ann");
    for left in (0..5).rev() {
        assert_eq!(take(&one, &ann).await, Ok(left));
        world.clock.advance(seconds(100));
    }

    assert_eq!(take(&two, &ann).await, Err(400));
    assert_eq!(take(&two, &ann).await, Err(400), "what is refused does not count");

    let times = "T+0 T+100000 T+200000 T+300000 T+400000";
    assert_state(
        &world.dump().await,
        &[("limit:login-email:ann", &format!("{times} (ttl)"))],
    );
    world.clock.advance(seconds(400));
    assert_eq!(take(&two, &ann).await, Ok(0));
    let times = "T+100000 T+200000 T+300000 T+400000 T+900000";
    assert_state(
        &world.dump().await,
        &[("limit:login-email:ann", &format!("{times} (ttl)"))],
    );
    assert_eq!(
        take(&one, &mark(&world, "ben")).await,
        Ok(4),
        "others are not concerned"
    );
}

#[tokio::test]
async fn many_limits_of_one_act_count_each_for_itself() {
    for shards in [1, 4] {
        let world = World::new(shards).await;
        let node = world.node().await;
        let (ann, here) = (mark(&world, "ann"), mark(&world, "here"));
        let held = [
            held(&limits::RESEND, &ann),
            held(&limits::AUTH, &here),
            held(&limits::V1_AUTH, &here),
        ];
        node.coord.take_limits(&held).await.unwrap();
        world.clock.advance(seconds(20));

        let told = node.coord.take_limits(&held).await.unwrap();

        let quota = |most, within, left, frees_in, code| Quota {
            most,
            within: seconds(within),
            left,
            frees_in: seconds(frees_in),
            code,
        };
        let expected = [
            Err(quota(1, 60, 0, 40, "RESEND_COOLDOWN")),
            Ok(quota(5, 60, 3, 40, "RATE_LIMIT_EXCEEDED")),
            Ok(quota(10, 900, 8, 880, "RATE_LIMIT_EXCEEDED")),
        ];
        assert_eq!(told, expected, "{shards} shards");
    }
}

#[tokio::test]
async fn a_limit_that_was_made_tighter_lets_nobody_in_before_enough_have_left() {
    let world = World::new(1).await;
    let node = world.node().await;
    let ann = mark(&world, "ann");
    for _ in 0..5 {
        take(&node, &ann).await.unwrap();
        world.clock.advance(seconds(10));
    }
    let tighter = Held {
        most: 2,
        ..held(&limits::LOGIN_EMAIL, &ann)
    };

    let told = node.coord.take_limits(&[tighter]).await.unwrap();

    assert_eq!(told[0].unwrap_err().frees_in, seconds(900 + 30 - 50));
}

#[tokio::test]
async fn return_limits_gives_back_one_and_clear_limits_forgets_all() {
    let world = World::new(1).await;
    let node = world.node().await;
    let ann = mark(&world, "ann");
    let held = [held(&limits::LOGIN_EMAIL, &ann), held(&limits::RESEND, &ann)];
    node.coord.take_limits(&held).await.unwrap();
    world.clock.advance(seconds(1));
    node.coord.take_limits(&held[..1]).await.unwrap();

    node.coord.return_limits(&held).await.unwrap();

    assert_state(&world.dump().await, &[("limit:login-email:ann", "T+0 (ttl)")]);
    node.coord.return_limits(&held).await.unwrap();
    node.coord.return_limits(&held).await.unwrap();
    assert_state(&world.dump().await, &[]);
    node.coord.take_limits(&held).await.unwrap();
    node.coord.clear_limits(&["login-email", "resend"], &ann).await.unwrap();
    node.coord.clear_limits(&["login-email", "resend"], &ann).await.unwrap();
    assert_state(&world.dump().await, &[]);
}

#[tokio::test]
async fn a_lock_shuts_with_the_last_try_opens_after_its_time_and_is_cleared_by_a_success() {
    let world = World::new(1).await;
    let node = world.node().await;
    let ann = mark(&world, "ann");
    let count = async || node.coord.count_try(&limits::OTP_EMAIL, &ann).await.unwrap();
    for left in (0..5).rev() {
        assert_eq!(count().await, Tried::Counted(left));
        world.clock.advance(seconds(60));
    }

    assert_eq!(count().await, Tried::Shut(seconds(540)));

    let tries = "T+840000 T+0 T+60000 T+120000 T+180000 T+240000";
    assert_state(
        &world.dump().await,
        &[("limit:otp-email:ann", &format!("{tries} (ttl)"))],
    );
    world.clock.advance(seconds(540));
    assert_eq!(count().await, Tried::Counted(4), "it begins anew");
    assert_state(&world.dump().await, &[("limit:otp-email:ann", "0 T+840000 (ttl)")]);
    world.clock.advance(seconds(600));
    assert_eq!(count().await, Tried::Counted(4), "an old try does not count");
    node.coord.clear_limits(&["otp-email"], &ann).await.unwrap();
    assert_state(&world.dump().await, &[]);
}

#[tokio::test]
async fn many_guesses_at_once_are_no_more_than_one_after_the_other() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    let ann = mark(&world, "ann");
    let tries = (0..40).map(|i| {
        let node = if i % 2 == 0 { &one } else { &two };
        node.coord.count_try(&limits::OTP_EMAIL, &ann)
    });

    let told = futures_util::future::try_join_all(tries).await.unwrap();

    let counted = told.iter().filter(|one| matches!(one, Tried::Counted(_)));
    assert_eq!(counted.count(), 5);
}

#[tokio::test]
async fn what_counts_against_one_subject_stays_small_however_much_is_tried() {
    let world = World::new(1).await;
    let node = world.node().await;
    let here = mark(&world, "here");
    for _ in 0..200 {
        node.coord.take_limits(&[held(&limits::V1, &here)]).await.unwrap();
        world.clock.advance(Duration::from_millis(1));
    }

    let key = node.coord.keys().limit("v1", &here);

    let size = world.raw(&["STRLEN", &key]).await.as_i64().unwrap();
    assert_eq!(size, 150 * 6);
}
