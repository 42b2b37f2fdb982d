//! Tables `users` and `deleted_users`: an account goes, and what it was is kept for those who must answer for what was
//! done with it. Its logins go with it.

use super::{Store, seconds};
use crate::clock::Millis;
use crate::error::Fault;
use crate::ids::{LoginId, UserId};
use sqlx::Row;

/// What is left to be undone of an account that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Its picture.
    pub avatar_url: Option<String>,
    /// Logins that held until now.
    pub logins: Vec<LoginId>,
}

impl Store {
    /// The user's logins that hold.
    pub async fn logins_of(&self, user: &UserId, now: Millis) -> Result<Vec<LoginId>, Fault> {
        let query = sqlx::query_scalar(
            "select id::text from logins
             where user_id = $1::uuid and revoked_at is null and expires_at > to_timestamp($2)",
        )
        .bind(user.as_str())
        .bind(seconds(now));
        let ids: Vec<String> = self.within("logins of user", query.fetch_all(&self.pool)).await?;
        Ok(ids.iter().filter_map(|id| LoginId::parse_uuid(id)).collect())
    }

    /// Archives and deletes an account, without its password. None: it is gone already.
    pub async fn delete_user(
        &self,
        user: &UserId,
        reason: &str,
        by: &UserId,
        now: Millis,
    ) -> Result<Option<Gone>, Fault> {
        let query = sqlx::query(
            "with gone as (delete from users where id = $1::uuid returning *),
             kept as (insert into deleted_users (id, reason, deleted_by, account, deleted_at)
                 select id, $2, $3, to_jsonb(gone) - 'password_hash', to_timestamp($4) from gone),
             waiting as (delete from sign_ups using gone where sign_ups.email = gone.email)
             select gone.avatar_url, coalesce((select array_agg(l.id::text) from logins l
                 where l.user_id = gone.id and l.revoked_at is null and l.expires_at > to_timestamp($4)), '{}') as logins
             from gone",
        )
        .bind(user.as_str())
        .bind(reason)
        .bind(by.as_str())
        .bind(seconds(now));
        let gone = async {
            let Some(row) = query.fetch_optional(&self.pool).await? else {
                return Ok(None);
            };
            let logins: Vec<String> = row.try_get("logins")?;
            Ok(Some(Gone {
                avatar_url: row.try_get("avatar_url")?,
                logins: logins.iter().filter_map(|id| LoginId::parse_uuid(id)).collect(),
            }))
        };
        self.within("delete user", gone).await
    }
}
