//! A rule saying no. Each refusal has a stable code that clients, metrics and tests can rely on; its text is for people.

use super::account::No;
use super::limits::Quota;
use super::picture::Unfit;
use std::time::Duration;

/// Why something asked for is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The text is missing, no text, or empty after trimming and removing markup.
    InvalidMessage,
    /// The text is longer than allowed.
    MessageTooLong { max_chars: usize },
    /// Too many lines in the window; one is free after the wait.
    SlowDown { wait: Duration },
    /// Tried too often (`domain::limits`).
    Limited(Quota),
    /// The file is no picture that we take.
    BadPicture(Unfit),
    /// The user is in no room.
    NoRoom,
    /// The payload of the event has the wrong shape; the field that is wrong.
    InvalidPayload { field: &'static str },
    /// The reported user is not the partner.
    NotYourPartner,
    /// There is no such kind of report.
    UnknownViolation,
    /// The seat was lost: its time was over, or the room has ended.
    SeatLost,
    /// The user has too many sockets.
    TooManySockets,
    /// Only somebody with an identity may do this.
    NotSignedIn,
    /// Too many come at once; the connection ends and says when to come back.
    Busy,
    /// What is needed for this is away for the moment.
    Unavailable,
    /// A rule about accounts.
    Account(No),
}

impl From<No> for Refusal {
    fn from(no: No) -> Self {
        Refusal::Account(no)
    }
}

impl Refusal {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Account(no) => no.code(),
            Refusal::InvalidMessage => "INVALID_MESSAGE",
            Refusal::MessageTooLong { .. } => "MESSAGE_TOO_LONG",
            Refusal::SlowDown { .. } => "RATE_LIMIT_EXCEEDED",
            Refusal::Limited(quota) => quota.code,
            Refusal::BadPicture(unfit) => unfit.code(),
            Refusal::NoRoom => "NO_ROOM",
            Refusal::InvalidPayload { .. } => "INVALID_PAYLOAD",
            Refusal::NotYourPartner => "NOT_YOUR_PARTNER",
            Refusal::UnknownViolation => "UNKNOWN_VIOLATION",
            Refusal::SeatLost => "SEAT_LOST",
            Refusal::TooManySockets => "TOO_MANY_SOCKETS",
            Refusal::NotSignedIn => "NOT_SIGNED_IN",
            Refusal::Busy => "BUSY",
            Refusal::Unavailable => "UNAVAILABLE",
        }
    }
}

impl std::fmt::Display for Refusal {
    /// The words of the document where it has some (section "text_chat_error").
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Account(no) => no.fmt(f),
            Refusal::InvalidMessage => f.write_str("Invalid message content"),
            Refusal::MessageTooLong { max_chars } => write!(f, "Message too long (max {max_chars} characters)"),
            Refusal::SlowDown { .. } => f.write_str("Rate limit exceeded"),
            Refusal::Limited(_) => f.write_str("Too many attempts, please try again later"),
            Refusal::BadPicture(unfit) => unfit.fmt(f),
            Refusal::NoRoom => f.write_str("No active text chat room"),
            Refusal::InvalidPayload { field } => write!(f, "Invalid payload: {field}"),
            Refusal::NotYourPartner => f.write_str("The reported user is not your partner"),
            Refusal::UnknownViolation => f.write_str("Unknown violation type"),
            Refusal::SeatLost => f.write_str("Session expired or room no longer exists"),
            Refusal::TooManySockets => f.write_str("Too many connections of one user"),
            Refusal::NotSignedIn => f.write_str("Authentication required"),
            Refusal::Busy => f.write_str("Too many are coming at once, please try again"),
            Refusal::Unavailable => f.write_str("Temporarily unavailable, please try again"),
        }
    }
}
