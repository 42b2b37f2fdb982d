//! Table `resets`: links to a new password. An account has one at the most, the last that was sent.

use super::users::{account, columns};
use super::{Store, seconds};
use crate::clock::Millis;
use crate::domain::account::{Account, Email, PasswordHash};
use crate::error::Fault;

/// How a link stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// It leads to the account with this address and name.
    Good {
        email: String,
        username: Option<String>,
    },
    Late,
    /// It is none, was used, or another one was sent since.
    Unknown,
}

impl Store {
    /// The account with this address may choose a new password by the token of `hash`; what it is called. None: nobody has
    /// the address.
    pub async fn put_reset(&self, email: &Email, hash: &str, until: Millis) -> Result<Option<String>, Fault> {
        let query = sqlx::query_scalar(
            "with u as (select id, email, username, display_name from users where email = $1),
             put as (insert into resets (token_hash, user_id, email, expires_at)
                 select $2, u.id, u.email, to_timestamp($3) from u
                 on conflict (user_id) do update set token_hash = excluded.token_hash, email = excluded.email,
                     expires_at = excluded.expires_at)
             select coalesce(u.display_name, u.username, '') from u",
        )
        .bind(email.as_str())
        .bind(hash)
        .bind(seconds(until));
        self.within("put reset", query.fetch_optional(&self.pool)).await
    }

    /// How a link stands at `now`.
    pub async fn reset(&self, hash: &str, now: Millis) -> Result<Link, Fault> {
        let query = sqlx::query_as(
            "select r.expires_at > to_timestamp($2), r.email, u.username
             from resets r join users u on u.id = r.user_id where r.token_hash = $1",
        )
        .bind(hash)
        .bind(seconds(now));
        let found: Option<(bool, String, Option<String>)> =
            self.within("reset", query.fetch_optional(&self.pool)).await?;
        Ok(match found {
            Some((true, email, username)) => Link::Good { email, username },
            Some((false, ..)) => Link::Late,
            None => Link::Unknown,
        })
    }

    /// Another password for whoever has the link, which is used up. The mail was read, so the address is proven. None: the
    /// link is no longer good, or the account has another address by now.
    pub async fn use_reset(&self, hash: &str, to: &PasswordHash, now: Millis) -> Result<Option<Account>, Fault> {
        let query = sqlx::query(concat!(
            "with r as (delete from resets where token_hash = $1 and expires_at > to_timestamp($3) returning *)
             update users u set password_hash = $2, password_changed_at = to_timestamp($3), updated_at = to_timestamp($3),
                 email_verified = true, verification_status = 'verified',
                 provider = case u.provider when 'google' then 'google+email' else u.provider end
             from r where u.id = r.user_id and u.email = r.email
             returning ",
            columns!()
        ))
        .bind(hash)
        .bind(&to.0)
        .bind(seconds(now));
        let done = async {
            query
                .fetch_optional(&self.pool)
                .await?
                .as_ref()
                .map(account)
                .transpose()
        };
        self.within("use reset", done).await
    }
}
