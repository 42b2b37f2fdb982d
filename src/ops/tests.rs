//! Whole nodes in this process: how they start, what they say of themselves, how they stop.

use super::node::{self, RunningNode};
use crate::clock::Clock;
use crate::config::Settings;
use crate::http::redis::Redis;
use serde_json::Value;
use std::time::Duration;

/// Settings for a node of its own on free ports; Postgres is not there.
fn settings(redis: &Redis) -> Settings {
    let mut settings = Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        redis: redis.settings(),
        ..Settings::default()
    };
    settings.postgres.url = crate::config::Secret::new("postgres://nobody@127.0.0.1:1/none");
    settings.drain.not_ready_for = Duration::ZERO;
    settings.drain.spread_over = Duration::ZERO;
    settings
}

async fn ask(node: &RunningNode, path: &str) -> (u16, Value) {
    let response = reqwest::get(format!("http://{}{path}", node.at)).await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

async fn ready(node: &RunningNode) {
    while !node.why_not_ready().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_start_without_postgres_get_ready_and_leave_no_lease_behind() {
    let redis = Redis::start();
    let settings = settings(&redis);

    let one = node::start(settings.clone(), Clock::system()).await.unwrap();
    let two = node::start(settings.clone(), Clock::system()).await.unwrap();
    ready(&one).await;
    ready(&two).await;
    assert_eq!(ask(&one, "/ready").await.0, 200);
    assert_eq!(ask(&two, "/api/status/summary").await.1["success"], Value::Bool(true));
    one.drain().await;
    two.drain().await;

    let left = redis.keys(&settings.redis.prefix);
    assert!(
        !left
            .iter()
            .any(|key| key.ends_with(":nodes") || key.contains(":inbox:")),
        "{left:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_their_own_port_when_told_so() {
    let redis = Redis::start();
    let settings = Settings {
        metrics_listen: "127.0.0.1:0".parse().ok(),
        ..settings(&redis)
    };

    let node = node::start(settings, Clock::system()).await.unwrap();
    let metrics = reqwest::get(format!("http://{}/metrics", node.metrics_at.unwrap()))
        .await
        .unwrap();

    assert!(metrics.text().await.unwrap().contains("palaver_build_info{version="));
    ready(&node).await;
    for probe in ["live", "ready"] {
        let url = format!("http://{}/{probe}", node.metrics_at.unwrap());
        assert_eq!(reqwest::get(url).await.unwrap().status(), 200, "{probe}");
    }
    assert_eq!(ask(&node, "/metrics").await.0, 404);
    node.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_loses_redis_is_not_ready_but_alive() {
    let mut redis = Redis::start();
    let mut settings = settings(&redis);
    settings.redis.command_timeout = Duration::from_millis(300);
    let node = node::start(settings, Clock::system()).await.unwrap();
    ready(&node).await;

    redis.kill();
    while node.why_not_ready().is_empty() {
        tokio::task::yield_now().await;
    }

    assert_eq!(ask(&node, "/ready").await.0, 503);
    assert_eq!(ask(&node, "/live").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_said_before_anything_is_started() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings {
        listen: taken.local_addr().unwrap(),
        ..Settings::default()
    };

    let fault = node::start(settings, Clock::system()).await.err().unwrap();

    assert!(fault.to_string().contains("in use"), "{fault}");
    assert!(
        fault.to_string().contains(&taken.local_addr().unwrap().to_string()),
        "{fault}"
    );
}
