//! Table `sign_ups`: who waits for a code to prove an e-mail address. Each function is one statement, so that two
//! requests at once are judged one after the other.

use super::users::{Created, columns, created};
use super::{Store, seconds};
use crate::clock::Millis;
use crate::domain::account::{Email, Gender, PasswordHash, Username};
use crate::error::Fault;
use crate::ids::UserId;
use sqlx::Row;
use std::time::Duration;

/// What somebody wants to be, once the address is proven.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub username: Username,
    pub password_hash: PasswordHash,
    pub gender: Gender,
}

/// A code, as it is kept, and its times.
#[derive(Debug, Clone, Copy)]
pub struct Code<'a> {
    /// Its keyed hash.
    pub hash: &'a str,
    pub at: Millis,
    /// Until when it is good.
    pub until: Millis,
    /// Until when the sign-up waits.
    pub kept_until: Millis,
}

/// What came of asking for another code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resent {
    /// It counts from now on; for whom.
    Now(Option<String>),
    /// The one before was sent a moment ago.
    TooSoon(Duration),
    /// Nobody with this address waits.
    Nobody,
}

/// What came of a code that somebody typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    Right,
    Wrong,
    Expired,
    Locked(Duration),
    Nobody,
}

/// How often one may be wrong, and what then.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub tries: u32,
    pub lock: Duration,
}

impl Store {
    /// Somebody waits for `code`; `wanted` is none when there is an account already. What was tried before is forgotten,
    /// but a lock holds.
    pub async fn await_code(&self, email: &Email, wanted: Option<&Wanted>, code: Code<'_>) -> Result<(), Fault> {
        let query = sqlx::query(
            "insert into sign_ups as s (email, username, password_hash, gender, code_hash, sent_at, code_until, expires_at)
             values ($1, $2, $3, $4, $5, to_timestamp($6), to_timestamp($7), to_timestamp($8))
             on conflict (email) do update set username = excluded.username, password_hash = excluded.password_hash,
                 gender = excluded.gender, code_hash = excluded.code_hash, sent_at = excluded.sent_at,
                 code_until = excluded.code_until, expires_at = excluded.expires_at, wrong = 0",
        )
        .bind(email.as_str())
        .bind(wanted.map(|wanted| wanted.username.as_str()))
        .bind(wanted.map(|wanted| wanted.password_hash.0.as_str()))
        .bind(wanted.map(|wanted| wanted.gender.as_str()))
        .bind(code.hash)
        .bind(seconds(code.at))
        .bind(seconds(code.until))
        .bind(seconds(code.kept_until));
        self.within("await code", query.execute(&self.pool)).await.map(drop)
    }

    /// Another code for somebody who waits, unless the last was sent within `cooldown`.
    pub async fn resend_code(&self, email: &Email, code: Code<'_>, cooldown: Duration) -> Result<Resent, Fault> {
        let query = sqlx::query(
            "update sign_ups s set
                 code_hash = case when soon then s.code_hash else $2 end,
                 code_until = case when soon then s.code_until else to_timestamp($4) end,
                 sent_at = case when soon then s.sent_at else to_timestamp($3) end,
                 expires_at = case when soon then s.expires_at else to_timestamp($5) end
             from (select email, sent_at + make_interval(secs => $6) > to_timestamp($3) as soon,
                     extract(epoch from sent_at)::float8 + $6 - $3 as wait
                   from sign_ups where email = $1 and expires_at > to_timestamp($3) for update) old
             where s.email = old.email returning s.username, soon, wait",
        )
        .bind(email.as_str())
        .bind(code.hash)
        .bind(seconds(code.at))
        .bind(seconds(code.until))
        .bind(seconds(code.kept_until))
        .bind(cooldown.as_secs_f64());
        let resent = async {
            let Some(row) = query.fetch_optional(&self.pool).await? else {
                return Ok(Resent::Nobody);
            };
            Ok(match row.try_get::<bool, _>("soon")? {
                true => Resent::TooSoon(wait(row.try_get("wait")?)),
                false => Resent::Now(row.try_get("username")?),
            })
        };
        self.within("resend code", resent).await
    }

    /// Judges a code that somebody typed, and counts it when it is wrong.
    pub async fn try_code(&self, email: &Email, hash: &str, now: Millis, patience: Patience) -> Result<Tried, Fault> {
        let query = sqlx::query(
            "update sign_ups s set
                 wrong = case when not judged then s.wrong when s.wrong + 1 >= $4 then 0 else s.wrong + 1 end,
                 locked_until = case when judged and s.wrong + 1 >= $4 then to_timestamp($3 + $5) else s.locked_until end
             from (select email, code_hash = $2 as same, code_until <= to_timestamp($3) as expired,
                     coalesce(locked_until > to_timestamp($3), false) as locked,
                     code_hash <> $2 and not coalesce(locked_until > to_timestamp($3), false) as judged
                   from sign_ups where email = $1 and expires_at > to_timestamp($3) for update) old
             where s.email = old.email
             returning same, expired, locked or (s.locked_until > to_timestamp($3)) is true as locked,
                 coalesce(extract(epoch from s.locked_until)::float8 - $3, 0) as wait",
        )
        .bind(email.as_str())
        .bind(hash)
        .bind(seconds(now))
        .bind(i32::try_from(patience.tries).unwrap_or(i32::MAX))
        .bind(patience.lock.as_secs_f64());
        let tried = async {
            let Some(row) = query.fetch_optional(&self.pool).await? else {
                return Ok(Tried::Nobody);
            };
            let is = |column| row.try_get::<bool, _>(column);
            Ok(match (is("locked")?, is("same")?, is("expired")?) {
                (true, ..) => Tried::Locked(wait(row.try_get("wait")?)),
                (false, true, false) => Tried::Right,
                (false, true, true) => Tried::Expired,
                (false, false, _) => Tried::Wrong,
            })
        };
        self.within("try code", tried).await
    }

    /// The address is proven: the account is made as wanted, or the one that has the address is now its user's. If that
    /// one was never proven, its password is the one given with the code's sign-up: whoever made it before could not
    /// read the mail. `instead` is another name, should the wanted one be somebody's by now. None: somebody was faster.
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
                 created_at, updated_at, last_active_at, last_coin_claim)
             select $3::uuid, s.email, coalesce($4, s.username), coalesce(s.gender, 'others'), s.password_hash, true,
                 'verified', to_timestamp($5), to_timestamp($5), to_timestamp($5), to_timestamp($5)
             from s where s.password_hash is not null or exists (select 1 from users o where o.email = s.email)
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

fn wait(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()
}
