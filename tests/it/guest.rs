//! `/api/guest` on two nodes behind a balancer (contract of one-to-one chat 1.7, 4.4, 6 Guest), each test named after its
//! row.

use crate::harness::eventually;
use crate::harness::people::{Api, Told, plan, text};
use reqwest::Method;
use serde_json::{Value, json};

fn id(digit: char) -> String {
    digit.to_string().repeat(64)
}

async fn ask(api: &Api, path: &str, own: Option<&str>, body: Option<Value>) -> Told {
    let headers: Vec<_> = own.map(|own| ("X-Guest-Id", own)).into_iter().collect();
    let method = if body.is_some() { Method::POST } else { Method::DELETE };
    api.ask(method, &format!("/api/guest/{path}"), &headers, body).await
}

#[tokio::test]
async fn post_verify_counts_sessions_of_a_guest() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let verify = async |guest: &str, own: Option<&str>| {
        ask(&api, "verify", own, Some(json!({"guestId": guest, "unknown": 1})))
            .await
            .done()
    };

    let first = verify(&id('a'), None).await;
    let second = verify(&id('A'), Some(&id('a'))).await;

    assert_eq!(
        (&first["isNew"], &first["guest"]["sessions"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(
        (&second["isNew"], &second["guest"]["sessions"]),
        (&json!(false), &json!(2))
    );
    assert_eq!(second["guest"]["guestId"], json!(id('a')));
    assert_eq!(second["guest"]["createdAt"], first["guest"]["createdAt"]);
    assert!(second["guest"]["lastSeen"].is_string() && second["message"].is_string());
    verify(&id('b'), Some(&id('c'))).await;
    let other = verify(&id('c'), None).await;
    assert_eq!(
        other["guest"]["sessions"],
        json!(2),
        "the guest of the header had come too"
    );
    let kept = api
        .sql_value("select string_agg(id_hash || user_id, ' ') from guests")
        .await
        .unwrap();
    assert!(!kept.contains(&id('a')) && kept.contains("guest-aaaaaaaaaaaaaaaa"));
}

#[tokio::test]
async fn a_guest_who_comes_by_socket_is_counted_and_one_who_passes_is_not() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let dial = |node: usize, guest: Value| {
        world
            .dial_node(node)
            .auth(json!({"token": "dev-guest-token", "guestId": guest}))
    };
    let known = async || {
        api.sql_value(
            "select coalesce(string_agg(left(user_id, 22) || ' ' || sessions || ' ' || status, ','), '') from guests",
        )
        .await
        .unwrap()
    };

    for (node, guest) in [
        (0, json!(id('A'))),
        (1, json!(id('a'))),
        (1, json!(null)),
        (0, json!("x")),
    ] {
        dial(node, guest).connect().await.close().await;
    }

    let expected = "guest-aaaaaaaaaaaaaaaa 2 active";
    eventually("both nodes have counted", async || known().await == expected).await;
    ask(&api, &format!("delete-data/{}", id('a')), None, None).await.done();
    assert_eq!(known().await, "guest-aaaaaaaaaaaaaaaa 2 deleted");
    let again = dial(0, json!(id('a'))).connect().await;
    eventually("it is a guest again", async || {
        known().await == "guest-aaaaaaaaaaaaaaaa 1 active"
    })
    .await;
    again.close().await;
}

#[tokio::test]
async fn post_verify_keeps_what_the_device_says_within_bounds() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let verify = async |body: Value| ask(&api, "verify", None, Some(body)).await;
    let meta = json!({"userAgent": "x".repeat(101), "colorDepth": 24, "evil": {"deep": 1}});

    verify(json!({"guestId": id('a'), "deviceMeta": meta})).await.done();

    let kept: Value = serde_json::from_str(&api.sql_value("select device::text from guests").await.unwrap()).unwrap();
    assert_eq!(kept, json!({"userAgent": "x".repeat(100), "colorDepth": 24}));
    for (body, code, field) in [
        (json!({}), "MISSING_FIELD", "guestId"),
        (json!({"guestId": ""}), "MISSING_FIELD", "guestId"),
        (json!({"guestId": id('a')[..63]}), "INVALID_FIELD", "guestId"),
        (json!({"guestId": format!("{}0", id('a'))}), "INVALID_FIELD", "guestId"),
        (json!({"guestId": id('g')}), "INVALID_FIELD", "guestId"),
        (json!({"guestId": 7}), "INVALID_FIELD", "guestId"),
        (
            json!({"guestId": id('a'), "deviceMeta": "x"}),
            "INVALID_FIELD",
            "deviceMeta",
        ),
        (
            json!({"guestId": id('a'), "deviceMeta": {"platform": []}}),
            "INVALID_FIELD",
            "deviceMeta",
        ),
    ] {
        let told = verify(body.clone()).await;
        assert_eq!(
            (told.refusal(), &told.body["field"]),
            ((400, code), &json!(field)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn post_reset_and_delete_data_forget_a_guest_whether_known_or_not() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let known = async || {
        api.sql_value(
            "select string_agg(left(user_id, 22) || ' ' || status || ' ' || device::text, ', ' order by user_id) from guests",
        )
        .await
    };
    for digit in ['a', 'b'] {
        let body = json!({"guestId": id(digit), "deviceMeta": {"platform": "x"}});
        ask(&api, "verify", None, Some(body)).await.done();
    }

    ask(&api, "reset", None, Some(json!({"oldGuestId": id('a')})))
        .await
        .done();
    ask(&api, &format!("delete-data/{}", id('b')), Some(&id('b')), None)
        .await
        .done();
    ask(&api, "reset", None, Some(json!({"oldGuestId": id('c')})))
        .await
        .done();
    ask(&api, &format!("delete-data/{}", id('d')), None, None).await.done();

    let gone = "guest-aaaaaaaaaaaaaaaa deleted {}, guest-bbbbbbbbbbbbbbbb deleted {}";
    assert_eq!(known().await.as_deref(), Some(gone));
    let again = ask(&api, "verify", None, Some(json!({"guestId": id('a')})))
        .await
        .done();
    assert_eq!(again["isNew"], json!(true), "a forgotten guest is a new one");
    for told in [
        ask(&api, "reset", None, Some(json!({"oldGuestId": "x"}))).await,
        ask(&api, "delete-data/x", None, None).await,
    ] {
        assert_eq!(told.refusal(), (400, "INVALID_FIELD"));
    }
    assert_eq!(
        ask(&api, "reset", None, Some(json!({}))).await.refusal(),
        (400, "MISSING_FIELD")
    );
}

#[tokio::test]
async fn delete_data_is_limited_for_a_guest_who_tells_its_id() {
    let world = plan().set("PALAVER_LIMITS__PER_IP", "1").start().await;
    let api = Api::of(&world);
    let path = format!("delete-data/{}", id('a'));
    let forget = async |own: Option<&str>| ask(&api, &path, own, None).await;

    for _ in 0..5 {
        forget(Some(&id('a'))).await.done();
    }
    let limited = forget(Some(&id('a'))).await;

    assert_eq!(limited.refusal(), (429, "GUEST_RATE_LIMIT"));
    assert!(limited.body["retryAfter"].as_u64().unwrap() <= 900);
    assert!(limited.headers.contains_key("retry-after"));
    forget(Some(&id('b'))).await.done();
    assert_eq!(
        forget(Some("no id")).await.headers["ratelimit-limit"],
        "150",
        "by address"
    );
}

#[tokio::test]
async fn get_stats_is_for_administrators() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let token = text(&api.sign_up("ann").await, "token");
    for (digit, platform) in [('a', "x"), ('b', "x"), ('c', "y"), ('d', "z")] {
        let body = json!({"guestId": id(digit), "deviceMeta": {"platform": platform}});
        ask(&api, "verify", None, Some(body)).await.done();
    }
    api.sql("update guests set last_seen = now() - interval '2 days' where user_id like 'guest-c%'")
        .await;
    ask(&api, "reset", None, Some(json!({"oldGuestId": id('d')})))
        .await
        .done();
    let stats = async || api.get_as(&token, "/api/guest/stats").await;

    assert_eq!(stats().await.refusal(), (403, "ADMIN_REQUIRED"));
    let nobody = api.ask(Method::GET, "/api/guest/stats", &[], None).await;
    assert_eq!(nobody.refusal(), (401, "TOKEN_MISSING"));
    api.sql("update users set role = 'admin'").await;
    let told = stats().await.done();

    let counted = ["totalGuests", "activeToday", "uniqueDevices"].map(|key| told["stats"][key].clone());
    assert_eq!(counted, [json!(3), json!(2), json!(2)]);
    assert!(told["stats"]["timestamp"].is_string());
}

#[tokio::test]
async fn guest_operations_answer_503_while_postgres_is_away() {
    let world = plan()
        .set("PALAVER_POSTGRES__CONNECT_TIMEOUT", "500ms")
        .set("PALAVER_POSTGRES__QUERY_TIMEOUT", "500ms")
        .start()
        .await;
    let api = Api::of(&world);

    world.store_line.cut();

    for told in [
        ask(&api, "verify", None, Some(json!({"guestId": id('a')}))).await,
        ask(&api, "reset", None, Some(json!({"oldGuestId": id('a')}))).await,
        ask(&api, &format!("delete-data/{}", id('a')), None, None).await,
    ] {
        assert_eq!(told.refusal(), (503, "UNAVAILABLE"));
    }
}
