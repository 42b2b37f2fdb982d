//! `palaver doctor`: every master that serves a shard is looked at.

use crate::harness::node::{self, Settings};
use crate::harness::redis::{CLUSTER_SHARDS, Kind, Redis};

/// Where nobody listens.
const NOWHERE: &str = "postgres://palaver@127.0.0.1:1/none";

fn settings(redis: &str, shards: u8) -> Settings {
    let pairs = [
        ("PALAVER_REDIS__URL", redis.to_owned()),
        ("PALAVER_REDIS__SHARDS", shards.to_string()),
        ("PALAVER_REDIS__CONNECT_TIMEOUT", "2s".to_owned()),
        ("PALAVER_POSTGRES__URL", NOWHERE.to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The doctor's words on one thing, a line each.
async fn told(settings: &Settings, what: &str) -> Vec<String> {
    let (_, output) = node::try_run("doctor", settings).await;
    let of = |line: &str| Some(line.get(9..)?.strip_prefix(what)?.trim_start().to_owned());
    let lines: Vec<_> = output.lines().filter_map(of).collect();
    assert!(!lines.is_empty(), "nothing about {what}:\n{output}");
    lines
}

/// The shards that the master of this place serves, in words.
fn shards_of(redis: &mut Redis, place: usize) -> String {
    let server = &redis.servers()[place];
    let slot = |shard: u8| {
        let told = server
            .command(&["CLUSTER", "KEYSLOT", &format!("{{s{shard}}}")])
            .unwrap();
        told[0].parse::<usize>().unwrap()
    };
    let mine = |shard: &u8| (16384 * place / 3..16384 * (place + 1) / 3).contains(&slot(*shard));
    let shards: Vec<_> = (0..CLUSTER_SHARDS)
        .filter(mine)
        .map(|shard| shard.to_string())
        .collect();
    let noun = if shards.len() == 1 { "shard" } else { "shards" };
    format!("{noun} {}", shards.join(", "))
}

#[tokio::test]
async fn each_master_of_a_cluster_is_looked_at_and_a_shard_that_nobody_serves_is_named() {
    let mut redis = Redis::of(Kind::Replicated).await;
    // A replica is asked first.
    let mut addresses: Vec<_> = redis.servers().iter().map(|server| server.address()).collect();
    addresses.rotate_right(1);
    let settings = settings(&redis.url_at(&addresses), CLUSTER_SHARDS);

    assert_eq!(told(&settings, "redis replicas").await, ["1 connected"]);

    let (first, second, third) = (
        shards_of(&mut redis, 0),
        shards_of(&mut redis, 1),
        shards_of(&mut redis, 2),
    );
    let master = &redis.servers()[1];
    master
        .command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"])
        .unwrap();
    let master = &redis.servers()[2];
    master.command(&["ACL", "SETUSER", "default", "-xadd"]).unwrap();
    let eviction = told(&settings, "redis eviction").await;
    assert!(
        eviction
            .iter()
            .any(|line| line.starts_with(&format!("{second}: allkeys-lru"))),
        "{eviction:?}"
    );
    let user = told(&settings, "redis user").await;
    assert!(
        user.iter()
            .any(|line| line.starts_with(&format!("{third}: may not do XADD"))),
        "{user:?}"
    );

    redis.servers()[0].kill();
    redis.servers()[3].kill();
    let away = told(&settings, "redis  ").await;
    assert_eq!(away.len(), 1, "{away:?}");
    assert!(away[0].starts_with(&format!("{first}: ")), "{away:?}");
}
