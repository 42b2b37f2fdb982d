//! Table `logins`: what tokens stand for. A login ends by itself, or before its time with a reason.

use super::users::{account, columns};
use super::{Store, seconds};
use crate::clock::Millis;
use crate::domain::account::{Account, Family, Why};
use crate::error::Fault;
use crate::ids::{LoginId, UserId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::time::Duration;

/// A login in the making.
#[derive(Debug, Clone)]
pub struct NewLogin<'a> {
    pub id: &'a LoginId,
    pub user: &'a UserId,
    pub family: Family,
    /// What the client calls itself, cut.
    pub device: Option<&'a str>,
    pub at: Millis,
    pub until: Millis,
    /// Whether the user's other logins of the family end with it.
    pub alone: bool,
}

/// How a login is renewed.
#[derive(Debug, Clone, Copy)]
pub struct Renewal {
    /// How long the token before is still answered.
    pub leeway: Duration,
    /// How long the login holds from now.
    pub holds_for: Duration,
    /// How long it holds at most, from its beginning.
    pub in_all: Duration,
}

/// How a login stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Good,
    /// Its time is over, or it is not known.
    Over,
    /// It was ended.
    Ended(Why),
}

/// What came of exchanging a refresh token.
#[derive(Debug, Clone, PartialEq)]
pub enum Rotated {
    /// It is the current one, and there is a new one now; or it was until a moment ago, and the new one is told again.
    To {
        account: Box<Account>,
        generation: i32,
        /// When the generation began.
        at: Millis,
        until: Millis,
    },
    /// An older one: somebody has used it before. The login has ended, now.
    Reused(UserId),
    /// The login has ended, or never was.
    Over(Standing),
}

fn why(row: &PgRow) -> Result<Option<Why>, sqlx::Error> {
    let word: Option<String> = row.try_get("revoked_why")?;
    Ok(word.as_deref().and_then(Why::parse))
}

fn login_ids(ids: Vec<String>) -> Vec<LoginId> {
    ids.iter().filter_map(|id| LoginId::parse_uuid(id)).collect()
}

impl Store {
    /// Begins a login; the ids of those that ended with it.
    pub async fn begin_login(&self, new: &NewLogin<'_>) -> Result<Vec<LoginId>, Fault> {
        let query = sqlx::query_scalar(
            "with ended as (update logins set revoked_at = to_timestamp($5), revoked_why = 'replaced'
                 where $7 and user_id = $2::uuid and family = $3 and revoked_at is null and expires_at > to_timestamp($5)
                 returning id),
             seen as (update users set last_login_at = to_timestamp($5), last_login_device = $4,
                 last_active_at = to_timestamp($5) where id = $2::uuid),
             begun as (insert into logins (id, user_id, family, device, rotated_at, created_at, expires_at)
                 values ($1::uuid, $2::uuid, $3, $4, to_timestamp($5), to_timestamp($5), to_timestamp($6)))
             select coalesce(array_agg(id::text), '{}') from ended",
        )
        .bind(new.id.as_str())
        .bind(new.user.as_str())
        .bind(new.family.as_str())
        .bind(new.device)
        .bind(seconds(new.at))
        .bind(seconds(new.until))
        .bind(new.alone);
        self.within("begin login", query.fetch_one(&self.pool))
            .await
            .map(login_ids)
    }

    /// A user, and how a login of that user stands. None for the login: only the user is asked for.
    pub async fn standing(
        &self,
        user: &UserId,
        login: Option<&LoginId>,
        now: Millis,
    ) -> Result<Option<(Account, Standing)>, Fault> {
        let query = sqlx::query(concat!(
            "select ",
            columns!(),
            ", l.revoked_why, l.id is not null and l.expires_at > to_timestamp($3) and l.revoked_at is null as good
             from users u left join logins l on l.id = $2::uuid and l.user_id = u.id where u.id = $1::uuid"
        ))
        .bind(user.as_str())
        .bind(login.map(LoginId::as_str))
        .bind(seconds(now));
        let read = |row: PgRow| {
            let standing = match (login, row.try_get::<bool, _>("good")?, why(&row)?) {
                (None, ..) | (Some(_), true, _) => Standing::Good,
                (Some(_), false, Some(why)) => Standing::Ended(why),
                (Some(_), false, None) => Standing::Over,
            };
            Ok((account(&row)?, standing))
        };
        let found = async { query.fetch_optional(&self.pool).await?.map(read).transpose() };
        self.within("login and user", found).await
    }

    /// Exchanges the refresh token of `generation`. Two who do it at once (two tabs) get the same new one; after the
    /// leeway whoever comes with the old one has taken it from somebody, or was taken from.
    pub async fn rotate_login(
        &self,
        login: &LoginId,
        generation: i32,
        now: Millis,
        renewal: Renewal,
    ) -> Result<Rotated, Fault> {
        // One statement: the row is locked before it is judged, so two at once are judged one after the other.
        let query = sqlx::query(concat!(
            "update logins l set
                 generation = case when l.generation = $2 then $2 + 1 else l.generation end,
                 rotated_at = case when l.generation = $2 then to_timestamp($3) else l.rotated_at end,
                 expires_at = case when l.generation = $2 then least(to_timestamp($5), l.created_at + make_interval(secs => $6))
                     else l.expires_at end,
                 revoked_at = case when l.generation = $2 or (l.generation = $2 + 1 and l.rotated_at >= to_timestamp($4))
                     then null else to_timestamp($3) end,
                 revoked_why = case when l.generation = $2 or (l.generation = $2 + 1 and l.rotated_at >= to_timestamp($4))
                     then null else 'reuse' end
             from users u
             where l.id = $1::uuid and u.id = l.user_id and l.revoked_at is null and l.expires_at > to_timestamp($3)
                 and l.created_at + make_interval(secs => $6) > to_timestamp($3)
             returning l.generation, l.revoked_why, (extract(epoch from l.rotated_at) * 1000)::bigint as rotated,
                 (extract(epoch from l.expires_at) * 1000)::bigint as until, ",
            columns!()
        ))
        .bind(login.as_str())
        .bind(generation)
        .bind(seconds(now))
        .bind(seconds(now - renewal.leeway))
        .bind(seconds(now + renewal.holds_for))
        .bind(renewal.in_all.as_secs_f64());
        let rotated = async {
            let Some(row) = query.fetch_optional(&self.pool).await? else {
                return Ok(Rotated::Over(self.why_over(login).await?));
            };
            let account = account(&row)?;
            let time = |column| {
                row.try_get::<i64, _>(column)
                    .map(|ms| Millis(u64::try_from(ms).unwrap_or(0)))
            };
            Ok(match why(&row)? {
                Some(_) => Rotated::Reused(account.id),
                None => Rotated::To {
                    account: Box::new(account),
                    generation: row.try_get("generation")?,
                    at: time("rotated")?,
                    until: time("until")?,
                },
            })
        };
        self.within("rotate login", rotated).await
    }

    async fn why_over(&self, login: &LoginId) -> Result<Standing, sqlx::Error> {
        let query = sqlx::query("select revoked_why from logins where id = $1::uuid").bind(login.as_str());
        let row = query.fetch_optional(&self.pool).await?;
        let why = row.as_ref().map(why).transpose()?.flatten();
        Ok(why.map_or(Standing::Over, Standing::Ended))
    }

    /// Ends one login. True when it held until now.
    pub async fn end_login(&self, login: &LoginId, why: Why, now: Millis) -> Result<bool, Fault> {
        let query = sqlx::query(
            "update logins set revoked_at = to_timestamp($3), revoked_why = $2 where id = $1::uuid and revoked_at is null",
        )
        .bind(login.as_str())
        .bind(why.as_str())
        .bind(seconds(now));
        let done = self.within("end login", query.execute(&self.pool)).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends all logins of a user but `except`; which those were.
    pub async fn end_logins(
        &self,
        user: &UserId,
        except: Option<&LoginId>,
        why: Why,
        now: Millis,
    ) -> Result<Vec<LoginId>, Fault> {
        let query = sqlx::query_scalar(
            "with ended as (update logins set revoked_at = to_timestamp($4), revoked_why = $3
                 where user_id = $1::uuid and id is distinct from $2::uuid and revoked_at is null
                 and expires_at > to_timestamp($4) returning id)
             select coalesce(array_agg(id::text), '{}') from ended",
        )
        .bind(user.as_str())
        .bind(except.map(LoginId::as_str))
        .bind(why.as_str())
        .bind(seconds(now));
        self.within("end logins", query.fetch_one(&self.pool))
            .await
            .map(login_ids)
    }
}
