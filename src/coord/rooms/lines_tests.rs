//! What is said, and that somebody is typing: who is told, in which order, how often.

use super::tests::{RULES, kinds, lines, offsets, room_of, said, say, say_as, say_with, sit};
use super::{Said, Sat};
use crate::coord::notice::Notice;
use crate::coord::testing::{TestNode, World, at, socket, texts, user};
use crate::domain::event::{Audience, Event, Typing};
use crate::ids::{ClientMessageId, RoomId};
use std::time::Duration;

#[tokio::test]
async fn a_line_reaches_both_nodes_the_log_and_nobody_else() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let mut third = world.node().await;
    let room = room_of(&world, &mut one, &mut two).await;

    assert_eq!(say(&one, room, "a", "hello").await, said("hello", 0));

    let dump = world.dump().await;
    assert_eq!(dump["log:R"], "k=seated d=text|a b|T+0 / l=a|m-hello|T+0|hello");
    assert!(dump["room:R"].starts_with("d:a=1 T+0 , "));
    let told = "n=a b|said|R||#|a|m-hello|T+0|hello";
    assert_eq!((dump["inbox:N1"].as_str(), dump["inbox:N2"].as_str()), (told, told));
    assert_eq!(one.inbox().await, two.inbox().await);
    assert!(third.inbox().await.is_empty());
}

#[tokio::test]
async fn who_hears_no_echo_costs_no_notice_but_other_nodes_decide_for_themselves() {
    let world = World::new(1).await;
    let (mut one, mut two, mut three) = (world.node().await, world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let heard = async |one: &mut TestNode, two: &mut TestNode, three: &mut TestNode| {
        [
            lines(&one.inbox().await),
            lines(&two.inbox().await),
            lines(&three.inbox().await),
        ]
    };

    say_with(false, &one, room, "to b alone").await;
    let alone = heard(&mut one, &mut two, &mut three).await;
    sit(&three, room, "a", "s3").await;
    say_with(false, &one, room, "also to a elsewhere").await;
    let elsewhere = heard(&mut one, &mut two, &mut three).await;
    sit(&one, room, "b", "s4").await;
    say_with(false, &one, room, "to b here and there").await;
    let here = heard(&mut one, &mut two, &mut three).await;

    let told = |text: &str, nodes: [bool; 3]| nodes.map(|told| Vec::from_iter(told.then(|| text.to_owned())));
    assert_eq!(alone, told("to b alone", [false, true, false]));
    assert_eq!(elsewhere, told("also to a elsewhere", [false, true, true]));
    assert_eq!(here, told("to b here and there", [true, true, true]));
}

#[tokio::test]
async fn who_has_no_seat_says_nothing() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let before = world.dump().await;

    assert_eq!(say(&one, room, "c", "hello").await, Said::NoRoom);
    assert_eq!(
        say(&one, RoomId::fresh(crate::ids::Shard(0)), "a", "hello").await,
        Said::NoRoom
    );
    assert!(!one.coord.start_typing(room, &user("c"), at(1)).await.unwrap());
    assert!(!one.coord.stop_typing(room, &user("c")).await.unwrap());
    assert!(!one.coord.recall(room, &user("c"), &socket("s"), 5).await.unwrap());
    assert_eq!(sit(&one, room, "c", "s").await, Sat::None);

    assert_eq!(world.dump().await, before);
}

#[tokio::test]
async fn both_see_the_same_order_whoever_speaks_from_where() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let talk = (0..20).map(|i| {
        let (node, who) = if i % 2 == 0 { (&one, "a") } else { (&two, "b") };
        async move { say(node, room, who, &format!("{i}")).await }
    });
    futures_util::future::join_all(talk).await;

    let (heard_by_a, heard_by_b) = (one.inbox().await, two.inbox().await);

    assert_eq!(heard_by_a.len(), 20);
    assert_eq!(heard_by_a, heard_by_b);
    assert!(offsets(&heard_by_a).is_sorted());
}

#[tokio::test]
async fn ten_lines_in_ten_seconds_and_the_eleventh_waits_exactly_until_the_first_is_old() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    for i in 0..10 {
        assert_eq!(
            say(&one, room, "a", &i.to_string()).await,
            said(&i.to_string(), 100 * i)
        );
        world.clock.advance(Duration::from_millis(100));
    }

    let eleventh = say(&one, room, "a", "x").await;
    let partner = say(&two, room, "b", "y").await;
    world.clock.advance(Duration::from_millis(8999));
    let just_before = say(&one, room, "a", "x").await;
    world.clock.advance(Duration::from_millis(1));
    let free = say(&one, room, "a", "x").await;
    let next = say(&one, room, "a", "z").await;

    assert_eq!(eleventh, Said::SlowDown(Duration::from_millis(9000)));
    assert_eq!(partner, said("y", 1000), "a partner has a window of their own");
    assert_eq!(just_before, Said::SlowDown(Duration::from_millis(1)));
    assert_eq!(free, said("x", 10_000));
    assert_eq!(next, Said::SlowDown(Duration::from_millis(100)), "it slides");
    assert_eq!(one.inbox().await.len(), 12, "what was refused nobody heard");
}

#[tokio::test]
async fn a_retry_with_the_same_client_id_is_the_same_line_for_as_long_as_ids_are_kept() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    for i in 1..=3 {
        say_as(&one, room, "a", &format!("{i}"), Some(&format!("c{i}"))).await;
        world.clock.advance(Duration::from_millis(1));
    }
    let before = world.dump().await;

    assert_eq!(say_as(&one, room, "a", "retry", Some("c1")).await, said("1", 0));
    assert_eq!(say_as(&one, room, "a", "retry", Some("c3")).await, said("3", 2));
    assert_eq!(
        world.dump().await,
        before,
        "a retry changes nothing, not even the window"
    );
    assert_eq!(
        say_as(&two, room, "b", "b1", Some("c1")).await,
        said("b1", 3),
        "another's ids are another's"
    );
    assert_eq!(say_as(&one, room, "a", "4", Some("c4")).await, said("4", 3));
    assert_eq!(
        say_as(&one, room, "a", "5", Some("c")).await,
        said("5", 3),
        "a part of an id is no id"
    );
    assert_eq!(
        say_as(&one, room, "a", "new", Some("c1")).await,
        said("new", 3),
        "forgotten by now"
    );
    let marks = ["c4", "c", "c1"]
        .map(|id| ClientMessageId::parse(id).unwrap().mark())
        .concat();
    assert!(world.dump().await["room:R"].contains(&format!(" {marks}, d:b=")));
}

#[tokio::test]
async fn an_id_that_only_looks_like_one_said_before_is_a_new_line() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let same_mark = ClientMessageId::parse("c2").unwrap().mark();
    say_as(&one, room, "a", "1", Some("c1")).await;
    let key = one.coord.keys().room(room);
    // As after that line, with another id.
    let lately = format!("\0\0\0\u{1}\0{same_mark}");
    world.raw(&["HSET", &key, "d:a", &lately]).await;

    assert_eq!(say_as(&one, room, "a", "2", Some("c2")).await, said("2", 0));
}

#[tokio::test]
async fn a_retry_is_answered_even_when_the_window_is_full() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    for i in 0..10 {
        say_as(&one, room, "a", &format!("{i}"), Some(&format!("c{i}"))).await;
    }

    assert_eq!(say_as(&one, room, "a", "retry", Some("c9")).await, said("9", 0));
}

#[tokio::test]
async fn the_log_keeps_the_last_lines() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    for i in 0..100 {
        say(&one, room, "a", &i.to_string()).await;
        world.clock.advance(Duration::from_secs(1));
    }

    let kept = world.dump().await["log:R"].split(" / ").count();

    assert!((RULES.log_keeps..RULES.log_keeps + 16).contains(&kept), "{kept}");
    assert!(world.dump().await["log:R"].ends_with("|99"));
}

fn typing(room: RoomId, typing: Typing, ms: u64) -> Notice {
    Notice {
        to: Audience::Users(vec![user("b")]),
        event: Event::Typing {
            room,
            user: user("a"),
            typing,
            at: at(ms),
        },
        places: vec![],
    }
}

#[tokio::test]
async fn typing_is_shown_to_the_partner_until_it_fades() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let (before, a) = (world.dump().await, user("a"));
    assert!(one.coord.start_typing(room, &a, at(3000)).await.unwrap());
    assert!(world.dump().await["timers"].contains(&"fade|R|a@T+3000".to_owned()));
    assert!(world.dump().await["room:R"].contains("t:a=T+3000"));
    world.clock.advance(Duration::from_millis(2999));
    assert!(!two.coord.fade_typing(room, &a).await.unwrap(), "not due");
    world.clock.advance(Duration::from_millis(1));

    let faded = [
        two.coord.fade_typing(room, &a).await.unwrap(),
        two.coord.fade_typing(room, &a).await.unwrap(),
    ];

    assert_eq!(faded, [true, false]);
    assert_eq!(
        two.inbox().await,
        [typing(room, Typing::Started, 0), typing(room, Typing::Stopped, 3000)]
    );
    one.inbox().await;
    world
        .raw(&[
            "ZREM",
            &one.coord.keys().timers(room.shard()),
            &format!("fade|{room}|a"),
        ])
        .await;
    assert_eq!(world.dump().await, before);
}

#[tokio::test]
async fn typing_goes_on_when_more_is_typed_and_ends_when_stopped_or_said() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let a = user("a");
    one.coord.start_typing(room, &a, at(3000)).await.unwrap();
    world.clock.advance(Duration::from_secs(2));
    one.coord.start_typing(room, &a, at(5000)).await.unwrap();
    world.clock.advance(Duration::from_secs(2));
    assert!(!one.coord.fade_typing(room, &a).await.unwrap());
    assert!(one.coord.stop_typing(room, &a).await.unwrap());
    assert!(!world.dump().await["timers"].contains("fade"));
    one.coord.start_typing(room, &a, at(7000)).await.unwrap();

    say(&one, room, "a", "done").await;
    world.clock.advance(Duration::from_secs(10));

    assert!(!one.coord.fade_typing(room, &a).await.unwrap(), "the line ended it");
    let told = two.inbox().await;
    assert_eq!(kinds(&told), ["typing", "typing", "typing", "typing", "said"]);
    assert!(matches!(told[4].event, Event::Said { typing_ended: true, .. }));
}

#[tokio::test]
async fn text_of_any_script_arrives_as_it_was_said() {
    let world = World::new(1).await;
    let (mut one, mut two) = (world.node().await, world.node().await);
    let room = room_of(&world, &mut one, &mut two).await;
    let text = "\u{1f469}\u{200d}\u{1f680} \u{e9} 'a' \"b\" %s %d \\n\nline two\t|";

    say_with(true, &one, room, text).await;

    assert_eq!(lines(&two.inbox().await), [text]);
    let log = world.raw(&["XRANGE", &one.coord.keys().log(room), "-", "+"]).await;
    assert_eq!(texts(log).len(), 2, "that they were seated, and the line");
}
