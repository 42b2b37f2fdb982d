//! `/api/auth` on two nodes behind a balancer (contract of one-to-one chat 1.5, 4.2, 4.11, 7.1-7.3), each test named after
//! its rows.

use crate::harness::client::Refused;
use crate::harness::people::{Api, foreign_token, plan, text};
use serde_json::{Value, json};
use std::time::Duration;

fn form(change: Value) -> Value {
    let mut form = json!({"email": "ann@gmail.com", "username": "ann", "password": "secret-ann", "gender": "female"});
    for (key, value) in change.as_object().unwrap() {
        form[key] = value.clone();
    }
    form
}

#[tokio::test]
async fn post_register_verify_otp_get_me_post_logout_with_email() {
    let world = plan().start().await;
    let api = Api::of(&world);

    let pending = api
        .post(
            "/api/auth/register",
            form(json!({"email": "Ann@Gmail.com", "unknown": 1})),
        )
        .await
        .done();
    assert_eq!(
        (
            &pending["requiresOTP"],
            &pending["email"],
            &pending["username"],
            &pending["pending"],
            &pending["otpExpiresInSeconds"]
        ),
        (
            &json!(true),
            &json!("ann@gmail.com"),
            &json!("ann"),
            &json!(true),
            &json!(600)
        )
    );
    assert!(pending["message"].is_string() && pending.get("token").is_none() && pending.get("user").is_none());

    api.send_code("ann@gmail.com", "123456").await;
    let wrong = api
        .post(
            "/api/auth/verify-otp",
            json!({"email": "ann@gmail.com", "otp": "654321"}),
        )
        .await;
    assert_eq!(wrong.refusal(), (400, "WRONG_OTP"));
    let session = api
        .post(
            "/api/auth/verify-otp",
            json!({"email": "ann@gmail.com", "otp": "123456"}),
        )
        .await
        .done();
    let user = &session["user"];
    assert_eq!(
        (
            &user["email"],
            &user["username"],
            &user["isVerified"],
            &user["tier"],
            &user["coins"],
            &user["hasPassword"],
            &user["gender"]
        ),
        (
            &json!("ann@gmail.com"),
            &json!("ann"),
            &json!(true),
            &json!("verified"),
            &json!(50),
            &json!(true),
            &json!("female")
        )
    );
    let again = api
        .post(
            "/api/auth/verify-otp",
            json!({"email": "ann@gmail.com", "otp": "123456"}),
        )
        .await
        .done();
    assert!(again.get("token").is_none(), "verified before: no token");

    let token = text(&session, "token");
    for _ in 0..4 {
        let me = api.get_as(&token, "/api/auth/me").await.done();
        for field in [
            "id",
            "deviceId",
            "email",
            "username",
            "tier",
            "status",
            "createdAt",
            "updatedAt",
            "lastActiveAt",
            "lastCoinClaim",
        ] {
            assert!(me["user"][field].is_string(), "{field} in {me}");
        }
        assert_eq!(
            (&me["user"]["preferences"], &me["user"]["subscription"]),
            (&json!({}), &json!({"type": "none"}))
        );
        assert_eq!(
            (&me["user"]["totalChats"], &me["user"]["dailyChats"]),
            (&json!(0), &json!(0))
        );
    }
    api.post_as(&token, "/api/auth/logout", json!({})).await.done();
    assert_eq!(
        api.get_as(&token, "/api/auth/me").await.refusal(),
        (401, "SESSION_ENDED")
    );
}

#[tokio::test]
async fn post_register_refuses_with_400_and_says_why() {
    let world = plan().start().await;
    let api = Api::of(&world);
    api.sign_up("ann").await;

    for (change, code, field) in [
        (json!({"email": null}), "MISSING_FIELD", json!("email")),
        (json!({"username": ""}), "MISSING_FIELD", json!("username")),
        (json!({"password": null}), "MISSING_FIELD", json!("password")),
        (json!({"gender": null}), "MISSING_FIELD", json!("gender")),
        (json!({"gender": "robot"}), "INVALID_FIELD", json!("gender")),
        (json!({"email": "ann"}), "INVALID_FIELD", json!("email")),
        (
            json!({"email": "bob@gmail.com\r\nBcc: x@gmail.com"}),
            "INVALID_FIELD",
            json!("email"),
        ),
        (
            json!({"email": "ann@example.org"}),
            "UNSUPPORTED_EMAIL_DOMAIN",
            Value::Null,
        ),
        (
            json!({"email": "bob@gmail.com", "username": "bo"}),
            "INVALID_FIELD",
            json!("username"),
        ),
        (
            json!({"email": "bob@gmail.com", "username": "аnn"}),
            "INVALID_FIELD",
            json!("username"),
        ),
        (
            json!({"email": "bob@gmail.com", "username": "b\u{202e}ob"}),
            "INVALID_FIELD",
            json!("username"),
        ),
        (
            json!({"email": "bob@gmail.com", "username": "bob", "password": "12345"}),
            "INVALID_FIELD",
            json!("password"),
        ),
        (
            json!({"email": "bob@gmail.com", "username": "ANN"}),
            "USERNAME_TAKEN",
            Value::Null,
        ),
    ] {
        let told = api.post("/api/auth/register", form(change.clone())).await;
        assert_eq!((told.refusal(), &told.body["field"]), ((400, code), &field), "{change}");
    }
    let taken = api.post("/api/auth/register", form(json!({}))).await;
    assert_eq!(
        (taken.refusal(), &taken.body["shouldLogin"]),
        ((400, "EMAIL_TAKEN"), &json!(true))
    );
    assert!(
        text(&taken.body, "error").contains("already registered"),
        "the web app looks for it"
    );
}

#[tokio::test]
async fn post_register_and_login_of_a_device_give_the_documents_data() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let device = json!({"age": 18, "deviceFingerprint": "a device of the tests", "termsAccepted": true, "privacyAccepted": true});
    let with = |key: &str, value: Value| {
        let mut changed = device.clone();
        changed[key] = value;
        changed
    };

    for (body, code, number) in [
        (with("age", json!(17)), "INVALID_AGE", json!(1001)),
        (with("age", json!(null)), "MISSING_FIELD", Value::Null),
        (with("termsAccepted", json!(false)), "TERMS_NOT_ACCEPTED", Value::Null),
        (with("deviceFingerprint", json!("short")), "INVALID_FIELD", Value::Null),
    ] {
        let told = api.post("/api/auth/register", body).await;
        assert_eq!((told.refusal(), &told.body["errorCode"]), ((400, code), &number));
    }
    let stranger = api
        .post("/api/auth/login", json!({"deviceFingerprint": "a device of the tests"}))
        .await;
    assert_eq!(stranger.refusal(), (401, "INVALID_CREDENTIALS"));
    let made = api.post("/api/auth/register", device.clone()).await.done();
    assert_eq!(made["data"]["tier"], json!(0));
    let back = api
        .post("/api/auth/login", json!({"deviceFingerprint": "a device of the tests"}))
        .await
        .done();
    let again = api.post("/api/auth/register", device).await.done();
    for other in [&back, &again] {
        assert_eq!(other["data"]["userId"], made["data"]["userId"]);
    }
    assert_eq!(
        api.get_as(&text(&back["data"], "token"), "/api/auth/me")
            .await
            .refusal(),
        (401, "SESSION_REPLACED")
    );

    let fresh = api
        .post(
            "/api/auth/refresh",
            json!({"refreshToken": again["data"]["refreshToken"]}),
        )
        .await
        .done();
    api.get_as(&text(&fresh, "token"), "/api/auth/me").await.done();
    assert_eq!(fresh["data"]["refreshToken"], fresh["refreshToken"]);
    api.sql("update users set status = 'banned', ban_reason = 'spam', banned_until = now() + interval '1 day'")
        .await;
    let banned = api
        .post("/api/auth/login", json!({"deviceFingerprint": "a device of the tests"}))
        .await;
    assert_eq!(
        (banned.refusal(), &banned.body["errorCode"]),
        ((403, "USER_BANNED"), &json!(1002))
    );
    assert_eq!(
        (&banned.body["ban"]["reason"], &banned.body["ban"]["type"]),
        (&json!("spam"), &json!("temporary"))
    );
}

#[tokio::test]
async fn post_login_with_email() {
    let world = plan().start().await;
    let api = Api::of(&world);
    api.sign_up("ann").await;
    let login = async |email: &str, password: &str| {
        api.post("/api/auth/login", json!({"email": email, "password": password}))
            .await
    };

    let session = login("ANN@gmail.com", "secret-ann").await.done();
    for field in [
        "id",
        "email",
        "username",
        "tier",
        "status",
        "isVerified",
        "coins",
        "hasPassword",
        "gender",
        "preferences",
        "subscription",
    ] {
        assert!(!session["user"][field].is_null(), "{field} in {session}");
    }
    assert!(
        session["token"].is_string() && session.get("refreshToken").is_none(),
        "the web app has one long token"
    );
    assert_eq!(login("", "x").await.refusal(), (400, "MISSING_FIELD"));
    let (wrong, unknown) = (
        login("ann@gmail.com", "secret-bob").await,
        login("bob@gmail.com", "secret-ann").await,
    );
    assert_eq!(wrong.refusal(), (401, "INVALID_CREDENTIALS"));
    assert_eq!(
        (wrong.status, wrong.body),
        (unknown.status, unknown.body),
        "nobody learns who has an account"
    );

    let known = json!({"email": "cat@gmail.com", "username": "cat", "password": "secret-cat"});
    api.post("/api/v1/auth/register", known).await.done();
    let unproven = login("cat@gmail.com", "secret-cat").await;
    assert_eq!(unproven.refusal(), (403, "EMAIL_NOT_VERIFIED"));
    assert_eq!(
        (
            &unproven.body["requiresOTP"],
            &unproven.body["email"],
            &unproven.body["username"]
        ),
        (&json!(true), &json!("cat@gmail.com"), &json!("cat"))
    );
    api.send_code("cat@gmail.com", "111111").await;
    let proven = api
        .post(
            "/api/auth/verify-otp",
            json!({"email": "cat@gmail.com", "otp": "111111"}),
        )
        .await
        .done();
    assert_eq!(proven["user"]["tier"], json!("verified"));
    login("cat@gmail.com", "secret-cat").await.done();

    api.sql("update users set status = 'banned'").await;
    let banned = login("ann@gmail.com", "secret-ann").await;
    assert_eq!(
        (banned.refusal(), &banned.body["ban"]["type"]),
        ((403, "USER_BANNED"), &json!("permanent"))
    );
    assert_eq!(
        login("ann@gmail.com", "wrong").await.refusal().0,
        401,
        "who cannot prove it is not told of a ban"
    );
}

#[tokio::test]
async fn post_verify_otp_and_resend_otp_lock_and_cool_down() {
    let world = plan().inside().start().await;
    let api = Api::of(&world);
    let verify = async |email: &str, otp: &str| {
        api.post("/api/auth/verify-otp", json!({"email": email, "otp": otp}))
            .await
    };
    let resend = async || {
        api.post("/api/auth/resend-otp", json!({"email": "ann@gmail.com"}))
            .await
    };

    for _ in 0..6 {
        let nobody = verify("ann@gmail.com", "123456").await;
        assert_eq!(
            nobody.refusal(),
            (404, "NO_PENDING_SIGN_UP"),
            "there is nothing to guess"
        );
    }
    for otp in ["", "12345", "1234567", "12345x", "１２３４５６"] {
        assert_eq!(verify("ann@gmail.com", otp).await.status, 400, "{otp}");
    }
    assert_eq!(resend().await.refusal(), (404, "NO_PENDING_SIGN_UP"));
    api.post("/api/auth/register", form(json!({}))).await.done();
    let soon = resend().await;
    assert_eq!(soon.refusal(), (429, "RESEND_COOLDOWN"));
    let wait: u64 = soon.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((50..=60).contains(&wait), "{wait}");
    assert_eq!(soon.body["errorCode"], json!(1003));
    world.clock.advance(Duration::from_secs(61));
    resend().await.done();

    api.send_code("ann@gmail.com", "123456").await;
    for _ in 0..4 {
        assert_eq!(verify("ann@gmail.com", "000000").await.refusal(), (400, "WRONG_OTP"));
    }
    assert_eq!(verify("ann@gmail.com", "000000").await.refusal(), (429, "OTP_LOCKED"));
    assert_eq!(
        verify("ann@gmail.com", "123456").await.refusal(),
        (429, "OTP_LOCKED"),
        "on every node"
    );
    api.post("/api/auth/register", form(json!({}))).await.done();
    api.send_code("ann@gmail.com", "123456").await;
    assert_eq!(
        verify("ann@gmail.com", "123456").await.status,
        429,
        "a new sign-up opens no lock"
    );
    world.clock.advance(Duration::from_secs(601));
    let late = verify("ann@gmail.com", "123456").await;
    assert_eq!(
        (late.refusal(), &late.body["expired"]),
        ((400, "OTP_EXPIRED"), &json!(true))
    );
    resend().await.done();
    api.send_code("ann@gmail.com", "123456").await;
    verify("ann@gmail.com", "123456").await.done();
}

#[tokio::test]
async fn post_change_password_ends_the_other_logins() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let token = text(&api.sign_up("ann").await, "token");
    let voice = json!({"email": "ann@gmail.com", "password": "secret-ann"});
    let rooms = text(
        &api.post("/api/v1/auth/login", voice).await.done()["data"],
        "accessToken",
    );
    let change = async |body: Value| api.post_as(&token, "/api/auth/change-password", body).await;

    assert_eq!(
        change(json!({"newPassword": "another"})).await.refusal(),
        (400, "MISSING_FIELD")
    );
    assert_eq!(
        change(json!({"currentPassword": "wrong", "newPassword": "another"}))
            .await
            .refusal(),
        (400, "WRONG_PASSWORD")
    );
    assert_eq!(
        change(json!({"currentPassword": "secret-ann", "newPassword": "short"}))
            .await
            .refusal()
            .0,
        400
    );
    change(json!({"currentPassword": "secret-ann", "newPassword": "another"}))
        .await
        .done();

    api.get_as(&token, "/api/auth/me").await.done();
    assert_eq!(
        api.get_as(&rooms, "/api/v1/auth/me").await.refusal(),
        (401, "SESSION_ENDED")
    );
    let login = async |password: &str| {
        api.post(
            "/api/auth/login",
            json!({"email": "ann@gmail.com", "password": password}),
        )
        .await
        .status
    };
    assert_eq!((login("secret-ann").await, login("another").await), (401, 200));
}

#[tokio::test]
async fn signing_in_elsewhere_and_out_reaches_open_sockets_on_every_node() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let first = text(&api.sign_up("ann").await, "token");
    let dial = |node: usize, token: &str| world.dial_node(node).auth(json!({"token": token}));
    let mut sockets = [dial(0, &first).connect().await, dial(1, &first).connect().await];

    let login = json!({"email": "ann@gmail.com", "password": "secret-ann"});
    let second = text(&api.post("/api/auth/login", login).await.done(), "token");
    for socket in &mut sockets {
        assert_eq!(
            socket.hear("connection_replaced").await["code"],
            json!("SESSION_REPLACED")
        );
        socket.ended().await;
    }
    let refused = dial(1, &first).try_connect().await.err();
    let expected = json!({"message": "You signed in on another device", "data": {"code": "SESSION_REPLACED"}});
    assert_eq!(refused, Some(Refused::ByServer(expected)));

    let mut socket = dial(1, &second).connect().await;
    let stays = world.dial_node(1).guest("bob").connect().await;
    api.post_as(&second, "/api/auth/logout", json!({})).await.done();
    assert_eq!(socket.hear("session_revoked").await["reason"], json!("logout"));
    socket.ended().await;
    stays.close().await;
    world.ends_empty().await;
}

#[tokio::test]
async fn asvs_9_2_2_a_token_that_is_not_for_this_is_refused() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let device = json!({"age": 30, "deviceFingerprint": "a device of the tests", "termsAccepted": true, "privacyAccepted": true});
    let session = api.post("/api/auth/register", device).await.done();
    let (token, refresh) = (text(&session, "token"), text(&session, "refreshToken"));
    let me = async |token: &str| api.get_as(token, "/api/auth/me").await;

    me(&token).await.done();
    let (head, _) = token.split_once('.').unwrap();
    let none = format!("eyJhbGciOiJub25lIn0.{}.", token.split('.').nth(1).unwrap());
    for bad in [&refresh, &none, &format!("{token}x"), head, "x", "dev-guest-token"] {
        assert_eq!(me(bad).await.refusal(), (401, "INVALID_TOKEN"), "{bad}");
    }
    assert_eq!(
        api.ask(reqwest::Method::GET, "/api/auth/me", &[], None).await.refusal(),
        (401, "TOKEN_MISSING")
    );
    let foreign = foreign_token("user-7");
    assert_eq!(
        me(&foreign).await.refusal(),
        (401, "USER_NOT_FOUND"),
        "sockets take it, the API asks for a user"
    );
    assert_eq!(
        api.post("/api/auth/refresh", json!({"refreshToken": token}))
            .await
            .refusal(),
        (401, "INVALID_TOKEN")
    );
    api.sql("delete from users").await;
    assert_eq!(me(&token).await.refusal(), (401, "USER_NOT_FOUND"));
}

#[tokio::test]
async fn asvs_10_4_5_a_refresh_token_used_again_ends_its_login_everywhere() {
    let world = plan().set("PALAVER_ACCOUNTS__REFRESH_LEEWAY", "0s").start().await;
    let api = Api::of(&world);
    let device = json!({"age": 30, "deviceFingerprint": "a device of the tests", "termsAccepted": true, "privacyAccepted": true});
    let session = api.post("/api/auth/register", device).await.done();
    let refresh = async |token: &Value| api.post("/api/auth/refresh", json!({"refreshToken": token})).await;
    let fresh = refresh(&session["refreshToken"]).await.done();
    let mut socket = world
        .dial_node(0)
        .auth(json!({"token": fresh["token"]}))
        .connect()
        .await;

    assert_eq!(
        refresh(&session["refreshToken"]).await.refusal(),
        (401, "SESSION_ENDED")
    );

    assert_eq!(socket.hear("session_revoked").await["reason"], json!("reuse"));
    assert_eq!(refresh(&fresh["refreshToken"]).await.refusal(), (401, "SESSION_ENDED"));
    assert_eq!(
        api.get_as(&text(&fresh, "token"), "/api/auth/me").await.refusal(),
        (401, "SESSION_ENDED")
    );
}

#[tokio::test]
async fn bad_bodies_are_400_or_413_in_the_envelope() {
    let world = plan().set("PALAVER_MAX_BODY", "4KiB").start().await;
    let api = Api::of(&world);

    let typed = api.post("/api/auth/login", json!({"email": 7, "password": "x"})).await;
    assert_eq!(typed.refusal().0, 400);
    assert_eq!(typed.refusal(), (400, "INVALID_FIELD"));
    assert_eq!(typed.body["field"], json!("email"));
    let age = json!({"unknown": [1], "age": "18", "deviceFingerprint": "a device of the tests"});
    assert_eq!(api.post("/api/auth/register", age).await.body["field"], json!("age"));
    for body in [json!([]), json!("x"), json!(null)] {
        assert_eq!(
            api.post("/api/auth/register", body).await.refusal(),
            (400, "INVALID_BODY")
        );
    }
    let plain = [("content-type", "text/plain")];
    let odd = api.ask(reqwest::Method::POST, "/api/auth/login", &plain, None).await;
    assert_eq!(odd.refusal(), (415, "UNSUPPORTED_MEDIA_TYPE"));
    let huge = json!({"email": "a".repeat(8 << 10), "password": "x"});
    assert_eq!(
        api.post("/api/auth/login", huge).await.refusal(),
        (413, "BODY_TOO_LARGE")
    );
    assert_eq!(
        api.post(
            "/api/auth/login",
            json!({"email": "a@gmail.com", "password": "x".repeat(1000)})
        )
        .await
        .refusal()
        .0,
        401
    );
}
