//! What may stand in an account: names, addresses, ages. Each is read once, here, and its type is the proof.
//!
//! User names are of ASCII: no letter can pass for another, nothing turns the direction of writing.

use super::No;

/// An e-mail address, lower-cased.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Email(String);

impl Email {
    /// Longest address that mail servers take.
    pub const MAX: usize = 254;

    /// Reads an address as people write it: a local part of printable ASCII without spaces or quoting, a domain of names.
    pub fn parse(text: &str) -> Result<Self, No> {
        let text = text.trim().to_ascii_lowercase();
        let good = text.len() <= Self::MAX
            && text
                .split_once('@')
                .is_some_and(|(local, domain)| is_local(local) && is_domain(domain));
        good.then_some(Self(text)).ok_or(No::Invalid {
            field: "email",
            why: "Please enter a valid email address",
        })
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its provider is among `domains`; an empty list allows all.
    pub fn is_of(&self, domains: &[String]) -> bool {
        let domain = self.0.rsplit('@').next().unwrap_or_default();
        domains.is_empty() || domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain))
    }
}

fn is_local(text: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&c);
    (1..=64).contains(&text.len())
        && text.bytes().all(allowed)
        && !text.starts_with('.')
        && !text.ends_with('.')
        && !text.contains("..")
}

fn is_domain(text: &str) -> bool {
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.contains('.') && text.split('.').all(label)
}

/// The name that an account is found by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Username(String);

impl Username {
    /// Fewest characters.
    pub const LEAST: usize = 3;
    /// Most characters.
    pub const MOST: usize = 50;
    /// Most characters of one that is chosen later.
    pub const MOST_CHOSEN: usize = 30;

    /// Reads a name of 3 to 50 ASCII letters, digits, `_` and `-`.
    pub fn parse(text: &str) -> Result<Self, No> {
        Self::with(text, |c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'))
    }

    /// The same, also with dots and single spaces between other characters, as people write their names.
    pub fn relaxed(text: &str) -> Result<Self, No> {
        let text = text.trim();
        match text.contains("  ") {
            true => Err(Self::refused()),
            false => Self::with(text, |c| {
                c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.' | b' ')
            }),
        }
    }

    /// A name for somebody who has only an address: what stands before the `@`, of letters and digits; with a number when
    /// that is somebody's already.
    pub fn of_address(email: &Email, number: Option<u32>) -> Self {
        let local = email.as_str().split('@').next().unwrap_or_default();
        let plain = local.chars().filter(char::is_ascii_alphanumeric);
        let (most, end) = number.map_or((20, String::new()), |number| (15, format!("_{number}")));
        let name: String = plain.take(most).collect();
        match name.len() < 3 {
            true => Self(format!("user{name}{end}")),
            false => Self(format!("{name}{end}")),
        }
    }

    /// Reads a name that somebody chooses for themselves later: 3 to 30 of `a-z`, `0-9` and `_`, whatever the case it is
    /// written in.
    pub fn chosen(text: &str) -> Result<Self, No> {
        let text = text.trim().to_ascii_lowercase();
        let fits = text.len() <= Self::MOST_CHOSEN;
        let chosen = Self::with(&text, |c| c.is_ascii_alphanumeric() || c == b'_').ok();
        chosen.filter(|_| fits).ok_or(No::Invalid {
            field: "username",
            why: "Username must be 3 to 30 letters, digits or _",
        })
    }

    fn with(text: &str, allowed: impl Fn(u8) -> bool) -> Result<Self, No> {
        let good = (Self::LEAST..=Self::MOST).contains(&text.len()) && text.bytes().all(allowed);
        good.then(|| Self(text.to_owned())).ok_or_else(Self::refused)
    }

    fn refused() -> No {
        No::Invalid {
            field: "username",
            why: "Username must be 3 to 50 letters, digits, _ or -",
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name that is shown to people: any script, but nothing invisible and nothing that turns the direction of writing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name(String);

impl Name {
    /// Most characters.
    pub const MOST: usize = 100;

    /// Reads a name of at most 100 characters; none when it is empty.
    pub fn parse(text: &str) -> Result<Option<Self>, No> {
        let text = text.trim();
        match text.chars().count() > Self::MOST || text.chars().any(is_unseen) {
            true => Err(No::Invalid {
                field: "displayName",
                why: "Display name must be at most 100 visible characters",
            }),
            false => Ok((!text.is_empty()).then(|| Self(text.to_owned()))),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Controls, and the format characters by which text hides or turns around.
pub(super) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// An age that is old enough to be here. It is asked for, not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Age(u8);

impl Age {
    /// From when on strangers may be talked to.
    pub const LEAST: i64 = 18;
    /// Nobody is older.
    pub const MOST: i64 = 120;

    /// Reads an age in years.
    pub fn parse(years: i64) -> Result<Self, No> {
        match years {
            Self::LEAST..=Self::MOST => Ok(Self(years as u8)),
            _ => Err(No::TooYoung),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_lower_cased_and_judged_on_all_its_sides() {
        assert_eq!(Email::parse(" Ann@GMail.com ").unwrap().as_str(), "ann@gmail.com");
        let longest = format!("{}@{}.com", "a".repeat(64), "b".repeat(63));
        assert!(Email::parse(&longest).is_ok());
        for bad in [
            "",
            "ann",
            "@gmail.com",
            "ann@",
            "ann@gmail",
            "a b@gmail.com",
            "ann@gm ail.com",
            ".ann@gmail.com",
            "a..b@gmail.com",
            "ann@-gmail.com",
            "ann@gmail..com",
            "ann@gmail.com\r\nBcc: all@gmail.com",
            "аnn@gmail.com",
            "\"a\"@gmail.com",
            &format!("{}@gmail.com", "a".repeat(65)),
            &format!("a@{}.com", "b".repeat(64)),
            "a@b@gmail.com",
            &format!("a@{}com", "bbbbbbbbb.".repeat(26)),
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn providers_are_allowed_by_a_list_and_all_by_none() {
        let allowed = ["gmail.com".to_owned()];

        assert!(Email::parse("a@gmail.com").unwrap().is_of(&allowed));
        assert!(!Email::parse("a@mail.gmail.com").unwrap().is_of(&allowed));
        assert!(Email::parse("a@example.org").unwrap().is_of(&[]));
    }

    #[test]
    fn a_user_name_is_of_letters_that_cannot_pass_for_others() {
        for good in ["ann", "Ann_B-7", &"a".repeat(50)] {
            assert_eq!(Username::parse(good).unwrap().as_str(), good);
        }
        // Cyrillic a, full-width a, a turned direction, a zero-width space, a combining accent.
        for bad in [
            "",
            "an",
            &"a".repeat(51),
            "аnn",
            "ａnn",
            "ann\u{202e}b",
            "an\u{200b}n",
            "anne\u{301}",
            "a nn",
            "a.nn",
            "ann\n",
        ] {
            assert!(Username::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Username::relaxed(" Ann B. ").unwrap().as_str(), "Ann B.");
        assert!(Username::relaxed("Ann  B").is_err() && Username::relaxed("аnn").is_err());
    }

    #[test]
    fn who_has_only_an_address_gets_a_name_that_could_have_been_chosen() {
        let name = |address: &str, number| Username::of_address(&Email::parse(address).unwrap(), number);

        assert_eq!(name("Ann.B+x@gmail.com", None).as_str(), "annbx");
        assert_eq!(name("a@gmail.com", None).as_str(), "usera");
        assert_eq!(name("+@gmail.com", Some(7)).as_str(), "user_7");
        let long = name("abcdefghijklmnopqrstuvwxyz@gmail.com", Some(9999));
        assert_eq!(long.as_str(), "abcdefghijklmno_9999");
        assert_eq!(Username::parse(long.as_str()).unwrap(), long);
    }

    #[test]
    fn a_chosen_user_name_is_small_and_short() {
        assert_eq!(Username::chosen(" Ann_1 ").unwrap().as_str(), "ann_1");
        for (length, good) in [(2, false), (3, true), (30, true), (31, false)] {
            assert_eq!(Username::chosen(&"a".repeat(length)).is_ok(), good, "{length}");
        }
        for bad in ["a-nn", "a nn", "аnn", "an\u{202e}n", "ann\u{200b}", "ANN\u{130}"] {
            assert!(Username::chosen(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_shown_name_is_of_any_script_and_nothing_unseen() {
        assert_eq!(Name::parse(" Zoë 山 ").unwrap().unwrap().as_str(), "Zoë 山");
        assert_eq!(Name::parse("  "), Ok(None));
        assert!(Name::parse(&"山".repeat(100)).is_ok() && Name::parse(&"山".repeat(101)).is_err());
        for bad in ["a\u{202e}b", "a\u{200b}b", "a\u{0}b", "a\nb", "a\u{2066}b"] {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ages_have_two_sides() {
        for (years, good) in [(i64::MIN, false), (17, false), (18, true), (120, true), (121, false)] {
            assert_eq!(Age::parse(years).is_ok(), good, "{years}");
        }
    }
}
