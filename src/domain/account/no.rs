//! Why something is not done with an account. Codes are stable; where a family's clients match words, the words are
//! those (contract 4.2 and 1.7 of the one, 4.1 of the other).

use super::{Ban, Why};

/// A rule about accounts saying no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum No {
    /// A field that must be there is not.
    Missing { field: &'static str },
    /// A field is not what it may be.
    Invalid { field: &'static str, why: &'static str },
    /// A new password that would be guessed.
    Guessable { field: &'static str, why: &'static str },
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
    /// A socket came with a token whose time is over.
    TokenExpired,
    /// A socket came with a token that is none of ours.
    TokenInvalid,
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
    /// Too many wrong codes: the one that was sent is good no longer.
    CodeGone,
    /// A link to a new password that is none, or was used.
    BadLink,
    /// Such a link, too late.
    LinkExpired,
    /// What Google said does not prove who it is.
    NotByGoogle,
    /// Google has not verified the address.
    UnverifiedByGoogle,
    /// The gender was said before.
    GenderSaid,
    /// Nothing is proven that the tier asks for.
    NotProven,
    /// The tier is not to be had by asking.
    NotForAsking,
    /// Only who runs the service may see it.
    NotForUsers,
    /// Nobody has this id or name.
    NoSuchUser,
    /// This node has no keys to sign tokens with.
    Off,
}

impl No {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            No::Missing { .. } => "MISSING_FIELD",
            No::Invalid { .. } => "INVALID_FIELD",
            No::Guessable { .. } => "WEAK_PASSWORD",
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
            No::TokenExpired => "TOKEN_EXPIRED",
            No::TokenInvalid => "TOKEN_INVALID",
            No::Ended(Why::Replaced) => "SESSION_REPLACED",
            No::Ended(_) => "SESSION_ENDED",
            No::NoUser => "USER_NOT_FOUND",
            No::NoSignUp => "NO_PENDING_SIGN_UP",
            No::WrongCode => "WRONG_OTP",
            No::CodeExpired => "OTP_EXPIRED",
            No::CodeGone => "OTP_LOCKED",
            No::BadLink => "INVALID_TOKEN",
            No::LinkExpired => "RESET_EXPIRED",
            No::NotByGoogle => "INVALID_GOOGLE_TOKEN",
            No::UnverifiedByGoogle => "GOOGLE_EMAIL_NOT_VERIFIED",
            No::GenderSaid => "GENDER_CONFIRMED",
            No::NotProven => "VERIFICATION_REQUIRED",
            No::NotForAsking => "INSUFFICIENT_TIER",
            No::NotForUsers => "ADMIN_REQUIRED",
            No::NoSuchUser => "NOT_FOUND",
            No::Off => "ACCOUNTS_OFF",
        }
    }
}

impl std::fmt::Display for No {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match self {
            No::Missing { field } => return write!(f, "{field} is required"),
            No::Invalid { why, .. } | No::Guessable { why, .. } => why,
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
            No::TokenExpired => "The token has expired",
            No::TokenInvalid => "The token is invalid",
            No::Ended(Why::Replaced) => "You signed in on another device",
            No::Ended(_) => "You were signed out",
            No::NoUser => "User not found",
            No::NoSignUp => "No sign-up with this email is waiting for a code",
            No::WrongCode => "The code is wrong",
            No::CodeExpired => "The code has expired",
            No::CodeGone => "Too many wrong codes, please ask for another one",
            No::BadLink => "This link is not valid or was used already",
            No::LinkExpired => "This link has expired, please ask for another one",
            No::NotByGoogle => "Google did not confirm who you are",
            No::UnverifiedByGoogle => "Google has not verified this email address",
            No::GenderSaid => "Your gender is confirmed already",
            No::NotProven => "Please verify your email address or telephone number first",
            No::NotForAsking => "This tier cannot be chosen",
            No::NotForUsers => "This is for administrators",
            No::NoSuchUser => "User not found",
            No::Off => "This is not set up on this server",
        };
        f.write_str(text)
    }
}
