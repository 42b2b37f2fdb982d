//! Exchanging a refresh token for new tokens.

use super::tokens::{Purpose, Stamp};
use crate::actions::{Actions, Denied};
use crate::clock::Millis;
use crate::domain::account::{Account, No, Why};
use crate::store::logins::{Renewal, Rotated, Standing};

/// New tokens.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// Whose, as the account is now.
    pub account: Account,
    pub access: String,
    pub access_until: Millis,
    pub refresh: String,
    /// Until when the login holds.
    pub until: Millis,
}

impl Actions {
    /// Exchanges a refresh token. One that was exchanged before, longer ago than two tabs take, ends its login: either it
    /// or the one that came of it is in the wrong hands. However often it is done, a login has an end.
    pub async fn refresh(&self, token: &str) -> Result<Refreshed, Denied> {
        self.must_sign()?;
        let (now, settings) = (self.now(), &self.settings.accounts);
        let proof = self
            .keyring
            .verify(token, Purpose::Refresh, now)
            .map_err(|_| No::BadToken)?;
        let login = proof.login.ok_or(No::BadToken)?;
        let renewal = Renewal {
            leeway: settings.refresh_leeway,
            holds_for: settings.refresh_for,
            in_all: settings.login_for,
        };
        match self.store.rotate_login(&login, proof.generation, now, renewal).await? {
            Rotated::To {
                account,
                generation,
                at,
                until,
            } => {
                self.must_not_be_banned(&account)?;
                let access_until = (now + settings.access_for).min(until);
                let stamp = |at, until| Stamp {
                    login: &login,
                    at,
                    until,
                };
                Ok(Refreshed {
                    access: self.keyring.access(&account, stamp(now, access_until)),
                    access_until,
                    refresh: self.keyring.refresh(&account.id, generation, stamp(at, until)),
                    until,
                    account: *account,
                })
            }
            Rotated::Reused(user) => {
                tracing::warn!(user.id = %user, "a refresh token was used twice: the login of user {user} has ended");
                self.close_logins(&user, &[login], Why::Reuse).await?;
                Err(No::Ended(Why::Reuse).into())
            }
            Rotated::Over(Standing::Ended(why)) => Err(No::Ended(why).into()),
            Rotated::Over(Standing::Good | Standing::Over) => Err(No::BadToken.into()),
        }
    }
}
