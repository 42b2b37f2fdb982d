//! How often accounts may be tried (contract of one-to-one chat 1.7; of voice rooms 4.0), on two nodes that count
//! together. Each test is named after its rows.

use crate::harness::people::{Api, Told, plan, text};
use crate::harness::world::World;
use reqwest::Method;
use serde_json::{Value, json};

/// Addresses are told apart: the balancer writes down where it was called from, and before that stands what a test says.
async fn world() -> World {
    plan()
        .set("PALAVER_LIMITS__PER_IP", "1")
        .set("PALAVER_TRUSTED_PROXIES", "2")
        .start()
        .await
}

async fn from(api: &Api, address: &str, path: &str, body: Value) -> Told {
    let headers = [("x-forwarded-for", address)];
    api.ask(Method::POST, path, &headers, Some(body)).await
}

fn header(told: &Told, name: &str) -> u64 {
    told.headers[name].to_str().unwrap().parse().unwrap()
}

fn login(name: &str, password: &str) -> Value {
    json!({"email": format!("{name}@gmail.com"), "password": password})
}

#[tokio::test]
async fn login_and_register_share_five_a_minute_per_address_and_me_has_no_limit() {
    let world = world().await;
    let api = Api::of(&world);
    let device = json!({"age": 18, "deviceFingerprint": "a device of the tests", "termsAccepted": true, "privacyAccepted": true});

    let first = from(&api, "192.0.2.1", "/api/auth/register", device).await;
    assert_eq!(
        (header(&first, "ratelimit-limit"), header(&first, "ratelimit-remaining")),
        (5, 4)
    );
    let token = text(&first.done()["data"], "token");
    for name in ["a", "b", "c", "d"] {
        let told = from(&api, "192.0.2.1", "/api/auth/login", login(name, "x")).await;
        assert_eq!(told.refusal(), (401, "INVALID_CREDENTIALS"));
    }
    let sixth = from(&api, "192.0.2.1", "/api/auth/login", login("e", "x")).await;
    assert_eq!(sixth.refusal(), (429, "RATE_LIMIT_EXCEEDED"));
    assert_eq!(sixth.headers["ratelimit-policy"], "5;w=60");
    assert_eq!(
        (header(&sixth, "ratelimit-remaining"), &sixth.body["errorCode"]),
        (0, &json!(1003))
    );
    let wait = header(&sixth, "retry-after");
    assert!(
        (1..=60).contains(&wait) && sixth.body["retryAfter"] == json!(wait),
        "{sixth:?}"
    );

    let elsewhere = from(&api, "192.0.2.2", "/api/auth/login", login("e", "x")).await;
    assert_eq!(elsewhere.refusal().0, 401);
    for _ in 0..20 {
        let headers = [
            ("x-forwarded-for", "192.0.2.1"),
            ("authorization", &*format!("Bearer {token}")),
        ];
        api.ask(Method::GET, "/api/auth/me", &headers, None).await.done();
    }
}

#[tokio::test]
async fn login_per_email_is_five_in_a_quarter_hour_and_is_cleared_by_success() {
    let world = world().await;
    let api = Api::of(&world);
    api.sign_up("ann").await;
    let attempt = async |n: u8, password: &str| {
        from(
            &api,
            &format!("198.51.100.{n}"),
            "/api/auth/login",
            login("ann", password),
        )
        .await
    };

    for n in 0..4 {
        assert_eq!(attempt(n, "wrong").await.refusal().0, 401);
    }
    attempt(4, "secret-ann").await.done();
    for n in 5..10 {
        assert_eq!(attempt(n, "wrong").await.refusal().0, 401, "cleared by success");
    }
    let locked = attempt(10, "secret-ann").await;
    assert_eq!(locked.refusal(), (429, "LOGIN_RATE_LIMIT"), "from whatever address");
    let unknown = async |n: u8| {
        from(
            &api,
            &format!("198.51.101.{n}"),
            "/api/auth/login",
            login("nobody", "x"),
        )
        .await
    };
    for n in 0..5 {
        assert_eq!(unknown(n).await.refusal().0, 401);
    }
    assert_eq!(
        unknown(5).await.refusal(),
        (429, "LOGIN_RATE_LIMIT"),
        "nobody learns who has an account"
    );
}

#[tokio::test]
async fn forgot_password_per_email_is_three_and_per_address_ten_in_a_quarter_hour() {
    let world = world().await;
    let api = Api::of(&world);
    let forgot = async |at: &str, name: &str| {
        let body = json!({"email": format!("{name}@gmail.com")});
        from(&api, at, "/api/auth/forgot-password", body).await
    };

    for n in 0..3 {
        forgot(&format!("192.0.2.{n}"), "Ann").await.done();
    }
    assert_eq!(forgot("192.0.2.3", "ann").await.refusal(), (429, "RESET_RATE_LIMIT"));
    for n in 0..10 {
        forgot("198.51.100.1", &format!("p{n}")).await.done();
    }
    assert_eq!(forgot("198.51.100.1", "q").await.refusal(), (429, "RESET_RATE_LIMIT"));
}

#[tokio::test]
async fn codes_mailed_to_one_address_and_codes_tried_from_one_are_limited() {
    let world = world().await;
    let api = Api::of(&world);
    let register = async |n: u8| {
        let form = json!({"email": "ann@gmail.com", "username": "ann", "password": "secret-ann", "gender": "female"});
        from(&api, &format!("192.0.2.{n}"), "/api/auth/register", form).await
    };

    for n in 0..5 {
        register(n).await.done();
    }
    assert_eq!(
        register(5).await.refusal(),
        (429, "RESEND_COOLDOWN"),
        "nobody's mailbox is filled"
    );
    for n in 0..30 {
        let body = json!({"email": format!("p{n}@gmail.com"), "otp": "000000"});
        let told = from(&api, "198.51.100.1", "/api/auth/verify-otp", body).await;
        assert_eq!(told.refusal().0, 404);
    }
    let body = json!({"email": "ann@gmail.com", "otp": "000000"});
    let told = from(&api, "198.51.100.1", "/api/auth/verify-otp", body).await;
    assert_eq!(told.refusal(), (429, "RATE_LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn change_password_is_five_wrong_ones_in_a_quarter_hour_per_user() {
    let world = world().await;
    let api = Api::of(&world);
    let token = text(&api.sign_up("ann").await, "token");
    let change = async |current: &str| {
        let body = json!({"currentPassword": current, "newPassword": "another"});
        api.post_as(&token, "/api/auth/change-password", body).await
    };

    for _ in 0..5 {
        assert_eq!(change("wrong").await.refusal(), (400, "WRONG_PASSWORD"));
    }

    assert_eq!(change("secret-ann").await.refusal(), (429, "RATE_LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn v1_is_150_in_a_quarter_hour_per_address_and_its_logins_ten_that_fail() {
    let world = world().await;
    let api = Api::of(&world);
    let known = json!({"email": "ann@gmail.com", "username": "ann", "password": "secret-ann"});
    let session = from(&api, "192.0.2.9", "/api/v1/auth/register", known).await.done();
    let token = text(&session["data"], "accessToken");
    let attempt = async |n: u8, password: &str| {
        from(
            &api,
            "192.0.2.1",
            "/api/v1/auth/login",
            login(&format!("p{n}"), password),
        )
        .await
    };

    for _ in 0..12 {
        from(&api, "192.0.2.1", "/api/v1/auth/login", login("ann", "secret-ann"))
            .await
            .done();
    }
    for n in 0..10 {
        assert_eq!(attempt(n, "x").await.refusal().0, 401);
    }
    assert_eq!(attempt(10, "x").await.refusal(), (429, "RATE_LIMIT_EXCEEDED"));

    let refresh = async || from(&api, "192.0.2.1", "/api/v1/auth/refresh", json!({})).await;
    for _ in 23..150 {
        assert_eq!(refresh().await.refusal().0, 400);
    }
    let over = refresh().await;
    assert_eq!(over.refusal(), (429, "RATE_LIMIT_EXCEEDED"));
    assert_eq!(over.headers["ratelimit-policy"], "150;w=900");
    let headers = [
        ("x-forwarded-for", "192.0.2.1"),
        ("authorization", &*format!("Bearer {token}")),
    ];
    api.ask(Method::GET, "/api/v1/auth/me", &headers, None).await.done();
}

#[tokio::test]
async fn codes_to_telephones_are_ten_an_hour_per_address_and_a_password_of_v1_ten_tries_from_anywhere() {
    let world = world().await;
    let api = Api::of(&world);
    let request = async |n: u32| {
        let body = json!({"phone": format!("+1234567{n:03}")});
        from(&api, "192.0.2.1", "/api/auth/request-otp", body).await
    };
    let attempt = async |n: u8| {
        from(
            &api,
            &format!("198.51.100.{n}"),
            "/api/v1/auth/login",
            login("ann", "x"),
        )
        .await
    };

    for n in 0..10 {
        request(n).await.done();
    }
    assert_eq!(request(10).await.refusal(), (429, "RATE_LIMIT_EXCEEDED"));
    for n in 0..10 {
        assert_eq!(attempt(n).await.refusal().0, 401);
    }
    assert_eq!(attempt(10).await.refusal(), (429, "RATE_LIMIT_EXCEEDED"));
}
