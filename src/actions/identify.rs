//! Who somebody is, from what a handshake brought.

use super::account::tokens::{Bad, Purpose};
use super::{Actions, Denied};
use crate::domain::account::{Identity, No, Standing};
use crate::ids::UserId;

impl Actions {
    /// The strongest identity that holds: a valid token, else a device's guest id, else somebody new.
    pub fn identify(&self, token: Option<&str>, guest: Option<&str>) -> Identity {
        let proof = |token| self.keyring.verify(token, Purpose::Access, self.now()).ok();
        let registered = token.and_then(proof);
        let known = || guest.and_then(UserId::guest);
        match (registered, known) {
            (Some(proof), _) => Identity {
                user: proof.user,
                standing: Standing::Registered,
                until: proof.login.is_some().then_some(proof.until),
                login: proof.login,
            },
            (None, known) => match known() {
                Some(user) => Identity {
                    user,
                    standing: Standing::Guest,
                    login: None,
                    until: None,
                },
                None => Identity {
                    user: UserId::passing(self.now().0),
                    standing: Standing::Passing,
                    login: None,
                    until: None,
                },
            },
        }
    }

    /// Why a token is no good, for clients that want to be told instead of being let in as a guest. Where there are no
    /// keys, nobody has a good one.
    pub fn must_be_good(&self, token: &str) -> Result<(), No> {
        match self.keyring.verify(token, Purpose::Access, self.now()) {
            Err(Bad::Expired) => Err(No::TokenExpired),
            Err(Bad::Invalid) if self.keyring.signs() => Err(No::TokenInvalid),
            Ok(_) | Err(Bad::Invalid) => Ok(()),
        }
    }

    /// Whether somebody who has come in may stay: the login may have ended before.
    pub async fn must_still_hold(&self, who: &Identity) -> Result<(), Denied> {
        let Some(login) = &who.login else { return Ok(()) };
        match self.coord.login_ended(&who.user, login).await? {
            None => Ok(()),
            Some(why) => Err(No::Ended(why).into()),
        }
    }
}
