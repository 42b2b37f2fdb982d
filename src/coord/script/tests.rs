//! The library as a whole: it loads, headers tell the truth, calls are fenced, isolated, answered once, and in order.
//!
//! That a header agrees with its wrapper on KEYS, ARGV and words is checked for every act that any test of this layer
//! runs (see [`before`] and [`after`], which the lane calls in tests).

use super::{ACTS, Act, LIBRARY, MAX_ACTS, Reply, SHARED};
use crate::coord::testing::{LEASE, World, socket, texts, user};
use crate::coord::users::{Attached, State};
use fred::types::Value;
use fred::util::sha1_hash;
use std::collections::BTreeSet;

/// A field of a script's header, with the lines that continue it.
fn header<'a>(script: &'a str, field: &str) -> Option<String> {
    let start = format!("-- {field}:");
    let mut lines = script.lines().skip_while(|l| !l.starts_with(&start));
    let first = lines.next()?.strip_prefix(&start)?.trim().to_owned();
    let more: Vec<&'a str> = lines.take_while(|l| l.starts_with("--   ")).map(|l| &l[2..]).collect();
    Some(more.iter().fold(first, |all, l| format!("{all} {}", l.trim())))
}

/// The numbered inputs of a field: `1 room, 2 log` are two. Also whether more may follow.
fn inputs(field: &str) -> (usize, bool) {
    let mut count = 0;
    while field.starts_with(&format!("{} ", count + 1)) || field.contains(&format!(", {} ", count + 1)) {
        count += 1;
    }
    (count, field.contains(" then "))
}

/// The words a header promises, without what stands in parentheses.
fn words(script: &str) -> BTreeSet<String> {
    let returns = header(script, "returns").unwrap();
    let plain: String = returns
        .split('(')
        .enumerate()
        .map(|(i, part)| match i {
            0 => part,
            _ => part.split_once(')').map_or("", |(_, after)| after),
        })
        .collect();
    plain.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn script_of(name: &str) -> &'static str {
    ACTS.iter().find(|(n, _)| *n == name).expect("the act is listed").1
}

/// Every command that a script uses.
pub(in crate::coord) fn commands() -> BTreeSet<String> {
    let call = "redis.call('";
    let uses = LIBRARY.split(call).skip(1).filter_map(|rest| rest.split('\'').next());
    uses.map(str::to_owned).collect()
}

/// Called by the lane for every act before it travels.
pub(super) fn before(act: &Act) {
    let Some((_, script)) = ACTS.iter().find(|(n, _)| *n == act.name) else {
        return;
    };
    for (field, sent) in [("KEYS", act.count().0), ("ARGV", act.count().1)] {
        let (count, more) = inputs(&header(script, field).unwrap());
        let agree = if more { sent >= count } else { sent == count };
        assert!(
            agree,
            "{}: the header has {count} {field}, the wrapper sends {sent}",
            act.name
        );
    }
}

/// Called by the lane for every answer.
pub(super) fn after(reply: &Reply) {
    let word = reply.word();
    assert!(
        words(script_of(reply.name)).contains(word),
        "{}: answered {word:?}",
        reply.name
    );
}

/// What a call of one act looks like on the wire.
fn call(world: &World, id: &str, node: &str, acts: &[(&str, &[&str], &[&str])]) -> Vec<String> {
    let key = |rest: &str| format!("{}:{{s0}}:{rest}", world.settings.prefix);
    let mut keys = vec![key("nodes"), key(&format!("done:{node}")), key("gaps")];
    let now = world.clock.now().to_string();
    let mut args: Vec<String> = [id, node, &now, &key("inbox:"), "1000", "60000", ""]
        .map(str::to_owned)
        .to_vec();
    args.push(acts.len().to_string());
    for (name, act_keys, act_args) in acts {
        keys.extend(act_keys.iter().map(|k| key(k)));
        args.extend([
            (*name).to_owned(),
            act_keys.len().to_string(),
            act_args.len().to_string(),
        ]);
        args.extend(act_args.iter().map(|a| (*a).to_owned()));
    }
    let mut words = vec![
        "EVALSHA".to_owned(),
        sha1_hash(LIBRARY.as_str()),
        keys.len().to_string(),
    ];
    words.extend(keys);
    words.extend(args);
    words
}

async fn send(world: &World, words: &[String]) -> Vec<Vec<String>> {
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let Value::Array(replies) = world.raw(&words).await else {
        panic!("no array")
    };
    replies.into_iter().map(texts).collect()
}

#[test]
fn every_script_has_a_whole_header_and_fits_on_a_page() {
    let shared = SHARED
        .iter()
        .flat_map(|(_, pieces)| *pieces)
        .map(|text| ("shared", *text));
    let frame = [
        ("prelude", include_str!("prelude.lua")),
        ("epilogue", include_str!("epilogue.lua")),
    ];
    for (name, script) in ACTS.iter().copied().chain(shared).chain(frame) {
        assert!(script.starts_with("-- "), "{name} says what it is for");
        for field in ["KEYS", "ARGV", "returns", "twice"] {
            assert!(header(script, field).is_some_and(|f| !f.is_empty()), "{name}: {field}");
        }
        assert!(script.lines().count() <= 60, "{name} is too long");
    }
}

#[test]
fn every_script_beside_a_wrapper_is_listed_and_its_words_are_known_there() {
    let coord = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/coord");
    let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    let mut found = BTreeSet::new();
    for dir in std::fs::read_dir(coord)
        .unwrap()
        .map(|d| d.unwrap().path())
        .filter(|d| d.is_dir())
    {
        let files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|f| f.unwrap().path()).collect();
        let of_kind = |end: &str| {
            files
                .iter()
                .filter(|f| f.extension().is_some_and(|e| e == end))
                .collect::<Vec<_>>()
        };
        let wrapper: String = of_kind("rs")
            .iter()
            .filter(|f| !f.ends_with("tests.rs"))
            .map(|f| read(f))
            .collect();
        let tests: String = of_kind("rs")
            .iter()
            .filter(|f| f.to_string_lossy().ends_with("tests.rs"))
            .map(|f| read(f))
            .collect();
        for file in of_kind("lua") {
            let (name, text) = (file.file_stem().unwrap().to_str().unwrap(), read(file));
            if SHARED.iter().any(|(_, pieces)| pieces.contains(&text.as_str()))
                || ["prelude", "epilogue"].contains(&name)
            {
                continue;
            }
            assert_eq!(script_of(name), text);
            assert!(wrapper.contains(&format!("\"{name}\"")), "{name} has no wrapper");
            assert!(tests.contains(&format!(".{name}(")), "{name} has no test");
            for word in words(&text) {
                assert!(
                    wrapper.contains(&format!("\"{word}\"")),
                    "{name}: nobody reads {word:?}"
                );
            }
            found.insert(name.to_owned());
        }
    }
    assert_eq!(found, ACTS.iter().map(|(n, _)| (*n).to_owned()).collect());
}

#[tokio::test]
async fn a_script_that_redis_forgot_is_loaded_again() {
    let world = World::new(1).await;
    let node = world.node().await;
    world.raw(&["SCRIPT", "FLUSH"]).await;

    let attached = node.coord.attach(&user("a"), &socket("s"), 5, None).await.unwrap();

    assert!(matches!(attached, Attached::To(State::Idle, _)));
}

#[tokio::test]
async fn a_call_that_comes_after_a_later_one_is_not_heard() {
    let world = World::new(1).await;
    let node = world.node().await;
    let enter: (&str, &[&str], &[&str]) = ("enter", &["user:a", "recent:a", "timers"], &["a", "text", "t1", "5"]);
    node.coord.attach(&user("a"), &socket("s"), 5, None).await.unwrap();
    let give_up: (&str, &[&str], &[&str]) = ("give_up", &["user:a", "timers"], &["a"]);
    send(&world, &call(&world, "00000000000000ff", node.id.as_str(), &[give_up])).await;
    let dump = world.dump_all().await;

    let words = call(&world, "00000000000000fe", node.id.as_str(), &[enter]);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let late = crate::coord::testing::raw(&world.redis, &words).await;

    assert!(late.unwrap_err().details().starts_with("LATE"));
    assert_eq!(world.dump_all().await, dump);
}

#[tokio::test]
async fn a_call_sent_twice_is_answered_twice_and_done_once() {
    let world = World::new(1).await;
    let node = world.node().await;
    let enter: (&str, &[&str], &[&str]) = ("enter", &["user:a", "recent:a", "timers"], &["a", "text", "t1", "5"]);
    let speak: (&str, &[&str], &[&str]) = ("recall", &["room:r", "log:r"], &["r", "a", "s", "5"]);
    node.coord.attach(&user("a"), &socket("s"), 5, None).await.unwrap();
    world
        .raw(&[
            "HSET",
            &room_key(&world),
            "nodes",
            node.id.as_str(),
            "to",
            "a",
            "s:a",
            "p",
            "kind",
            "text",
        ])
        .await;
    let words = call(&world, "00000000000000ff", node.id.as_str(), &[enter, speak]);
    let first = send(&world, &words).await;
    let dump = world.dump_all().await;

    let second = send(&world, &words).await;

    assert_eq!(
        first,
        [vec!["entered", "text", "t1", "1000000000000"], vec!["recalled", "a"]]
    );
    assert_eq!(second, first);
    assert_eq!(world.dump_all().await, dump);
    assert_eq!(dump["inbox:N1"], "n=@s|resumed|r|text|a|0");
    let next = call(&world, "0000000000000100", node.id.as_str(), &[enter]);
    assert_eq!(
        send(&world, &next).await,
        [vec!["seeking", "text", "t1", "1000000000000"]]
    );
}

fn room_key(world: &World) -> String {
    format!("{}:{{s0}}:room:r", world.settings.prefix)
}

#[tokio::test]
async fn a_node_without_a_lease_changes_nothing() {
    let world = World::new(1).await;
    let (alive, buried) = (world.node().await, world.stranger().await);
    let shard = crate::ids::Shard(0);
    buried.coord.register(shard, world.clock.steady()).await.unwrap();
    world.clock.advance(LEASE / 2);
    buried.coord.attach(&user("a"), &socket("s"), 5, None).await.unwrap();
    assert_eq!(
        alive.coord.bury(shard).await.unwrap(),
        [],
        "its lease ends now, not before"
    );
    world
        .raw(&["ZADD", &alive.coord.keys().nodes(shard), "1", buried.id.as_str()])
        .await;
    assert_eq!(alive.coord.bury(shard).await.unwrap(), std::slice::from_ref(&buried.id));
    let dump = world.dump().await;

    let fault = buried
        .coord
        .attach(&user("b"), &socket("t"), 5, None)
        .await
        .unwrap_err();

    assert_eq!(fault.why, super::FENCED);
    assert_eq!(world.dump().await, dump);
}

#[tokio::test]
async fn an_act_that_fails_does_not_hurt_the_others_of_its_call() {
    let world = World::new(1).await;
    let node = world.node().await;
    let key = node.coord.keys().user(&user("a"));
    world.raw(&["SET", &key, "not a hash"]).await;

    let (bad, good) = futures_util::future::join(
        node.coord.attach(&user("a"), &socket("s"), 5, None),
        node.coord.attach(&user("b"), &socket("t"), 5, None),
    )
    .await;

    assert!(bad.unwrap_err().why.contains("WRONGTYPE"));
    assert!(matches!(good.unwrap(), Attached::To(State::Idle, _)));
}

#[tokio::test]
async fn acts_that_wait_share_a_call_and_a_call_makes_one_entry_per_inbox() {
    let world = World::new(1).await;
    let node = world.node().await;
    world
        .raw(&[
            "HSET",
            &room_key(&world),
            "nodes",
            node.id.as_str(),
            "to",
            "a b",
            "s:a",
            "p",
            "s:b",
            "p",
        ])
        .await;
    let typing: (&str, &[&str], &[&str]) = ("start_typing", &["room:r", "timers"], &["r", "a", "9"]);
    let stopped: (&str, &[&str], &[&str]) = ("stop_typing", &["room:r", "timers"], &["r", "a"]);
    node.coord.ping().await.unwrap();

    node.coord
        .leave(
            &user("x"),
            crate::domain::queue::Queue::Text,
            &crate::ids::Ticket::fresh(),
        )
        .await
        .unwrap();
    send(
        &world,
        &call(&world, "00000000000000ff", node.id.as_str(), &[typing, stopped, typing]),
    )
    .await;

    let dump = world.dump().await;
    let told = "n=b|typing|r|a|on|T+0 n=b|typing|r|a|off|T+0 n=b|typing|r|a|on|T+0";
    assert_eq!(dump["inbox:N1"], told, "one entry, in the order of the acts");
}

#[tokio::test]
async fn acts_of_one_node_run_in_the_order_they_were_asked_for() {
    let world = World::new(1).await;
    let node = world.node().await;
    let asked: Vec<_> = (0..3 * MAX_ACTS as u64)
        .map(|i| {
            let coord = node.coord.clone();
            async move {
                coord
                    .attach(&user("a"), &socket(&format!("s{i}")), 100, None)
                    .await
                    .unwrap()
            }
        })
        .collect();

    let answers = futures_util::future::join_all(asked).await;

    let to = answers
        .iter()
        .filter(|a| matches!(a, Attached::To(State::Idle, _)))
        .count();
    assert_eq!(to, 100);
    assert!(
        answers[..100].iter().all(|a| matches!(a, Attached::To(State::Idle, _))),
        "the first 100 got in"
    );
}

#[tokio::test]
async fn more_notices_than_lua_can_unpack_arrive_all_and_in_order() {
    let world = World::new(1).await;
    let mut node = world.node().await;
    let room = world.room("R");
    let key = format!("room:{room}");
    let whole = node.coord.keys().room(room);
    let at = node.id.as_str();
    world
        .raw(&["HSET", &whole, "nodes", at, "to", "a b", "s:a", "p", "s:b", "p"])
        .await;
    let (keys, room) = ([key.as_str(), "timers"], room.to_string());
    let ends: Vec<_> = (1..=5000).map(|end: u32| end.to_string()).collect();
    let args: Vec<_> = ends.iter().map(|end| [room.as_str(), "a", end]).collect();
    let acts: Vec<(&str, &[&str], &[&str])> = args.iter().map(|a| ("start_typing", &keys[..], &a[..])).collect();

    send(&world, &call(&world, "00000000000000ff", at, &acts)).await;

    assert_eq!(node.inbox().await.len(), 5000);
}
