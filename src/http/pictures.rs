//! Pictures of people, at `/files/avatars/<name>`. A name is made of what is in the picture: it never changes, and whoever
//! has it, browser or cache on the way, may keep it.

use super::Front;
use super::reply;
use crate::files::Name;
use crate::metrics;
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, Request, Response};

/// A year is as long as anything is kept.
const KEEP: &str = "public, max-age=31536000, immutable";

/// Where somebody opens a picture as a page of its own, nothing in it may act.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// Serves them.
pub(super) struct Pictures(pub(super) Front);

impl Endpoint for Pictures {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Ok(StatusCode::METHOD_NOT_ALLOWED.into());
        }
        let Some(name) = request.raw_path_param("name").and_then(Name::parse) else {
            return Ok(StatusCode::NOT_FOUND.into());
        };
        let tag = format!("\"{name}\"");
        let known = request
            .headers()
            .get(header::IF_NONE_MATCH)
            .and_then(|tags| tags.to_str().ok());
        if known.is_some_and(|tags| tags.contains(&tag)) {
            return Ok(dressed(StatusCode::NOT_MODIFIED.into(), &tag));
        }
        match self.0.actions.picture(&name).await {
            Ok(Some(bytes)) => {
                let response = Response::builder().content_type(name.kind().media_type()).body(bytes);
                Ok(dressed(response, &tag))
            }
            Ok(None) => Ok(StatusCode::NOT_FOUND.into()),
            Err(fault) => {
                metrics::FAULTS.one(fault.op);
                tracing::warn!(fault.op, fault.why, "a picture was not served: {fault}");
                Ok(reply::later(StatusCode::SERVICE_UNAVAILABLE, "temporarily unavailable"))
            }
        }
    }
}

fn dressed(mut response: Response, tag: &str) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(KEEP));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // Pages of other origins show them.
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::super::tests::{text, told, world};
    use super::*;
    use crate::ids::UserId;
    use bytes::Bytes;

    /// The smallest GIF: one black pixel.
    const PIXEL: &[u8] =
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";

    #[tokio::test]
    async fn a_picture_is_served_to_be_kept_for_ever_and_forgotten_when_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let world = world(|settings| settings.files.url = format!("file:{}", folder.path().display())).await;
        let user = UserId::parse("ann").unwrap();
        let kept = world
            .front
            .actions
            .keep_picture(&user, Bytes::from_static(PIXEL))
            .await
            .unwrap();
        let url = world.front.actions.files().url(&kept.name);

        let (status, headers, _) = told(world.client.get(&url)).await;

        assert_eq!(status, StatusCode::OK);
        assert_eq!(text(&headers, "content-type"), Some("image/jpeg"));
        assert_eq!(text(&headers, "cache-control"), Some(KEEP));
        assert_eq!(text(&headers, "cross-origin-resource-policy"), Some("cross-origin"));
        let tag = text(&headers, "etag").unwrap();
        let (status, headers, _) = told(world.client.get(&url).header("if-none-match", tag)).await;
        assert_eq!(
            (status, text(&headers, "cache-control")),
            (StatusCode::NOT_MODIFIED, Some(KEEP))
        );
        let (status, headers, _) = told(world.client.request(Method::POST, &url)).await;
        assert_eq!(
            (status, text(&headers, "allow")),
            (StatusCode::METHOD_NOT_ALLOWED, Some("GET, HEAD, OPTIONS"))
        );
        world.front.actions.forget_picture(&url).await.unwrap();
        world
            .front
            .actions
            .forget_picture("https://elsewhere.example/x.png")
            .await
            .unwrap();
        let (status, headers, _) = told(world.client.get(&url)).await;
        assert_eq!((status, text(&headers, "cache-control")), (StatusCode::NOT_FOUND, None));
    }

    #[tokio::test]
    async fn what_is_no_name_of_a_picture_is_not_found() {
        let world = world(|_| {}).await;
        for name in [
            "x",
            "..%2f..%2fetc%2fpasswd",
            "0123456789abcdef0123456789abcdef.svg",
            "%00.jpg",
        ] {
            let (status, _, body) = told(world.client.get(&format!("/files/avatars/{name}"))).await;
            assert_eq!(
                (status, &body["error"]),
                (StatusCode::NOT_FOUND, &"not found".into()),
                "{name}"
            );
        }
    }

    #[tokio::test]
    async fn a_store_that_fails_is_said_with_when_to_come_back() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("in-the-way"), "").unwrap();
        let world = world(|settings| settings.files.url = format!("file:{}/in-the-way", folder.path().display())).await;

        let (status, headers, _) = told(world.client.get("/files/avatars/0123456789abcdef0123456789abcdef.jpg")).await;

        assert_eq!(
            (status, text(&headers, "retry-after")),
            (StatusCode::SERVICE_UNAVAILABLE, Some("2"))
        );
    }
}
