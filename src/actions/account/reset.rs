//! A new password for who forgot theirs: a link is mailed to the account's address, and is good once and for a while.
//!
//! Asking for a link costs the same whether there is an account or not: a letter is posted to the address as it was
//! written, and only who carries it looks for the account.

use super::must;
use crate::actions::{Actions, Denied};
use crate::domain::account::{Email, Family, No, Password, Why};
use crate::domain::letter::{Letter, Medium, Says};
use crate::domain::limits::{LOGIN_EMAIL, Subject};
use crate::error::Fault;
use crate::store::resets::Link;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Longest token that is looked at.
pub const LONGEST_TOKEN: usize = 128;

impl Actions {
    /// Somebody wants a link to a new password at this address.
    pub async fn forgot_password(&self, email: Option<&str>) -> Result<(), Denied> {
        self.must_sign()?;
        let email = Email::parse(must(email, "email")?)?;
        Ok(self.write_to(Medium::Mail, email.as_str(), "", Says::Reset, "").await?)
    }

    /// The letter with the link in it, when there is an account with its address.
    pub(in crate::actions) async fn with_link(&self, letter: Letter) -> Result<Option<Letter>, Fault> {
        let (Ok(email), Some(token)) = (Email::parse(&letter.to), self.keyring.reset_token(&letter.id)) else {
            return Ok(None);
        };
        let until = letter.at + Says::Reset.worth_for();
        let name = self.store.put_reset(&email, &token_hash(&token), until).await?;
        let page = self.settings.accounts.web_url.trim_end_matches('/');
        Ok(name.map(|name| Letter {
            name,
            carries: format!("{page}/reset-password?token={token}"),
            ..letter
        }))
    }

    /// Whether a link is good now.
    pub async fn check_link(&self, token: Option<&str>) -> Result<(), Denied> {
        self.owner(must(token, "token")?).await.map(drop)
    }

    /// Who may choose a new password by a link: their address and name.
    async fn owner(&self, token: &str) -> Result<(String, Option<String>), Denied> {
        match self.store.reset(&hash_of(token)?, self.now()).await? {
            Link::Good { email, username } => Ok((email, username)),
            Link::Late => Err(No::LinkExpired.into()),
            Link::Unknown => Err(No::BadLink.into()),
        }
    }

    /// Another password for who has a link. All logins end.
    pub async fn reset_password(&self, token: Option<&str>, password: Option<&str>) -> Result<(), Denied> {
        let token = must(token, "token")?;
        let password = Password::parse(must(password, "password")?, Family::Omegoo, "password")?;
        // Nobody makes us hash passwords without a link.
        let (email, username) = self.owner(token).await?;
        let password = password.unlike(&[Some(&email), username.as_deref()], "password")?;
        let hash = self.hasher.hash(password).await?;
        let used = self.store.use_reset(&hash_of(token)?, &hash, self.now()).await?;
        let account = used.ok_or(No::BadLink)?;
        self.end_other_logins(&account, None, Why::Password).await?;
        // Whoever tried the old one too often may begin anew.
        let email = account.email.as_deref().unwrap_or_default();
        self.went_well(&[(&LOGIN_EMAIL, Subject::Email(email))]).await?;
        Ok(self.tell_of_password(&account).await?)
    }
}

fn hash_of(token: &str) -> Result<String, No> {
    match token.len() <= LONGEST_TOKEN {
        true => Ok(token_hash(token)),
        false => Err(No::BadLink),
    }
}

/// How a token is kept: who reads the database cannot use it.
fn token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}
