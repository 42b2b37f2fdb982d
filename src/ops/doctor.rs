//! Looks at what a node needs before one is started, and says in a table what is not as it should be.

use crate::config::Settings;
use crate::coord::doctor::{self, Examination, Served};
use crate::ids::Shard;
use crate::metrics;
use crate::store::{Store, Tables};
use std::process::ExitCode;
use std::time::Duration;

/// Redis commands that scripts use came with this version.
const REDIS_AT_LEAST: u32 = 7;

/// Nodes correct their clocks by Redis's, so a difference harms only what is logged; a large one says that nobody
/// looks after this machine's clock.
const CLOCKS_APART: Duration = Duration::from_secs(1);

/// Files that a node opens beside its sockets: requests, Redis, Postgres, listeners, spares.
const OTHER_FILES: u64 = 300;

/// RFC 7518 3.2 asks for a key as long as the hash.
const LONG_ENOUGH_SECRET: usize = 32;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grade {
    /// As it should be.
    Good,
    /// It works, and can hurt.
    Warning,
    /// A node will not work.
    Bad,
}

/// One line of the table.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    what: &'static str,
    grade: Grade,
    told: String,
}

fn finding(what: &'static str, grade: Grade, told: impl Into<String>) -> Finding {
    Finding {
        what,
        grade,
        told: told.into(),
    }
}

/// Prints what it found. Fails when a node would not work here.
pub async fn run(settings: &Settings) -> ExitCode {
    let mut findings = redis(settings).await;
    findings.extend(postgres(settings).await);
    findings.push(files(metrics::file_limit(), settings.sockets.max_connections));
    findings.push(secrets(settings));
    print!("{}", table(&findings));
    match findings.iter().any(|finding| finding.grade == Grade::Bad) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

async fn redis(settings: &Settings) -> Vec<Finding> {
    judge(&doctor::examine(&settings.redis).await, settings.redis.shards)
}

/// What is judged of each server by itself.
const OF_EACH: [fn(&Examination) -> Finding; 5] = [version, eviction, durability, permitted, replicas];

fn judge(served: &[Served], shards: u8) -> Vec<Finding> {
    let away = |one: &Served| Some(finding("redis", Grade::Bad, one.told.as_ref().err()?.to_string()));
    let mut findings = compared(served, shards, away);
    for of_each in OF_EACH {
        findings.extend(compared(served, shards, |one| one.told.as_ref().ok().map(of_each)));
    }
    let told = || served.iter().filter_map(|one| one.told.as_ref().ok());
    findings.extend(told().map(|redis| redis.clocks_apart).max().map(clock));
    if told().count() > 0 {
        findings.push(spread(told().any(|redis| redis.member), shards));
    }
    findings
}

/// A line for all who say the same; where it is not said of all shards, of which.
fn compared(served: &[Served], shards: u8, judge: impl Fn(&Served) -> Option<Finding>) -> Vec<Finding> {
    let mut groups: Vec<(Finding, Vec<Shard>)> = Vec::new();
    for one in served {
        let Some(finding) = judge(one) else { continue };
        match groups.iter_mut().find(|(same, _)| *same == finding) {
            Some((_, of)) => of.extend(&one.shards),
            None => groups.push((finding, one.shards.clone())),
        }
    }
    let named = |(mut finding, mut of): (Finding, Vec<Shard>)| {
        if of.len() < usize::from(shards) {
            of.sort_unstable();
            let noun = if of.len() == 1 { "shard" } else { "shards" };
            let numbers: Vec<_> = of.iter().map(Shard::to_string).collect();
            finding.told = format!("{noun} {}: {}", numbers.join(", "), finding.told);
        }
        finding
    };
    groups.into_iter().map(named).collect()
}

fn version(redis: &Examination) -> Finding {
    let number = redis.version.split('.').next().and_then(|major| major.parse().ok());
    match number.is_some_and(|major: u32| major >= REDIS_AT_LEAST) {
        true => finding("redis version", Grade::Good, &*redis.version),
        false => finding(
            "redis version",
            Grade::Bad,
            format!("{} (at least {REDIS_AT_LEAST} is needed)", redis.version),
        ),
    }
}

fn eviction(redis: &Examination) -> Finding {
    match redis.eviction.as_deref() {
        Some("noeviction") => finding("redis eviction", Grade::Good, "noeviction"),
        Some(other) => finding(
            "redis eviction",
            Grade::Bad,
            format!("{other}: full memory would delete live chats; set maxmemory-policy noeviction"),
        ),
        None => finding(
            "redis eviction",
            Grade::Warning,
            "the server does not tell; maxmemory-policy must be noeviction",
        ),
    }
}

fn durability(redis: &Examination) -> Finding {
    match redis.append_only {
        true => finding("redis durability", Grade::Good, "appendonly yes"),
        false => finding(
            "redis durability",
            Grade::Warning,
            "appendonly no: a restart of Redis loses chats and reports under way",
        ),
    }
}

fn permitted(redis: &Examination) -> Finding {
    let names: Vec<_> = redis.forbidden.iter().filter_map(|c| c.split(' ').next()).collect();
    match names.is_empty() {
        true => finding("redis user", Grade::Good, "may do what nodes do"),
        false => finding(
            "redis user",
            Grade::Bad,
            format!("may not do {} on our keys (.config/redis-users.acl)", names.join(", ")),
        ),
    }
}

fn replicas(redis: &Examination) -> Finding {
    let told = match redis.replicas {
        0 => "none: chats end with the server's machine".to_owned(),
        count => format!("{count} connected"),
    };
    finding("redis replicas", Grade::Good, told)
}

fn clock(apart: Duration) -> Finding {
    let grade = if apart > CLOCKS_APART {
        Grade::Warning
    } else {
        Grade::Good
    };
    finding("clock", grade, format!("{} ms apart from Redis's", apart.as_millis()))
}

fn spread(member: bool, shards: u8) -> Finding {
    match (member, shards) {
        (true, 1) => finding(
            "redis shards",
            Grade::Warning,
            "one shard uses one master of the cluster; set redis.shards",
        ),
        _ => finding("redis shards", Grade::Good, shards.to_string()),
    }
}

async fn postgres(settings: &Settings) -> Vec<Finding> {
    let store = match Store::open(&settings.postgres) {
        Ok(store) => store,
        Err(fault) => return vec![finding("postgres", Grade::Bad, fault.to_string())],
    };
    // Chats go on without Postgres, but nobody means to run without it.
    if let Err(fault) = store.reachable().await {
        return vec![finding("postgres", Grade::Bad, fault.to_string())];
    }
    let tables = match store.tables().await {
        Ok(tables) => migrated(tables),
        Err(fault) => finding("postgres tables", Grade::Bad, fault.to_string()),
    };
    store.close().await;
    vec![finding("postgres", Grade::Good, "answers"), tables]
}

fn migrated(tables: Tables) -> Finding {
    let (grade, told) = match tables {
        Tables::OfThisRelease => (Grade::Good, "of this release".to_owned()),
        Tables::Newer(by) => (Grade::Warning, format!("{by} migrations newer than this release")),
        Tables::Behind(by) => (Grade::Bad, format!("{by} migrations behind; run `palaver migrate`")),
        Tables::Changed(version) => (
            Grade::Bad,
            format!("migration {version} was another one when it was applied; `palaver migrate` fails"),
        ),
        Tables::Unfinished(version) => (
            Grade::Bad,
            format!(
                "migration {version} began and did not end; `palaver migrate` fails until that is put right by hand"
            ),
        ),
    };
    finding("postgres tables", grade, told)
}

fn files(limit: Option<u64>, connections: u32) -> Finding {
    let needed = u64::from(connections) + OTHER_FILES;
    match limit {
        Some(limit) if limit < needed => finding(
            "open files",
            Grade::Warning,
            format!("at most {limit}; sockets.max_connections needs {needed} (ulimit -n)"),
        ),
        Some(limit) => finding("open files", Grade::Good, format!("at most {limit}")),
        None => finding("open files", Grade::Warning, "this system does not tell its limit"),
    }
}

fn secrets(settings: &Settings) -> Finding {
    let shortest = settings.jwt.secrets.iter().map(|secret| secret.reveal().len()).min();
    match shortest {
        None => finding("jwt secrets", Grade::Warning, "none: every visitor is a guest"),
        Some(length) if length < LONG_ENOUGH_SECRET => finding(
            "jwt secrets",
            Grade::Warning,
            format!("one has {length} characters; {LONG_ENOUGH_SECRET} or more are safe"),
        ),
        Some(_) => finding("jwt secrets", Grade::Good, "long enough"),
    }
}

fn table(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let grade = match finding.grade {
            Grade::Good => "ok",
            Grade::Warning => "warning",
            Grade::Bad => "FAILED",
        };
        format!("{grade:<8} {:<17} {}\n", finding.what, finding.told)
    };
    findings.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    fn healthy() -> Examination {
        Examination {
            version: "7.0.15".into(),
            eviction: Some("noeviction".into()),
            append_only: true,
            clocks_apart: Duration::from_millis(3),
            replicas: 1,
            member: false,
            forbidden: Vec::new(),
        }
    }

    /// Its findings where it is all there is.
    fn alone(redis: Examination, shards: u8) -> Vec<Finding> {
        let told = Ok(redis);
        let all = (0..shards).map(Shard).collect();
        judge(&[Served { shards: all, told }], shards)
    }

    fn not_good(redis: Examination) -> Vec<(&'static str, Grade)> {
        let findings = alone(redis, 1).into_iter();
        let found = findings.map(|finding| (finding.what, finding.grade));
        found.filter(|(_, grade)| *grade != Grade::Good).collect()
    }

    #[test]
    fn a_redis_that_would_lose_chats_is_named() {
        use Grade::{Bad, Warning};

        assert_eq!(not_good(healthy()), []);
        let old = Examination {
            version: "6.2.14".into(),
            ..healthy()
        };
        assert_eq!(not_good(old), [("redis version", Bad)]);
        let evicting = Examination {
            eviction: Some("allkeys-lru".into()),
            ..healthy()
        };
        assert_eq!(not_good(evicting), [("redis eviction", Bad)]);
        let careless = Examination {
            append_only: false,
            clocks_apart: Duration::from_secs(2),
            ..healthy()
        };
        assert_eq!(not_good(careless), [("redis durability", Warning), ("clock", Warning)]);
    }

    #[test]
    fn what_the_user_may_not_do_is_named_and_one_shard_wastes_a_cluster() {
        let redis = Examination {
            forbidden: vec!["XADD % * f v", "INFO"],
            member: true,
            ..healthy()
        };

        let found = alone(redis.clone(), 1);

        let forbidden = "may not do XADD, INFO on our keys (.config/redis-users.acl)";
        assert!(
            found.contains(&finding("redis user", Grade::Bad, forbidden)),
            "{found:?}"
        );
        let wasted = "one shard uses one master of the cluster; set redis.shards";
        assert!(
            found.contains(&finding("redis shards", Grade::Warning, wasted)),
            "{found:?}"
        );
        assert!(alone(redis, 6).contains(&finding("redis shards", Grade::Good, "6")));
    }

    #[test]
    fn masters_that_differ_are_told_apart_by_their_shards() {
        let of = |shards: &[u8], told| Served {
            shards: shards.iter().copied().map(Shard).collect(),
            told,
        };
        let alone = Examination {
            replicas: 0,
            ..healthy()
        };
        let nobody = || Err(Fault::new("reach Redis", "nobody serves them"));
        let served = [
            of(&[1, 4], Ok(healthy())),
            of(&[5], nobody()),
            of(&[0, 3], Ok(alone)),
            of(&[2], nobody()),
        ];

        let found = judge(&served, 6);

        let expected = [
            finding("redis", Grade::Bad, "shards 2, 5: reach Redis: nobody serves them"),
            finding("redis version", Grade::Good, "shards 0, 1, 3, 4: 7.0.15"),
            finding("redis replicas", Grade::Good, "shards 1, 4: 1 connected"),
            finding(
                "redis replicas",
                Grade::Good,
                "shards 0, 3: none: chats end with the server's machine",
            ),
        ];
        for one in expected {
            assert!(found.contains(&one), "{one:?} {found:?}");
        }
    }

    #[test]
    fn the_file_limit_must_fit_the_connections() {
        assert_eq!(files(Some(1024), 50_000).grade, Grade::Warning);
        assert_eq!(files(Some(1 << 20), 50_000).grade, Grade::Good);
    }

    #[test]
    fn the_table_is_aligned() {
        let text = table(&[
            finding("redis", Grade::Bad, "no answer"),
            finding("open files", Grade::Good, "at most 9"),
        ]);

        assert_eq!(
            text,
            "FAILED   redis             no answer\nok       open files        at most 9\n"
        );
    }

    #[tokio::test]
    async fn a_real_redis_is_examined() {
        let redis = crate::http::redis::Redis::start();

        let served = doctor::examine(&redis.settings()).await;

        let told = served[0].told.as_ref().unwrap();

        assert!(told.version.starts_with(|c: char| c.is_ascii_digit()), "{told:?}");
        assert_eq!(
            (told.eviction.as_deref(), told.append_only),
            (Some("noeviction"), false)
        );
        assert!(told.clocks_apart < Duration::from_secs(1), "{told:?}");
    }
}
