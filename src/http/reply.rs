//! The error envelope of both families: `{success:false, error, message, code}` for everything that goes wrong, so that a
//! client can always parse the answer as JSON. The one reads `error`, the other `message`.

use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use serde::Serialize;

#[derive(Serialize)]
struct Envelope<'a> {
    success: bool,
    error: &'a str,
    message: &'a str,
    code: &'a str,
}

/// An error as clients expect it.
pub(super) fn error(status: StatusCode, error: &str, code: &str) -> Response {
    let envelope = Envelope {
        success: false,
        error,
        message: error,
        code,
    };
    poem::web::Json(envelope).with_status(status).into_response()
}

/// An answer to "try again later".
pub(super) fn later(status: StatusCode, why: &str) -> Response {
    let mut response = error(status, why, "UNAVAILABLE");
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    response
}
