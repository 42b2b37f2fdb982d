//! Others that a node needs for accounts: whoever takes mails and short messages, Google, and a store for files.

use crate::config::Settings;
use crate::error::Fault;
use crate::files::Files;
use crate::google::Google;
use crate::mail::Mailer;
use crate::sms::Texter;

/// The ways to them. Nothing connects before it is needed.
#[derive(Clone, Debug)]
pub struct Outside {
    /// Takes mails.
    pub mail: Mailer,
    /// Takes short messages.
    pub sms: Texter,
    /// Says who somebody is.
    pub google: Google,
    /// Keeps pictures.
    pub files: Files,
}

impl Outside {
    /// Those of the settings.
    pub fn open(settings: &Settings) -> Result<Self, Fault> {
        Ok(Self {
            mail: Mailer::open(&settings.mail)?,
            sms: Texter::open(&settings.sms)?,
            google: Google::open(&settings.google)?,
            files: Files::open(&settings.files),
        })
    }
}

impl Default for Outside {
    /// Those of settings that name nobody.
    fn default() -> Self {
        Self::open(&Settings::default()).expect("a test holds that the defaults are right")
    }
}
