//! Codes that prove an e-mail address: sent, sent again, and judged.

use super::sign_in::SignedIn;
use super::{Client, must};
use crate::actions::{Actions, Denied};
use crate::domain::account::{Account, Email, No, Username, Why};
use crate::domain::mail::{Mail, MailKind};
use crate::error::Fault;
use crate::store::sign_ups::{Code, Patience, Resent, Tried, Wanted};
use crate::store::users::Created;
use rand::Rng;

/// Other names tried when somebody has taken the wanted one meanwhile.
const OTHER_NAMES: usize = 5;

/// What came of a code.
#[derive(Clone, Debug)]
pub enum Verified {
    /// The address is proven, and its user signed in.
    Now(Box<SignedIn>),
    /// It was proven before.
    Already,
}

impl Actions {
    /// Judges the code that was sent to an address. When it is right the account is there, and signed in.
    pub async fn verify_code(
        &self,
        email: Option<&str>,
        code: Option<&str>,
        client: &Client,
    ) -> Result<Verified, Denied> {
        self.must_sign()?;
        let (email, code) = (Email::parse(must(email, "email")?)?, must(code, "otp")?.trim());
        if code.len() != 6 || !code.bytes().all(|c| c.is_ascii_digit()) {
            return Err(No::Invalid {
                field: "otp",
                why: "The code has 6 digits",
            }
            .into());
        }
        let hash = self.keyring.code_hash(&email, code).ok_or(No::Off)?;
        let settings = &self.settings.accounts;
        let patience = Patience {
            tries: settings.code_tries,
            lock: settings.code_lock,
        };
        match self.store.try_code(&email, &hash, self.now(), patience).await? {
            Tried::Right => self.prove(&email, &hash, client).await,
            Tried::Wrong => Err(No::WrongCode.into()),
            Tried::Expired => Err(No::CodeExpired.into()),
            Tried::Locked(wait) => Err(No::CodeLocked { wait }.into()),
            Tried::Nobody => match self.store.user_by_email(&email).await? {
                Some(account) if account.email_verified => Ok(Verified::Already),
                Some(_) | None => Err(No::NoSignUp.into()),
            },
        }
    }

    async fn prove(&self, email: &Email, hash: &str, client: &Client) -> Result<Verified, Denied> {
        let now = self.now();
        let mut instead = None;
        for _ in 0..OTHER_NAMES {
            match self.store.finish_sign_up(email, hash, instead.as_ref(), now).await? {
                Some(Created::New(account)) => {
                    if account.created < now {
                        // Whoever made the account before may not be who can read its mail.
                        self.end_other_logins(&account, None, Why::Password).await?;
                    }
                    self.must_not_be_banned(&account)?;
                    return Ok(Verified::Now(Box::new(self.sign_in(*account, client).await?)));
                }
                Some(Created::UsernameTaken) => {
                    instead = Username::parse(&format!("user-{:08}", rand::rng().random_range(0..100_000_000))).ok()
                }
                Some(Created::EmailTaken | Created::DeviceTaken) => return Err(No::EmailTaken.into()),
                // Another request with the same code was faster.
                None => return Ok(Verified::Already),
            }
        }
        Err(No::UsernameTaken.into())
    }

    /// Sends another code to an address that is still to be proven.
    pub async fn resend_code(&self, email: Option<&str>) -> Result<(), Denied> {
        self.must_sign()?;
        let email = Email::parse(must(email, "email")?)?;
        let text = fresh_code();
        let hash = self.keyring.code_hash(&email, &text).ok_or(No::Off)?;
        let cooldown = self.settings.accounts.code_again_after;
        match self.store.resend_code(&email, self.code(&hash), cooldown).await? {
            Resent::Now(name) => Ok(self.mail_code(&email, &name.unwrap_or_default(), text).await?),
            Resent::TooSoon(wait) => Err(No::Cooldown { wait }.into()),
            Resent::Nobody => match self.store.user_by_email(&email).await? {
                Some(account) if !account.email_verified => {
                    self.send_code(&email, None, account.username.as_deref().unwrap_or_default())
                        .await
                }
                Some(_) | None => Err(No::NoSignUp.into()),
            },
        }
    }

    /// An account signs in whose address is not proven: a code is sent, unless one was a moment ago.
    pub(super) async fn ask_for_proof(&self, account: &Account) -> Result<No, Denied> {
        let email = account.email.clone().unwrap_or_default();
        match self.resend_code(Some(&email)).await {
            Ok(()) | Err(Denied::Refused(_)) => Ok(No::NotVerified {
                email,
                username: account.username.clone(),
            }),
            Err(failed) => Err(failed),
        }
    }

    /// Sends the first code.
    pub(super) async fn send_code(&self, email: &Email, wanted: Option<&Wanted>, name: &str) -> Result<(), Denied> {
        let text = fresh_code();
        let hash = self.keyring.code_hash(email, &text).ok_or(No::Off)?;
        self.store.await_code(email, wanted, self.code(&hash)).await?;
        Ok(self.mail_code(email, name, text).await?)
    }

    async fn mail_code(&self, email: &Email, name: &str, code: String) -> Result<(), Fault> {
        self.send_mail(&Mail {
            to: email.as_str().to_owned(),
            kind: MailKind::Otp,
            name: name.to_owned(),
            code_or_link: code,
            at: self.now(),
        })
        .await
    }

    fn code<'a>(&self, hash: &'a str) -> Code<'a> {
        let (at, settings) = (self.now(), &self.settings.accounts);
        Code {
            hash,
            at,
            until: at + settings.code_for,
            kept_until: at + settings.sign_up_for.max(settings.code_for),
        }
    }
}

fn fresh_code() -> String {
    format!("{:06}", rand::rng().random_range(0..1_000_000))
}
