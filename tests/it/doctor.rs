//! `palaver doctor`: every master that serves a shard is looked at, and what it says is the reason in words.

use crate::harness::node::{self, Settings};
use crate::harness::postgres::{self, Database};
use crate::harness::redis::{CLUSTER_SHARDS, Guarded, Kind, Redis};

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
    assert!(away[0].contains("nobody listens there"), "{away:?}");
}

#[tokio::test]
async fn why_redis_cannot_be_used_is_said_in_words() {
    let redis = Guarded::start().await;
    let stranger = crate::harness::authority::Authority::new("stranger");
    let with = |url: String, files: &[(&str, String)]| {
        let mut settings = settings(&url, 1);
        for (name, file) in files {
            settings.insert(format!("PALAVER_REDIS__TLS_{name}"), file.clone());
        }
        settings
    };
    let file = |name: &str| redis.file(name).display().to_string();
    let ours = [
        ("CA", file("ca.pem")),
        ("CERT", file("node.pem")),
        ("KEY", file("node.key")),
    ];
    let strange = [
        ("CA", stranger.file("ca.pem").display().to_string()),
        ours[1].clone(),
        ours[2].clone(),
    ];
    let url = redis.url("localhost");
    let plain = redis.server.port();

    for (settings, words) in [
        (
            with(url.replace("change-me", "hunter2"), &ours),
            "the user or the password is wrong",
        ),
        (
            with(url.replace("palaver:", "nobody:"), &ours),
            "the user or the password is wrong",
        ),
        (
            with(url.clone(), &strange),
            "its certificate is not signed by an authority that we trust",
        ),
        (
            with(redis.url("127.0.0.1"), &ours),
            "its certificate is for another name",
        ),
        (with(url.clone(), &ours[..1]), "it wants a certificate of ours"),
        (
            with(format!("rediss://localhost:{plain}"), &ours),
            "no answer in time; does it speak TLS?",
        ),
        (with(url.replace("rediss", "redis"), &[]), "does it want TLS"),
        (with("redis://127.0.0.1:1".to_owned(), &[]), "nobody listens there"),
        (
            with("redis-sentinel://127.0.0.1:1?sentinelServiceName=main".to_owned(), &[]),
            "reach a sentinel: 127.0.0.1:1: nobody listens there",
        ),
    ] {
        let told = told(&settings, "redis  ").await;
        assert!(
            told[0].contains(words) && !told[0].contains("hunter2"),
            "{words}: {told:?}"
        );
    }
}

#[tokio::test]
async fn why_postgres_cannot_be_used_is_said_in_words() {
    let server = postgres::Server::start().await;
    let database: Database = server.database().await;
    let at = |url: String| {
        let mut settings = settings("redis://127.0.0.1:1", 1);
        settings.insert("PALAVER_POSTGRES__URL".to_owned(), url);
        settings
    };

    let nowhere = told(&at(NOWHERE.to_owned()), "postgres  ").await;
    let missing = told(&at(format!("{}_not", database.url())), "postgres  ").await;
    let stranger = told(&at(database.url().replace("palaver@", "stranger@")), "postgres  ").await;

    assert!(nowhere[0].contains("Connection refused"), "{nowhere:?}");
    assert_eq!(missing, ["reach Postgres: there is no such database"]);
    assert_eq!(stranger, ["reach Postgres: it does not let this user in from here"]);
}
