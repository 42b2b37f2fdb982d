//! Postgres: what outlives a chat. One file per table; a query stands beside the function that runs it.
//!
//! The pool connects when it is first used, so a node starts, and chats go on, without Postgres. Every query has a
//! deadline. Nothing here knows Redis or the journal that the facts come from.

pub mod activity;
mod conversations;
pub mod farewell;
mod google;
pub mod guests;
pub mod logins;
mod origins;
mod phones;
pub mod profiles;
mod reports;
pub mod resets;
mod retention;
pub mod rooms;
pub mod sign_ups;
pub mod users;

pub use retention::{Forgotten, Old};

use crate::clock::Millis;
use crate::config;
use crate::error::Fault;
use crate::metrics;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgQueryResult};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use std::borrow::Cow;
use std::time::{Duration, Instant};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The connection pool and its deadlines. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    query_timeout: Duration,
}

/// What became of a fact that was to be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It was written now.
    New,
    /// It was there already.
    Already,
    /// Postgres will never take it: trying again is useless. Whoever reads the journal drops it and says so.
    Unfit,
}

/// How the tables compare to this release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tables {
    /// They are what it needs.
    OfThisRelease,
    /// A later release has brought them so many migrations further.
    Newer(usize),
    /// They lack so many of its migrations.
    Behind(usize),
    /// This migration was another one when it was applied.
    Changed(i64),
    /// This migration began and did not end.
    Unfinished(i64),
}

impl Store {
    /// A pool that connects when first used. Needs a running tokio runtime.
    pub fn open(settings: &config::Postgres) -> Result<Self, Fault> {
        // The URL may hold a password: the error must not repeat it.
        let options: PgConnectOptions = settings
            .url
            .reveal()
            .parse()
            .map_err(|_| Fault::new("read postgres.url", "it is not a Postgres URL"))?;
        let options = options.application_name("palaver").disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.connect_timeout)
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            query_timeout: settings.query_timeout,
        })
    }

    /// Brings the tables to this release. Harmless when they are there, or newer.
    pub async fn migrate(&self) -> Result<(), Fault> {
        let mut migrator = Migrator::with_migrations(MIGRATIONS.iter().cloned().collect());
        migrator.set_ignore_missing(true);
        migrator
            .run(&self.pool)
            .await
            .map_err(|error| Fault::new("migrate", error))
    }

    /// How the tables compare to this release.
    pub async fn tables(&self) -> Result<Tables, Fault> {
        let applied = async {
            let listed = sqlx::query_as("select version, checksum, success from _sqlx_migrations order by version");
            match listed.fetch_all(&self.pool).await {
                Err(error) if code(&error).as_deref() == Some(NO_SUCH_TABLE) => Ok(Vec::new()),
                answer => answer,
            }
        };
        Ok(compare(&self.within("list migrations", applied).await?))
    }

    /// Whether Postgres lets us in. The pool would try again until its deadline, and then know no reason.
    pub async fn reachable(&self) -> Result<(), Fault> {
        let options = self.pool.connect_options();
        let connecting = async { PgConnection::connect_with(&options).await?.close().await };
        self.within("reach Postgres", connecting).await
    }

    /// Gives the connections back. Queries after this fail.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Runs one statement within the deadline and measures it.
    async fn within<T>(
        &self,
        op: &'static str,
        query: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Fault> {
        let started = Instant::now();
        let answer = tokio::time::timeout(self.query_timeout, query).await;
        metrics::QUERY_DURATION.took(op, started.elapsed());
        match answer {
            Ok(answer) => answer.map_err(|error| Fault::new(op, cause(&error))),
            Err(_) => Err(Fault::new(op, "no answer within postgres.query_timeout")),
        }
    }

    /// Runs an insert that returns no row when there is nothing new in it.
    async fn insert(
        &self,
        op: &'static str,
        query: impl Future<Output = Result<PgQueryResult, sqlx::Error>>,
    ) -> Result<Saved, Fault> {
        let outcome = async {
            match query.await {
                Ok(done) if done.rows_affected() == 0 => Ok(Saved::Already),
                Ok(_) => Ok(Saved::New),
                Err(error) if is_unfit(&error) => Ok(Saved::Unfit),
                Err(error) => Err(error),
            }
        };
        self.within(op, outcome).await
    }
}

/// What was applied: its version, its checksum and whether it ended. The first thing by which migrating would fail comes
/// first.
fn compare(applied: &[(i64, Vec<u8>, bool)]) -> Tables {
    let ours = |version: i64| MIGRATIONS.iter().find(|migration| migration.version == version);
    if let Some((version, ..)) = applied.iter().find(|(.., ended)| !ended) {
        return Tables::Unfinished(*version);
    }
    let changed = |(version, checksum, _): &&(i64, Vec<u8>, bool)| {
        ours(*version).is_some_and(|ours| *ours.checksum != **checksum)
    };
    if let Some((version, ..)) = applied.iter().find(changed) {
        return Tables::Changed(*version);
    }
    let known = applied.iter().filter(|(version, ..)| ours(*version).is_some()).count();
    match (MIGRATIONS.iter().count() - known, applied.len() - known) {
        (0, 0) => Tables::OfThisRelease,
        (0, newer) => Tables::Newer(newer),
        (behind, _) => Tables::Behind(behind),
    }
}

/// Why a statement failed, in words that hold nothing a user wrote: Postgres repeats values in its messages.
fn cause(error: &sqlx::Error) -> String {
    let Some(told) = error.as_database_error() else {
        return error.to_string();
    };
    let code = told.code().unwrap_or_default();
    let said = turned_away(&code).map_or_else(|| format!("Postgres says {code}"), str::to_owned);
    let about = told.constraint().or(told.table()).unwrap_or_default();
    format!("{said} {about}").trim_end().to_owned()
}

/// Why Postgres does not let somebody in, by SQLSTATE.
fn turned_away(code: &str) -> Option<&'static str> {
    match code {
        "28000" => Some("it does not let this user in from here"),
        "28P01" => Some("the user or the password is wrong"),
        "3D000" => Some("there is no such database"),
        "42501" => Some("this user may not do that"),
        "53300" => Some("it has too many connections"),
        "57P03" => Some("it is starting or ending"),
        _ => None,
    }
}

/// Data or constraint errors (SQLSTATE classes 22 and 23) do not go away by waiting.
fn is_unfit(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

/// SQLSTATE of a query against a table that is not there.
const NO_SUCH_TABLE: &str = "42P01";

/// What Postgres calls this error (SQLSTATE).
fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}

/// Postgres's text has no NUL.
fn storable(text: &str) -> Cow<'_, str> {
    match text.contains('\0') {
        true => Cow::Owned(text.replace('\0', "")),
        false => Cow::Borrowed(text),
    }
}

/// A time as the number that `to_timestamp` takes.
fn seconds(at: Millis) -> f64 {
    at.0 as f64 / 1000.0
}

#[cfg(test)]
mod accounts_tests;
#[cfg(test)]
mod logins_tests;
#[cfg(test)]
mod origins_tests;
#[cfg(test)]
pub(crate) mod postgres;
#[cfg(test)]
mod profiles_tests;
#[cfg(test)]
mod proofs_tests;
#[cfg(test)]
mod tests;
