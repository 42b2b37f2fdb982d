//! Web pages that call us (CORS); `domain::page` says which may. A request without `Origin` is not from another site's
//! page and passes.
//!
//! Only the Free2Talk web app sends cookies; the credentials header is there for it, and only ever beside one named origin.

use super::free2talk::cookies;
use super::reply;
use crate::domain::page::Page;
use crate::metrics;
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, Request, Response};
use std::sync::Arc;

/// The code of a refusal for where a request comes from.
const NOT_ALLOWED: &str = "ORIGIN_NOT_ALLOWED";
const METHODS: &str = "GET, POST, PUT, PATCH, DELETE, OPTIONS";
const HEADERS: &str =
    "Content-Type, Authorization, X-Admin-Session, X-Admin-Csrf, X-CSRF-Token, X-Guest-Id, X-Refresh-Token";
/// What pages may read of an answer, beside what all may.
const READABLE: &str = "Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, RateLimit-Policy";
/// Browsers keep a preflight's answer two hours at most.
const KEEP_SECONDS: &str = "7200";

/// The allowed origins.
#[derive(Debug, Clone)]
pub(super) struct Origins(Arc<[String]>);

/// Where a request comes from.
#[derive(Debug, PartialEq, Eq)]
enum From {
    /// No browser page of another site.
    Here,
    /// An allowed page.
    Friend(HeaderValue),
    /// A page of somebody else.
    Stranger,
}

impl Origins {
    pub(super) fn new(allowed: &[String]) -> Self {
        Self(allowed.into())
    }

    fn judge(&self, headers: &HeaderMap) -> From {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return From::Here;
        };
        let text = origin.to_str().unwrap_or_default();
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        match Page::of(text, host, &self.0) {
            Page::Friend => From::Friend(origin.clone()),
            Page::Anybody => From::Friend(HeaderValue::from_static("*")),
            Page::Stranger => From::Stranger,
        }
    }

    /// Whether a page of somebody else may have made a browser send this: it would change something, is proven by nothing
    /// but cookies of ours, which browsers add by themselves, and no page that is allowed by name says that it sent it.
    /// Cookies of other sites' requests are for `accounts.cookies = cross-site` only; the guard holds always.
    fn may_be_forged(&self, request: &Request, from: &From) -> bool {
        let headers = request.headers();
        let changes = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
        let lines = headers.get_all(header::COOKIE).iter();
        let cookies = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'));
        let ours = |cookie: &str| {
            let name = cookie.split('=').next().unwrap_or_default().trim();
            [cookies::ACCESS, cookies::REFRESH].contains(&name)
        };
        let by_cookie = !headers.contains_key(header::AUTHORIZATION) && cookies.into_iter().any(ours);
        let by_other_site = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
        let named = match from {
            From::Here => !by_other_site,
            From::Friend(origin) => origin != "*",
            From::Stranger => false,
        };
        changes && by_cookie && !named
    }

    /// Answers preflights and marks answers for allowed pages.
    pub(super) async fn guard(self, endpoint: Arc<impl Endpoint<Output = Response>>, request: Request) -> Response {
        let from = self.judge(request.headers());
        let asks_first = request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let mut response = match (&from, asks_first) {
            (From::Stranger, true) => reply::error(StatusCode::FORBIDDEN, "origin not allowed", NOT_ALLOWED),
            (_, true) => preflight(),
            (from, false) if self.may_be_forged(&request, from) => {
                metrics::REFUSALS.one(NOT_ALLOWED);
                reply::error(StatusCode::FORBIDDEN, "origin not allowed", NOT_ALLOWED)
            }
            (_, false) => endpoint.get_response(request).await,
        };
        let headers = response.headers_mut();
        // Caches must not give one origin's answer to another.
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let From::Friend(origin) = from {
            if origin != "*" {
                headers.insert(
                    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
                    HeaderValue::from_static("true"),
                );
            }
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(READABLE),
            );
        }
        response
    }
}

fn preflight() -> Response {
    Response::builder()
        .status(StatusCode::NO_CONTENT)
        .header(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS)
        .header(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS)
        .header(header::ACCESS_CONTROL_MAX_AGE, KEEP_SECONDS)
        .finish()
}
