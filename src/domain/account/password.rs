//! Passwords, in the clear; never shown. A new one is judged by its length and by whether it would be tried first; what
//! characters it has is nobody's business. One that is only compared is not judged.

use super::{Family, No};
use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

/// What is tried first, lower-cased. What stands before the empty line says where it is from.
static GUESSED_FIRST: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let (_, words) = include_str!("guessed_first.txt").split_once("\n\n").unwrap_or_default();
    words.lines().collect()
});

/// A password.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Most characters: hashing longer ones would cost memory, and nobody types them.
    pub const MOST: usize = 200;

    /// Fewest characters of a new one, by the contract of each family.
    pub const fn least(family: Family) -> usize {
        match family {
            Family::Omegoo => 6,
            Family::Free2Talk => 8,
        }
    }

    /// Reads a new password; `field` is what it is called.
    pub fn parse(text: &str, family: Family, field: &'static str) -> Result<Self, No> {
        let count = text.chars().count();
        let why = match family {
            _ if count > Self::MOST => "Password must be at most 200 characters",
            Family::Omegoo if count < Self::least(family) => "Password must be at least 6 characters",
            Family::Free2Talk if count < Self::least(family) => "Password must be at least 8 characters",
            Family::Omegoo | Family::Free2Talk => return Self(text.to_owned()).not_guessed_first(field),
        };
        Err(No::Invalid { field, why })
    }

    fn not_guessed_first(self, field: &'static str) -> Result<Self, No> {
        match GUESSED_FIRST.contains(self.0.to_lowercase().as_str()) {
            true => Err(No::Guessable {
                field,
                why: "This password is among the first that are tried, please choose another one",
            }),
            false => Ok(self),
        }
    }

    /// The same, unless it is one of these names of its owner, in whatever case.
    pub fn unlike(self, names: &[Option<&str>], field: &'static str) -> Result<Self, No> {
        let own = self.0.trim().to_lowercase();
        match names.iter().flatten().any(|name| name.trim().to_lowercase() == own) {
            true => Err(No::Guessable {
                field,
                why: "Your password must not be your name or email address",
            }),
            false => Ok(self),
        }
    }

    /// One that is only to be compared; one that nobody can have is none.
    pub fn presented(text: &str) -> Option<Self> {
        (1..=Self::MOST * 4)
            .contains(&text.len())
            .then(|| Self(text.to_owned()))
    }

    /// The password itself, for hashing.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(password)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(text: &str, family: Family) -> Result<Password, No> {
        Password::parse(text, family, "password")
    }

    #[test]
    fn a_new_password_has_two_sides() {
        for (length, family, good) in [
            (5, Family::Omegoo, false),
            (6, Family::Omegoo, true),
            (7, Family::Free2Talk, false),
            (8, Family::Free2Talk, true),
            (200, Family::Free2Talk, true),
            (201, Family::Omegoo, false),
        ] {
            assert_eq!(new(&"ä".repeat(length), family).is_ok(), good, "{length}");
        }
        assert_eq!(format!("{:?}", new("hunter2", Family::Omegoo)), "Ok((password))");
    }

    #[test]
    fn asvs_6_2_4_of_what_each_family_lets_through_the_3000_commonest_are_known() {
        for family in [Family::Omegoo, Family::Free2Talk] {
            let fits = |word: &&&str| word.chars().count() >= Password::least(family);
            assert!(GUESSED_FIRST.iter().filter(fits).count() >= 3000, "{family:?}");
        }
        let shown = |word: &&str| word.bytes().all(|c| c.is_ascii_graphic()) && **word == word.to_lowercase();
        assert!(GUESSED_FIRST.iter().all(|word| shown(word) && word.len() >= 6));
    }

    #[test]
    fn what_is_tried_first_is_refused_in_any_case_and_still_compared() {
        for bad in ["password", "PassWord1", "12345678", "qwerty123"] {
            let Err(No::Guessable { field, .. }) = new(bad, Family::Free2Talk) else {
                panic!("{bad} is taken");
            };
            assert_eq!(field, "password");
            assert!(Password::presented(bad).is_some());
        }
        assert!(new("password of the day", Family::Free2Talk).is_ok());
    }

    #[test]
    fn a_name_of_its_owner_is_no_password() {
        let names = [Some("ann@example.org"), Some("Ann B. C."), None];
        for (text, good) in [
            ("Ann@Example.org", false),
            (" ann b. c. ", false),
            ("ann b. c. d.", true),
            ("ann@example.com", true),
        ] {
            let judged = new(text, Family::Omegoo).unwrap().unlike(&names, "password");
            assert_eq!(judged.is_ok(), good, "{text}");
        }
    }
}
