//! HTTP as clients see it: one application without a network, with a real Redis behind it.

use super::redis::Redis;
use super::*;
use crate::clock::Clock;
use crate::coord::connect;
use crate::store::Store;
use poem::endpoint::BoxEndpoint;
use poem::http::{Method, StatusCode};
use poem::{Request, RequestBuilder};
use serde_json::{Value, json};

struct World {
    client: Client,
    ready: Readiness,
    redis: Redis,
    clock: Clock,
}

/// Asks an endpoint without a network.
struct Client(BoxEndpoint<'static>);

/// A request in the making.
struct Ask<'a> {
    client: &'a Client,
    request: RequestBuilder,
    body: poem::Body,
}

impl Client {
    fn request(&self, method: Method, path: &str) -> Ask<'_> {
        let request = Request::builder().method(method).uri(path.parse().unwrap());
        Ask {
            client: self,
            request,
            body: poem::Body::empty(),
        }
    }

    fn get(&self, path: &str) -> Ask<'_> {
        self.request(Method::GET, path)
    }
}

impl Ask<'_> {
    fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.request = self.request.header(name, value.to_string());
        self
    }

    fn body(mut self, body: impl Into<poem::Body>) -> Self {
        self.body = body.into();
        self
    }

    async fn send(self) -> Response {
        self.client.0.get_response(self.request.body(self.body)).await
    }
}

/// An application with a real Redis behind it.
async fn world(change: impl FnOnce(&mut Settings)) -> World {
    metrics::install();
    let redis = Redis::start();
    let mut settings = Settings {
        redis: redis.settings(),
        ..Settings::default()
    };
    settings.redis.command_timeout = std::time::Duration::from_millis(500);
    change(&mut settings);
    let clock = Clock::system();
    let opened = connect::open(&settings.redis, 1000, &clock).unwrap();
    for lane in opened.lanes {
        tokio::spawn(lane.run());
    }
    let until = clock.steady() + std::time::Duration::from_secs(60);
    for shard in opened.coord.keys().shards() {
        opened.coord.register(shard, until).await.unwrap();
    }
    let ready = Readiness::waiting_for(&["redis"]);
    let front = Front {
        started: clock.now(),
        actions: Actions::new(
            opened.coord,
            Store::open(&settings.postgres).unwrap(),
            Arc::new(settings.clone()),
        ),
        ready: ready.clone(),
        connections: Connections::new(|| 7),
    };
    let endpoint = app(&settings, front, Route::new().at("/socket.io/", get(sockets)));
    World {
        client: Client(endpoint.boxed()),
        ready,
        redis,
        clock,
    }
}

#[handler]
fn sockets() -> &'static str {
    "sockets"
}

/// Status, headers that matter, and the body as JSON (or null).
async fn told(request: Ask<'_>) -> (StatusCode, poem::http::HeaderMap, Value) {
    let response = request.send().await;
    let (status, headers) = (response.status(), response.headers().clone());
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("x-xss-protection", "1; mode=block"),
        ("strict-transport-security", "max-age=31536000"),
    ] {
        assert_eq!(
            headers.get(name).map(|v| v.as_bytes()),
            Some(value.as_bytes()),
            "{name} is missing"
        );
    }
    let body = response.into_body().into_bytes().await.unwrap();
    (status, headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn text<'a>(headers: &'a poem::http::HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn health_and_keepalive_have_the_shape_that_clients_read() {
    let world = world(|_| {}).await;

    let (status, _, alive) = told(world.client.get("/keepalive")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(alive["alive"], json!(true));
    assert!(
        alive["timestamp"].as_str().unwrap().ends_with('Z') && alive["uptime"].is_u64(),
        "{alive}"
    );

    for path in ["/health", "/api/health"] {
        let (status, _, health) = told(world.client.get(path)).await;
        assert_eq!(
            (status, &health["status"], &health["connections"]),
            (StatusCode::OK, &json!("OK"), &json!(7))
        );
        for field in ["rss", "heapTotal", "heapUsed", "external", "arrayBuffers"] {
            assert!(health["memory"][field].is_u64(), "{field} in {health}");
        }
        assert!(health["memory"]["rss"].as_u64().unwrap() > 1 << 20);
    }
}

#[tokio::test]
async fn a_node_is_ready_only_while_its_parts_are_well_but_always_alive() {
    let world = world(|_| {}).await;

    let (status, _, before) = told(world.client.get("/ready")).await;
    assert_eq!(
        (status, before),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            json!({"ready": false, "because": ["redis: starting"]})
        )
    );

    world.ready.well("redis");
    let (status, _, well) = told(world.client.get("/ready")).await;
    assert_eq!((status, well), (StatusCode::OK, json!({"ready": true, "because": []})));

    world.ready.drain();
    let (status, _, drains) = told(world.client.get("/ready")).await;
    assert_eq!(
        (status, drains),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            json!({"ready": false, "because": ["draining"]})
        )
    );
    let (status, _, live) = told(world.client.get("/live")).await;
    assert_eq!((status, live), (StatusCode::OK, json!({"alive": true})));
}

#[tokio::test]
async fn the_answers_of_a_node_that_drains_close_their_connections() {
    let world = world(|_| {}).await;
    for path in ["/live", "/socket.io/", "/nowhere"] {
        let (_, headers, _) = told(world.client.get(path)).await;
        assert_eq!(text(&headers, "connection"), None, "{path}");
    }

    world.ready.drain();

    for path in ["/live", "/socket.io/", "/nowhere"] {
        let (_, headers, _) = told(world.client.get(path)).await;
        assert_eq!(text(&headers, "connection"), Some("close"), "{path}");
    }
}

#[tokio::test]
async fn the_status_summary_has_thirty_minutes_and_says_503_without_redis() {
    let mut world = world(|_| {}).await;

    let (status, _, body) = told(world.client.get("/api/status/summary")).await;
    assert_eq!((status, &body["success"]), (StatusCode::OK, &json!(true)), "{body}");
    let summary = &body["summary"];
    assert_eq!(summary["connectedUsers"], json!(0));
    assert_eq!(summary["queue"], json!({"text": 0, "audio": 0, "video": 0, "total": 0}));
    assert_eq!(
        (&summary["activeIncident"], &summary["upcomingIncident"]),
        (&Value::Null, &Value::Null)
    );
    assert!(
        summary.as_object().unwrap().contains_key("activeIncident"),
        "null, but there"
    );
    let minutes = summary["realtimeUsers"].as_array().unwrap();
    assert_eq!(minutes.len(), 30);
    assert!(minutes.iter().all(|minute| minute["entries"] == json!(0)));
    assert!(minutes[0]["minute"].as_str().unwrap().ends_with(":00.000Z"));

    world.redis.kill();
    let (status, _, again) = told(world.client.get("/api/status/summary")).await;
    assert_eq!(
        (status, &again["summary"]["lastUpdated"]),
        (StatusCode::OK, &summary["lastUpdated"]),
        "for a second nobody is asked again"
    );

    world.clock.advance(std::time::Duration::from_secs(1));
    let (status, headers, body) = told(world.client.get("/api/status/summary")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        body,
        json!({"success": false, "error": "status temporarily unavailable"})
    );
    assert_eq!(text(&headers, "retry-after"), Some("2"));
    let (status, ..) = told(world.client.get("/live")).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn unknown_paths_and_methods_answer_in_the_envelope() {
    let world = world(|_| {}).await;

    for path in ["/nowhere", "/api/nowhere", "/page/../Cargo.toml", "/page/none.js"] {
        let (status, _, body) = told(world.client.get(path)).await;
        assert_eq!(
            (status, body),
            (StatusCode::NOT_FOUND, json!({"success": false, "error": "not found"})),
            "{path}"
        );
    }
    for path in ["/api/health", "/", "/docs", "/metrics", "/page/page.css"] {
        let (status, headers, body) = told(world.client.request(Method::DELETE, path)).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(body, json!({"success": false, "error": "method not allowed"}));
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
    Client(dress::outer(dress::inner(routes, origins, 100)).boxed())
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
    let too_large = json!({"success": false, "error": "request body too large"});
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
        json!({"success": false, "error": "the body must be application/json"})
    );

    let (status, ..) = told(post(r#"{"name":"x"}"#.into()).header("transfer-encoding", "chunked")).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_panicking_handler_is_an_internal_error_that_tells_nothing() {
    let (status, _, body) = told(bare().get("/panics")).await;

    assert_eq!(
        (status, body),
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            json!({"success": false, "error": "internal error"})
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
async fn the_page_is_served_with_its_policy_and_revalidated_by_its_tag() {
    let world = world(|_| {}).await;

    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/page/page.css", "text/css; charset=utf-8"),
        ("/page/js/app.js", "text/javascript; charset=utf-8"),
        ("/page/favicon.svg", "image/svg+xml"),
        ("/favicon.ico", "image/svg+xml"),
        ("/page/vendor/socket.io.min.js", "text/javascript; charset=utf-8"),
        ("/docs", "text/html; charset=utf-8"),
        ("/openapi.json", "application/json"),
    ] {
        let (status, headers, _) = told(world.client.get(path)).await;
        assert_eq!(
            (status, text(&headers, "content-type")),
            (StatusCode::OK, Some(kind)),
            "{path}"
        );
        let tag = text(&headers, "etag").unwrap().to_owned();
        assert!(
            tag.starts_with('"') && text(&headers, "cache-control") == Some("no-cache"),
            "{path}"
        );
        let policy = text(&headers, "content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}");
        assert!(path != "/" || !policy.contains("unsafe"), "{policy}");

        let (status, ..) = told(
            world
                .client
                .get(path)
                .header("if-none-match", format!("\"x\", W/{tag}")),
        )
        .await;
        assert_eq!(status, StatusCode::NOT_MODIFIED, "{path}");
    }
}

#[tokio::test]
async fn the_docs_load_nothing_from_elsewhere() {
    let world = world(|_| {}).await;

    let page = world
        .client
        .get("/docs")
        .send()
        .await
        .into_body()
        .into_string()
        .await
        .unwrap();

    assert!(page.starts_with("\n<!doctype html>") || page.starts_with("<!doctype html>"));
    assert!(page.contains("statusSummary"), "the description is inside");
    assert!(
        !page.contains("<script src") && !page.contains("<link"),
        "everything is inside"
    );
}

#[tokio::test]
async fn requests_are_counted_under_their_route_and_never_under_their_path() {
    let world = world(|_| {}).await;

    for path in ["/live", "/page/js/app.js", "/nowhere/user-1", "/socket.io/"] {
        world.client.get(path).send().await;
    }

    let text = world
        .client
        .get("/metrics")
        .send()
        .await
        .into_body()
        .into_string()
        .await
        .unwrap();
    for line in [
        "palaver_http_requests_total{route=\"/live\",method=\"GET\",status=\"2xx\"} 1",
        "palaver_http_requests_total{route=\"/page/{path}\",method=\"GET\",status=\"2xx\"} 1",
        "palaver_http_requests_total{route=\"none\",method=\"GET\",status=\"4xx\"} 1",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(
        !text.contains("user-1") && !text.contains("app.js") && !text.contains("socket.io"),
        "{text}"
    );
}

#[tokio::test]
async fn metrics_are_only_on_their_own_listener_when_they_have_one() {
    let world = world(|settings| settings.metrics_listen = "127.0.0.1:0".parse().ok()).await;
    let own = Client(metrics_app().boxed());

    let (main, ..) = told(world.client.get("/metrics")).await;
    let (status, headers, _) = told(own.get("/metrics")).await;

    assert_eq!(main, StatusCode::NOT_FOUND);
    assert_eq!(
        (status, text(&headers, "content-type")),
        (StatusCode::OK, Some("text/plain; version=0.0.4; charset=utf-8"))
    );
}

#[tokio::test]
async fn sockets_get_their_requests_untouched() {
    let world = world(|_| {}).await;

    let (status, headers, _) = told(world.client.get("/socket.io/").header("origin", "https://evil.example")).await;

    assert_eq!((status, text(&headers, "vary")), (StatusCode::OK, None));
}

#[test]
fn the_committed_description_is_what_the_code_describes() {
    let committed = include_str!("../../openapi/palaver.json");

    assert!(
        committed == spec(),
        "run `palaver openapi > openapi/palaver.json` and look at the difference"
    );
}

#[test]
fn every_operation_is_described_for_readers_and_generators() {
    let spec: Value = serde_json::from_str(spec()).unwrap();

    for (path, item) in spec["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for field in ["operationId", "summary", "description"] {
                assert!(operation[field].is_string(), "{method} {path} has no {field}");
            }
            assert_eq!(
                operation["tags"].as_array().map(Vec::len),
                Some(1),
                "{method} {path} needs one tag"
            );
        }
    }
}
