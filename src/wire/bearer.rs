//! The token that came with the request which opened a session (`Authorization`), for clients that put none into their
//! CONNECT. It is kept until a namespace is joined, goes with a polling session that changes its node before that, and is
//! shown to nobody.

use poem::http::{HeaderMap, header};
use std::fmt;

/// Longer ones are cut, and then are nobody's: how much a connection may remember is bounded.
const LONGEST: usize = 4096;

/// Schemes by which browsers and proxies open doors of their own.
const OF_OTHERS: [&str; 3] = ["basic", "digest", "negotiate"];

/// A token in the clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(Box<str>);

impl Bearer {
    /// The second word of the header, whatever the first is called.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut words = headers
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?
            .split_ascii_whitespace();
        let scheme = words.next()?;
        let known = OF_OTHERS.iter().any(|other| scheme.eq_ignore_ascii_case(other));
        words.next().filter(|_| !known).map(Self::carried)
    }

    /// As another node had it.
    pub(super) fn carried(token: &str) -> Self {
        let end = token.floor_char_boundary(LONGEST);
        Self(token[..end].into())
    }

    /// The token. Whoever calls this keeps it out of logs.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(token)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderValue;

    fn of(header: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::AUTHORIZATION,
            HeaderValue::from_bytes(header.as_bytes()).unwrap(),
        );
        Bearer::of(&headers).map(|bearer| bearer.reveal().to_owned())
    }

    #[test]
    fn the_second_word_is_the_token() {
        assert_eq!(of("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(of("  JWT   abc  def ").as_deref(), Some("abc"));
        for none in [
            "",
            "Bearer",
            "Bearer ",
            "abc",
            "Basic YW5uOmE=",
            "NEGOTIATE x",
            "Bearer é",
        ] {
            assert_eq!(of(none), None, "{none:?}");
        }
        assert_eq!(Bearer::of(&HeaderMap::new()), None);
    }

    #[test]
    fn no_more_is_remembered_than_a_token_can_have_and_nothing_is_shown() {
        assert_eq!(
            of(&format!("Bearer {}", "x".repeat(LONGEST + 1))),
            Some("x".repeat(LONGEST))
        );
        assert_eq!(format!("{:?}", Bearer::carried("secret")), "(token)");
    }
}
