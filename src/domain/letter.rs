//! What somebody outside is written: by e-mail, or as a short message to a telephone. What it says is here; how it is
//! worded, in `mail` and `sms`.

use crate::clock::Millis;
use crate::ids::FactId;
use std::fmt;
use std::time::Duration;

/// The way a letter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// E-mail.
    Mail,
    /// A short message to a telephone.
    Sms,
}

/// All media.
pub const MEDIA: [Medium; 2] = [Medium::Mail, Medium::Sms];

impl Medium {
    /// The word, in keys and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Medium::Mail => "mail",
            Medium::Sms => "sms",
        }
    }
}

/// What a letter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// A code that proves that the receiver reads what is sent there.
    Code,
    /// The same, of a telephone: short messages are read at once or not at all.
    PhoneCode,
    /// A link to choose a new password by.
    Reset,
    /// That the account is there.
    Welcome,
    /// That the password is another one.
    PasswordChanged,
}

impl Says {
    const ALL: [Says; 5] = [
        Says::Code,
        Says::PhoneCode,
        Says::Reset,
        Says::Welcome,
        Says::PasswordChanged,
    ];

    /// The word, in Redis and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Says::Code => "code",
            Says::PhoneCode => "phone_code",
            Says::Reset => "reset",
            Says::Welcome => "welcome",
            Says::PasswordChanged => "password_changed",
        }
    }

    /// Reads what [`Says::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|says| says.as_str() == text)
    }

    /// How long it is worth sending: what it carries is of no use after that, or news no more.
    pub fn worth_for(self) -> Duration {
        match self {
            Says::Code => Duration::from_secs(10 * 60),
            Says::PhoneCode => Duration::from_secs(5 * 60),
            Says::Reset => Duration::from_secs(30 * 60),
            Says::Welcome | Says::PasswordChanged => Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// A letter.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its key; a letter that is sent twice has it twice.
    pub id: FactId,
    /// The e-mail address or the telephone number.
    pub to: String,
    /// What the receiver is called.
    pub name: String,
    /// What it says.
    pub says: Says,
    /// The code or the link; empty where there is none.
    pub carries: String,
    /// When it was written.
    pub at: Millis,
}

impl Letter {
    /// A letter written at `at`.
    pub fn new(to: &str, name: &str, says: Says, carries: &str, at: Millis) -> Self {
        Self {
            id: FactId::fresh(),
            to: to.to_owned(),
            name: name.to_owned(),
            says,
            carries: carries.to_owned(),
            at,
        }
    }

    /// Whether it is too late to send it.
    pub fn stale(&self, now: Millis) -> bool {
        now > self.at + self.says.worth_for()
    }
}

impl fmt::Debug for Letter {
    /// Without the receiver and what it carries.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({} {})", self.id, self.says.as_str())
    }
}

/// What became of an attempt to send a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried {
    /// It is on its way.
    Sent,
    /// It will never be taken: why, without naming anybody.
    Refused(String),
    /// It may be taken later: why, without naming anybody.
    NotNow(String),
}

/// How long to wait after an attempt that did not succeed, the first being 1.
pub fn wait_after(attempt: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(10 * 60);
    let wait = Duration::from_secs(5) * 4_u32.saturating_pow(attempt.saturating_sub(1).min(8));
    wait.min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_at_longer_and_longer_intervals_up_to_a_bound() {
        let waits: Vec<_> = (1..=6).map(|attempt| wait_after(attempt).as_secs()).collect();

        assert_eq!(waits, [5, 20, 80, 320, 600, 600]);
        assert_eq!(wait_after(u32::MAX).as_secs(), 600);
    }

    #[test]
    fn a_letter_is_worth_sending_as_long_as_what_it_carries_is_good_and_never_shows_it() {
        let letter = Letter::new("ann@example.org", "Ann", Says::Code, "123456", Millis(0));

        assert!(!letter.stale(Millis(600_000)) && letter.stale(Millis(600_001)));
        assert_eq!(format!("{letter:?}"), format!("Letter({} code)", letter.id));
        assert!(Says::ALL.iter().all(|says| Says::parse(says.as_str()) == Some(*says)));
    }
}
