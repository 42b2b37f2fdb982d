//! Why something is not done with an account. Codes are stable; where a family's clients match words, the words are
//! those (contract 4.2 and 1.7 of the one, 4.1 of the other).

use super::{Ban, Why};
use std::time::Duration;

/// A rule about accounts saying no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum No {
    /// A field that must be there is not.
    Missing { field: &'static str },
    /// A field is not what it may be.
    Invalid { field: &'static str, why: &'static str },
    /// The mail provider is not among those allowed.
    UnsupportedDomain,
    /// Somebody has this address.
    EmailTaken,
    /// Somebody has this name.
    UsernameTaken,
    /// Too young, or no age.
    TooYoung,
    /// The terms or the privacy policy were not accepted.
    TermsNotAccepted,
    /// No such account, or not its password: nobody is told which.
    WrongCredentials,
    /// The current password that was given is not the account's.
    WrongPassword,
    /// The address is not proven yet.
    NotVerified { email: String, username: Option<String> },
    /// The account may not be used.
    Banned(Ban),
    /// No token.
    NoToken,
    /// A token that is none of ours, of another purpose, or not valid now.
    BadToken,
    /// A token whose login has ended.
    Ended(Why),
    /// A token whose user is gone.
    NoUser,
    /// Nobody with this address waits for a code.
    NoSignUp,
    /// Not the code.
    WrongCode,
    /// The code's time is over.
    CodeExpired,
    /// Too many wrong codes.
    CodeLocked { wait: Duration },
    /// A code was sent a moment ago.
    Cooldown { wait: Duration },
    /// Asked for too often; `code` is the limit's.
    TooMany { code: &'static str, wait: Duration },
    /// This node has no keys to sign tokens with.
    Off,
}

impl No {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            No::Missing { .. } => "MISSING_FIELD",
            No::Invalid { .. } => "INVALID_FIELD",
            No::UnsupportedDomain => "UNSUPPORTED_EMAIL_DOMAIN",
            No::EmailTaken => "EMAIL_TAKEN",
            No::UsernameTaken => "USERNAME_TAKEN",
            No::TooYoung => "INVALID_AGE",
            No::TermsNotAccepted => "TERMS_NOT_ACCEPTED",
            No::WrongCredentials => "INVALID_CREDENTIALS",
            No::WrongPassword => "WRONG_PASSWORD",
            No::NotVerified { .. } => "EMAIL_NOT_VERIFIED",
            No::Banned(_) => "USER_BANNED",
            No::NoToken => "TOKEN_MISSING",
            No::BadToken => "INVALID_TOKEN",
            No::Ended(Why::Replaced) => "SESSION_REPLACED",
            No::Ended(_) => "SESSION_ENDED",
            No::NoUser => "USER_NOT_FOUND",
            No::NoSignUp => "NO_PENDING_SIGN_UP",
            No::WrongCode => "WRONG_OTP",
            No::CodeExpired => "OTP_EXPIRED",
            No::CodeLocked { .. } => "OTP_LOCKED",
            No::Cooldown { .. } => "RESEND_COOLDOWN",
            No::TooMany { code, .. } => code,
            No::Off => "ACCOUNTS_OFF",
        }
    }

    /// How long to wait before asking again.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            No::CodeLocked { wait } | No::Cooldown { wait } | No::TooMany { wait, .. } => Some(*wait),
            _ => None,
        }
    }
}

impl std::fmt::Display for No {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match self {
            No::Missing { field } => return write!(f, "{field} is required"),
            No::Invalid { why, .. } => why,
            No::UnsupportedDomain => "This email provider is not supported",
            // The web app looks for "already registered" and shows its login.
            No::EmailTaken => "This email is already registered. Please log in.",
            No::UsernameTaken => "This username is already taken",
            No::TooYoung => "You must be at least 18 years old",
            No::TermsNotAccepted => "The terms and the privacy policy must be accepted",
            No::WrongCredentials => "Invalid email or password",
            No::WrongPassword => "The current password is incorrect",
            No::NotVerified { .. } => "Please verify your email address first",
            No::Banned(ban) => return write!(f, "This account is banned: {}", ban.reason),
            No::NoToken => "Authentication required",
            No::BadToken => "Invalid or expired token",
            No::Ended(Why::Replaced) => "You signed in on another device",
            No::Ended(_) => "You were signed out",
            No::NoUser => "User not found",
            No::NoSignUp => "No sign-up with this email is waiting for a code",
            No::WrongCode => "The code is wrong",
            No::CodeExpired => "The code has expired",
            No::CodeLocked { .. } => "Too many wrong codes, please try again later",
            No::Cooldown { .. } => "Please wait before you ask for another code",
            No::TooMany { .. } => "Too many attempts, please try again later",
            No::Off => "Accounts are not set up on this server",
        };
        f.write_str(text)
    }
}
