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

/// An access token in the header, or nobody.
#[derive(SecurityScheme)]
pub(super) enum MaybeAccess {
    /// In the header.
    Header(AccessToken),
    /// None came.
    #[oai(fallback)]
    Nobody,
}

impl MaybeAccess {
    /// The token.
    pub(super) fn token(&self) -> Result<&str, No> {
        match self {
            MaybeAccess::Header(AccessToken(bearer)) => Ok(&bearer.token),
            MaybeAccess::Nobody => Err(No::NoToken),
        }
    }
}

/// Either, or nobody.
#[derive(SecurityScheme)]
pub(super) enum PerhapsAccess {
    /// In the header.
    Header(AccessToken),
    /// In the cookie.
    Cookie(AccessCookie),
    /// None came.
    #[oai(fallback)]
    Nobody,
}

impl PerhapsAccess {
    /// The token.
    pub(super) fn token(&self) -> Option<&str> {
        match self {
            PerhapsAccess::Header(AccessToken(bearer)) => Some(&bearer.token),
            PerhapsAccess::Cookie(AccessCookie(key)) => Some(&key.key),
            PerhapsAccess::Nobody => None,
        }
    }
}

/// What the client calls itself.
pub(super) fn device(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::USER_AGENT)?.to_str().ok()
}
