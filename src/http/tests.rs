//! HTTP as clients see it: one application without a network, with a real Redis behind it.

use super::redis::Redis;
use super::*;
use crate::actions::Outside;
use crate::clock::Clock;
use crate::coord::connect;
use crate::store::Store;
use poem::RequestBuilder;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

pub(super) struct World {
    pub(super) client: Client,
    pub(super) front: Front,
    redis: Redis,
    clock: Clock,
}

/// Asks an endpoint without a network.
pub(super) struct Client(pub(super) BoxEndpoint<'static>);

/// A request in the making.
pub(super) struct Ask<'a> {
    client: &'a Client,
    request: RequestBuilder,
    body: poem::Body,
}

impl Client {
    pub(super) fn request(&self, method: Method, path: &str) -> Ask<'_> {
        let request = Request::builder().method(method).uri(path.parse().unwrap());
        Ask {
            client: self,
            request,
            body: poem::Body::empty(),
        }
    }

    pub(super) fn get(&self, path: &str) -> Ask<'_> {
        self.request(Method::GET, path)
    }
}

impl Ask<'_> {
    pub(super) fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.request = self.request.header(name, value.to_string());
        self
    }

    pub(super) fn body(mut self, body: impl Into<poem::Body>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) async fn send(self) -> Response {
        self.client.0.get_response(self.request.body(self.body)).await
    }
}

/// An application with a real Redis behind it.
pub(super) async fn world(change: impl FnOnce(&mut Settings)) -> World {
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
    let front = Front {
        started: clock.now(),
        actions: Actions::new(
            opened.coord,
            Store::open(&settings.postgres).unwrap(),
            Arc::new(settings.clone()),
        )
        .with(Outside::open(&settings).unwrap()),
        ready: Readiness::waiting_for(&["redis"]),
        connections: Connections::new(|| 7),
    };
    let endpoint = app(&settings, front.clone(), Route::new().at("/socket.io/", get(sockets)));
    World {
        client: Client(endpoint.boxed()),
        front,
        redis,
        clock,
    }
}

#[handler]
fn sockets() -> &'static str {
    "sockets"
}

/// Status, headers that matter, and the body as JSON (or null).
pub(super) async fn told(request: Ask<'_>) -> (StatusCode, poem::http::HeaderMap, Value) {
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

pub(super) fn text<'a>(headers: &'a poem::http::HeaderMap, name: &str) -> Option<&'a str> {
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

    world.front.ready.well("redis");
    let (status, _, well) = told(world.client.get("/ready")).await;
    assert_eq!((status, well), (StatusCode::OK, json!({"ready": true, "because": []})));

    world.front.ready.drain();
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

    world.front.ready.drain();

    for path in ["/live", "/socket.io/", "/nowhere"] {
        let (_, headers, _) = told(world.client.get(path)).await;
        assert_eq!(text(&headers, "connection"), Some("close"), "{path}");
    }
}

#[tokio::test]
async fn a_node_that_drains_notes_what_clients_still_ask_for_and_not_what_balancers_do() {
    let world = world(|_| {}).await;
    world.front.ready.drain();
    let noted = async |path| {
        let before = world.front.ready.late();
        world.client.get(path).send().await;
        world.front.ready.late() - before
    };

    for path in ["/ready", "/live", "/health", "/metrics"] {
        assert_eq!(noted(path).await, 0, "{path}");
    }
    for path in ["/socket.io/", "/api/status/summary", "/nowhere"] {
        assert_eq!(noted(path).await, 1, "{path}");
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
        json!({"success": false, "error": "status temporarily unavailable", "code": "UNAVAILABLE"})
    );
    assert_eq!(text(&headers, "retry-after"), Some("2"));
    let (status, ..) = told(world.client.get("/live")).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn half_a_character_in_a_body_is_read_as_the_sign_for_one_that_is_unknown() {
    let world = world(|_| {}).await;
    let refused = async |body: &'static str| {
        let verify = world.client.request(Method::POST, "/api/guest/verify");
        let (status, _, body) = told(verify.header("content-type", "application/json").body(body)).await;
        (status, body["code"].clone(), body["field"].clone())
    };

    let read = refused(r#"{"guestId":"\ud83d","\ude00":"\\ud83d"}"#).await;
    let broken = refused(r#"{"guestId":"\ud83d""#).await;

    assert_eq!(
        read,
        (StatusCode::BAD_REQUEST, json!("INVALID_FIELD"), json!("guestId"))
    );
    assert_eq!(broken, (StatusCode::BAD_REQUEST, json!("INVALID_BODY"), Value::Null));
}

#[tokio::test]
async fn requests_are_counted_under_their_route_and_never_under_their_path() {
    let world = world(|_| {}).await;

    // By a method that no other test uses: those that run in the same process share the counters.
    for path in ["/live", "/page/js/app.js", "/nowhere/user-1", "/socket.io/"] {
        world.client.request(Method::HEAD, path).send().await;
    }

    let answer = world.client.get("/metrics").send().await;
    let text = answer.into_body().into_string().await.unwrap();
    for line in [
        "palaver_http_requests_total{route=\"/live\",method=\"HEAD\",status=\"2xx\"} 1",
        "palaver_http_requests_total{route=\"/page/{path}\",method=\"HEAD\",status=\"2xx\"} 1",
        "palaver_http_requests_total{route=\"none\",method=\"HEAD\",status=\"4xx\"} 1",
    ] {
        assert!(text.lines().any(|have| have == line), "{line}\n{text}");
    }
    assert!(
        !text.contains("user-1") && !text.contains("app.js") && !text.contains("socket.io"),
        "{text}"
    );
}

#[tokio::test]
async fn metrics_are_only_on_their_own_listener_when_they_have_one() {
    let world = world(|settings| settings.metrics_listen = "127.0.0.1:0".parse().ok()).await;
    let own = Client(metrics_app(world.front.clone()).boxed());

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
