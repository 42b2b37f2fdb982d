//! What a setting may be: each type is read from one line of text, so that a file, an environment variable and a
//! default are judged by the same code. Times are humane (`250ms`, `30s`, `5m`, `2h`, `90d`), sizes too (`64KiB`, `1MiB`).

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// A type that a setting can have.
pub(super) trait Value: Sized + PartialOrd {
    /// What the operator may write, for messages and the table.
    const KIND: &'static str;

    /// Reads one setting; the error says what was expected.
    fn parse(text: &str) -> Result<Self, String>;
}

/// Text that no log and no debug print shows: keys, and URLs that may hold a password.
#[derive(Clone, PartialEq, Eq, PartialOrd, Default)]
pub struct Secret(String);

impl Secret {
    /// A secret made of `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself. Whoever calls this keeps it out of logs.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub enum LogFormat {
    /// One readable line per entry.
    Text,
    /// One JSON object per line.
    Json,
}

/// Which pages' requests cookies go with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub enum Cookies {
    /// Those of our own site, and links to it.
    Lax,
    /// Those of our own site.
    Strict,
    /// All; needs https.
    CrossSite,
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl Value for $type {
            const KIND: &'static str = "number";
            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("expected a whole number up to {}", <$type>::MAX))
            }
        }
    )*};
}
number!(u8, u16, u32);

impl Value for usize {
    const KIND: &'static str = "size";

    fn parse(text: &str) -> Result<Self, String> {
        let (digits, unit) = split_unit(text);
        let times = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            _ => return Err("expected bytes, such as 65536, 64KiB or 1MiB".into()),
        };
        let count: usize = digits.parse().map_err(|_| "expected bytes, such as 64KiB")?;
        count.checked_mul(times).ok_or_else(|| "is too large".into())
    }
}

impl Value for Duration {
    const KIND: &'static str = "time";

    fn parse(text: &str) -> Result<Self, String> {
        let (digits, unit) = split_unit(text);
        let expected = || "expected a time with its unit, such as 250ms, 30s, 5m, 2h or 90d".to_owned();
        let times: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(expected()),
        };
        let count: u64 = digits.parse().map_err(|_| expected())?;
        let ms = count.checked_mul(times).ok_or("is too long")?;
        Ok(Duration::from_millis(ms))
    }
}

impl Value for String {
    const KIND: &'static str = "text";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("must not be empty".into()),
            text => Ok(text.to_owned()),
        }
    }
}

impl Value for Secret {
    const KIND: &'static str = "secret";

    fn parse(text: &str) -> Result<Self, String> {
        String::parse(text).map(Self)
    }
}

impl Value for SocketAddr {
    const KIND: &'static str = "address";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| "expected address:port, such as 0.0.0.0:3001 or [::]:3001".into())
    }
}

impl Value for LogFormat {
    const KIND: &'static str = "text or json";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected text or json".into()),
        }
    }
}

impl Value for Cookies {
    const KIND: &'static str = "lax, strict or cross-site";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "lax" => Ok(Self::Lax),
            "strict" => Ok(Self::Strict),
            "cross-site" => Ok(Self::CrossSite),
            _ => Err("expected lax, strict or cross-site".into()),
        }
    }
}

impl<T: Value> Value for Option<T> {
    const KIND: &'static str = T::KIND;

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Ok(None),
            text => T::parse(text).map(Some),
        }
    }
}

impl<T: Value> Value for Vec<T> {
    const KIND: &'static str = "list";

    fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(T::parse).collect()
    }
}

fn split_unit(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    (digits, unit.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_need_a_unit() {
        assert_eq!(Duration::parse("150ms"), Ok(Duration::from_millis(150)));
        assert_eq!(Duration::parse("5 m"), Ok(Duration::from_secs(300)));
        assert_eq!(Duration::parse("2h"), Ok(Duration::from_secs(7200)));
        for bad in ["30", "s", "", "-1s", "1w", "1.5s", "99999999999999999999s"] {
            assert!(Duration::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_bytes_unless_they_say_otherwise() {
        assert_eq!(usize::parse("65536"), Ok(65536));
        assert_eq!(usize::parse("64KiB"), Ok(65536));
        assert_eq!(usize::parse("1 MiB"), Ok(1 << 20));
        assert!(usize::parse("1GB").is_err());
    }

    #[test]
    fn a_list_is_separated_by_commas_and_may_be_empty() {
        assert_eq!(Vec::<String>::parse("a, b,"), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(Vec::<String>::parse(""), Ok(vec![]));
    }

    #[test]
    fn a_secret_never_prints_itself() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some((secret))");
    }
}
