//! What every answer gets, whoever made it: security headers, numbers, the error envelope.

use super::arrival::{self, Bounds};
use super::origins::Origins;
use super::ready::Readiness;
use super::reply;
use super::routes::{self, Known};
use crate::metrics;
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::middleware::CatchPanic;
use poem::{Endpoint, EndpointExt, Request, Response};
use std::sync::Arc;
use std::time::Instant;

/// The document's security headers.
const SECURITY: [(header::HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_XSS_PROTECTION, "1; mode=block"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
];

/// Around everything, sockets too.
pub(super) fn outer<E: Endpoint + 'static>(endpoint: E) -> impl Endpoint<Output = Response> + 'static {
    endpoint
        .map_to_response()
        .after(|answer: poem::Result<Response>| async move {
            let mut response = answer.unwrap_or_else(|error| error.into_response());
            for (name, value) in SECURITY {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            Ok::<_, poem::Error>(response)
        })
}

/// Around everything of a node that may be going to stop: from then on every answer closes its connection, so that no
/// balancer sends a request on one that is about to end; and what clients still ask for here is noted, since it means that
/// their balancer has not noticed yet.
pub(super) fn closing<E: Endpoint<Output = Response> + 'static>(
    endpoint: E,
    ready: Readiness,
) -> impl Endpoint<Output = Response> + 'static {
    endpoint.around(move |endpoint, request: Request| {
        let ready = ready.clone();
        async move {
            if ready.drains() && !routes::is_for_watchers(request.uri().path()) {
                ready.asked();
            }
            let mut response = endpoint.call(request).await?;
            if ready.drains() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok(response)
        }
    })
}

/// Around everything but sockets.
pub(super) fn inner<E: Endpoint + 'static>(
    endpoint: E,
    origins: Origins,
    bounds: Bounds,
) -> impl Endpoint<Output = Response> + 'static {
    let endpoint = endpoint
        .around(move |endpoint, request| arrival::bounded(endpoint, request, bounds))
        .with(CatchPanic::new())
        .around(enveloped)
        .around(move |endpoint, request| {
            let origins = origins.clone();
            async move { Ok(origins.guard(endpoint, request).await) }
        });
    endpoint.around(counted)
}

/// Counts the request and its time under its route's pattern.
async fn counted(endpoint: Arc<impl Endpoint<Output = Response>>, request: Request) -> poem::Result<Response> {
    let route = routes::find(request.uri().path()).map_or(routes::NOWHERE, |route| route.pattern);
    let method = routes::method(request.method());
    let started = Instant::now();
    let response = endpoint.get_response(request).await;
    metrics::HTTP_REQUESTS.one([route, method, routes::class(response.status())]);
    metrics::HTTP_DURATION.took(route, started.elapsed());
    Ok(response)
}

/// Puts every error into the envelope, and says what is allowed where a method is not.
async fn enveloped(endpoint: Arc<impl Endpoint<Output = Response>>, request: Request) -> poem::Result<Response> {
    let route = routes::find(request.uri().path());
    let plain_options = request.method() == Method::OPTIONS && route.is_some();
    if plain_options && !request.headers().contains_key(header::ORIGIN) {
        return Ok(allowing(StatusCode::NO_CONTENT.into(), route));
    }
    let takes = arrival::takes(request.uri().path());
    let response = endpoint.get_response(request).await;
    let status = response.status();
    let told = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if told || !(status.is_client_error() || status.is_server_error()) {
        return Ok(response);
    }
    if status.is_server_error() {
        tracing::error!(route = route.map_or(routes::NOWHERE, |route| route.pattern), %status, "a request failed");
    }
    let response = match status {
        StatusCode::BAD_REQUEST => reply::error(status, &text(response).await, "INVALID_REQUEST"),
        StatusCode::UNAUTHORIZED => reply::error(status, "Authentication required", "TOKEN_MISSING"),
        StatusCode::METHOD_NOT_ALLOWED => {
            let refused = reply::error(status, "method not allowed", "METHOD_NOT_ALLOWED");
            allowing(refused, route)
        }
        StatusCode::NOT_FOUND => reply::error(status, "not found", "NOT_FOUND"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => reply::error(status, takes.wanted(), "UNSUPPORTED_MEDIA_TYPE"),
        StatusCode::SERVICE_UNAVAILABLE => reply::later(status, "temporarily unavailable"),
        _ if status.is_server_error() => reply::error(status, "internal error", "INTERNAL"),
        _ => reply::error(status, status.canonical_reason().unwrap_or("refused"), "REFUSED"),
    };
    Ok(response)
}

/// What a parser said about a bad request: it is shown to whoever sent it, and to no one else.
async fn text(response: Response) -> String {
    let said = response.into_body().into_string().await.unwrap_or_default();
    if said.is_empty() {
        "bad request".to_owned()
    } else {
        said
    }
}

fn allowing(mut response: Response, route: Option<&Known>) -> Response {
    let allow = route.and_then(|route| HeaderValue::from_str(&route.allow).ok());
    if let Some(allow) = allow {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}
