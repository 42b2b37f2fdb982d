//! HTTP of a node from outside (contract 1.6, 4.1, 4.7); details are held beside the handlers.

use crate::harness::eventually;
use crate::harness::stage::{Stage, everywhere};
use reqwest::{Method, Response};
use serde_json::{Value, json};

async fn ask(stage: &Stage, method: Method, path: &str) -> Response {
    let request = reqwest::Client::new().request(method, format!("{}{path}", stage.url(1)));
    request.send().await.unwrap()
}

async fn get(stage: &Stage, path: &str) -> Value {
    let response = ask(stage, Method::GET, path).await;
    assert_eq!(response.status(), 200, "{path}");
    response.json().await.unwrap()
}

fn fields(value: &Value) -> Vec<&str> {
    let mut names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn monitors_read_the_shapes_of_the_original_server() {
    everywhere(async |stage| {
        let client = stage.guest(1).await;
        let alive = get(stage, "/keepalive").await;
        assert_eq!(fields(&alive), ["alive", "timestamp", "uptime"]);
        assert!(alive["alive"] == json!(true) && alive["uptime"].is_u64());
        for path in ["/health", "/api/health"] {
            let health = get(stage, path).await;
            assert_eq!(
                fields(&health),
                ["connections", "memory", "status", "timestamp", "uptime", "version"]
            );
            assert_eq!(health["status"], json!("OK"));
            assert!(health["connections"].as_u64().unwrap() >= 1, "{health}");
            let memory = ["arrayBuffers", "external", "heapTotal", "heapUsed", "rss"];
            assert_eq!(fields(&health["memory"]), memory);
        }
        assert_eq!(get(stage, "/live").await, json!({ "alive": true }));
        assert_eq!(get(stage, "/ready").await, json!({ "ready": true, "because": [] }));
        client.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_status_summary_counts_over_all_nodes() {
    everywhere(async |stage| {
        let people = [stage.guest(0).await, stage.guest(1).await, stage.guest(0).await];
        people[0].emit("mode-presence-update", &[json!({ "mode": "text" })]);
        people[1].emit("mode-presence-update", &[json!({ "mode": "video" })]);
        let mut told = Value::Null;
        eventually("everybody is counted", async || {
            told = get(stage, "/api/status/summary").await;
            told["summary"]["queue"]["total"] == json!(2)
        })
        .await;

        let summary = &told["summary"];
        assert_eq!(told["success"], json!(true));
        assert_eq!(summary["connectedUsers"], json!(3));
        assert_eq!(
            summary["queue"],
            json!({ "text": 1, "audio": 0, "video": 1, "total": 2 })
        );
        assert!(summary["activeIncident"].is_null() && summary["upcomingIncident"].is_null());
        let minutes = summary["realtimeUsers"].as_array().unwrap();
        assert_eq!(minutes.len(), 30);
        let arrived: u64 = minutes.iter().map(|minute| minute["entries"].as_u64().unwrap()).sum();
        assert_eq!(arrived, 3);
        for name in ["uptimeSeconds", "serverTime", "lastUpdated"] {
            assert!(!summary[name].is_null(), "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn metrics_are_told_in_prometheus_words_and_without_ids() {
    everywhere(async |stage| {
        let client = stage.guest(1).await;
        let response = ask(stage, Method::GET, "/metrics").await;
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
        let text = response.text().await.unwrap();
        assert!(
            text.contains("# TYPE") && !text.contains(client.sid()) && !text.contains("guest-"),
            "{text}"
        );
    })
    .await;
}

#[tokio::test]
async fn errors_come_in_the_familys_envelope() {
    everywhere(async |stage| {
        let nowhere = ask(stage, Method::GET, "/nowhere").await;
        assert_eq!(nowhere.status(), 404);
        assert_eq!(
            nowhere.json::<Value>().await.unwrap(),
            json!({ "success": false, "error": "not found", "message": "not found", "code": "NOT_FOUND" })
        );

        let wrong = ask(stage, Method::POST, "/api/status/summary").await;
        assert_eq!(wrong.status(), 405);
        assert_eq!(wrong.headers()["allow"], "GET, HEAD, OPTIONS");
        assert_eq!(
            wrong.json::<Value>().await.unwrap(),
            json!({ "success": false, "error": "method not allowed", "message": "method not allowed", "code": "METHOD_NOT_ALLOWED" })
        );

        let client = reqwest::Client::new();
        let large = client
            .post(format!("{}/keepalive", stage.url(0)))
            .body(vec![b'x'; 1024 * 1024 + 1]);
        let large = large.send().await.unwrap();
        assert_eq!(large.status(), 413);
        assert_eq!(large.json::<Value>().await.unwrap()["success"], json!(false));
    })
    .await;
}

#[tokio::test]
async fn every_answer_has_the_security_headers_of_the_document() {
    everywhere(async |stage| {
        for path in [
            "/",
            "/keepalive",
            "/nowhere",
            "/docs",
            "/socket.io/?EIO=3&transport=polling",
        ] {
            let response = ask(stage, Method::GET, path).await;
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("x-xss-protection", "1; mode=block"),
            ] {
                assert_eq!(response.headers()[name], value, "{path}");
            }
            let transport = response.headers()["strict-transport-security"].to_str().unwrap();
            assert!(transport.contains("max-age=31536000"), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn allowed_pages_may_read_answers_and_strangers_may_not() {
    everywhere(async |stage| {
        let client = reqwest::Client::new();
        let at = format!("{}/keepalive", stage.url(0));
        let ours = client
            .get(&at)
            .header("origin", "http://localhost:3000")
            .send()
            .await
            .unwrap();
        assert_eq!(ours.status(), 200);
        assert_eq!(ours.headers()["access-control-allow-origin"], "http://localhost:3000");
        let strangers = client
            .get(&at)
            .header("origin", "https://evil.example")
            .send()
            .await
            .unwrap();
        assert!(!strangers.headers().contains_key("access-control-allow-origin"));
        let asked = client
            .request(Method::OPTIONS, &at)
            .header("origin", "http://localhost:3000")
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "x-guest-id")
            .send()
            .await
            .unwrap();
        assert!(asked.status().is_success());
        let allowed = asked.headers()["access-control-allow-headers"]
            .to_str()
            .unwrap()
            .to_lowercase();
        assert!(
            allowed.contains("x-guest-id") && allowed.contains("authorization"),
            "{allowed}"
        );
    })
    .await;
}

#[tokio::test]
async fn the_description_is_the_committed_one_and_its_pages_need_nobody_else() {
    everywhere(async |stage| {
        let served = ask(stage, Method::GET, "/openapi.json").await.text().await.unwrap();
        assert_eq!(served, include_str!("../../openapi/palaver.json"));

        for path in ["/docs", "/"] {
            let page = ask(stage, Method::GET, path).await.text().await.unwrap();
            for outside in [
                "src=\"http",
                "src='http",
                "href=\"http",
                "src=\"//",
                "href=\"//",
                "@import",
            ] {
                assert!(!page.contains(outside), "{path} {outside}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn everything_that_the_page_asks_for_is_there() {
    everywhere(async |stage| {
        let page = ask(stage, Method::GET, "/").await.text().await.unwrap();
        let mut files: Vec<_> = ["src=\"", "href=\""]
            .iter()
            .flat_map(|at| page.split(at).skip(1).filter_map(|rest| rest.split('"').next()))
            .filter(|link| !link.starts_with('#') && !link.is_empty())
            .map(|link| link.trim_start_matches('.').to_owned())
            .collect();
        assert!(files.len() >= 3, "{files:?}");
        let mut seen = 0;
        while seen < files.len() {
            let path = if files[seen].starts_with('/') {
                files[seen].clone()
            } else {
                format!("/{}", files[seen])
            };
            let response = ask(stage, Method::GET, &path).await;
            assert_eq!(response.status(), 200, "{path}");
            if path.ends_with(".js") && !path.contains("vendor") {
                let text = response.text().await.unwrap();
                let modules = text.lines().filter(|line| line.trim_start().starts_with("import"));
                for name in modules.filter_map(|line| line.split('"').nth(1).or_else(|| line.split('\'').nth(1))) {
                    let sibling = format!("/page/js/{}", name.trim_start_matches("./"));
                    if !files.contains(&sibling) {
                        files.push(sibling);
                    }
                }
            }
            seen += 1;
        }
    })
    .await;
}
