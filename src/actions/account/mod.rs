//! Accounts: signing up, in and out. A token is good while its login holds (`store::logins`); what a handler knows of its
//! caller is a [`Member`], which cost one query.
//!
//! What may be guessed is answered the same, and after the same work, whether there is an account or not.

mod came_from;
mod codes;
mod google;
mod guests;
pub mod hashing;
mod own;
mod password;
mod phone;
mod profile;
mod refresh;
mod reset;
mod sign_in;
mod sign_up;
pub mod tokens;
#[cfg(test)]
mod tokens_tests;
mod visits;

pub use came_from::Clues;
pub use codes::{DIGITS, Verified};
pub use google::{ByGoogle, GoogleToken};
pub use own::{Contact, ContactForm, NewAddress};
pub use profile::{Picture, ProfileForm};
pub use refresh::Refreshed;
pub use reset::LONGEST_TOKEN;
pub use sign_in::{FINGERPRINT, SignedIn};
pub use sign_up::{DeviceForm, EmailForm, NameForm, Pending};
pub use visits::Visits;

use super::{Actions, Denied};
use crate::domain::account::{Account, Family, No, Why};
use crate::ids::{LoginId, UserId};
use crate::store::logins::Standing;
use tokens::Purpose;

/// What signs in.
#[derive(Clone, Debug)]
pub struct Client {
    /// Where.
    pub family: Family,
    /// What it calls itself.
    pub device: Option<String>,
    /// How long its tokens live.
    pub terms: Terms,
}

/// How long tokens live, and whether they are renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// One access token for days; for web apps that know no refresh token.
    Long,
    /// A short one, and a refresh token.
    Renewed,
}

/// Who makes a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The account, as it is now.
    pub account: Account,
    /// The login; none with a token of another server.
    pub login: Option<LoginId>,
}

impl Client {
    /// A client by what it calls itself, cut to what is kept.
    pub fn new(family: Family, device: Option<&str>, terms: Terms) -> Self {
        let device = device.map(|text| text.chars().filter(|c| !c.is_control()).take(50).collect());
        Self { family, device, terms }
    }
}

impl Actions {
    /// Whose access token it is.
    pub async fn authenticate(&self, token: &str) -> Result<Member, Denied> {
        let now = self.now();
        let proof = self
            .keyring
            .verify(token, Purpose::Access, now)
            .map_err(|_| No::BadToken)?;
        // Tokens of other servers may name users that were never here.
        let user = UserId::parse_uuid(proof.user.as_str()).ok_or(No::NoUser)?;
        let (account, standing) = self
            .store
            .standing(&user, proof.login.as_ref(), now)
            .await?
            .ok_or(No::NoUser)?;
        let outlived = || {
            account
                .password_changed
                .is_some_and(|at| proof.issued.is_none_or(|issued| issued < at))
        };
        match standing {
            Standing::Ended(why) => Err(No::Ended(why).into()),
            Standing::Over => Err(No::BadToken.into()),
            Standing::Good if proof.login.is_none() && outlived() => Err(No::BadToken.into()),
            Standing::Good => Ok(Member {
                account,
                login: proof.login,
            }),
        }
    }

    /// The caller's login ends, and with it the sockets that it opened.
    pub async fn log_out(&self, caller: &Member) -> Result<(), Denied> {
        let Some(login) = &caller.login else {
            // Nothing of ours stands behind it: it goes on until its own end.
            return Ok(());
        };
        self.store.end_login(login, Why::Logout, self.now()).await?;
        self.close_logins(&caller.account.id, std::slice::from_ref(login), Why::Logout)
            .await?;
        Ok(())
    }

    /// Accounts need a key to sign tokens with.
    fn must_sign(&self) -> Result<(), No> {
        match self.keyring.signs() {
            true => Ok(()),
            false => Err(No::Off),
        }
    }
}

/// A field that must be there.
fn must<'a>(text: Option<&'a str>, field: &'static str) -> Result<&'a str, No> {
    text.filter(|text| !text.is_empty()).ok_or(No::Missing { field })
}
