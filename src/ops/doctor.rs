//! Looks at what a node needs before one is started, and says in a table what is not as it should be.

use crate::config::Settings;
use crate::coord::doctor::{self, Examination};
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
    match doctor::examine(&settings.redis).await {
        Ok(examination) => judge(&examination, settings.redis.shards),
        Err(fault) => vec![finding("redis", Grade::Bad, fault.to_string())],
    }
}

fn judge(redis: &Examination, shards: u8) -> Vec<Finding> {
    let major = redis
        .version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    let version = match major.is_some_and(|major| major >= REDIS_AT_LEAST) {
        true => finding("redis version", Grade::Good, &*redis.version),
        false => finding(
            "redis version",
            Grade::Bad,
            format!("{} (at least {REDIS_AT_LEAST} is needed)", redis.version),
        ),
    };
    let eviction = match redis.eviction.as_deref() {
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
    };
    let durable = match redis.append_only {
        true => finding("redis durability", Grade::Good, "appendonly yes"),
        false => finding(
            "redis durability",
            Grade::Warning,
            "appendonly no: a restart of Redis loses chats and reports under way",
        ),
    };
    let apart = format!("{} ms apart from Redis's", redis.clocks_apart.as_millis());
    let grade = if redis.clocks_apart > CLOCKS_APART {
        Grade::Warning
    } else {
        Grade::Good
    };
    let clock = finding("clock", grade, apart);
    vec![
        version,
        eviction,
        durable,
        clock,
        permitted(redis),
        spread(redis, shards),
    ]
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

fn spread(redis: &Examination, shards: u8) -> Finding {
    let replicas = match redis.replicas {
        0 => "no replica: chats end with the server's machine".to_owned(),
        count => format!("{count} replicas connected"),
    };
    match (redis.member, shards) {
        (true, 1) => finding(
            "redis shards",
            Grade::Warning,
            format!("one shard uses one master of the cluster; set redis.shards ({replicas})"),
        ),
        _ => finding("redis shards", Grade::Good, format!("{shards}; {replicas}")),
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

    fn grades(redis: &Examination) -> Vec<Grade> {
        judge(redis, 1).into_iter().map(|finding| finding.grade).collect()
    }

    #[test]
    fn a_redis_that_would_lose_chats_is_named() {
        use Grade::{Bad, Good, Warning};

        assert_eq!(grades(&healthy()), [Good, Good, Good, Good, Good, Good]);
        let old = Examination {
            version: "6.2.14".into(),
            ..healthy()
        };
        assert_eq!(grades(&old), [Bad, Good, Good, Good, Good, Good]);
        let evicting = Examination {
            eviction: Some("allkeys-lru".into()),
            ..healthy()
        };
        assert_eq!(grades(&evicting), [Good, Bad, Good, Good, Good, Good]);
        let careless = Examination {
            append_only: false,
            clocks_apart: Duration::from_secs(2),
            ..healthy()
        };
        assert_eq!(grades(&careless), [Good, Good, Warning, Warning, Good, Good]);
    }

    #[test]
    fn what_the_user_may_not_do_is_named_and_one_shard_wastes_a_cluster() {
        let redis = Examination {
            forbidden: vec!["XADD % * f v", "INFO"],
            member: true,
            ..healthy()
        };

        let told: Vec<_> = judge(&redis, 1).into_iter().map(|f| (f.grade, f.told)).collect();

        let forbidden = "may not do XADD, INFO on our keys (.config/redis-users.acl)";
        let wasted = "one shard uses one master of the cluster; set redis.shards (1 replicas connected)";
        assert_eq!(told[4], (Grade::Bad, forbidden.to_owned()));
        assert_eq!(told[5], (Grade::Warning, wasted.to_owned()));
        assert_eq!(judge(&redis, 6)[5].grade, Grade::Good);
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

        let told = doctor::examine(&redis.settings()).await.unwrap();

        assert!(told.version.starts_with(|c: char| c.is_ascii_digit()), "{told:?}");
        assert_eq!(
            (told.eviction.as_deref(), told.append_only),
            (Some("noeviction"), false)
        );
        assert!(told.clocks_apart < Duration::from_secs(1), "{told:?}");
    }
}
