//! How callers prove who they are: security schemes of the description, and what of a request's headers says what calls.

use crate::domain::account::No;
use poem::http::{HeaderMap, header};
use poem_openapi::SecurityScheme;
use poem_openapi::auth::{ApiKey, Bearer};

/// An access token, as `Authorization: Bearer ...`.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "accessToken", bearer_format = "JWT")]
pub(super) struct AccessToken(pub(super) Bearer);

/// An access token in a cookie, as browsers bring it back.
#[derive(SecurityScheme)]
#[oai(ty = "api_key", rename = "accessCookie", key_name = "accessToken", key_in = "cookie")]
pub(super) struct AccessCookie(pub(super) ApiKey);

/// Either; the header is looked at first.
#[derive(SecurityScheme)]
pub(super) enum AnyAccess {
    /// In the header.
    Header(AccessToken),
    /// In the cookie.
    Cookie(AccessCookie),
}

impl AnyAccess {
    /// The token.
    pub(super) fn token(&self) -> &str {
        match self {
            AnyAccess::Header(AccessToken(bearer)) => &bearer.token,
            AnyAccess::Cookie(AccessCookie(key)) => &key.key,
        }
    }
}

/// An access token in the header, or nobody: where a family takes no cookies.
#[derive(SecurityScheme)]
pub(super) enum HeaderOrNobody {
    /// In the header.
    Header(AccessToken),
    /// None came.
    #[oai(fallback)]
    Nobody,
}

impl HeaderOrNobody {
    /// The token.
    pub(super) fn token(&self) -> Result<&str, No> {
        match self {
            HeaderOrNobody::Header(AccessToken(bearer)) => Ok(&bearer.token),
            HeaderOrNobody::Nobody => Err(No::NoToken),
        }
    }
}

/// In either place, or nobody.
#[derive(SecurityScheme)]
pub(super) enum AnyOrNobody {
    /// In the header.
    Header(AccessToken),
    /// In the cookie.
    Cookie(AccessCookie),
    /// None came.
    #[oai(fallback)]
    Nobody,
}

impl AnyOrNobody {
    /// The token.
    pub(super) fn token(&self) -> Option<&str> {
        match self {
            AnyOrNobody::Header(AccessToken(bearer)) => Some(&bearer.token),
            AnyOrNobody::Cookie(AccessCookie(key)) => Some(&key.key),
            AnyOrNobody::Nobody => None,
        }
    }
}

/// What the client calls itself.
pub(super) fn device(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::USER_AGENT)?.to_str().ok()
}
