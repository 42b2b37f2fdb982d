//! Signing in with Google. Whom Google vouches for is found by what Google calls them for ever, else by the address that
//! Google has verified, else is new here.
//!
//! An account with that address and a password that nobody proved belongs to whoever made it, who may be waiting for the
//! owner of the address to come: its password goes, and its logins end.

use super::Client;
use super::sign_in::SignedIn;
use crate::actions::{Actions, Denied};
use crate::domain::account::{Account, Email, Gender, Name, No, Origin, Provider, Username, Why};
use crate::google::{Person, Unproven};
use crate::store::users::{Created, GoogleName, NewUser};
use rand::Rng;

/// Names tried for somebody new, and times that somebody who comes twice at once is looked for again.
const TRIES: usize = 10;

/// What a client has of Google.
#[derive(Debug, Clone, Copy)]
pub enum GoogleToken<'a> {
    /// Says itself who somebody is.
    Id(&'a str),
    /// Google says it.
    Access(&'a str),
}

/// Somebody who signed in with Google.
#[derive(Debug)]
pub struct ByGoogle {
    pub signed: SignedIn,
    /// Whether the account was made just now.
    pub is_new: bool,
}

impl Actions {
    /// Signs in whom Google vouches for; `origin` is of somebody new.
    pub async fn sign_in_by_google(
        &self,
        token: GoogleToken<'_>,
        client: &Client,
        origin: &Origin,
    ) -> Result<ByGoogle, Denied> {
        self.must_sign()?;
        let google = &self.outside.google;
        let proven = match token {
            GoogleToken::Id(token) => google.id_token(token, self.now()).await?,
            GoogleToken::Access(token) => google.access_token(token).await?,
        };
        let person = proven.map_err(|why| match why {
            Unproven::Off => No::Off,
            Unproven::Rejected => No::NotByGoogle,
            Unproven::NoEmail => No::Missing { field: "email" },
            Unproven::EmailNotVerified => No::UnverifiedByGoogle,
        })?;
        let (account, is_new) = self.of_google(&person, origin).await?;
        self.must_not_be_banned(&account)?;
        let signed = self.sign_in(account, client).await?;
        Ok(ByGoogle { signed, is_new })
    }

    /// Whose account it is, and whether it is new. What two who come at once do is found by the later one.
    async fn of_google(&self, person: &Person, origin: &Origin) -> Result<(Account, bool), Denied> {
        let google = GoogleName {
            sub: person.sub.clone(),
            email: Email::parse(&person.email)?,
            picture: person.picture.clone().filter(|url| url.starts_with("https://")),
        };
        for attempt in 0..TRIES {
            if let Some(account) = self.store.user_by_google(&google.sub).await? {
                return Ok((account, false));
            }
            if let Some(account) = self.store.user_by_email(&google.email).await? {
                return Ok((self.link(&account, &google).await?, false));
            }
            let new = NewUser {
                origin: origin.clone(),
                ..self.somebody(person, &google, attempt)
            };
            if let Created::New(account) = self.store.create_user(&new).await? {
                return Ok((*account, true));
            }
        }
        Err(No::UsernameTaken.into())
    }

    async fn link(&self, account: &Account, google: &GoogleName) -> Result<Account, Denied> {
        let linked = self.store.link_google(&account.id, google, self.now()).await?;
        let linked = linked.ok_or(No::EmailTaken)?;
        if !account.email_verified {
            self.end_other_logins(&linked, None, Why::Password).await?;
            self.tell_of_password(&linked).await?;
        }
        Ok(linked)
    }

    fn somebody(&self, person: &Person, google: &GoogleName, attempt: usize) -> NewUser {
        NewUser {
            email: Some(google.email.clone()),
            username: Some(match attempt {
                0 => Username::of_address(&google.email, None),
                _ => Username::of_address(&google.email, Some(rand::rng().random_range(1..10_000))),
            }),
            display_name: person.name.as_deref().and_then(|name| Name::parse(name).ok().flatten()),
            gender: Gender::Others,
            password_hash: None,
            provider: Provider::Google,
            email_verified: true,
            device_hash: None,
            google: Some(google.clone()),
            origin: Origin::default(),
            at: self.now(),
        }
    }
}
