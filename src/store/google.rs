//! Accounts that Google vouches for (table `users`).

use super::users::{GoogleName, columns};
use super::{Store, seconds};
use crate::clock::Millis;
use crate::domain::account::Account;
use crate::error::Fault;
use crate::ids::UserId;

impl Store {
    /// The account of somebody by what Google calls them for ever.
    pub async fn user_by_google(&self, sub: &str) -> Result<Option<Account>, Fault> {
        let query = sqlx::query(concat!("select ", columns!(), " from users u where u.google_sub = $1")).bind(sub);
        self.one_user("user by Google", query).await
    }

    /// Google vouches for who has this account. Where its address was never proven, its password goes: whoever chose it
    /// may be somebody else. None: another person of Google has it by now.
    pub async fn link_google(&self, user: &UserId, google: &GoogleName, at: Millis) -> Result<Option<Account>, Fault> {
        let query = sqlx::query(concat!(
            "update users u set google_sub = $2, google_email = $3, google_picture_url = $4,
                 avatar_url = coalesce(u.avatar_url, $4),
                 provider = case when u.email_verified and u.password_hash is not null then 'google+email' else 'google' end,
                 password_hash = case when u.email_verified then u.password_hash end,
                 password_changed_at = case when u.email_verified then u.password_changed_at else to_timestamp($5) end,
                 email_verified = true, verification_status = 'verified', updated_at = to_timestamp($5)
             where u.id = $1::uuid and u.email = $3 and u.google_sub is null returning ",
            columns!()
        ))
        .bind(user.as_str())
        .bind(&google.sub)
        .bind(google.email.as_str())
        .bind(google.picture.as_deref())
        .bind(seconds(at));
        self.one_user("link Google", query).await
    }
}
