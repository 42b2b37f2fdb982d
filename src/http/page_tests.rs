//! The page, the API description, and what they may load.

use super::tests::{text, told, world};
use super::*;
use poem::http::StatusCode;
use serde_json::Value;

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
