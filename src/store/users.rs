//! Table `users`: who somebody is. Whether that may be so is judged in `domain::account`.

use super::{Store, code, origins, seconds};
use crate::clock::Millis;
use crate::domain::account::{
    Account, Calls, Email, Gender, Name, Origin, PasswordHash, Privacy, Provider, Role, Status, Subscription, Username,
};
use crate::error::Fault;
use crate::ids::UserId;
use sqlx::Row;
use sqlx::postgres::PgRow;

/// What [`account`] reads, of a table `u`.
macro_rules! columns {
    () => {
        "u.id::text, u.email, u.username, u.display_name, u.avatar_url, u.bio, u.native_languages, u.learning_languages,
         u.interests, u.privacy_level, u.calls_completed, u.call_minutes, u.gender, u.password_hash, u.provider, u.email_verified, u.verification_status = 'verified' as verified,
         u.subscription_level = 'premium' as premium, u.subscription_type, u.role, u.status, u.ban_reason, u.coins,
         u.total_chats, u.daily_chats, u.preferences,
         (extract(epoch from u.password_changed_at) * 1000)::bigint as password_changed,
         (extract(epoch from u.subscription_until) * 1000)::bigint as subscription_until,
         (extract(epoch from u.banned_until) * 1000)::bigint as banned_until,
         (extract(epoch from u.last_coin_claim) * 1000)::bigint as last_coin_claim,
         (extract(epoch from u.created_at) * 1000)::bigint as created,
         (extract(epoch from u.updated_at) * 1000)::bigint as updated,
         (extract(epoch from u.last_active_at) * 1000)::bigint as last_active"
    };
}
pub(super) use columns;

/// Somebody new.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub email: Option<Email>,
    pub username: Option<Username>,
    pub display_name: Option<Name>,
    pub gender: Gender,
    pub password_hash: Option<PasswordHash>,
    pub provider: Provider,
    /// Whether the address is proven.
    pub email_verified: bool,
    /// For an account that a device keeps.
    pub device_hash: Option<String>,
    /// For one that Google vouches for.
    pub google: Option<GoogleName>,
    pub origin: Origin,
    pub at: Millis,
}

/// What Google calls somebody.
#[derive(Debug, Clone)]
pub struct GoogleName {
    /// For ever.
    pub sub: String,
    /// The address there.
    pub email: Email,
    /// Address of a picture.
    pub picture: Option<String>,
}

/// What came of making an account.
#[derive(Debug, Clone, PartialEq)]
pub enum Created {
    /// It is there.
    New(Box<Account>),
    /// Somebody has the address.
    EmailTaken,
    /// Somebody has the name, in whatever case.
    UsernameTaken,
    /// The device has an account.
    DeviceTaken,
    /// Whom Google vouches for has an account.
    GoogleTaken,
}

/// A word or number that no release of us wrote.
fn odd(column: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("users.{column} holds something unknown").into())
}

fn time(row: &PgRow, column: &str) -> Result<Option<Millis>, sqlx::Error> {
    let ms: Option<i64> = row.try_get(column)?;
    Ok(ms.map(|ms| Millis(u64::try_from(ms).unwrap_or(0))))
}

/// Reads what [`columns`] names.
pub(super) fn account(row: &PgRow) -> Result<Account, sqlx::Error> {
    let word = |column: &str| row.try_get::<String, _>(column);
    let always = |column: &str| time(row, column)?.ok_or_else(|| odd(column));
    Ok(Account {
        id: UserId::parse(&word("id")?).ok_or_else(|| odd("id"))?,
        email: row.try_get("email")?,
        username: row.try_get("username")?,
        display_name: row.try_get("display_name")?,
        avatar_url: row.try_get("avatar_url")?,
        bio: row.try_get("bio")?,
        native_languages: row.try_get("native_languages")?,
        learning_languages: row.try_get("learning_languages")?,
        interests: row.try_get("interests")?,
        privacy: Privacy::parse(&word("privacy_level")?).ok_or_else(|| odd("privacy_level"))?,
        gender: Gender::parse(&word("gender")?).ok_or_else(|| odd("gender"))?,
        password_hash: row.try_get::<Option<String>, _>("password_hash")?.map(PasswordHash),
        password_changed: time(row, "password_changed")?,
        provider: Provider::parse(&word("provider")?).ok_or_else(|| odd("provider"))?,
        email_verified: row.try_get("email_verified")?,
        verified: row.try_get("verified")?,
        premium: row.try_get("premium")?,
        subscription: Subscription {
            kind: word("subscription_type")?,
            until: time(row, "subscription_until")?,
        },
        role: Role::parse(&word("role")?).ok_or_else(|| odd("role"))?,
        status: Status::parse(&word("status")?).ok_or_else(|| odd("status"))?,
        ban_reason: row.try_get("ban_reason")?,
        banned_until: time(row, "banned_until")?,
        coins: row.try_get("coins")?,
        total_chats: row.try_get("total_chats")?,
        daily_chats: row.try_get("daily_chats")?,
        calls: Calls {
            completed: row.try_get("calls_completed")?,
            minutes: row.try_get("call_minutes")?,
        },
        last_coin_claim: always("last_coin_claim")?,
        preferences: row.try_get("preferences")?,
        created: always("created")?,
        updated: always("updated")?,
        last_active: always("last_active")?,
    })
}

/// What a broken constraint of an insert or update means.
pub(super) fn taken(error: &sqlx::Error) -> Option<Created> {
    match error.as_database_error()?.constraint()? {
        "users_email_key" => Some(Created::EmailTaken),
        "users_by_username" => Some(Created::UsernameTaken),
        "users_device_hash_key" => Some(Created::DeviceTaken),
        "users_google_sub_key" => Some(Created::GoogleTaken),
        _ => None,
    }
}

/// The row an insert made, or what kept it from being made.
pub(super) async fn created(row: impl Future<Output = Result<PgRow, sqlx::Error>>) -> Result<Created, sqlx::Error> {
    match row.await {
        Ok(row) => Ok(Created::New(Box::new(account(&row)?))),
        Err(error) => taken(&error).ok_or(error),
    }
}

impl Store {
    /// Makes an account.
    pub async fn create_user(&self, new: &NewUser) -> Result<Created, Fault> {
        let query = sqlx::query(concat!(
            "insert into users as u (id, email, username, display_name, gender, password_hash, provider, email_verified,
                 verification_status, device_hash, terms_accepted_at, created_at, updated_at, last_active_at, last_coin_claim,
                 google_sub, google_email, google_picture_url, avatar_url, preferences, ",
            origins::columns!(),
            ")
             values ($1::uuid, $2, $3, $4, $5, $6, $7, $8, case when $8 then 'verified' else 'guest' end, $9,
                 case when $9 is null then null else to_timestamp($10) end,
                 to_timestamp($10), to_timestamp($10), to_timestamp($10), to_timestamp($10), $11, $12, $13, $13,
                 case when $11 is null then '{}' else
                     jsonb_build_object('authProvider', 'google', 'googleId', $11::text, 'avatar', $13::text) end, ",
            origins::values!("$14"),
            ") returning ",
            columns!()
        ))
        .bind(UserId::registered().to_string())
        .bind(new.email.as_ref().map(Email::as_str))
        .bind(new.username.as_ref().map(Username::as_str))
        .bind(new.display_name.as_ref().map(Name::as_str))
        .bind(new.gender.as_str())
        .bind(new.password_hash.as_ref().map(|hash| hash.0.as_str()))
        .bind(new.provider.as_str())
        .bind(new.email_verified)
        .bind(new.device_hash.as_deref())
        .bind(seconds(new.at))
        .bind(new.google.as_ref().map(|google| google.sub.as_str()))
        .bind(new.google.as_ref().map(|google| google.email.as_str()))
        .bind(new.google.as_ref().and_then(|google| google.picture.as_deref()))
        .bind(origins::written(&new.origin));
        self.within("create user", created(query.fetch_one(&self.pool))).await
    }

    /// The account with this address.
    pub async fn user_by_email(&self, email: &Email) -> Result<Option<Account>, Fault> {
        let query =
            sqlx::query(concat!("select ", columns!(), " from users u where u.email = $1")).bind(email.as_str());
        self.one_user("user by email", query).await
    }

    /// The account of a device.
    pub async fn user_by_device(&self, device_hash: &str) -> Result<Option<Account>, Fault> {
        let query =
            sqlx::query(concat!("select ", columns!(), " from users u where u.device_hash = $1")).bind(device_hash);
        self.one_user("user by device", query).await
    }

    /// Whether somebody has this name, in whatever case.
    pub async fn has_username(&self, name: &Username) -> Result<bool, Fault> {
        let query = sqlx::query_scalar("select exists (select 1 from users where lower(username) = lower($1))");
        self.within("has username", query.bind(name.as_str()).fetch_one(&self.pool))
            .await
    }

    /// Another password. False when it is no longer the one that `from` is the hash of: two changed it at once.
    pub async fn set_password(
        &self,
        user: &UserId,
        from: Option<&PasswordHash>,
        to: &PasswordHash,
        at: Millis,
    ) -> Result<bool, Fault> {
        let query = sqlx::query(
            "update users set password_hash = $3, password_changed_at = to_timestamp($4), updated_at = to_timestamp($4)
             where id = $1::uuid and password_hash is not distinct from $2",
        )
        .bind(user.as_str())
        .bind(from.map(|hash| hash.0.as_str()))
        .bind(&to.0)
        .bind(seconds(at));
        let done = self.within("set password", query.execute(&self.pool)).await?;
        Ok(done.rows_affected() == 1)
    }

    /// The same password, hashed by the parameters of today.
    pub async fn rehash(&self, user: &UserId, from: &PasswordHash, to: &PasswordHash) -> Result<(), Fault> {
        let query = sqlx::query("update users set password_hash = $3 where id = $1::uuid and password_hash = $2")
            .bind(user.as_str())
            .bind(&from.0)
            .bind(&to.0);
        self.within("rehash password", query.execute(&self.pool))
            .await
            .map(drop)
    }

    pub(super) async fn one_user(
        &self,
        op: &'static str,
        query: sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments>,
    ) -> Result<Option<Account>, Fault> {
        let row = async {
            match query.fetch_optional(&self.pool).await {
                Ok(row) => row.as_ref().map(account).transpose(),
                // An id or a text that the column's type cannot be is nobody's.
                Err(error) if code(&error).as_deref() == Some("22P02") => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.within(op, row).await
    }
}
