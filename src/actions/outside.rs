//! Others that a node needs for accounts: whoever takes mails and short messages, Google, a store for files, and a
//! table of networks.

use crate::config::Settings;
use crate::error::Fault;
use crate::files::Files;
use crate::geo::Geo;
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
    /// Says where on earth an address is.
    pub geo: Geo,
}

impl Outside {
    /// Those of the settings.
    pub fn open(settings: &Settings) -> Result<Self, Fault> {
        Ok(Self {
            mail: Mailer::open(&settings.mail)?,
            sms: Texter::open(&settings.sms)?,
            google: Google::open(&settings.google)?,
            files: Files::open(&settings.files),
            geo: Geo::open(&settings.geo)?,
        })
    }
}

impl Default for Outside {
    /// Those of settings that name nobody.
    fn default() -> Self {
        Self::open(&Settings::default()).expect("a test holds that the defaults are right")
    }
}
