//! How the body of a request arrives: no larger than its path takes, and in time. Else the request is refused, whatever
//! its handler made of what came. Nothing is read before a handler asks for it: limits come first.

use super::problem::{BODY, Refused};
use crate::domain::picture::LARGEST_FILE;
use futures_util::{Stream, stream};
use poem::http::{HeaderValue, header};
use poem::{Body, Endpoint, IntoResponse, Request, Response};
use std::io;
use std::sync::{Arc, OnceLock};
use std::task::{Poll, ready};
use std::time::Duration;

/// Where pictures are uploaded.
const UPLOADS: &str = "/api/v1/upload/";

/// What a form adds to the file in it.
const FORM: usize = 64 * 1024;

const MIB: usize = 1 << 20;

/// What bodies may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes of one that is no picture.
    pub(super) size: usize,
    /// For each MiB that may come, from the end of the header on.
    pub(super) time: Duration,
}

impl Bounds {
    /// Those of a path: pictures may be larger than anything else.
    fn of(self, path: &str) -> Self {
        let size = match takes(path) {
            Takes::Form => self.size.max(LARGEST_FILE + FORM),
            Takes::Json => self.size,
        };
        let time = self
            .time
            .saturating_mul(u32::try_from(size.div_ceil(MIB)).unwrap_or(u32::MAX));
        Self { size, time }
    }
}

/// What kind of body is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Json,
    /// With files in it.
    Form,
}

impl Takes {
    /// What is said to who sends another kind.
    pub(super) fn wanted(self) -> &'static str {
        match self {
            Takes::Json => "the body must be application/json",
            Takes::Form => "the body must be multipart/form-data",
        }
    }
}

/// What kind of body is taken here.
pub(super) fn takes(path: &str) -> Takes {
    match path.starts_with(UPLOADS) {
        true => Takes::Form,
        false => Takes::Json,
    }
}

/// Why a body did not arrive.
#[derive(Clone, Copy, Debug)]
pub(super) enum Missed {
    TooLarge,
    TooSlow,
    Broken,
}

impl Missed {
    /// The words and the code.
    pub(super) fn said(self) -> (&'static str, &'static str) {
        match self {
            Missed::TooLarge => ("request body too large", "BODY_TOO_LARGE"),
            Missed::TooSlow => ("request body came too slowly", "BODY_TOO_SLOW"),
            Missed::Broken => ("request body cannot be read", "INVALID_BODY"),
        }
    }

    fn answer(self) -> Response {
        let mut response = poem::Error::from(Refused::<BODY>::from(self)).into_response();
        // What is still to come of the body is no next request.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
        response
    }
}

/// Lets a request in whose body may arrive within `bounds`, and refuses it when it does not.
pub(super) async fn bounded<E: Endpoint>(
    endpoint: Arc<E>,
    mut request: Request,
    bounds: Bounds,
) -> poem::Result<Response> {
    let bounds = bounds.of(request.uri().path());
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > bounds.size) {
        return Ok(Missed::TooLarge.answer());
    }
    let missed = Arc::new(OnceLock::new());
    let body = request.take_body();
    if !body.is_empty() {
        request.set_body(Body::from_bytes_stream(arriving(body, bounds, missed.clone())));
    }
    let answer = endpoint.call(request).await.map(IntoResponse::into_response);
    missed.get().map_or(answer, |missed: &Missed| Ok(missed.answer()))
}

/// The parts of a body, and an error instead of what is out of bounds; `missed` says why.
fn arriving(
    body: Body,
    bounds: Bounds,
    missed: Arc<OnceLock<Missed>>,
) -> impl Stream<Item = io::Result<bytes::Bytes>> + Send {
    let mut parts = Box::pin(body.into_bytes_stream());
    let mut late = Box::pin(tokio::time::sleep(bounds.time));
    let mut came = 0;
    stream::poll_fn(move |cx| {
        let why = match parts.as_mut().poll_next(cx) {
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Ok(part))) if came + part.len() <= bounds.size => {
                came += part.len();
                return Poll::Ready(Some(Ok(part)));
            }
            Poll::Ready(Some(Ok(_))) => Missed::TooLarge,
            Poll::Ready(Some(Err(_))) => Missed::Broken,
            Poll::Pending => {
                ready!(late.as_mut().poll(cx));
                Missed::TooSlow
            }
        };
        let _ = missed.set(why);
        Poll::Ready(Some(Err(io::ErrorKind::InvalidData.into())))
    })
}
