//! Telephone numbers, as people prove that they have one.

use super::No;
use std::fmt;

/// What a number that is proven for the first time is worth, in coins (contract 5.7).
pub const PHONE_COINS: i32 = 10;

/// A telephone number with its country, as in `+911234567890`.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

/// Digits of a number of India.
const INDIAN: usize = 10;
/// Digits of a number with its country.
const ABROAD: std::ops::RangeInclusive<usize> = 8..=15;

impl Phone {
    /// What numbers look like, as a regular expression.
    pub fn pattern() -> String {
        let (least, most) = (ABROAD.start() - 1, ABROAD.end() - 1);
        format!(r"^([6-9][0-9]{{{}}}|\+[1-9][0-9]{{{least},{most}}})$", INDIAN - 1)
    }

    /// Reads ten digits from 6 on, which are Indian as the web app sends them, or `+` and 8 to 15 digits.
    pub fn parse(text: &str) -> Result<Self, No> {
        let text = text.trim();
        let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
        let indian = text.len() == INDIAN && digits(text) && text.as_bytes()[0] >= b'6';
        let abroad = text.strip_prefix('+');
        let abroad = abroad.is_some_and(|rest| ABROAD.contains(&rest.len()) && digits(rest) && !rest.starts_with('0'));
        match (indian, abroad) {
            (true, _) => Ok(Self(format!("+91{text}"))),
            (_, true) => Ok(Self(text.to_owned())),
            _ => Err(No::Invalid {
                field: "phone",
                why: "Please enter a valid phone number",
            }),
        }
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Phone {
    /// Without the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(phone)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_indian_or_says_its_country() {
        assert_eq!(Phone::parse(" 9876543210 ").unwrap().as_str(), "+919876543210");
        assert_eq!(Phone::parse("+1234567890").unwrap().as_str(), "+1234567890");
        assert_eq!(Phone::parse("+919876543210"), Phone::parse("9876543210"));
        for bad in [
            "",
            "5876543210",
            "987654321",
            "98765432100",
            "98765x3210",
            "+1234567",
            "+1234567890123456",
            "+0123456789",
            "9876543210\r\nBcc",
            "９876543210",
        ] {
            assert!(Phone::parse(bad).is_err(), "{bad:?}");
        }
    }
}
