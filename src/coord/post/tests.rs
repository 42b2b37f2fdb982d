//! Letters are taken by one at a time, come back when whoever took them dies, and leave nothing.

use super::Taken;
use crate::coord::testing::{TestNode, World, assert_state, at};
use crate::domain::letter::{Letter, Medium, Says};
use crate::ids::Shard;
use std::time::Duration;

const S0: Shard = Shard(0);
const MAIL: Medium = Medium::Mail;

async fn post(world: &World, node: &TestNode, name: &str) -> Letter {
    let letter = Letter::new("ann@example.org", "Ann\u{1f}", Says::Code, "123456", world.clock.now());
    world.name(&letter.id, name);
    assert!(node.coord.put_letter(MAIL, &letter).await.unwrap());
    letter
}

async fn claim(world: &World, node: &TestNode) -> Vec<Taken> {
    let now = world.clock.now();
    let until = now + Duration::from_secs(60);
    node.coord.claim_letters(S0, MAIL, 2, [now, until]).await.unwrap()
}

#[tokio::test]
async fn a_letter_is_posted_once_and_kept_whole() {
    let world = World::new(1).await;
    let node = world.node().await;

    let letter = post(&world, &node, "one").await;
    assert!(node.coord.put_letter(MAIL, &letter).await.unwrap());

    let expected = [
        ("letters:mail", "one=ann@example.org|Ann|code|123456|T+0"),
        ("post:mail", "one@T+0"),
    ];
    assert_state(&world.dump().await, &expected);
}

#[tokio::test]
async fn one_node_has_a_letter_at_a_time_and_another_gets_it_when_that_node_is_killed() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    let letter = post(&world, &one, "one").await;

    let taken = claim(&world, &one).await;

    let same = Letter {
        name: "Ann".into(),
        ..letter.clone()
    };
    assert_eq!((taken[0].attempt, taken[0].letter.as_ref()), (1, Some(&same)));
    assert!(claim(&world, &two).await.is_empty());
    drop(one);
    world.clock.advance(Duration::from_secs(60));
    let taken = claim(&world, &two).await;
    assert_eq!((taken.len(), taken[0].attempt), (1, 2));
    let expected = [
        ("letters:mail", "one:n=2, one=ann@example.org|Ann|code|123456|T+0"),
        ("post:mail", "one@T+120000"),
    ];
    assert_state(&world.dump().await, &expected);
    two.coord.drop_letter(S0, MAIL, &taken[0].id).await.unwrap();
    two.coord.drop_letter(S0, MAIL, &taken[0].id).await.unwrap();
    assert_state(&world.dump().await, &[]);
}

#[tokio::test]
async fn a_letter_that_was_put_off_comes_at_its_time_and_others_do_not_wait_for_it() {
    let world = World::new(1).await;
    let node = world.node().await;
    let first = post(&world, &node, "one").await;
    let taken = claim(&world, &node).await;

    node.coord
        .postpone_letter(S0, MAIL, &taken[0].id, at(5000))
        .await
        .unwrap();

    let second = post(&world, &node, "two").await;
    let ids = |taken: Vec<Taken>| taken.into_iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(ids(claim(&world, &node).await), [second.id.as_str()]);
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(ids(claim(&world, &node).await), [first.id.as_str()]);
    node.coord.drop_letter(S0, MAIL, first.id.as_str()).await.unwrap();
    node.coord.drop_letter(S0, MAIL, second.id.as_str()).await.unwrap();
    node.coord
        .postpone_letter(S0, MAIL, first.id.as_str(), at(1))
        .await
        .unwrap();
    assert_state(&world.dump().await, &[]);
}

#[tokio::test]
async fn a_letter_of_another_release_is_handed_on_unread() {
    let world = World::new(1).await;
    let node = world.node().await;
    let keys = node.coord.keys();
    world.raw(&["ZADD", &keys.post(S0, MAIL), "1", "strange"]).await;
    world
        .raw(&["HSET", &keys.letters(S0, MAIL), "strange", "in another hand"])
        .await;

    let taken = claim(&world, &node).await;

    assert_eq!((taken[0].id.as_str(), taken[0].letter.as_ref()), ("strange", None));
}

#[tokio::test]
async fn letters_are_spread_over_shards_and_media_are_apart() {
    let world = World::new(3).await;
    let node = world.node().await;
    for i in 0..30 {
        let letter = Letter::new("+911234567890", "", Says::PhoneCode, &format!("{i}"), world.clock.now());
        node.coord.put_letter(Medium::Sms, &letter).await.unwrap();
    }

    let now = world.clock.now();
    let mut found = Vec::new();
    for shard in node.coord.keys().shards() {
        let times = [now, now + Duration::from_secs(60)];
        found.push(
            node.coord
                .claim_letters(shard, Medium::Sms, 100, times)
                .await
                .unwrap()
                .len(),
        );
        assert!(
            node.coord
                .claim_letters(shard, MAIL, 100, times)
                .await
                .unwrap()
                .is_empty()
        );
    }

    assert_eq!(found.iter().sum::<usize>(), 30);
    assert!(found.iter().all(|count| *count > 0), "{found:?}");
}

#[tokio::test]
async fn put_letter_refuses_when_too_many_wait() {
    let world = World::new(1).await;
    let node = world.node().await;
    let key = node.coord.keys().post(S0, MAIL);
    let names: Vec<_> = (0..super::MOST).map(|i| format!("l{i}")).collect();
    for some in names.chunks(10_000) {
        let mut words = vec!["ZADD", &key];
        words.extend(some.iter().flat_map(|name| ["1", name.as_str()]));
        world.raw(&words).await;
    }

    let letter = Letter::new("ann@example.org", "Ann", Says::Welcome, "", world.clock.now());

    assert!(!node.coord.put_letter(MAIL, &letter).await.unwrap());
}
