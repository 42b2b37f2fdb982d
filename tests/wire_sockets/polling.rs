//! Long-polling: every request of a session may land on another node.

use crate::support::{Cluster, brisk, calm};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_session_opens_with_what_its_client_must_know() {
    let cluster = Cluster::start(1, brisk()).await;

    let (status, body) = cluster.get("engine.io", "transport=polling").await;

    let mut opening: Value = serde_json::from_str(body.strip_prefix('0').unwrap()).unwrap();
    assert_eq!(opening["sid"].take().as_str().unwrap().len(), 20);
    let expected = json!({"sid": null, "upgrades": ["websocket"], "pingInterval": 300, "pingTimeout": 1000,
        "maxPayload": 65536});
    assert_eq!((status, opening), (200, expected));
}

#[tokio::test]
async fn a_request_that_means_nothing_is_refused_with_its_own_code() {
    let cluster = Cluster::start(1, calm()).await;
    let session = cluster.session("engine.io").await;
    let base = format!("http://{}/engine.io/", cluster.turn());
    let code = async |method: &str, query: &str| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let response = cluster
            .send(|http| http.request(method, format!("{base}?{query}")))
            .await;
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        (status, body["code"].as_u64().unwrap())
    };

    assert_eq!(code("GET", "EIO=4").await, (400, 0));
    assert_eq!(code("GET", "EIO=4&transport=carrier-pigeon").await, (400, 0));
    assert_eq!(code("GET", "EIO=4&transport=polling&sid=forged").await, (400, 1));
    assert_eq!(code("POST", "EIO=4&transport=polling&sid=forged").await, (400, 1));
    assert_eq!(code("GET", "EIO=4&transport=polling&sid=%7Bs0%7D").await, (400, 1));
    assert_eq!(code("POST", "EIO=4&transport=polling").await, (400, 2));
    assert_eq!(code("PUT", "EIO=4&transport=polling").await, (400, 2));
    assert_eq!(code("DELETE", &format!("EIO=4&{}", session.query())).await, (400, 3));
    assert_eq!(code("GET", "EIO=4&transport=websocket").await, (400, 3));
    assert_eq!(code("GET", "transport=polling").await, (400, 5));
    assert_eq!(code("GET", "EIO=3&transport=polling").await, (400, 5));
}

#[tokio::test]
async fn what_is_posted_anywhere_comes_back_in_order_from_anywhere() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, calm()).await;
        let session = cluster.session("engine.io").await;

        for n in 0..10 {
            let body = format!("4text {n}\u{1e}bAQIDBA==\u{1e}4\u{1f}{n}");
            assert_eq!(session.post(body).await, (200, "ok".to_owned()));
        }

        let expected: Vec<String> = (0..10)
            .flat_map(|n| [format!("4text {n}"), "bAQIDBA==".to_owned(), format!("4\u{1f}{n}")])
            .collect();
        assert_eq!(session.packets(30).await, expected);
    }
}

#[tokio::test]
async fn a_waiting_poll_is_answered_as_soon_as_there_is_something() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, calm()).await;
        let session = cluster.session("engine.io").await;

        let (polled, _) = tokio::join!(session.poll(), session.post("4hello"));

        assert_eq!(polled, (200, "4hello".to_owned()));
    }
}

#[tokio::test]
async fn pings_come_while_polling_and_pongs_keep_the_session() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, brisk()).await;
        let session = cluster.session("engine.io").await;

        for _ in 0..3 {
            assert_eq!(session.poll().await, (200, "2".to_owned()));
            assert_eq!(session.post("3").await, (200, "ok".to_owned()));
        }
        assert_eq!(session.poll().await, (200, "2".to_owned()));
        assert_eq!(session.poll().await.0, 400, "no pong, no session");
        assert_eq!(session.post("3").await.0, 400);
    }
}

#[tokio::test]
async fn two_polls_at_once_end_the_session() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, calm()).await;
        let session = cluster.session("engine.io").await;

        let (one, other) = tokio::join!(session.poll(), session.poll());

        let mut both = [one.0, other.0];
        both.sort_unstable();
        assert_eq!(both, [200, 400]);
        assert_eq!(if one.0 == 200 { one.1 } else { other.1 }, "1");
        assert_eq!(session.poll().await.0, 400);
    }
}

#[tokio::test]
async fn a_poll_given_up_by_its_client_ends_the_session_and_leaves_nothing_waiting() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, calm()).await;
        let session = cluster.session("engine.io").await;

        let given_up = tokio::time::timeout(Duration::from_millis(50), session.poll()).await;

        assert!(given_up.is_err());
        assert_eq!(session.poll().await.0, 400);
        while cluster.nodes.iter().any(|node| node.echo.connections() > 0) {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_malformed_body_ends_the_session() {
    let cluster = Cluster::start(2, calm()).await;
    for bad in [
        &b"abc"[..],
        b"",
        b"4ok\x1e9",
        b"\xff\xfe",
        b"b***",
        b"2probe",
        b"0{}",
        b"4a\x1e",
    ] {
        let session = cluster.session("engine.io").await;

        assert_eq!(session.post(bad.to_vec()).await.0, 400, "{bad:?}");
        assert_eq!(session.poll().await.0, 400, "{bad:?}");
    }
}

#[tokio::test]
async fn a_body_over_the_cap_is_not_read() {
    let cluster = Cluster::start(1, calm()).await;
    let session = cluster.session("engine.io").await;

    assert_eq!(session.post(format!("4{}", "x".repeat(65_536))).await.0, 413);
    assert_eq!(session.post(format!("4{}", "x".repeat(65_535))).await.0, 200);
}

#[tokio::test]
async fn a_client_that_closes_gets_a_noop_and_the_session_is_gone() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, calm()).await;
        let session = cluster.session("engine.io").await;

        let (polled, closed) = tokio::join!(session.poll(), session.post("1"));

        assert_eq!((polled, closed.0), ((200, "6".to_owned()), 200));
        assert_eq!(session.poll().await.0, 400);
        assert_eq!(session.post("4a").await.0, 400);
    }
}

#[tokio::test]
async fn a_drained_nodes_sessions_go_on_elsewhere_with_their_sockets() {
    let cluster = Cluster::start(2, calm()).await;
    let session = cluster.session("socket.io").await;
    session.post("40").await;
    let joined = session.packets(2).await;
    assert!(joined[0].starts_with("40{"), "{joined:?}");

    cluster.nodes[0].suite.drain();
    assert_eq!(cluster.nodes[0].suite.send_away(10), 1);
    while cluster.nodes[0].suite.connections() > 0 {
        tokio::task::yield_now().await;
    }
    session.post(r#"42["message",1]"#).await;

    assert_eq!(session.packets(1).await, [r#"42["message-back",1]"#]);
}

/// The answer to a post comes before its holder has seen it, so every post here meets a holder that is on its way out.
#[tokio::test]
async fn what_is_posted_while_a_session_is_given_up_is_heard_once_and_in_order() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, calm()).await;
        let session = cluster.session("engine.io").await;

        for n in 0..20 {
            let body = format!("4{n}a\u{1e}bAQID\u{1e}4{n}b");
            assert_eq!(session.post(body).await, (200, "ok".to_owned()));
            for node in &cluster.nodes {
                node.echo.send_away(10);
            }
        }

        let expected: Vec<String> = (0..20)
            .flat_map(|n| [format!("4{n}a"), "bAQID".to_owned(), format!("4{n}b")])
            .collect();
        assert_eq!(session.packets(60).await, expected, "{nodes} nodes");
    }
}

#[tokio::test]
async fn half_a_packet_survives_the_giving_up_of_its_session() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, calm()).await;
        let session = cluster.session("socket.io").await;
        session.post("40").await;
        session.packets(2).await;

        session
            .post("452-[\"message\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]\u{1e}bAQ==")
            .await;
        for node in &cluster.nodes {
            node.suite.send_away(10);
        }
        session.post("bAg==").await;

        let back = session.packets(3).await;
        assert!(back[0].starts_with(r#"452-["message-back","#), "{back:?}");
        assert_eq!(back[1..], ["bAQ==", "bAg=="]);
    }
}

#[tokio::test]
async fn a_waiting_poll_hears_what_was_posted_to_a_session_that_was_given_up() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, calm()).await;
        let session = cluster.session("engine.io").await;

        let (polled, _) = tokio::join!(session.poll(), async {
            session.post("4hello").await;
            for node in &cluster.nodes {
                node.echo.send_away(10);
            }
        });

        assert_eq!(polled, (200, "4hello".to_owned()));
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_kept_out_of_every_transport() {
    let settings = palaver::wire::Settings {
        origins: vec!["https://ours.example".to_owned()],
        ..calm()
    };
    let cluster = Cluster::start(1, settings).await;
    let url = cluster.url("engine.io", "transport=polling");
    let with = async |method: reqwest::Method, origin: &str| {
        cluster
            .send(|http| http.request(method, &url).header("origin", origin))
            .await
    };

    let ours = with(reqwest::Method::GET, "https://ours.example").await;
    assert_eq!(ours.status(), 200);
    assert_eq!(ours.headers()["access-control-allow-origin"], "https://ours.example");
    assert_eq!(ours.headers()["access-control-allow-credentials"], "true");
    let preflight = with(reqwest::Method::OPTIONS, "https://ours.example").await;
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-methods"], "GET, POST");
    // As the page of this very node has it.
    let own = format!("http://{}", cluster.nodes[0].address);
    let served = with(reqwest::Method::GET, &own).await;
    assert_eq!(served.status(), 200);
    assert_eq!(served.headers()["access-control-allow-origin"], own.as_str());
    let theirs = with(reqwest::Method::GET, "https://theirs.example").await;
    assert_eq!(theirs.status(), 403);
    assert!(!theirs.headers().contains_key("access-control-allow-origin"));
    assert_eq!(theirs.json::<Value>().await.unwrap()["code"], 4);
    assert_eq!(
        with(reqwest::Method::OPTIONS, "https://theirs.example").await.status(),
        403
    );
    for (origin, status) in [
        ("https://theirs.example", 403),
        (&own, 101),
        ("https://ours.example", 101),
    ] {
        let socket = cluster
            .send(|http| {
                http.get(url.replace("polling", "websocket"))
                    .header("origin", origin)
                    .header("connection", "upgrade")
                    .header("upgrade", "websocket")
                    .header("sec-websocket-version", "13")
                    .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            })
            .await;
        assert_eq!(socket.status(), status, "{origin}");
    }
}
