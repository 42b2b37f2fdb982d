//! `/api/v1/auth` on two nodes behind a balancer (contract of voice rooms 4.0, 4.1, 8), each test named after its rows.

use crate::harness::people::{Api, Told, plan, text};
use reqwest::Method;
use serde_json::{Value, json};

const ANN: &str = "ann@example.org";

async fn register(api: &Api, change: Value) -> Told {
    let mut form = json!({"email": ANN, "username": "Ann_1", "password": "secret-ann", "displayName": "Ann"});
    for (key, value) in change.as_object().unwrap() {
        form[key] = value.clone();
    }
    api.post("/api/v1/auth/register", form).await
}

async fn refresh(api: &Api, header: &str, value: &str) -> Told {
    api.ask(
        Method::POST,
        "/api/v1/auth/refresh",
        &[(header, value)],
        Some(json!({})),
    )
    .await
}

#[tokio::test]
async fn post_register_is_201_with_envelope_document_keys_and_cookies() {
    let world = plan().start().await;
    let api = Api::of(&world);

    let told = register(&api, json!({})).await;

    assert_eq!(told.status, 201);
    let (user, data) = (&told.body["user"], &told.body["data"]);
    assert_eq!((user, &told.body["message"]), (&data["user"], &data["message"]));
    assert_eq!(
        (
            &user["email"],
            &user["username"],
            &user["displayName"],
            &user["avatarUrl"]
        ),
        (&json!(ANN), &json!("Ann_1"), &json!("Ann"), &Value::Null)
    );
    assert_eq!(
        told.cookie("accessToken"),
        data["accessToken"].as_str().map(str::to_owned)
    );
    assert_eq!(
        told.cookie("refreshToken"),
        data["refreshToken"].as_str().map(str::to_owned)
    );
    for line in told.headers.get_all("set-cookie") {
        let line = line.to_str().unwrap();
        assert!(
            line.contains("; HttpOnly; SameSite=Lax") && !line.contains("Secure"),
            "plain http: {line}"
        );
    }
    for (change, code) in [
        (json!({}), "EMAIL_TAKEN"),
        (
            json!({"email": "bob@example.org", "username": "ann_1"}),
            "USERNAME_TAKEN",
        ),
        (json!({"email": "no"}), "INVALID_FIELD"),
        (
            json!({"email": "bob@example.org", "username": "b o b"}),
            "INVALID_FIELD",
        ),
        (
            json!({"email": "bob@example.org", "username": "x".repeat(51)}),
            "INVALID_FIELD",
        ),
        (
            json!({"email": "bob@example.org", "username": "bob", "password": "1234567"}),
            "INVALID_FIELD",
        ),
        (
            json!({"email": "bob@example.org", "username": "bob", "displayName": "b\u{202e}"}),
            "INVALID_FIELD",
        ),
        (json!({"username": null}), "MISSING_FIELD"),
    ] {
        assert_eq!(register(&api, change.clone()).await.refusal(), (400, code), "{change}");
    }
}

#[tokio::test]
async fn post_login_get_me_by_bearer_and_by_cookie_post_logout() {
    let world = plan().start().await;
    let api = Api::of(&world);
    register(&api, json!({})).await.done();
    let login = async |email: &str, password: &str| {
        api.post("/api/v1/auth/login", json!({"email": email, "password": password}))
            .await
    };

    let (wrong, unknown) = (
        login(ANN, "secret-bob").await,
        login("bob@example.org", "secret-ann").await,
    );
    assert_eq!(wrong.refusal(), (401, "INVALID_CREDENTIALS"));
    assert_eq!((wrong.status, wrong.body), (unknown.status, unknown.body));
    let told = login(ANN, "secret-ann").await;
    let other = login(ANN, "secret-ann").await.done();
    let cookie = format!("a=b; accessToken={}", told.cookie("accessToken").unwrap());
    let token = text(&told.done()["data"], "accessToken");

    let me = api.get_as(&token, "/api/v1/auth/me").await.done();
    assert_eq!(
        (&me["data"]["user"], &me["user"]["username"]),
        (&me["user"], &json!("Ann_1"))
    );
    for field in ["id", "createdAt", "updatedAt"] {
        assert!(me["user"][field].is_string(), "{field} in {me}");
    }
    assert_eq!(
        api.ask(Method::GET, "/api/v1/auth/me", &[("cookie", &cookie)], None)
            .await
            .done(),
        me
    );
    assert_eq!(
        api.ask(Method::GET, "/api/v1/auth/me", &[], None).await.refusal(),
        (401, "TOKEN_MISSING")
    );

    let out = api.post_as(&token, "/api/v1/auth/logout", json!({})).await;
    assert_eq!(
        (
            out.cookie("accessToken").as_deref(),
            out.cookie("refreshToken").as_deref()
        ),
        (Some(""), Some(""))
    );
    out.done();
    assert_eq!(
        api.get_as(&token, "/api/v1/auth/me").await.refusal(),
        (401, "SESSION_ENDED")
    );
    api.get_as(&text(&other["data"], "accessToken"), "/api/v1/auth/me")
        .await
        .done();
}

#[tokio::test]
async fn post_refresh_by_cookie_and_header_rotates_and_two_tabs_stay_logged_in() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let first = text(&register(&api, json!({})).await.done()["data"], "refreshToken");

    let cookie = format!("refreshToken={first}");
    let (one, two) = tokio::join!(
        refresh(&api, "cookie", &cookie),
        refresh(&api, "x-refresh-token", &first)
    );
    assert_eq!(one.cookie("refreshToken"), two.cookie("refreshToken"));
    let (one, two) = (one.done(), two.done());
    assert_eq!(
        one["data"]["refreshToken"], two["data"]["refreshToken"],
        "both tabs hold the same token"
    );
    let second = text(&one["data"], "refreshToken");
    assert_ne!(second, first);
    for tokens in [&one, &two] {
        api.get_as(&text(&tokens["data"], "accessToken"), "/api/v1/auth/me")
            .await
            .done();
    }
    refresh(&api, "x-refresh-token", &second).await.done();

    assert_eq!(
        api.ask(Method::POST, "/api/v1/auth/refresh", &[], Some(json!({})))
            .await
            .refusal(),
        (400, "MISSING_FIELD")
    );
    assert_eq!(
        refresh(&api, "x-refresh-token", "malformed").await.refusal(),
        (401, "INVALID_TOKEN"),
        "not 500"
    );
    assert_eq!(
        refresh(&api, "x-refresh-token", &first).await.refusal(),
        (401, "SESSION_ENDED"),
        "two generations old"
    );
    assert_eq!(
        refresh(&api, "x-refresh-token", &second).await.refusal(),
        (401, "SESSION_ENDED")
    );
}

#[tokio::test]
async fn a_username_change_is_seen_by_the_next_token() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let first = text(&register(&api, json!({})).await.done()["data"], "refreshToken");

    api.sql("update users set username = 'other'").await;
    let fresh = refresh(&api, "x-refresh-token", &first).await.done();

    let me = api
        .get_as(&text(&fresh["data"], "accessToken"), "/api/v1/auth/me")
        .await
        .done();
    assert_eq!(me["user"]["username"], json!("other"));
}

#[tokio::test]
async fn asvs_3_5_1_what_a_page_of_somebody_else_makes_a_browser_send_is_refused() {
    let friend = "https://app.example";
    let world = plan()
        .set("PALAVER_ORIGINS", friend)
        .set("PALAVER_ACCOUNTS__COOKIES", "cross-site")
        .start()
        .await;
    let api = Api::of(&world);
    let told = register(&api, json!({})).await;
    let cookies = format!(
        "accessToken={}; refreshToken={}",
        told.cookie("accessToken").unwrap(),
        told.cookie("refreshToken").unwrap()
    );
    let bearer = format!("Bearer {}", told.cookie("accessToken").unwrap());
    let ask = async |method: Method, path: &str, headers: &[(&str, &str)]| {
        let headers: Vec<_> = [("cookie", &*cookies)]
            .into_iter()
            .chain(headers.iter().copied())
            .collect();
        api.ask(method, &format!("/api/v1/auth/{path}"), &headers, Some(json!({})))
            .await
    };

    for path in ["refresh", "logout"] {
        for from in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let forged = ask(Method::POST, path, &[from]).await;
            assert_eq!(forged.refusal(), (403, "ORIGIN_NOT_ALLOWED"), "{path} {from:?}");
        }
    }
    ask(Method::GET, "me", &[("origin", "https://evil.example")])
        .await
        .done();
    let own = world.url();
    ask(Method::POST, "refresh", &[("origin", &own)]).await.done();
    ask(
        Method::POST,
        "refresh",
        &[("origin", friend), ("sec-fetch-site", "cross-site")],
    )
    .await
    .done();
    let by_hand = [("origin", "https://evil.example"), ("authorization", &*bearer)];
    ask(Method::POST, "logout", &by_hand).await.done();
}

#[tokio::test]
async fn asvs_3_4_2_that_all_origins_are_allowed_lets_no_page_use_cookies() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let cookie = format!(
        "refreshToken={}",
        register(&api, json!({})).await.cookie("refreshToken").unwrap()
    );
    let headers = [("cookie", &*cookie), ("origin", "https://evil.example")];

    let forged = api
        .ask(Method::POST, "/api/v1/auth/refresh", &headers, Some(json!({})))
        .await;

    assert_eq!(forged.refusal(), (403, "ORIGIN_NOT_ALLOWED"));
    refresh(&api, "cookie", &cookie).await.done();
}
