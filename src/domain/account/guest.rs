//! Guests: people known by an id that their device made up and keeps. The id is a secret of that device: whoever has it is
//! the guest. It is kept hashed, and never shown.

use super::No;
use super::fields::is_unseen;
use crate::ids::UserId;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::fmt;

/// Longest text of what a device says of itself.
const WORD: usize = 100;

/// What a device may say of itself.
const SAID: [&str; 10] = [
    "version",
    "timestamp",
    "userAgent",
    "language",
    "timezone",
    "screenResolution",
    "colorDepth",
    "platform",
    "doNotTrack",
    "fingerprintMethod",
];

/// The id of a guest: 64 hexadecimal digits, small.
#[derive(Clone, PartialEq, Eq)]
pub struct GuestId(String);

impl GuestId {
    /// How many digits it has.
    pub const DIGITS: usize = 64;

    /// Reads an id; `field` is what it is called.
    pub fn parse(text: &str, field: &'static str) -> Result<Self, No> {
        let good = text.len() == Self::DIGITS && text.bytes().all(|c| c.is_ascii_hexdigit());
        good.then(|| Self(text.to_ascii_lowercase())).ok_or(No::Invalid {
            field,
            why: "A guest's id has 64 hexadecimal digits",
        })
    }

    /// The id as bytes, where many are remembered.
    pub fn bytes(&self) -> [u8; Self::DIGITS / 2] {
        let digit = |at: usize| (self.0.as_bytes()[at] as char).to_digit(16).unwrap_or_default() as u8;
        std::array::from_fn(|at| digit(2 * at) << 4 | digit(2 * at + 1))
    }

    /// What [`GuestId::bytes`] gave.
    pub fn of_bytes(bytes: &[u8; Self::DIGITS / 2]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The id, for whoever sent it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// By what it is kept.
    pub fn hash(&self) -> String {
        let digits = Sha256::digest(self.0.as_bytes());
        digits.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// As sockets name the guest.
    pub fn user(&self) -> UserId {
        UserId::guest(&self.0).expect("64 hexadecimal digits are a guest's")
    }
}

impl fmt::Debug for GuestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(guest id)")
    }
}

/// What a device says of itself, cut to what is kept; the rest is overlooked.
pub fn device(said: &Map<String, Value>) -> Result<Map<String, Value>, No> {
    let kept = |key: &&str| Some(((*key).to_owned(), said.get(*key)?));
    let bounded = |(key, value): (String, &Value)| match value {
        Value::Null => None,
        Value::Bool(_) | Value::Number(_) => Some(Ok((key, value.clone()))),
        Value::String(text) => {
            let text: String = text.chars().filter(|c| !is_unseen(*c)).take(WORD).collect();
            Some(Ok((key, text.into())))
        }
        Value::Array(_) | Value::Object(_) => Some(Err(No::Invalid {
            field: "deviceMeta",
            why: "What a device says of itself must be texts, numbers and truth values",
        })),
    };
    SAID.iter().filter_map(kept).filter_map(bounded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_id_is_64_digits_in_any_case_and_never_printed() {
        let id = GuestId::parse(&"Ab".repeat(32), "guestId").unwrap();
        assert_eq!(id, GuestId::parse(&"aB".repeat(32), "guestId").unwrap());
        assert_eq!(id.user().shown(), "guest-abababababababab");
        assert_eq!(GuestId::of_bytes(&id.bytes()), id);
        assert_eq!(format!("{id:?}"), "(guest id)");
        assert_eq!(id.hash().len(), 64);
        for bad in ["", &"a".repeat(63), &"a".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
            assert!(GuestId::parse(bad, "guestId").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_device_says_only_what_is_asked_for_and_not_too_much_of_it() {
        let said =
            json!({"platform": "é".repeat(101), "colorDepth": 24, "doNotTrack": null, "language": "e\0n", "evil": {}});

        let kept = device(said.as_object().unwrap()).unwrap();

        let expected = json!({"platform": "é".repeat(100), "colorDepth": 24, "language": "en"});
        assert_eq!(Value::Object(kept), expected);
        assert!(device(json!({"platform": {}}).as_object().unwrap()).is_err());
    }
}
