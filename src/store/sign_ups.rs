//! Table `sign_ups`: who waits for a code to prove an e-mail address. Each function is one statement, so that of two
//! requests at once with the right code one makes the account.

use super::users::{Created, columns, created};
use super::{Store, origins, seconds};
use crate::clock::Millis;
use crate::domain::account::{Email, Gender, Origin, PasswordHash, Username};
use crate::error::Fault;
use crate::ids::UserId;
use sqlx::Row;

/// What somebody wants to be, once the address is proven.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub username: Username,
    pub password_hash: PasswordHash,
    pub gender: Gender,
    pub origin: Origin,
}

/// A code, as it is kept, and its times.
#[derive(Debug, Clone, Copy)]
pub struct Code<'a> {
    /// Its keyed hash.
    pub hash: &'a str,
    /// Until when it is good.
    pub until: Millis,
    /// Until when the sign-up waits.
    pub kept_until: Millis,
}

/// What came of a code that somebody typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    Right,
    Wrong,
    Expired,
    /// Nobody waits for one.
    Nobody,
}

impl Store {
    /// Somebody waits for `code`; `wanted` is none when there is an account already.
    pub async fn await_code(&self, email: &Email, wanted: Option<&Wanted>, code: Code<'_>) -> Result<(), Fault> {
        let query = sqlx::query(
            "insert into sign_ups as s (email, username, password_hash, gender, code_hash, code_until, expires_at, origin)
             values ($1, $2, $3, $4, $5, to_timestamp($6), to_timestamp($7), $8)
             on conflict (email) do update set username = excluded.username, password_hash = excluded.password_hash,
                 gender = excluded.gender, code_hash = excluded.code_hash, code_until = excluded.code_until,
                 expires_at = excluded.expires_at, origin = excluded.origin",
        )
        .bind(email.as_str())
        .bind(wanted.map(|wanted| wanted.username.as_str()))
        .bind(wanted.map(|wanted| wanted.password_hash.0.as_str()))
        .bind(wanted.map(|wanted| wanted.gender.as_str()))
        .bind(code.hash)
        .bind(seconds(code.until))
        .bind(seconds(code.kept_until))
        .bind(wanted.map(|wanted| origins::written(&wanted.origin)));
        self.within("await code", query.execute(&self.pool)).await.map(drop)
    }

    /// Another code for somebody who waits at `now`, by what name; none when nobody does.
    pub async fn renew_code(&self, email: &Email, code: Code<'_>, now: Millis) -> Result<Option<String>, Fault> {
        let query = sqlx::query_scalar(
            "update sign_ups set code_hash = $2, code_until = to_timestamp($3), expires_at = to_timestamp($4)
             where email = $1 and expires_at > to_timestamp($5) returning coalesce(username, '')",
        )
        .bind(email.as_str())
        .bind(code.hash)
        .bind(seconds(code.until))
        .bind(seconds(code.kept_until))
        .bind(seconds(now));
        self.within("renew code", query.fetch_optional(&self.pool)).await
    }

    /// Judges a code that somebody typed. How often that may be is counted elsewhere (`domain::limits`).
    pub async fn judge_code(&self, email: &Email, hash: &str, now: Millis) -> Result<Tried, Fault> {
        let query = sqlx::query(
            "select code_hash = $2 as same, code_until <= to_timestamp($3) as expired
             from sign_ups where email = $1 and expires_at > to_timestamp($3)",
        )
        .bind(email.as_str())
        .bind(hash)
        .bind(seconds(now));
        let tried = async {
            let Some(row) = query.fetch_optional(&self.pool).await? else {
                return Ok(Tried::Nobody);
            };
            Ok(match (row.try_get("same")?, row.try_get("expired")?) {
                (true, false) => Tried::Right,
                (true, true) => Tried::Expired,
                (false, _) => Tried::Wrong,
            })
        };
        self.within("judge code", tried).await
    }

    /// The address is proven: the account is made as wanted, or the one that has the address is now its user's. If that
    /// one was never proven, its password is the one given with the code's sign-up: whoever made it before could not
    /// read the mail; it keeps where its user came from. `instead` is another name, should the wanted one be somebody's
    /// by now. None: somebody was faster.
    pub async fn finish_sign_up(
        &self,
        email: &Email,
        hash: &str,
        instead: Option<&Username>,
        at: Millis,
    ) -> Result<Option<Created>, Fault> {
        let query = sqlx::query(concat!(
            "with s as (delete from sign_ups where email = $1 and code_hash = $2 returning *)
             insert into users as u (id, email, username, gender, password_hash, email_verified, verification_status,
                 created_at, updated_at, last_active_at, last_coin_claim, ",
            origins::columns!(),
            ")
             select $3::uuid, s.email, coalesce($4, s.username), coalesce(s.gender, 'others'), s.password_hash, true,
                 'verified', to_timestamp($5), to_timestamp($5), to_timestamp($5), to_timestamp($5), ",
            origins::values!("s.origin"),
            " from s where s.password_hash is not null or exists (select 1 from users o where o.email = s.email)
             on conflict (email) do update set email_verified = true, verification_status = 'verified',
                 password_hash = case when u.email_verified then u.password_hash
                     else coalesce(excluded.password_hash, u.password_hash) end,
                 password_changed_at = case when u.email_verified or excluded.password_hash is null
                     then u.password_changed_at else to_timestamp($5) end,
                 updated_at = to_timestamp($5)
             returning ",
            columns!()
        ))
        .bind(email.as_str())
        .bind(hash)
        .bind(UserId::registered().to_string())
        .bind(instead.map(Username::as_str))
        .bind(seconds(at));
        let row = async { query.fetch_one(&self.pool).await };
        let done = async {
            match created(row).await {
                Ok(done) => Ok(Some(done)),
                Err(sqlx::Error::RowNotFound) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.within("finish sign-up", done).await
    }
}
