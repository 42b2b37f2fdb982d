//! What every answer wears: the envelope of errors, and who may call from which page.

use super::arrival::Bounds;
use super::tests::{Client, text, told, world};
use super::*;
use futures_util::{Stream, StreamExt, stream};
use poem::http::{Method, StatusCode};
use serde_json::json;
use std::io;
use std::time::Duration;

#[tokio::test]
async fn unknown_paths_and_methods_answer_in_the_envelope() {
    let world = world(|_| {}).await;

    for path in ["/nowhere", "/api/nowhere", "/page/../Cargo.toml", "/page/none.js"] {
        let (status, _, body) = told(world.client.get(path)).await;
        assert_eq!(
            (status, body),
            (
                StatusCode::NOT_FOUND,
                json!({"success": false, "error": "not found", "message": "not found", "code": "NOT_FOUND"})
            ),
            "{path}"
        );
    }
    for path in ["/api/health", "/", "/docs", "/metrics", "/page/page.css"] {
        let (status, headers, body) = told(world.client.request(Method::DELETE, path)).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(
            body,
            json!({"success": false, "error": "method not allowed", "message": "method not allowed", "code": "METHOD_NOT_ALLOWED"})
        );
        assert_eq!(text(&headers, "allow"), Some("GET, HEAD, OPTIONS"), "{path}");
    }
    let (status, headers, _) = told(world.client.request(Method::OPTIONS, "/api/health")).await;
    assert_eq!(
        (status, text(&headers, "allow")),
        (StatusCode::NO_CONTENT, Some("GET, HEAD, OPTIONS"))
    );
    let (status, headers, _) = told(world.client.request(Method::HEAD, "/keepalive")).await;
    assert_eq!(
        (status, text(&headers, "content-type")),
        (StatusCode::OK, Some("application/json; charset=utf-8"))
    );
}

#[tokio::test]
async fn what_no_route_can_read_is_refused_in_the_envelope_and_may_be_read_by_allowed_pages() {
    let world = world(|_| {}).await;
    let page = "http://localhost:3000";

    for (method, path, status) in [
        (Method::GET, "/api/v1/users/%ff", StatusCode::BAD_REQUEST),
        (Method::GET, "/%ff%fe", StatusCode::NOT_FOUND),
        (Method::GET, "evil:80", StatusCode::NOT_FOUND),
        (Method::OPTIONS, "*", StatusCode::NOT_FOUND),
        (Method::CONNECT, "evil:443", StatusCode::NOT_FOUND),
    ] {
        let (told, headers, body) = told(world.client.request(method, path).header("origin", page)).await;
        assert_eq!(told, status, "{path}");
        assert!(
            body["success"] == json!(false) && body["error"].is_string() && body["code"].is_string(),
            "{path}: {body}"
        );
        assert_eq!(text(&headers, "access-control-allow-origin"), Some(page), "{path}");
    }
}

#[derive(serde::Deserialize)]
struct Given {
    name: String,
}

#[handler]
fn takes(given: poem::web::Json<Given>) -> String {
    given.name.clone()
}

#[handler]
fn panics() -> String {
    panic!("a handler with a bug")
}

fn bare() -> Client {
    let routes = Route::new().at("/takes", poem::post(takes)).at("/panics", get(panics));
    let origins = Origins::new(&Settings::default().origins);
    let bounds = Bounds {
        size: 100,
        time: Duration::from_millis(50),
    };
    Client(dress::outer(dress::inner(routes, origins, bounds)).boxed())
}

#[tokio::test]
async fn bad_bodies_answer_in_the_envelope() {
    let client = bare();
    let post = |body: String| {
        client
            .request(Method::POST, "/takes")
            .header("content-type", "application/json")
            .body(body)
    };

    let (status, _, body) = told(post("{".into())).await;
    assert_eq!((status, &body["success"]), (StatusCode::BAD_REQUEST, &json!(false)));
    assert!(body["error"].as_str().unwrap().contains("parse"), "{body}");

    let large = format!(r#"{{"name":"{}"}}"#, "x".repeat(200));
    let too_large = json!({"success": false, "error": "request body too large", "message": "request body too large", "code": "BODY_TOO_LARGE"});
    let (status, _, body) = told(post(large.clone()).header("content-length", large.len())).await;
    assert_eq!((status, &body), (StatusCode::PAYLOAD_TOO_LARGE, &too_large));
    let (status, _, body) = told(post(large).header("transfer-encoding", "chunked")).await;
    assert_eq!((status, &body), (StatusCode::PAYLOAD_TOO_LARGE, &too_large));

    let (status, _, body) = told(
        client
            .request(Method::POST, "/takes")
            .header("content-type", "text/plain")
            .body("x"),
    )
    .await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(
        body,
        json!({"success": false, "error": "the body must be application/json", "message": "the body must be application/json", "code": "UNSUPPORTED_MEDIA_TYPE"})
    );

    let (status, ..) = told(post(r#"{"name":"x"}"#.into()).header("transfer-encoding", "chunked")).await;
    assert_eq!(status, StatusCode::OK);
}

/// Sends it to a handler that reads it.
fn send(body: impl Stream<Item = io::Result<&'static str>> + Send + 'static) -> poem::Body {
    poem::Body::from_bytes_stream(body)
}

#[tokio::test]
async fn a_body_that_does_not_come_is_refused_in_time_and_its_connection_closed() {
    let client = bare();
    let never = stream::once(async { Ok("{") }).chain(stream::pending());
    let drop_by_drop = stream::repeat(" ").then(|space| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Ok(space)
    });

    for body in [send(never), send(drop_by_drop)] {
        let post = client
            .request(Method::POST, "/takes")
            .header("content-type", "application/json");
        let (status, headers, body) = told(post.header("content-length", 90).body(body)).await;
        assert_eq!(
            (status, body),
            (
                StatusCode::REQUEST_TIMEOUT,
                json!({"success": false, "error": "request body came too slowly", "message": "request body came too slowly", "code": "BODY_TOO_SLOW"})
            )
        );
        assert_eq!(text(&headers, "connection"), Some("close"));
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused_with_a_code() {
    let broken = stream::iter([Ok("{"), Err(io::ErrorKind::InvalidData.into())]);
    let client = bare();

    let post = client
        .request(Method::POST, "/takes")
        .header("content-type", "application/json");
    let (status, _, body) = told(post.header("transfer-encoding", "chunked").body(send(broken))).await;

    assert_eq!(
        (status, &body["code"]),
        (StatusCode::BAD_REQUEST, &json!("INVALID_BODY")),
        "{body}"
    );
}

#[tokio::test]
async fn limits_are_asked_before_a_body_is_waited_for() {
    let world = world(|settings| settings.body_timeout = Duration::from_secs(300)).await;
    let login = || {
        let post = world.client.request(Method::POST, "/api/v1/auth/login");
        post.header("content-type", "application/json")
    };
    while told(login().body("[]")).await.0 == StatusCode::BAD_REQUEST {}

    let (status, ..) = told(login().header("content-length", 9).body(send(stream::pending()))).await;

    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_panicking_handler_is_an_internal_error_that_tells_nothing() {
    let (status, _, body) = told(bare().get("/panics")).await;

    assert_eq!(
        (status, body),
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            json!({"success": false, "error": "internal error", "message": "internal error", "code": "INTERNAL"})
        )
    );
}

#[tokio::test]
async fn allowed_pages_may_call_and_strangers_may_not() {
    let world = world(|_| {}).await;
    let ask = |origin: &'static str| {
        let request = world
            .client
            .request(Method::OPTIONS, "/api/status/summary")
            .header("origin", origin);
        request.header("access-control-request-method", "GET")
    };

    let (status, headers, _) = told(ask("https://www.omegoo.chat")).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(
        text(&headers, "access-control-allow-origin"),
        Some("https://www.omegoo.chat")
    );
    assert_eq!(text(&headers, "access-control-allow-credentials"), Some("true"));
    assert_eq!(text(&headers, "vary"), Some("Origin"));
    let allowed = text(&headers, "access-control-allow-headers").unwrap();
    for name in [
        "Content-Type",
        "Authorization",
        "X-Admin-Session",
        "X-Admin-Csrf",
        "X-CSRF-Token",
        "X-Guest-Id",
    ] {
        assert!(allowed.contains(name), "{name}");
    }
    assert_eq!(
        text(&headers, "access-control-allow-methods"),
        Some("GET, POST, PUT, PATCH, DELETE, OPTIONS")
    );

    let (status, headers, body) = told(ask("https://evil.example")).await;
    assert_eq!((status, &body["success"]), (StatusCode::FORBIDDEN, &json!(false)));
    assert_eq!(text(&headers, "access-control-allow-origin"), None);

    let (status, headers, _) = told(world.client.get("/keepalive").header("origin", "http://localhost:3000")).await;
    assert_eq!(
        (status, text(&headers, "access-control-allow-origin")),
        (StatusCode::OK, Some("http://localhost:3000"))
    );
    let (_, headers, _) = told(world.client.get("/keepalive").header("origin", "https://evil.example")).await;
    assert_eq!(
        (text(&headers, "access-control-allow-origin"), text(&headers, "vary")),
        (None, Some("Origin"))
    );
}

#[tokio::test]
async fn our_own_page_needs_no_entry_and_a_star_lets_all_in_without_credentials() {
    let world = world(|settings| settings.origins = vec!["*".into()]).await;

    let own = world
        .client
        .get("/live")
        .header("host", "chat.example:8080")
        .header("origin", "http://chat.example:8080");
    let (_, headers, _) = told(own).await;
    assert_eq!(
        text(&headers, "access-control-allow-origin"),
        Some("http://chat.example:8080")
    );

    let (_, headers, _) = told(world.client.get("/live").header("origin", "https://anybody.example")).await;
    assert_eq!(text(&headers, "access-control-allow-origin"), Some("*"));
    assert_eq!(text(&headers, "access-control-allow-credentials"), None);
}

#[tokio::test]
async fn only_where_pictures_are_uploaded_a_body_may_have_five_mebibytes() {
    let world = world(|_| {}).await;
    let post = async |path: &str, size: usize| {
        let request = world.client.request(Method::POST, path).header("content-length", size);
        told(request.body(vec![0; size])).await.0
    };

    assert_eq!(
        post("/api/v1/upload/avatar", (5 << 20) + 1000).await,
        StatusCode::UNAUTHORIZED,
        "it is let through"
    );
    assert_eq!(
        post("/api/v1/upload/avatar", 6 << 20).await,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(post("/api/v1/uploads", 129 << 10).await, StatusCode::PAYLOAD_TOO_LARGE);
}
