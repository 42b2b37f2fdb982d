//! Codes that prove an e-mail address: sent, sent again, and judged.

use super::sign_in::SignedIn;
use super::{Client, must};
use crate::actions::{Actions, Denied};
use crate::domain::account::{Account, Email, No, Username, Why};
use crate::domain::letter::{Medium, Says};
use crate::domain::limits::{CODE_EMAIL, OTP_EMAIL, RESEND, Subject};
use crate::error::Fault;
use crate::store::sign_ups::{Code, Tried, Wanted};
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
        match self.judge(&email, code).await? {
            Some(hash) => self.prove(&email, &hash, client).await,
            None => match self.store.user_by_email(&email).await? {
                Some(account) if account.email_verified => Ok(Verified::Already),
                Some(_) | None => Err(No::NoSignUp.into()),
            },
        }
    }

    /// The hash of a code that is right; none when nobody with this address waits for one.
    pub(super) async fn judge(&self, email: &Email, code: &str) -> Result<Option<String>, Denied> {
        six_digits(code)?;
        let hash = self.keyring.code_hash(email, code).ok_or(No::Off)?;
        // Counted before it is judged: many at once are no more than one after the other.
        let guesser = Subject::Email(email.as_str());
        let left = self.count_try(&OTP_EMAIL, guesser).await?;
        let right = match self.store.judge_code(email, &hash, self.now()).await? {
            Tried::Wrong if left == 0 => return Err(self.shut(&OTP_EMAIL)),
            Tried::Wrong => return Err(No::WrongCode.into()),
            Tried::Expired => return Err(No::CodeExpired.into()),
            Tried::Right => Some(hash),
            // There was nothing to guess.
            Tried::Nobody => None,
        };
        self.clear_tries(&OTP_EMAIL, guesser).await?;
        Ok(right)
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
                Some(Created::EmailTaken | Created::DeviceTaken | Created::GoogleTaken) => {
                    return Err(No::EmailTaken.into());
                }
                // Another request with the same code was faster.
                None => return Ok(Verified::Already),
            }
        }
        Err(No::UsernameTaken.into())
    }

    /// Sends another code to an address that is still to be proven, at most one a minute.
    pub async fn resend_code(&self, email: Option<&str>) -> Result<(), Denied> {
        self.must_sign()?;
        let email = Email::parse(must(email, "email")?)?;
        let subject = Subject::Email(email.as_str());
        // One after the other: what comes too soon is not mailed, and does not count as mailed.
        self.take(&[(&RESEND, subject)]).await?;
        self.take(&[(&CODE_EMAIL, subject)]).await?;
        let both = [(&RESEND, subject), (&CODE_EMAIL, subject)];
        self.unless_failed(&both, self.renew_code(&email)).await
    }

    async fn renew_code(&self, email: &Email) -> Result<(), Denied> {
        let (text, now) = (fresh_code(), self.now());
        let hash = self.keyring.code_hash(email, &text).ok_or(No::Off)?;
        match self.store.renew_code(email, self.code(&hash), now).await? {
            Some(name) => Ok(self.mail_code(email, &name, &text).await?),
            None => match self.store.user_by_email(email).await? {
                Some(account) if !account.email_verified => {
                    let name = account.username.as_deref().unwrap_or_default();
                    self.await_code(email, None, name).await
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

    /// Sends the first code. Another one follows in a minute at the earliest.
    pub(super) async fn send_code(&self, email: &Email, wanted: Option<&Wanted>, name: &str) -> Result<(), Denied> {
        let subject = Subject::Email(email.as_str());
        self.take(&[(&CODE_EMAIL, subject)]).await?;
        let sending = self.await_code(email, wanted, name);
        match self.take(&[(&RESEND, subject)]).await {
            Ok(_) => {
                let both = [(&RESEND, subject), (&CODE_EMAIL, subject)];
                self.unless_failed(&both, sending).await
            }
            // Who begins anew, with another name, need not wait.
            Err(Denied::Refused(_)) => self.unless_failed(&[(&CODE_EMAIL, subject)], sending).await,
            Err(failed) => Err(failed),
        }
    }

    async fn await_code(&self, email: &Email, wanted: Option<&Wanted>, name: &str) -> Result<(), Denied> {
        let text = fresh_code();
        let hash = self.keyring.code_hash(email, &text).ok_or(No::Off)?;
        self.store.await_code(email, wanted, self.code(&hash)).await?;
        Ok(self.mail_code(email, name, &text).await?)
    }

    async fn mail_code(&self, email: &Email, name: &str, code: &str) -> Result<(), Fault> {
        self.write_to(Medium::Mail, email.as_str(), name, Says::Code, code)
            .await
    }

    fn code<'a>(&self, hash: &'a str) -> Code<'a> {
        let until = self.now() + Says::Code.worth_for();
        Code {
            hash,
            until,
            kept_until: until.max(self.now() + self.settings.accounts.sign_up_for),
        }
    }
}

/// Digits of a code.
pub const DIGITS: usize = 6;

/// Six digits.
pub(super) fn fresh_code() -> String {
    format!("{:0DIGITS$}", rand::rng().random_range(0..10_u32.pow(DIGITS as u32)))
}

/// What cannot be a code is not counted as a try.
pub(super) fn six_digits(code: &str) -> Result<(), No> {
    match code.len() == DIGITS && code.bytes().all(|c| c.is_ascii_digit()) {
        true => Ok(()),
        false => Err(No::Invalid {
            field: "otp",
            why: "The code has 6 digits",
        }),
    }
}
