//! What the OWASP Application Security Verification Standard 5.0 asks of accounts (V6), sessions (V7), tokens (V9) and
//! refresh tokens (V10), by its numbers, on two nodes behind a balancer. What other tests show is not shown again here:
//!
//! | number | shown by |
//! |---|---|
//! | 2.2.1, 2.2.2 input is what it may be | `accounts::post_register_refuses_with_400_and_says_why`, `accounts_v1::post_register_*`, `described::*` |
//! | 6.2.2, 6.2.3, 7.4.3 changing the password | `accounts::post_change_password_ends_the_other_logins` |
//! | 6.3.8 by text and status | `accounts::post_login_with_email`, `accounts_v1::post_login_*` |
//! | 6.5.1, 6.5.5, 6.6.3 codes | `accounts::post_register_verify_otp_*`, `accounts::post_verify_otp_and_resend_otp_lock_and_cool_down` |
//! | 3.4.2, 3.5.1 pages of others | tests of those numbers in `accounts_v1` |
//! | 7.4.1 on open sockets | `accounts::signing_in_elsewhere_and_out_reaches_open_sockets_on_every_node` |
//! | 9.2.2, 10.4.5 | tests of those numbers in `accounts` |
//! | 6.3.1, 2.4.1 | `accounts_limits::*` |
//! | 6.4.3 | `accounts_proofs::post_forgot_password_*`, `accounts_proofs::post_reset_password_*` |
//! | 6.8.1 | the test of that number in `accounts_proofs` |
//! | 11.4.2 | the test of that number in `actions::account::hashing` |

mod passwords;
mod tokens;

use crate::harness::people::{Api, Told, plan, text};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn register(api: &Api, name: &str, password: &str) -> Told {
    let form = json!({"email": format!("{name}@example.org"), "username": name, "password": password});
    api.post("/api/v1/auth/register", form).await
}

async fn login(api: &Api, name: &str, password: &str) -> Told {
    let form = json!({"email": format!("{name}@example.org"), "password": password});
    api.post("/api/v1/auth/login", form).await
}

async fn refresh(api: &Api, token: &str) -> Told {
    let header = [("x-refresh-token", token)];
    api.ask(Method::POST, "/api/v1/auth/refresh", &header, None).await
}

/// Asks both families; both answer alike.
async fn me(api: &Api, token: &str) -> Told {
    let (one, other) = tokio::join!(api.get_as(token, "/api/auth/me"), api.get_as(token, "/api/v1/auth/me"));
    assert_eq!(one.status, other.status, "{one:?} {other:?}");
    assert_eq!(one.body["code"], other.body["code"]);
    one
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn asvs_6_2_1_voice_rooms_ask_for_eight_characters_and_one_to_one_chat_for_the_six_of_its_contract() {
    let world = plan().start().await;
    let api = Api::of(&world);

    let short = register(&api, "ann", "1234567").await;
    assert_eq!(
        (short.refusal(), &short.body["field"]),
        ((400, "INVALID_FIELD"), &json!("password"))
    );
    assert_eq!(register(&api, "ann", "12o45678").await.status, 201);
    let form =
        |password: &str| json!({"email": "bob@gmail.com", "username": "bob", "gender": "male", "password": password});
    let short = api.post("/api/auth/register", form("12345")).await;
    assert_eq!(
        (short.refusal(), &short.body["field"]),
        ((400, "INVALID_FIELD"), &json!("password"))
    );
    api.post("/api/auth/register", form("12o456")).await.done();
}

#[tokio::test]
async fn asvs_6_2_5_6_2_8_6_2_9_passwords_of_any_characters_up_to_200_hold_as_they_are() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let long = "x".repeat(199) + "y";

    for (name, password, others) in [
        (
            "letters",
            "correcthorse",
            vec!["CorrectHorse", "correcthorse ", " correcthorse", "correcthors"],
        ),
        ("spaces", "  eight  ", vec!["eight", " eight ", "  eight"]),
        (
            "script",
            "пароль漢字🎉é",
            vec!["пароль漢字🎉e\u{301}", "ПАРОЛЬ漢字🎉é", "пароль漢字🎉"],
        ),
        ("signs", "' or 1=1;--\\%00<b>\"", vec!["' or 1=1;--", "or 1=1"]),
        ("seventy", &"p".repeat(72), vec![&"p".repeat(71), &"p".repeat(73)]),
        ("longest", &long, vec![&long[..199], &long[..72]]),
    ] {
        assert_eq!(register(&api, name, password).await.status, 201, "{password}");
        login(&api, name, password).await.done();
        for other in others {
            assert_eq!(
                login(&api, name, other).await.refusal(),
                (401, "INVALID_CREDENTIALS"),
                "{other:?} is not {password:?}"
            );
        }
    }
    assert_eq!(
        register(&api, "longer", &(long + "z")).await.refusal(),
        (400, "INVALID_FIELD")
    );
}

#[tokio::test]
async fn asvs_7_2_4_every_login_has_tokens_of_its_own_whatever_the_browser_brings() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let first = register(&api, "ann", "correct horse").await.done();
    let brought = text(&first["data"], "refreshToken");

    let form = json!({"email": "ann@example.org", "password": "correct horse"});
    let cookie = [("cookie", &*format!("refreshToken={brought}"))];
    let told = api.ask(Method::POST, "/api/v1/auth/login", &cookie, Some(form)).await;

    let given = told.cookie("refreshToken").unwrap();
    let second = told.done();
    assert_eq!(given, text(&second["data"], "refreshToken"));
    let logins = [&first, &second].map(|session| part(&text(&session["data"], "accessToken"), 1)["lid"].clone());
    assert_ne!(logins[0], logins[1]);
    assert_ne!(given, brought);
}

#[tokio::test]
async fn asvs_7_3_2_10_4_8_a_login_ends_for_good_however_often_its_tokens_are_exchanged() {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let world = plan().inside().start().await;
    let api = Api::of(&world);
    let device = json!({"age": 18, "deviceFingerprint": "a device of the tests", "termsAccepted": true, "privacyAccepted": true});
    let session = api.post("/api/auth/register", device).await.done()["data"].take();
    let mut chat = text(&session, "refreshToken");
    let session = register(&api, "ann", "correct horse").await.done()["data"].take();
    let mut rooms = text(&session, "refreshToken");
    let exchange = async |token: &str| {
        let path = "/api/auth/refresh";
        api.post(path, json!({"refreshToken": token})).await
    };
    let end = part(&rooms, 1)["iat"].as_u64().unwrap() + 90 * DAY.as_secs();

    for _ in 0..15 {
        world.clock.advance(DAY * 6 - Duration::from_secs(60));
        (chat, rooms) = (
            text(&exchange(&chat).await.done(), "refreshToken"),
            text(&refresh(&api, &rooms).await.done()["data"], "refreshToken"),
        );
    }

    for token in [&chat, &rooms] {
        let until = part(token, 1)["exp"].as_u64().unwrap();
        assert!(until.abs_diff(end) < 60, "{until} is not {end}");
    }
    world.clock.advance(DAY);
    assert_eq!(exchange(&chat).await.refusal(), (401, "INVALID_TOKEN"));
    assert_eq!(refresh(&api, &rooms).await.refusal(), (401, "INVALID_TOKEN"));
    login(&api, "ann", "correct horse").await.done();
}

#[tokio::test]
async fn asvs_7_4_1_signing_out_ends_every_token_of_the_login_on_every_node_and_no_other_login() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let session = register(&api, "ann", "correct horse").await.done()["data"].take();
    let other = login(&api, "ann", "correct horse").await.done()["data"].take();
    let fresh = refresh(&api, &text(&session, "refreshToken")).await.done()["data"].take();

    let out = api
        .post_as(&text(&fresh, "accessToken"), "/api/v1/auth/logout", json!({}))
        .await;

    for line in out.headers.get_all("set-cookie") {
        assert!(
            line.to_str().unwrap().contains("=; Path=/; Max-Age=0; HttpOnly"),
            "{line:?}"
        );
    }
    // The balancer takes the nodes in turn.
    for _ in 0..2 {
        for tokens in [&session, &fresh] {
            assert_eq!(
                me(&api, &text(tokens, "accessToken")).await.refusal(),
                (401, "SESSION_ENDED")
            );
            assert_eq!(
                refresh(&api, &text(tokens, "refreshToken")).await.refusal(),
                (401, "SESSION_ENDED")
            );
        }
        me(&api, &text(&other, "accessToken")).await.done();
    }
}

#[tokio::test]
async fn asvs_7_4_2_tokens_of_an_account_that_is_banned_or_gone_are_good_for_nothing() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let session = register(&api, "ann", "correct horse").await.done()["data"].take();
    let (token, again) = (text(&session, "accessToken"), text(&session, "refreshToken"));
    me(&api, &token).await.done();

    api.sql("update users set status = 'banned', ban_reason = 'spam'").await;
    // Who is banned is told so by `me`, as the contract has it, and let in nowhere else.
    assert_eq!(me(&api, &token).await.done()["user"]["status"], json!("banned"));
    assert_eq!(refresh(&api, &again).await.refusal(), (403, "USER_BANNED"));
    assert_eq!(
        login(&api, "ann", "correct horse").await.refusal(),
        (403, "USER_BANNED")
    );
    api.sql("delete from users").await;
    assert_eq!(me(&api, &token).await.refusal(), (401, "USER_NOT_FOUND"));
    assert_eq!(refresh(&api, &again).await.status, 401);
    assert_eq!(
        login(&api, "ann", "correct horse").await.refusal(),
        (401, "INVALID_CREDENTIALS")
    );
}

#[tokio::test]
async fn asvs_3_3_1_3_3_2_3_3_4_cookies_of_tokens_are_for_browsers_on_this_site_alone() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let form = json!({"email": "ann@example.org", "username": "ann", "password": "correct horse"});
    let by_https = [("x-forwarded-proto", "https")];

    let told = api
        .ask(Method::POST, "/api/v1/auth/register", &by_https, Some(form))
        .await;

    let lines = told
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|line| line.to_str().unwrap());
    let lines = lines.collect::<Vec<_>>();
    assert_eq!(lines.len(), 2);
    for line in lines {
        assert!(line.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{line}");
        assert!(!line.contains("Domain") && line.len() < 4096, "{line}");
    }
}
