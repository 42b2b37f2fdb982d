//! What an operator should know about Redis before trusting it with chats: of each master that serves a shard, or why
//! none does. Changes nothing.

use super::connect::{self, Named};
use super::keys::Keys;
use super::road;
use crate::clock::{Clock, Millis};
use crate::config;
use crate::error::Fault;
use crate::ids::Shard;
use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::{ClientLike, ClusterInterface};
use fred::types::config::Server;
use fred::types::{ClusterHash, CustomCommand, InfoKind, Value};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// What Redis says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// `redis_version`; forks that speak its protocol tell the version they are compatible with.
    pub version: String,
    /// What it does when memory is full; `None` where the server does not let us ask (some hosted ones).
    pub eviction: Option<String>,
    /// Whether every change is written to a file.
    pub append_only: bool,
    /// How far this machine's clock and Redis's are apart.
    pub clocks_apart: Duration,
    /// Replicas that would take over.
    pub replicas: u32,
    /// Whether it is a member of a cluster.
    pub member: bool,
    /// Commands that nodes use and this user may not.
    pub forbidden: Vec<&'static str>,
}

/// Every command of nodes, so that each can be asked for. `%` is a key of ours.
const COMMANDS: &[&str] = &[
    "EVALSHA 0 0",
    "EVAL return 0",
    "INFO",
    "TIME",
    "GET %",
    "SET % v",
    "DEL %",
    "EXISTS %",
    "INCR %",
    "PEXPIRE % 1",
    "PTTL %",
    "HGET % f",
    "HSET % f v",
    "HDEL % f",
    "HLEN %",
    "HMGET % f",
    "HGETALL %",
    "HINCRBY % f 1",
    "SADD % m",
    "SREM % m",
    "SCARD %",
    "SMEMBERS %",
    "SISMEMBER % m",
    "SRANDMEMBER % 1",
    "ZADD % 1 m",
    "ZREM % m",
    "ZSCORE % m",
    "ZCARD %",
    "ZCOUNT % 0 1",
    "ZRANK % m",
    "ZRANGE % 0 1",
    "ZRANGEBYSCORE % 0 1",
    "LRANGE % 0 1",
    "RPUSH % v",
    "LPUSH % v",
    "LTRIM % 0 1",
    "XADD % * f v",
    "XDEL % 1-1",
    "XACK % g 1-1",
    "XLEN %",
    "XTRIM % MAXLEN 1",
    "XRANGE % - +",
    "XREVRANGE % + -",
    "XREAD STREAMS % 0",
    "XREADGROUP GROUP g c STREAMS % 0",
    "XGROUP CREATE % g 0",
    "XAUTOCLAIM % g c 1 0",
    "XINFO STREAM %",
];

/// Who serves some of our shards.
#[derive(Clone, Debug)]
pub struct Served {
    /// Those shards.
    pub shards: Vec<Shard>,
    /// What the server says of itself, or why there is none that does.
    pub told: Result<Examination, Fault>,
}

/// Asks the server, in a cluster each master that serves a shard of ours.
pub async fn examine(settings: &config::Redis) -> Vec<Served> {
    let keys = Keys::new(&settings.prefix, settings.shards);
    let shards: Vec<_> = keys.shards().collect();
    let told = match connect::named(settings) {
        Ok(Named::Members(members)) => return cluster(settings, &keys, shards, members).await,
        Ok(Named::Sentinels(sentinels)) => match reach(settings, None, &shards).await {
            Err(fault) => Err(sentinel(settings, &sentinels).await.unwrap_or(fault)),
            told => told,
        },
        Ok(Named::Server) => reach(settings, None, &shards).await,
        Err(fault) => Err(fault),
    };
    vec![Served { shards, told }]
}

/// Asks one member after the other who serves the shards, until each is served: one may have missed a failover.
async fn cluster(settings: &config::Redis, keys: &Keys, mut left: Vec<Shard>, members: Vec<Server>) -> Vec<Served> {
    let (mut served, mut silent) = (Vec::new(), Vec::new());
    let mut last = BTreeMap::new();
    for member in members {
        if left.is_empty() {
            break;
        }
        let slots = match slots(settings, &member).await {
            Ok(slots) => slots,
            Err(error) => {
                silent.push(format!("{member}: {}", reason(settings, &error)));
                continue;
            }
        };
        let mut masters: BTreeMap<Option<Server>, Vec<Shard>> = BTreeMap::new();
        for shard in std::mem::take(&mut left) {
            let slot = fred::util::redis_keyslot(keys.nodes(shard).as_bytes());
            let (_, master) = road::read_slots(slots.clone(), slot, &member);
            masters.entry(master).or_default().push(shard);
        }
        for (master, shards) in masters {
            let told = match &master {
                Some(master) => reach(settings, Some(master), &shards).await,
                None => Err(Fault::new("reach Redis", "nobody serves them")),
            };
            match told {
                Ok(told) => served.push(Served { shards, told: Ok(told) }),
                Err(fault) => {
                    left.extend(&shards);
                    last.extend(shards.into_iter().map(|shard| (shard, fault.clone())));
                }
            }
        }
    }
    for shard in left {
        let fault = last.remove(&shard);
        let told = Err(fault.unwrap_or_else(|| Fault::new("reach Redis", silent.join("; "))));
        served.push(Served {
            shards: vec![shard],
            told,
        });
    }
    served
}

async fn slots(settings: &config::Redis, member: &Server) -> Result<Value, Error> {
    let line = connect::to_server(settings, member).await?;
    let slots = line.client.cluster_slots().await;
    line.close().await;
    slots
}

/// Why none of the sentinels can be asked; `None` where one can.
async fn sentinel(settings: &config::Redis, sentinels: &[Server]) -> Option<Fault> {
    let mut silent = Vec::new();
    for sentinel in sentinels {
        match connect::to_server(settings, sentinel).await {
            Ok(line) => {
                line.close().await;
                return None;
            }
            Err(error) => silent.push(format!("{sentinel}: {}", reason(settings, &error))),
        }
    }
    Some(Fault::new("reach a sentinel", silent.join("; ")))
}

/// Connects to one server, and asks it.
async fn reach(settings: &config::Redis, server: Option<&Server>, shards: &[Shard]) -> Result<Examination, Fault> {
    let reached = match server {
        Some(server) => connect::to_server(settings, server).await,
        None => connect::to_master(settings).await,
    };
    let line = reached.map_err(|error| Fault::new("reach Redis", reason(settings, &error)))?;
    let key = format!("{}:{{s{}}}:doctor", settings.prefix, shards[0]);
    let patience = settings.connect_timeout + settings.command_timeout;
    let late = |_| Err(Fault::new("ask Redis", "no answer in time"));
    let told = tokio::time::timeout(patience, ask(&line.client, &key)).await;
    line.close().await;
    told.unwrap_or_else(late)
}

async fn ask(client: &Client, key: &str) -> Result<Examination, Fault> {
    let replication = info(client, InfoKind::Replication).await?;
    if replication.get("role").is_some_and(|role| role != "master") {
        return Err(Fault::new("ask Redis", "it is a replica: nodes need its master"));
    }
    let server = info(client, InfoKind::Server).await?;
    let clocks_apart = clocks_apart(&server, Clock::system().steady());
    let persistence = info(client, InfoKind::Persistence).await?;
    let memory = info(client, InfoKind::Memory).await?;
    let cluster = info(client, InfoKind::Cluster).await?;
    let forbidden = forbidden(client, key).await?;
    let number = |text: &String| text.parse().ok();
    Ok(Examination {
        version: server.get("redis_version").cloned().unwrap_or_default(),
        eviction: memory.get("maxmemory_policy").cloned(),
        append_only: persistence.get("aof_enabled").is_some_and(|on| on == "1"),
        clocks_apart,
        replicas: replication.get("connected_slaves").and_then(number).unwrap_or(0),
        member: cluster.get("cluster_enabled").is_some_and(|on| on == "1"),
        forbidden,
    })
}

/// Parts of what Redis or the client says when there is no connection, and what they mean.
const REASONS: &[(&str, &str)] = &[
    ("WRONGPASS", "the user or the password is wrong"),
    ("NOAUTH", "it wants a user and a password"),
    (
        "AlertReceived(CertificateRequired",
        "it wants a certificate of ours (redis.tls_cert, redis.tls_key)",
    ),
    (
        "AlertReceived",
        "it does not take our certificate (redis.tls_cert, redis.tls_key)",
    ),
    (
        "UnknownIssuer",
        "its certificate is not signed by an authority that we trust (redis.tls_ca)",
    ),
    (
        "NotValidForName",
        "its certificate is for another name than the one it is reached by",
    ),
    ("NotValidYet", "its certificate is not valid yet"),
    ("Expired", "its certificate has expired"),
    ("ConnectionRefused", "nobody listens there"),
    ("failed to lookup address", "its name is not known"),
];

/// Why there is no connection, in words.
fn reason(settings: &config::Redis, error: &Error) -> String {
    let said = error.details();
    let encrypted = settings.url.reveal().starts_with("rediss");
    let known = REASONS.iter().find(|(part, _)| said.contains(part));
    let meaning = match known {
        Some((_, meaning)) => meaning,
        None if *error.kind() == ErrorKind::Timeout && encrypted => "no answer in time; does it speak TLS?",
        None if *error.kind() == ErrorKind::Timeout => "no answer in time",
        None if said.contains("ConnectionReset") && !encrypted => "it hangs up; does it want TLS (rediss://)?",
        None => said,
    };
    meaning.to_owned()
}

/// Asks for every command inside a transaction that is given up: Redis says at once what may not be, and does nothing.
async fn forbidden(client: &Client, key: &str) -> Result<Vec<&'static str>, Fault> {
    let mut forbidden = Vec::new();
    if may(client, "MULTI", key).await? {
        for command in COMMANDS {
            if !may(client, command, key).await? {
                forbidden.push(*command);
            }
        }
        may(client, "DISCARD", key).await?;
    } else {
        forbidden.push("MULTI");
    }
    Ok(forbidden)
}

async fn may(client: &Client, command: &'static str, key: &str) -> Result<bool, Fault> {
    let mut words = command.split(' ').map(|word| if word == "%" { key } else { word });
    let name = CustomCommand::new(words.next().unwrap_or_default(), ClusterHash::Random, false);
    let answer: Result<Value, _> = client.custom(name, words.collect::<Vec<_>>()).await;
    match answer {
        Err(error) if error.details().starts_with("NOPERM") => Ok(false),
        // A member of a cluster that does not serve the key says so, and is not asked whether it would.
        Err(error) if error.details().starts_with("MOVED") => Ok(true),
        Err(error) => Err(Fault::new("ask Redis", error)),
        Ok(_) => Ok(true),
    }
}

/// One section of `INFO`.
async fn info(client: &Client, section: InfoKind) -> Result<HashMap<String, String>, Fault> {
    let text: String = client
        .info(Some(section))
        .await
        .map_err(|e| Fault::new("redis info", e))?;
    let pairs = text.lines().filter_map(|line| line.trim().split_once(':'));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// `INFO` tells the server's time, a round trip old at most.
fn clocks_apart(server: &HashMap<String, String>, ours: Millis) -> Duration {
    let told = server
        .get("server_time_usec")
        .and_then(|micros| micros.parse::<u64>().ok());
    told.map_or(Duration::ZERO, |micros| {
        let theirs = Millis(micros / 1000);
        (theirs - ours).max(ours - theirs)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coord::script::tests::commands;

    /// The users that we ship.
    const USERS: &str = include_str!("../../.config/redis-users.acl");

    #[test]
    fn every_command_of_a_script_is_asked_for_and_allowed_to_the_user_that_we_ship() {
        let asked: Vec<_> = COMMANDS
            .iter()
            .filter_map(|command| command.split(' ').next())
            .collect();
        for name in commands() {
            assert!(asked.contains(&name.as_str()), "{name} is not asked for");
        }
        let allowed: Vec<_> = USERS
            .split_whitespace()
            .filter_map(|rule| rule.strip_prefix('+'))
            .collect();
        for name in asked {
            let name = name.to_lowercase();
            let allows = |rule: &&str| rule.split('|').next() == Some(&name);
            assert!(allowed.iter().any(allows), "{name} is not allowed");
        }
    }

    #[test]
    fn what_the_client_says_of_a_certificate_is_put_into_words() {
        let settings = config::Settings::default().redis;
        let said = |of: &'static str| reason(&settings, &Error::new(ErrorKind::IO, of));

        let expired = "Custom { kind: InvalidData, error: InvalidCertificate(ExpiredContext { time: UnixTime(2) }) }";
        assert_eq!(said(expired), "its certificate has expired");
        let ours = "Custom { kind: InvalidData, error: AlertReceived(CertificateExpired) }";
        let meaning = "it does not take our certificate (redis.tls_cert, redis.tls_key)";
        assert_eq!(said(ours), meaning);
        assert_eq!(said("something new"), "something new");
    }
}
