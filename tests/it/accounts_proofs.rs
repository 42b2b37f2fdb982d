//! What proves an account other than its password (contract of one-to-one chat 4.2, 7.2, 7.4-7.6; of voice rooms 4.1, 8):
//! mails, links, telephones, Google. Each test is named after its rows.

use crate::harness::outside::{Google, Mails, after};
use crate::harness::people::{Api, Told, plan, text};
use serde_json::{Value, json};
use std::time::Duration;

const ANN: &str = "ann@gmail.com";

#[tokio::test]
async fn post_register_mails_a_code_that_is_the_one() {
    let mails = Mails::new();
    let world = mails.of(plan()).start().await;
    let api = Api::of(&world);

    let form = json!({"email": ANN, "username": "ann", "password": "secret-ann", "gender": "female"});
    api.post("/api/auth/register", form).await.done();

    let mail = &mails.to(ANN, "code", 1).await[0];
    assert!(mail.contains("Hello ann,"), "{mail}");
    let code = mail.lines().find(|line| line.len() == 6 && line.parse::<u32>().is_ok());
    let body = json!({"email": ANN, "otp": code.unwrap()});
    api.post("/api/auth/verify-otp", body).await.done();
}

#[tokio::test]
async fn post_forgot_password_validate_reset_token_reset_password() {
    let mails = Mails::new();
    let world = mails.of(plan().inside()).start().await;
    let api = Api::of(&world);
    let before = text(&api.sign_up("ann").await, "token");
    let socket = world.dial_node(1).auth(json!({"token": before})).connect().await;
    let forgot = async |email: &str| api.post("/api/auth/forgot-password", json!({"email": email})).await;
    let validate = async |token: &str| {
        api.post("/api/auth/validate-reset-token", json!({"token": token}))
            .await
    };
    let reset = async |token: &str, password: &str| {
        let body = json!({"token": token, "password": password});
        api.post("/api/auth/reset-password", body).await
    };

    assert_eq!(forgot("").await.refusal(), (400, "MISSING_FIELD"));
    let (known, unknown) = (forgot("Ann@gmail.com").await, forgot("bob@gmail.com").await);
    let neutral = "If your email is registered, you will receive a password reset link shortly.";
    assert_eq!(known.body["message"], json!(neutral));
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    let first = after(
        &mails.to(ANN, "reset-password", 1).await[0],
        "http://localhost:3000/reset-password?token=",
    );
    assert_eq!(first.len(), 64, "32 bytes as hex: {first}");

    validate(&first).await.done();
    assert_eq!(validate("").await.refusal(), (400, "MISSING_FIELD"));
    for bad in ["x", &"f".repeat(64), &"f".repeat(10_000)] {
        assert_eq!(validate(bad).await.refusal(), (400, "INVALID_TOKEN"));
        assert_eq!(reset(bad, "another").await.refusal(), (400, "INVALID_TOKEN"));
    }
    let short = reset(&first, "short").await;
    assert_eq!(
        (short.refusal(), &short.body["field"]),
        ((400, "INVALID_FIELD"), &json!("password"))
    );
    world.clock.advance(Duration::from_secs(30 * 60 + 1));
    assert_eq!(validate(&first).await.refusal(), (400, "RESET_EXPIRED"));
    assert_eq!(reset(&first, "another").await.refusal(), (400, "RESET_EXPIRED"));

    forgot(ANN).await.done();
    let both = mails.to(ANN, "reset-password", 2).await;
    let links = both.iter().map(|mail| after(mail, "reset-password?token="));
    let second = links.into_iter().find(|link| *link != first).unwrap();
    reset(&second, "another").await.done();

    let mut socket = socket;
    assert_eq!(socket.hear("session_revoked").await["reason"], json!("password"));
    socket.ended().await;
    assert_eq!(
        api.get_as(&before, "/api/auth/me").await.refusal(),
        (401, "SESSION_ENDED"),
        "all sessions are revoked"
    );
    assert_eq!(
        reset(&second, "a-third").await.refusal(),
        (400, "INVALID_TOKEN"),
        "used up"
    );
    let login = async |password: &str| {
        let body = json!({"email": ANN, "password": password});
        api.post("/api/auth/login", body).await.status
    };
    assert_eq!((login("secret-ann").await, login("another").await), (401, 200));
    mails.to(ANN, "password was changed", 1).await;
    mails.to("bob@gmail.com", "", 0).await;
}

#[tokio::test]
async fn post_reset_password_gives_one_to_an_account_without_and_proves_its_address() {
    let (mails, google) = (Mails::new(), Google::start().await);
    let world = google.of(mails.of(plan())).start().await;
    let api = Api::of(&world);
    let body = json!({"idToken": google.id_token(ANN, json!({}))});
    api.post("/api/auth/google", body).await.done();
    let change = json!({"email": ANN, "password": "anything else"});
    assert_eq!(
        api.post("/api/auth/login", change).await.refusal(),
        (401, "INVALID_CREDENTIALS")
    );

    api.post("/api/auth/forgot-password", json!({"email": ANN}))
        .await
        .done();
    let link = after(&mails.to(ANN, "reset-password", 1).await[0], "reset-password?token=");
    let body = json!({"token": link, "password": "a-new-one"});
    api.post("/api/auth/reset-password", body).await.done();

    let body = json!({"email": ANN, "password": "a-new-one"});
    let session = api.post("/api/auth/login", body).await.done();
    assert_eq!(session["user"]["hasPassword"], json!(true));
}

#[tokio::test]
async fn post_google_of_one_to_one_chat() {
    let google = Google::start().await;
    let world = google.of(plan()).start().await;
    let api = Api::of(&world);
    let sign_in = async |token: &str| api.post("/api/auth/google", json!({"idToken": token})).await;
    let refused = async |change: Value| sign_in(&google.id_token(ANN, change)).await;

    assert_eq!(sign_in("").await.refusal(), (400, "MISSING_FIELD"));
    for (change, expected) in [
        (json!({"aud": "another.application"}), (401, "INVALID_GOOGLE_TOKEN")),
        (json!({"iss": "https://evil.example"}), (401, "INVALID_GOOGLE_TOKEN")),
        (json!({"exp": 1_700_000_000}), (401, "INVALID_GOOGLE_TOKEN")),
        (json!({"email": null}), (400, "MISSING_FIELD")),
        (json!({"email_verified": false}), (400, "GOOGLE_EMAIL_NOT_VERIFIED")),
    ] {
        assert_eq!(refused(change.clone()).await.refusal(), expected, "{change}");
    }
    assert_eq!(sign_in("not.a.token").await.refusal(), (401, "INVALID_GOOGLE_TOKEN"));

    let session = sign_in(&google.id_token("Ann.B@gmail.com", json!({}))).await.done();
    let user = &session["user"];
    assert_eq!(
        (
            &user["username"],
            &user["tier"],
            &user["coins"],
            &user["hasPassword"],
            &user["gender"]
        ),
        (
            &json!("annb"),
            &json!("verified"),
            &json!(50),
            &json!(false),
            &json!("others")
        )
    );
    assert_eq!(
        user["preferences"]["authProvider"],
        json!("google"),
        "the web app asks for the gender then"
    );
    let me = api.get_as(&text(&session, "token"), "/api/auth/me").await.done();
    assert_eq!(me["user"]["id"], user["id"]);
    let again = sign_in(&google.id_token("ann.b@gmail.com", json!({"sub": "sub-Ann.B@gmail.com"}))).await;
    assert_eq!(again.done()["user"]["id"], user["id"]);
    let other = sign_in(&google.id_token("annb@gmail.com", json!({}))).await.done();
    assert!(
        text(&other["user"], "username").starts_with("annb_"),
        "the name is taken: {other}"
    );

    let proven = text(&api.sign_up("bob").await["user"], "id");
    let linked = sign_in(&google.id_token("bob@gmail.com", json!({}))).await.done();
    assert_eq!(
        (&linked["user"]["id"], &linked["user"]["hasPassword"]),
        (&json!(proven), &json!(true))
    );
    let second = google.id_token("bob@gmail.com", json!({"sub": "somebody else"}));
    assert_eq!(sign_in(&second).await.refusal(), (400, "EMAIL_TAKEN"));
    api.sql("update users set status = 'banned'").await;
    let banned = sign_in(&google.id_token("bob@gmail.com", json!({}))).await;
    assert_eq!(banned.refusal(), (403, "USER_BANNED"));
}

#[tokio::test]
async fn post_google_is_503_where_it_is_not_set_up() {
    let world = plan().start().await;
    let api = Api::of(&world);

    let told = api.post("/api/auth/google", json!({"idToken": "x.y.z"})).await;

    assert_eq!(told.refusal().0, 503);
    assert!(told.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn asvs_6_8_1_google_never_lets_who_made_an_unproven_account_stay_in_it() {
    let (mails, google) = (Mails::new(), Google::start().await);
    let world = google.of(mails.of(plan())).start().await;
    let api = Api::of(&world);
    let form = json!({"email": ANN, "username": "squatter", "password": "of-the-squatter"});
    let squatter = api.post("/api/v1/auth/register", form).await.done();
    let token = text(&squatter["data"], "accessToken");

    let owner = api
        .post("/api/v1/auth/google", json!({"accessToken": Google::access_token(ANN)}))
        .await
        .done();

    assert_eq!(owner["user"]["id"], squatter["user"]["id"]);
    assert_eq!(
        api.get_as(&token, "/api/v1/auth/me").await.refusal(),
        (401, "SESSION_ENDED")
    );
    let body = json!({"email": ANN, "password": "of-the-squatter"});
    assert_eq!(
        api.post("/api/v1/auth/login", body).await.refusal(),
        (401, "INVALID_CREDENTIALS")
    );
    mails.to(ANN, "password was changed", 1).await;
}

#[tokio::test]
async fn post_google_of_voice_rooms_is_flat_and_takes_each_kind_of_token() {
    let google = Google::start().await;
    let world = google.of(plan()).start().await;
    let api = Api::of(&world);
    let sign_in = async |body: Value| -> Told { api.post("/api/v1/auth/google", body).await };

    let told = sign_in(json!({"accessToken": Google::access_token(ANN)})).await;
    let cookie = told.cookie("refreshToken");
    let first = told.done();
    assert_eq!(
        (
            &first["user"]["email"],
            &first["user"]["authProvider"],
            &first["user"]["username"]
        ),
        (&json!(ANN), &json!("google"), &json!("ann"))
    );
    assert_eq!(
        (&first["isFirstTime"], &first["needsUsername"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(cookie.as_deref(), first["tokens"]["refreshToken"].as_str());
    let access = text(&first["tokens"], "accessToken");
    api.get_as(&access, "/api/v1/auth/me").await.done();
    let id = google.id_token(ANN, json!({}));
    for body in [
        json!({"idToken": id, "accessToken": "worthless"}),
        json!({"credential": id}),
    ] {
        let again = sign_in(body).await.done();
        assert_eq!(
            (&again["user"]["id"], &again["isFirstTime"]),
            (&first["user"]["id"], &json!(false))
        );
    }

    assert_eq!(sign_in(json!({})).await.refusal(), (400, "MISSING_FIELD"));
    assert_eq!(
        sign_in(json!({"accessToken": "nobody's"})).await.refusal(),
        (401, "INVALID_GOOGLE_TOKEN")
    );
}

#[tokio::test]
async fn post_request_otp_verify_phone() {
    let world = plan().inside().start().await;
    let api = Api::of(&world);
    let token = text(&api.sign_up("ann").await, "token");
    let request = async |phone: &str| api.post("/api/auth/request-otp", json!({"phone": phone})).await;
    let verify = async |otp: &str| {
        let body = json!({"phone": "9876543210", "otp": otp});
        api.post_as(&token, "/api/auth/verify-phone", body).await
    };

    for bad in ["5876543210", "98765", "+12", "ann"] {
        let told = request(bad).await;
        assert_eq!(
            (told.refusal(), &told.body["field"]),
            ((400, "INVALID_FIELD"), &json!("phone")),
            "{bad}"
        );
    }
    assert_eq!(request("").await.refusal(), (400, "MISSING_FIELD"));
    assert_eq!(verify("123456").await.refusal(), (400, "OTP_EXPIRED"), "none was sent");
    let sent = request("9876543210").await.done();
    assert!(sent.get("otp").is_none());
    api.send_phone_code("9876543210", "123456").await;
    let body = json!({"phone": "9876543210", "otp": "123456"});
    assert_eq!(
        api.post("/api/auth/verify-phone", body).await.refusal(),
        (401, "TOKEN_MISSING")
    );
    for expected in ["WRONG_OTP", "WRONG_OTP", "OTP_LOCKED"] {
        assert_eq!(verify("000000").await.refusal(), (400, expected));
    }
    assert_eq!(
        verify("123456").await.refusal(),
        (400, "OTP_LOCKED"),
        "the code is gone"
    );
    request("9876543210").await.done();
    api.send_phone_code("9876543210", "123456").await;
    world.clock.advance(Duration::from_secs(301));
    assert_eq!(verify("123456").await.refusal(), (400, "OTP_EXPIRED"));

    request("9876543210").await.done();
    api.send_phone_code("9876543210", "123456").await;
    let proven = verify("123456").await.done();
    assert_eq!(
        (
            &proven["user"]["coins"],
            &proven["user"]["isVerified"],
            &proven["user"]["username"]
        ),
        (&json!(60), &json!(true), &json!("ann"))
    );
    assert_eq!(verify("123456").await.status, 400, "used up");
    assert_eq!(
        request("9876543210").await.refusal(),
        (429, "RESEND_COOLDOWN"),
        "three in a quarter of an hour"
    );
}

#[tokio::test]
async fn post_verify_otp_with_phone_as_the_document_has_it() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let device = json!({"age": 18, "deviceFingerprint": "a device of the tests", "termsAccepted": true, "privacyAccepted": true});
    let token = text(&api.post("/api/auth/register", device).await.done()["data"], "token");
    api.post("/api/auth/request-otp", json!({"phone": "+1234567890"}))
        .await
        .done();
    api.send_phone_code("+1234567890", "123456").await;
    let body = json!({"phone": "+1234567890", "otp": "123456"});

    let nobody = api.post("/api/auth/verify-otp", body.clone()).await;
    let proven = api.post_as(&token, "/api/auth/verify-otp", body).await.done();

    assert_eq!(nobody.refusal(), (401, "TOKEN_MISSING"));
    assert_eq!(proven["user"]["tier"], json!("verified"), "tier progression");
}
