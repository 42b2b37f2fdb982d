//! Signing up: with an address to be proven by a code, with an address that is believed, or with a device.

use super::sign_in::{SignedIn, device_hash};
use super::{Client, must};
use crate::actions::{Actions, Denied};
use crate::domain::account::{Account, Age, Email, Family, Gender, Name, No, Origin, Password, Provider, Username};
use crate::store::sign_ups::Wanted;
use crate::store::users::{Created, NewUser};

/// What somebody wrote who wants an account with a proven address.
#[derive(Debug, Clone, Default)]
pub struct EmailForm {
    pub email: Option<String>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub gender: Option<String>,
}

/// What a device sends that wants an account.
#[derive(Debug, Clone, Default)]
pub struct DeviceForm {
    pub age: Option<i64>,
    pub fingerprint: Option<String>,
    pub terms_accepted: bool,
    pub privacy_accepted: bool,
}

/// What somebody wrote who wants an account at once.
#[derive(Debug, Clone, Default)]
pub struct NameForm {
    pub email: Option<String>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub display_name: Option<String>,
}

/// Somebody who waits for a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    pub email: String,
    pub username: String,
}

impl Actions {
    /// Signs up with an address to be proven: a code is on its way to it.
    pub async fn register(&self, form: &EmailForm, origin: Origin) -> Result<Pending, Denied> {
        self.must_sign()?;
        let email = must(form.email.as_deref(), "email")?;
        let username = must(form.username.as_deref(), "username")?;
        let password = must(form.password.as_deref(), "password")?;
        let gender = must(form.gender.as_deref(), "gender")?;
        let gender = Gender::parse(gender).ok_or(No::Invalid {
            field: "gender",
            why: "Gender must be male, female or others",
        })?;
        let email = Email::parse(email)?;
        if !email.is_of(&self.settings.accounts.email_domains) {
            return Err(No::UnsupportedDomain.into());
        }
        let username = Username::relaxed(username)?;
        let names = [Some(email.as_str()), Some(username.as_str())];
        let password = Password::parse(password, Family::Omegoo, "password")?.unlike(&names, "password")?;
        self.must_be_free(&email, &username).await?;
        let password_hash = self.hasher.hash(password).await?;
        let pending = Pending {
            email: email.as_str().to_owned(),
            username: username.as_str().to_owned(),
        };
        let wanted = Wanted {
            username,
            password_hash,
            gender,
            origin,
        };
        self.send_code(&email, Some(&wanted), &pending.username).await?;
        Ok(pending)
    }

    /// An account that was never proven keeps neither its address nor its name from who can prove the address.
    async fn must_be_free(&self, email: &Email, username: &Username) -> Result<(), Denied> {
        let known = self.store.user_by_email(email).await?;
        if known.as_ref().is_some_and(|account| account.email_verified) {
            return Err(No::EmailTaken.into());
        }
        let own = known.and_then(|account| account.username);
        let keeps = own.is_some_and(|own| own.eq_ignore_ascii_case(username.as_str()));
        match !keeps && self.store.has_username(username).await? {
            true => Err(No::UsernameTaken.into()),
            false => Ok(()),
        }
    }

    /// Signs up with an address that is believed for now, and signs in.
    pub async fn register_at_once(&self, form: &NameForm, client: &Client, origin: Origin) -> Result<SignedIn, Denied> {
        self.must_sign()?;
        let email = Email::parse(must(form.email.as_deref(), "email")?)?;
        let username = Username::parse(must(form.username.as_deref(), "username")?)?;
        let password = must(form.password.as_deref(), "password")?;
        let names = [Some(email.as_str()), Some(username.as_str())];
        let password = Password::parse(password, Family::Free2Talk, "password")?.unlike(&names, "password")?;
        let display_name = form.display_name.as_deref().map(Name::parse).transpose()?.flatten();
        let password_hash = self.hasher.hash(password).await?;
        let account = self
            .make(NewUser {
                email: Some(email),
                username: Some(username),
                display_name,
                gender: Gender::Others,
                password_hash: Some(password_hash),
                provider: Provider::Email,
                email_verified: false,
                device_hash: None,
                google: None,
                origin,
                at: self.now(),
            })
            .await?;
        self.sign_in(account, client).await
    }

    /// A device signs up, or in when it has an account.
    pub async fn register_device(
        &self,
        form: &DeviceForm,
        client: &Client,
        origin: Origin,
    ) -> Result<SignedIn, Denied> {
        self.must_sign()?;
        let fingerprint = must(form.fingerprint.as_deref(), "deviceFingerprint")?;
        Age::parse(form.age.ok_or(No::Missing { field: "age" })?)?;
        if !(form.terms_accepted && form.privacy_accepted) {
            return Err(No::TermsNotAccepted.into());
        }
        let device = device_hash(fingerprint)?;
        if self.store.user_by_device(&device).await?.is_some() {
            return self.log_in_device(Some(fingerprint), client).await;
        }
        let account = self
            .make(NewUser {
                email: None,
                username: None,
                display_name: None,
                gender: Gender::Others,
                password_hash: None,
                provider: Provider::Device,
                email_verified: false,
                device_hash: Some(device),
                google: None,
                origin,
                at: self.now(),
            })
            .await;
        match account {
            Ok(account) => self.sign_in(account, client).await,
            // The same device, a moment ago.
            Err(Denied::Refused(_)) => self.log_in_device(Some(fingerprint), client).await,
            Err(failed) => Err(failed),
        }
    }

    async fn make(&self, new: NewUser) -> Result<Account, Denied> {
        match self.store.create_user(&new).await? {
            Created::New(account) => Ok(*account),
            Created::EmailTaken => Err(No::EmailTaken.into()),
            Created::UsernameTaken => Err(No::UsernameTaken.into()),
            Created::DeviceTaken | Created::GoogleTaken => Err(No::WrongCredentials.into()),
        }
    }
}
