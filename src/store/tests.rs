//! Against a real Postgres, each test with a database of its own.

use super::postgres::{Postgres, store};
use super::*;
use crate::domain::fact::{Conversation, Report};
use crate::domain::room::{Ending, Line, Offset, RoomKind};
use crate::domain::safety::Violation;
use crate::ids::{FactId, MessageId, RoomId, Shard, UserId};
use serde_json::{Value, json};
use sqlx::Row;

fn conversation() -> Conversation {
    Conversation {
        room: RoomId::fresh(Shard(3)),
        kind: RoomKind::Text,
        opened: Millis(1_700_000_000_123),
        ended: Millis(1_700_000_060_456),
        ending: Ending::Left(UserId::parse("user-1").unwrap()),
        lines: 7,
        people: vec![UserId::parse("user-1").unwrap(), UserId::parse("guest-2").unwrap()],
    }
}

fn report() -> Report {
    Report {
        id: FactId::fresh(),
        room: RoomId::fresh(Shard(0)),
        reporter: UserId::parse("user-1").unwrap(),
        reported: UserId::parse("guest-2").unwrap(),
        kind: RoomKind::Text,
        opened: Millis(1_700_000_000_000),
        violation: Violation::Spam,
        description: "sells \0things".into(),
        lines: vec![Line {
            offset: Offset {
                ms: 1_700_000_000_000,
                seq: 0,
            },
            message: MessageId::parse("1700000000000_abc").unwrap(),
            sender: UserId::parse("guest-2").unwrap(),
            text: "buy\0 ☃".into(),
            at: Millis(1_700_000_000_000),
        }],
        at: Millis(1_700_000_001_000),
    }
}

async fn one_row(store: &Store, query: &'static str) -> Value {
    sqlx::query(query).fetch_one(&store.pool).await.unwrap().get(0)
}

#[tokio::test]
async fn a_conversation_is_kept_once_however_often_it_is_saved() {
    let postgres = Postgres::start().await;
    let store = postgres.database().await;
    store.migrate().await.unwrap();
    let told = conversation();

    let saved = [
        store.save_conversation(&told).await.unwrap(),
        store.save_conversation(&told).await.unwrap(),
    ];

    assert_eq!(saved, [Saved::New, Saved::Already]);
    let row = one_row(
        &store,
        "select jsonb_agg(to_jsonb(c) || jsonb_build_object(
             'opened_at', (extract(epoch from opened_at) * 1000)::bigint, 'ended_at', (extract(epoch from ended_at) * 1000)::bigint))
         from conversations c",
    );
    assert_eq!(
        row.await,
        json!([{
            "room": told.room.to_string(), "kind": "text", "opened_at": 1_700_000_000_123u64,
            "ended_at": 1_700_000_060_456u64, "end_reason": "left", "ended_by": "user-1", "messages": 7,
            "people": ["user-1", "guest-2"],
        }])
    );
}

#[tokio::test]
async fn a_report_keeps_its_lines_until_their_time_is_over() {
    let postgres = Postgres::start().await;
    let store = postgres.database().await;
    store.migrate().await.unwrap();
    let told = report();

    let saved = [
        store.save_report(&told).await.unwrap(),
        store.save_report(&told).await.unwrap(),
    ];
    let kept = one_row(&store, "select messages from reports").await;
    store.save_conversation(&conversation()).await.unwrap();
    let forget = async |talks| {
        let old = Old {
            talks: Millis(talks),
            archives: Millis(0),
        };
        store.forget(old, Millis(1_700_000_000_000)).await.unwrap()
    };
    let early = forget(1_700_000_001_000).await;
    let late = forget(1_700_000_100_000).await;
    let again = forget(1_700_000_100_000).await;

    assert_eq!(saved, [Saved::New, Saved::Already]);
    assert_eq!(
        kept,
        json!([{"messageId": "1700000000000_abc", "senderId": "guest-2", "content": "buy ☃", "timestamp": 1_700_000_000_000u64}])
    );
    assert_eq!(early, Forgotten::default());
    assert_eq!(
        late,
        Forgotten {
            conversations: 1,
            evidence: 1,
            archives: 0,
            ended: 0
        }
    );
    assert_eq!(again, Forgotten::default());
    let left = one_row(
        &store,
        "select jsonb_agg(jsonb_build_array(status, description, messages)) from reports",
    )
    .await;
    assert_eq!(left, json!([["pending", "sells things", null]]));
}

#[tokio::test]
async fn migrating_twice_is_harmless_and_what_is_missing_is_counted() {
    let postgres = Postgres::start().await;
    let store = postgres.database().await;

    let before = store.tables().await.unwrap();
    store.migrate().await.unwrap();
    store.migrate().await.unwrap();

    assert_eq!(before, Tables::Behind(MIGRATIONS.iter().count()));
    assert_eq!(store.tables().await.unwrap(), Tables::OfThisRelease);
}

#[tokio::test]
async fn tables_of_another_release_are_told_apart_and_so_are_those_that_cannot_be_migrated() {
    let postgres = Postgres::start().await;
    // How the tables look after a change, and whether they can be migrated: who cannot keeps the lock on the database.
    let after = async |change: &'static str| {
        let store = postgres.database().await;
        store.migrate().await.unwrap();
        sqlx::query(change).execute(&store.pool).await.unwrap();
        (store.tables().await.unwrap(), store.migrate().await.is_ok())
    };

    let newer = after(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'of tomorrow', true, '', 0)",
    );
    assert_eq!(newer.await, (Tables::Newer(1), true));
    let changed = after("update _sqlx_migrations set checksum = 'other' where version = 2");
    assert_eq!(changed.await, (Tables::Changed(2), false));
    let unfinished = after("update _sqlx_migrations set success = false where version = 3");
    assert_eq!(unfinished.await, (Tables::Unfinished(3), false));
}

#[tokio::test]
async fn a_fact_that_postgres_will_never_take_is_told_apart_from_a_failure() {
    let postgres = Postgres::private().await;
    let store = postgres.database().await;
    store.migrate().await.unwrap();
    let nonsense = Report {
        id: FactId::parse("no-uuid").unwrap(),
        ..report()
    };

    let unfit = store.save_report(&nonsense).await.unwrap();
    drop(postgres);
    let failed = store.save_report(&report()).await.unwrap_err();

    assert_eq!(unfit, Saved::Unfit);
    assert_eq!(failed.op, "save report");
}

#[tokio::test]
async fn without_postgres_a_query_fails_within_its_deadline_and_keeps_the_password_secret() {
    let absent = store("postgres://app:hunter2@127.0.0.1:1/none");

    let fault = absent.reachable().await.unwrap_err();

    assert_eq!(fault.op, "reach Postgres");
    assert!(!fault.to_string().contains("hunter2"), "{fault}");
    let wrong = config::Postgres {
        url: config::Secret::new("postgres://a:hunter2@:x"),
        ..config::Settings::default().postgres
    };
    assert!(!Store::open(&wrong).unwrap_err().to_string().contains("hunter2"));
}

#[test]
fn every_migration_file_is_built_in_and_says_why() {
    let dir = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap();

    let files: Vec<_> = dir.map(|file| file.unwrap().path()).collect();

    assert_eq!(files.len(), MIGRATIONS.iter().count());
    for file in files {
        assert!(
            std::fs::read_to_string(&file).unwrap().starts_with("-- Why: "),
            "{}",
            file.display()
        );
    }
}
