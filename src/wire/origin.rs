//! Who may call from a browser: the origin list on every transport, and CORS.

use super::engineio::Refused;
use super::settings::Settings;
use crate::domain::page::Page;
use poem::http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::{Request, Response};

/// The origin of a request that a browser made; refused when its page may not call.
pub(super) fn check(request: &Request, settings: &Settings) -> Result<Option<HeaderValue>, Refused> {
    let headers = request.headers();
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(None);
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let page = |origin| Page::of(origin, host, &settings.origins);
    let allowed = origin.to_str().is_ok_and(|origin| page(origin) != Page::Stranger);
    allowed.then(|| Some(origin.clone())).ok_or(Refused::Forbidden)
}

/// The answer to a browser that asks before it calls.
pub(super) fn preflight(request: &Request) -> Response {
    let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    if let Some(wanted) = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    response
}

/// Lets the page of `origin` read the answer.
pub(super) fn let_read(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
    }
}
