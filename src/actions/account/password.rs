//! Changing a password, and ending logins.

use super::hashing::Compared;
use super::{Member, must};
use crate::actions::{Actions, Denied};
use crate::domain::account::{Account, Family, No, Password, Why};
use crate::domain::letter::{Medium, Says};
use crate::error::Fault;
use crate::ids::{LoginId, UserId};

impl Actions {
    /// Another password; the current one is asked for where there is one. The user's other logins end.
    pub async fn change_password(
        &self,
        caller: &Member,
        current: Option<&str>,
        new: Option<&str>,
    ) -> Result<(), Denied> {
        let account = &caller.account;
        let names = [account.email.as_deref(), account.username.as_deref()];
        let new = Password::parse(must(new, "newPassword")?, Family::Omegoo, "newPassword")?;
        let new = new.unlike(&names, "newPassword")?;
        if account.password_hash.is_some() {
            let current = Password::presented(must(current, "currentPassword")?).ok_or(No::WrongPassword)?;
            if self.hasher.compare(account.password_hash.clone(), current).await? == Compared::Other {
                return Err(No::WrongPassword.into());
            }
        }
        let hash = self.hasher.hash(new).await?;
        // Two who change it at once: the second no longer knows the current one.
        match self
            .store
            .set_password(&account.id, account.password_hash.as_ref(), &hash, self.now())
            .await?
        {
            true => {
                self.end_other_logins(account, caller.login.as_ref(), Why::Password)
                    .await?;
                Ok(self.tell_of_password(account).await?)
            }
            false => Err(No::WrongPassword.into()),
        }
    }

    /// Writes to the owner that the password is another one: it may not have been them.
    pub(super) async fn tell_of_password(&self, account: &Account) -> Result<(), Fault> {
        let Some(email) = &account.email else { return Ok(()) };
        let name = account.username.as_deref().unwrap_or_default();
        self.write_to(Medium::Mail, email, name, Says::PasswordChanged, "")
            .await
    }

    /// Ends all logins of a user but one.
    pub async fn end_other_logins(&self, account: &Account, except: Option<&LoginId>, why: Why) -> Result<(), Fault> {
        let ended = self.store.end_logins(&account.id, except, why, self.now()).await?;
        self.close_logins(&account.id, &ended, why).await
    }

    /// Sockets of ended logins are told and closed, on every node; no new one is let in with them.
    pub(super) async fn close_logins(&self, user: &UserId, ended: &[LoginId], why: Why) -> Result<(), Fault> {
        match ended.is_empty() {
            true => Ok(()),
            false => {
                // No token of theirs lives longer.
                let settings = &self.settings.accounts;
                let outlived_by = settings.web_access_for.max(settings.access_for) + self.settings.jwt.leeway;
                self.coord.revoke_logins(user, ended, why, outlived_by).await
            }
        }
    }
}
