//! Table `users`: what people write about themselves, what their apps keep for them, and the coins of the day. What may be
//! written is judged in `domain::account`.

use super::users::{account, columns, taken};
use super::{Store, seconds};
use crate::clock::Millis;
use crate::domain::account::{Account, Email, Gender, ProfileChange, Username};
use crate::error::Fault;
use crate::ids::UserId;
use serde_json::{Map, Value};

/// What came of changing something of which there is only one.
#[derive(Debug, Clone, PartialEq)]
pub enum Named {
    /// It is so now.
    As(Box<Account>),
    /// Somebody else has it.
    Taken,
    /// There is no such user.
    Nobody,
}

/// A field of a row: whether it changes, and what to.
macro_rules! bind_change {
    ($query:expr, $change:expr) => {
        $query.bind($change.new_value().is_some()).bind($change.new_value())
    };
}

impl Store {
    /// The user with this id.
    pub async fn user_by_id(&self, user: &UserId) -> Result<Option<Account>, Fault> {
        let query =
            sqlx::query(concat!("select ", columns!(), " from users u where u.id = $1::uuid")).bind(user.as_str());
        self.one_user("user by id", query).await
    }

    /// The user with this name, letter by letter.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<Account>, Fault> {
        // The index knows names without their case.
        let query = sqlx::query(concat!(
            "select ",
            columns!(),
            " from users u where lower(u.username) = lower($1) and u.username = $1"
        ))
        .bind(name);
        self.one_user("user by name", query).await
    }

    /// Coins are made up to `least`, at the first request of a day. None: somebody was faster, or there is no such user.
    pub async fn refill_coins(
        &self,
        user: &UserId,
        least: i32,
        now: Millis,
        day: Millis,
    ) -> Result<Option<Account>, Fault> {
        let query = sqlx::query(concat!(
            "update users u set coins = greatest(coins, $2), daily_chats = 0, last_coin_claim = to_timestamp($3),
                 last_active_at = to_timestamp($3)
             where id = $1::uuid and last_coin_claim < to_timestamp($4) returning ",
            columns!()
        ))
        .bind(user.as_str())
        .bind(least)
        .bind(seconds(now))
        .bind(seconds(day));
        self.one_user("refill coins", query).await
    }

    /// Lays `change` over what the user's apps keep.
    pub async fn change_preferences(
        &self,
        user: &UserId,
        change: Map<String, Value>,
        at: Millis,
    ) -> Result<Option<Account>, Fault> {
        let query = sqlx::query(concat!(
            "update users u set preferences = preferences || $2, updated_at = to_timestamp($3)
             where id = $1::uuid returning ",
            columns!()
        ))
        .bind(user.as_str())
        .bind(Value::Object(change))
        .bind(seconds(at));
        self.one_user("change preferences", query).await
    }

    /// The gender is said, once. None: it was before, or there is no such user.
    pub async fn say_gender(&self, user: &UserId, gender: Gender, at: Millis) -> Result<Option<Account>, Fault> {
        let query = sqlx::query(concat!(
            "update users u set gender = $2, preferences = preferences || '{\"genderConfirmed\": true}',
                 updated_at = to_timestamp($3)
             where id = $1::uuid and gender = 'others' returning ",
            columns!()
        ))
        .bind(user.as_str())
        .bind(gender.as_str())
        .bind(seconds(at));
        self.one_user("say gender", query).await
    }

    /// Changes a profile.
    pub async fn change_profile(
        &self,
        user: &UserId,
        change: &ProfileChange,
        at: Millis,
    ) -> Result<Option<Account>, Fault> {
        let query = sqlx::query(concat!(
            "update users u set updated_at = to_timestamp($2),
                 display_name = case when $3 then $4 else display_name end,
                 bio = case when $5 then $6 else bio end,
                 avatar_url = case when $7 then $8 else avatar_url end,
                 native_languages = case when $9 then $10 else native_languages end,
                 learning_languages = case when $11 then $12 else learning_languages end,
                 interests = case when $13 then $14 else interests end,
                 privacy_level = coalesce($15, privacy_level)
             where id = $1::uuid returning ",
            columns!()
        ))
        .bind(user.as_str())
        .bind(seconds(at));
        let query = bind_change!(query, change.display_name);
        let query = bind_change!(query, change.bio);
        let query = bind_change!(query, change.avatar_url);
        let query = bind_change!(query, change.native_languages);
        let query = bind_change!(query, change.learning_languages);
        let query = bind_change!(query, change.interests);
        let query = query.bind(change.privacy.new_value().map(|privacy| privacy.as_str()));
        self.one_user("change profile", query).await
    }

    /// Another name.
    pub async fn set_username(&self, user: &UserId, name: &Username, at: Millis) -> Result<Named, Fault> {
        let query = sqlx::query(concat!(
            "update users u set username = $2, updated_at = to_timestamp($3) where id = $1::uuid returning ",
            columns!()
        ))
        .bind(user.as_str())
        .bind(name.as_str())
        .bind(seconds(at));
        self.named("set username", query).await
    }

    /// Another address, which was proven by the code with this hash; it waits for a code no longer. Links to a new
    /// password that were sent to the one before are good no longer.
    pub async fn set_email(&self, user: &UserId, email: &Email, hash: &str, at: Millis) -> Result<Named, Fault> {
        let query = sqlx::query(concat!(
            "with proven as (delete from sign_ups where email = $2 and code_hash = $3 returning email),
             unsent as (delete from resets using proven where user_id = $1::uuid)
             update users u set email = proven.email, email_verified = true, verification_status = 'verified',
                 updated_at = to_timestamp($4)
             from proven where id = $1::uuid returning ",
            columns!()
        ))
        .bind(user.as_str())
        .bind(email.as_str())
        .bind(hash)
        .bind(seconds(at));
        self.named("set email", query).await
    }

    /// Whoever has proven something is verified. False: nothing is proven.
    pub async fn verify_user(&self, user: &UserId, at: Millis) -> Result<bool, Fault> {
        let query = sqlx::query(
            "update users set verification_status = 'verified', updated_at = to_timestamp($2)
             where id = $1::uuid and (email_verified or phone_hash is not null)",
        )
        .bind(user.as_str())
        .bind(seconds(at));
        let done = self.within("verify user", query.execute(&self.pool)).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Another picture, or none; the address of the one before it.
    pub async fn set_picture(&self, user: &UserId, url: Option<&str>, at: Millis) -> Result<Option<String>, Fault> {
        let query = sqlx::query_scalar(
            "update users u set avatar_url = $2, updated_at = to_timestamp($3)
             from (select id, avatar_url from users where id = $1::uuid for update) old
             where u.id = old.id returning old.avatar_url",
        )
        .bind(user.as_str())
        .bind(url)
        .bind(seconds(at));
        let old: Option<Option<String>> = self.within("set picture", query.fetch_optional(&self.pool)).await?;
        Ok(old.flatten())
    }

    async fn named(
        &self,
        op: &'static str,
        query: sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments>,
    ) -> Result<Named, Fault> {
        let row = async {
            match query.fetch_optional(&self.pool).await {
                Ok(Some(row)) => Ok(Named::As(Box::new(account(&row)?))),
                Ok(None) => Ok(Named::Nobody),
                Err(error) => taken(&error).map(|_| Named::Taken).ok_or(error),
            }
        };
        self.within(op, row).await
    }
}
