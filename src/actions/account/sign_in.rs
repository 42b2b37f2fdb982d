//! Signing in: by password, or by a device's fingerprint. Every way ends in a login and its tokens.

use super::hashing::Compared;
use super::tokens::Stamp;
use super::{Client, Terms, must};
use crate::actions::{Actions, Denied};
use crate::clock::Millis;
use crate::domain::account::{Account, Email, Family, No, Password, Why};
use crate::ids::LoginId;
use crate::store::logins::NewLogin;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;

/// How many characters a device's fingerprint may have.
pub const FINGERPRINT: RangeInclusive<usize> = 8..=512;

/// Somebody who has signed in, with tokens.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// As whom.
    pub account: Account,
    /// To be let in with.
    pub access: String,
    /// Until when.
    pub access_until: Millis,
    /// To be exchanged.
    pub refresh: Option<String>,
    /// Until when the login holds.
    pub until: Millis,
}

impl Actions {
    /// Signs in with a password.
    pub async fn log_in(
        &self,
        email: Option<&str>,
        password: Option<&str>,
        client: &Client,
    ) -> Result<SignedIn, Denied> {
        self.must_sign()?;
        let (email, password) = (must(email, "email")?, must(password, "password")?);
        let account = match Email::parse(email) {
            Ok(email) => self.store.user_by_email(&email).await?,
            Err(_) => None,
        };
        let known = account.as_ref().and_then(|account| account.password_hash.clone());
        let password = Password::presented(password).ok_or(No::WrongCredentials)?;
        let compared = self.hasher.compare(known.clone(), password).await?;
        let (Some(account), Some(known)) = (account, known) else {
            return Err(No::WrongCredentials.into());
        };
        match compared {
            Compared::Other => return Err(No::WrongCredentials.into()),
            Compared::SameToRehash(new) => self.store.rehash(&account.id, &known, &new).await?,
            Compared::Same => {}
        }
        self.must_not_be_banned(&account)?;
        if client.family == Family::Omegoo && !account.email_verified {
            return Err(self.ask_for_proof(&account).await?.into());
        }
        self.sign_in(account, client).await
    }

    /// Signs in with a device's fingerprint.
    pub async fn log_in_device(&self, fingerprint: Option<&str>, client: &Client) -> Result<SignedIn, Denied> {
        self.must_sign()?;
        let device = device_hash(must(fingerprint, "deviceFingerprint")?)?;
        let account = self.store.user_by_device(&device).await?.ok_or(No::WrongCredentials)?;
        self.must_not_be_banned(&account)?;
        self.sign_in(account, client).await
    }

    pub(super) fn must_not_be_banned(&self, account: &Account) -> Result<(), No> {
        account.ban(self.now()).map_or(Ok(()), |ban| Err(No::Banned(ban)))
    }

    /// Begins a login. In the Omegoo API a user has one device: the others are signed out.
    pub(super) async fn sign_in(&self, mut account: Account, client: &Client) -> Result<SignedIn, Denied> {
        self.refill(&mut account).await?;
        let (now, settings) = (self.now(), &self.settings.accounts);
        let (access_for, holds_for) = match client.terms {
            Terms::Long => (settings.web_access_for, settings.web_access_for),
            Terms::Renewed => (settings.access_for, settings.refresh_for),
        };
        let (id, until) = (LoginId::fresh(), now + holds_for.min(settings.login_for));
        let new = NewLogin {
            id: &id,
            user: &account.id,
            family: client.family,
            device: client.device.as_deref(),
            at: now,
            until,
            alone: client.family == Family::Omegoo,
        };
        let ended = self.store.begin_login(&new).await?;
        self.close_logins(&account.id, &ended, Why::Replaced).await?;
        let stamp = |until| Stamp {
            login: &id,
            at: now,
            until,
        };
        let access_until = (now + access_for).min(until);
        let refresh = || self.keyring.refresh(&account.id, 0, stamp(until));
        Ok(SignedIn {
            access: self.keyring.access(&account, stamp(access_until)),
            access_until,
            refresh: (client.terms == Terms::Renewed).then(refresh),
            until,
            account,
        })
    }
}

/// How a device is known: its fingerprint identifies it, and is not for whoever reads the database.
pub(super) fn device_hash(fingerprint: &str) -> Result<String, No> {
    match FINGERPRINT.contains(&fingerprint.chars().count()) {
        true => Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(fingerprint.as_bytes()))),
        false => Err(No::Invalid {
            field: "deviceFingerprint",
            why: "The device fingerprint must be 8 to 512 characters",
        }),
    }
}
