//! `/api/user` on two nodes behind a balancer (contract of one-to-one chat 4.3, 5.7, 6 User, 7.8), each test named after its
//! row.

use crate::harness::people::{Api, Told, plan, text};
use reqwest::Method;
use serde_json::{Value, json};

/// Somebody signed up, with a token.
async fn ann(api: &Api) -> String {
    text(&api.sign_up("ann").await, "token")
}

async fn put(api: &Api, token: &str, what: &str, body: Value) -> Told {
    api.ask_as(Method::PUT, token, &format!("/api/user/{what}"), Some(body))
        .await
}

#[tokio::test]
async fn get_profile_has_the_keys_of_both() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let token = ann(&api).await;

    let told = api.get_as(&token, "/api/user/profile").await.done();

    let (user, data) = (&told["user"], &told["data"]);
    for (field, value) in [
        ("email", json!("ann@gmail.com")),
        ("username", json!("ann")),
        ("tier", json!("verified")),
        ("coins", json!(50)),
        ("preferences", json!({})),
    ] {
        assert_eq!(user[field], value, "{field}");
    }
    assert_eq!(
        (&data["id"], &data["tier"], &data["coins"], &data["isActive"]),
        (&user["id"], &json!(1), &json!(50), &json!(true))
    );
    assert_eq!(data["createdAt"], user["createdAt"]);
}

#[tokio::test]
async fn every_user_operation_asks_who_and_refuses_the_banned() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let token = ann(&api).await;
    let all = [
        (Method::GET, "profile"),
        (Method::PUT, "profile"),
        (Method::GET, "stats"),
        (Method::PUT, "tier"),
        (Method::PUT, "preferences"),
        (Method::POST, "gender-confirm"),
        (Method::GET, "coins"),
        (Method::DELETE, "account"),
    ];

    api.each_asks_who(&token, "/api/user", &all).await;
}

#[tokio::test]
async fn put_profile_changes_the_name_at_once() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let token = ann(&api).await;
    api.sign_up("bob").await;
    let name = async |name: &str| put(&api, &token, "profile", json!({"username": name, "unknown": 1})).await;

    let changed = name(" Ann B. ").await.done();
    assert_eq!(changed["user"]["username"], json!("Ann B."));
    assert!(changed["message"].is_string());
    for (length, status) in [(2, 400), (3, 200), (50, 200), (51, 400)] {
        assert_eq!(name(&"a".repeat(length)).await.status, status, "{length}");
    }
    assert_eq!(name("BOB").await.refusal(), (400, "USERNAME_TAKEN"));
    for bad in ["b\u{202e}ob", "bоb", "ann\u{200b}"] {
        let told = name(bad).await;
        assert_eq!(
            (told.refusal(), &told.body["field"]),
            ((400, "INVALID_FIELD"), &json!("username"))
        );
    }
    assert_eq!(
        api.get_as(&token, "/api/user/profile").await.done()["user"]["username"],
        json!("a".repeat(50))
    );
}

#[tokio::test]
async fn put_profile_changes_the_address_when_it_is_proven() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let token = ann(&api).await;
    api.sign_up("bob").await;
    // Nobody was sent a code there a moment ago.
    api.sql("update users set email = 'taken@gmail.com' where username = 'bob'")
        .await;
    let profile = async |body: Value| put(&api, &token, "profile", body).await;
    let address = async || text(&api.get_as(&token, "/api/user/profile").await.done()["user"], "email");

    for (email, code) in [
        ("x", "INVALID_FIELD"),
        ("ann@example.org", "UNSUPPORTED_EMAIL_DOMAIN"),
        ("TAKEN@gmail.com", "EMAIL_TAKEN"),
    ] {
        assert_eq!(profile(json!({"email": email})).await.refusal(), (400, code), "{email}");
    }
    let new = "ann.b@gmail.com";
    let early = profile(json!({"email": new, "otp": "123456"})).await;
    assert_eq!(early.refusal(), (404, "NO_PENDING_SIGN_UP"), "no code was sent");
    let pending = profile(json!({"email": new})).await.done();
    assert_eq!(
        (&pending["requiresOTP"], &pending["email"]),
        (&json!(true), &json!(new))
    );
    assert_eq!(profile(json!({"email": new})).await.refusal(), (429, "RESEND_COOLDOWN"));
    assert_eq!(address().await, "ann@gmail.com");
    api.send_code(new, "123456").await;
    assert_eq!(
        profile(json!({"email": new, "otp": "654321"})).await.refusal(),
        (400, "WRONG_OTP")
    );

    let changed = profile(json!({"email": new, "otp": "123456"})).await.done();

    assert_eq!(
        (&changed["user"]["email"], address().await.as_str()),
        (&json!(new), new)
    );
    let login = async |email: &str| {
        let body = json!({"email": email, "password": "secret-ann"});
        api.post("/api/auth/login", body).await.status
    };
    assert_eq!((login("ann@gmail.com").await, login(new).await), (401, 200));
}

#[tokio::test]
async fn put_preferences_lays_what_is_sent_over_what_is_there() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let token = ann(&api).await;
    api.sql("update users set preferences = '{\"avatar\": \"a\", \"videoQuality\": \"low\"}'")
        .await;
    let prefer = async |body: Value| put(&api, &token, "preferences", body).await;

    let told = prefer(
        json!({"settings": {"darkMode": true, "deep": {"a": [1]}}, "matchingMode": "smart",
        "videoQuality": "", "interests": ["music", "Music", "films"], "ageRange": [18, 40], "genderPreference": "any"}),
    )
    .await
    .done();

    let expected = json!({"avatar": "a", "videoQuality": "low", "settings": {"darkMode": true, "deep": {"a": [1]}},
        "matchingMode": "smart", "interests": ["music", "films"], "ageRange": [18, 40], "genderPreference": "any"});
    assert_eq!(told["preferences"], expected);
    let nothing = prefer(json!({"settings": null, "interests": null, "unknown": {"x": 1}}))
        .await
        .done();
    assert_eq!(nothing["preferences"], expected);
    for (body, field) in [
        (json!({"genderPreference": "others"}), "genderPreference"),
        (json!({"genderPreference": 7}), "genderPreference"),
        (json!({"settings": [1]}), "settings"),
        (json!({"settings": {"a": "x".repeat(8 << 10)}}), "settings"),
        (json!({"settings": {"a": "\0"}}), "settings"),
        (json!({"videoQuality": "x".repeat(33)}), "videoQuality"),
        (json!({"matchingMode": false}), "matchingMode"),
        (json!({"interests": "music"}), "interests"),
        (json!({"interests": ["x".repeat(51)]}), "interests"),
        (json!({"interests": [7]}), "interests"),
        (json!({"ageRange": [17, 20]}), "ageRange"),
        (json!({"ageRange": [18.5, 20]}), "ageRange"),
        (json!({"ageRange": [18]}), "ageRange"),
    ] {
        let told = prefer(body.clone()).await;
        assert_eq!(
            (told.refusal(), &told.body["field"]),
            ((400, "INVALID_FIELD"), &json!(field)),
            "{body}"
        );
    }
    assert_eq!(
        api.get_as(&token, "/api/user/profile").await.done()["user"]["preferences"],
        expected
    );
}

#[tokio::test]
async fn post_gender_confirm_is_said_once() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let token = ann(&api).await;
    api.sql("update users set gender = 'others'").await;
    let confirm = async |body: Value| api.post_as(&token, "/api/user/gender-confirm", body).await;

    assert_eq!(confirm(json!({})).await.refusal(), (400, "MISSING_FIELD"));
    assert_eq!(
        confirm(json!({"gender": "robot"})).await.refusal(),
        (400, "INVALID_FIELD")
    );
    assert_eq!(confirm(json!({"gender": 1})).await.body["field"], json!("gender"));
    let others = confirm(json!({"gender": "others"})).await.done();
    assert_eq!(others["user"]["preferences"]["genderConfirmed"], json!(true));
    let said = confirm(json!({"gender": "male"})).await.done();
    assert_eq!(said["user"]["gender"], json!("male"));
    for secret in ["passwordHash", "password_hash"] {
        assert!(said["user"].get(secret).is_none());
    }
    assert_eq!(
        confirm(json!({"gender": "female"})).await.refusal(),
        (409, "GENDER_CONFIRMED")
    );
}

#[tokio::test]
async fn get_coins_and_get_me_refill_once_a_day() {
    let world = plan().set("PALAVER_ACCOUNTS__DAILY_COINS", "60").start().await;
    let api = Api::of(&world);
    let token = ann(&api).await;
    let coins = async || api.get_as(&token, "/api/user/coins").await.done()["coins"].clone();
    let set = async |coins: u32, days: u32| {
        api.sql(&format!(
            "update users set coins = {coins}, daily_chats = 3, last_coin_claim = now() - interval '{days} days'"
        ))
        .await
    };

    assert_eq!(coins().await, json!(50), "the day's were given at the start");
    set(7, 0).await;
    assert_eq!(coins().await, json!(7), "once a day");
    set(7, 1).await;
    assert_eq!((coins().await, coins().await), (json!(60), json!(60)));
    let stats = api.get_as(&token, "/api/user/stats").await.done();
    assert_eq!(stats["stats"]["dailyChats"], json!(0));
    set(99, 1).await;
    assert_eq!(coins().await, json!(99), "nobody loses coins");
    set(3, 2).await;
    let me = api.get_as(&token, "/api/auth/me").await.done();
    assert_eq!(
        (&me["user"]["coins"], &me["user"]["dailyChats"]),
        (&json!(60), &json!(0))
    );
    set(3, 2).await;
    let login = json!({"email": "ann@gmail.com", "password": "secret-ann"});
    let session = api.post("/api/auth/login", login).await.done();
    assert_eq!(session["user"]["coins"], json!(60));
}

#[tokio::test]
async fn put_tier_asks_for_what_is_proven() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let device = json!({"age": 30, "deviceFingerprint": "a device of the tests", "termsAccepted": true, "privacyAccepted": true});
    let guest = text(&api.post("/api/auth/register", device).await.done(), "token");
    let tier = async |body: Value| put(&api, &guest, "tier", body).await;

    for (body, code) in [
        (json!({}), "MISSING_FIELD"),
        (json!({"tier": -1}), "INVALID_FIELD"),
        (json!({"tier": 5}), "INVALID_FIELD"),
        (json!({"tier": "premium"}), "INVALID_FIELD"),
    ] {
        let told = tier(body.clone()).await;
        assert_eq!(
            (told.refusal(), &told.body["field"]),
            ((400, code), &json!("tier")),
            "{body}"
        );
    }
    assert_eq!(tier(json!({"tier": 0})).await.done()["tier"], json!("guest"));
    let unproven = tier(json!({"tier": 1})).await;
    assert_eq!(
        (unproven.refusal(), &unproven.body["errorCode"]),
        ((403, "VERIFICATION_REQUIRED"), &json!(2002))
    );
    for number in [2, 3, 4] {
        assert_eq!(
            tier(json!({"tier": number})).await.refusal(),
            (403, "INSUFFICIENT_TIER"),
            "{number}"
        );
    }
    api.sql("update users set phone_hash = 'proven'").await;
    let told = tier(json!({"tier": 1})).await.done();
    assert_eq!((&told["tier"], &told["data"]["tier"]), (&json!("verified"), &json!(1)));
    assert_eq!(
        api.get_as(&guest, "/api/user/profile").await.done()["data"]["tier"],
        json!(1)
    );
}

#[tokio::test]
async fn get_stats_counts_conversations_that_are_over() {
    let world = plan().set("PALAVER_QUEUE__ELIGIBLE_AFTER", "0s").start().await;
    let api = Api::of(&world);
    let token = ann(&api).await;
    let stats = async || api.get_as(&token, "/api/user/stats").await.done();
    let told = stats().await;
    assert_eq!(
        (&told["stats"], &told["data"]["conversations"], &told["data"]["minutes"]),
        (&told["data"], &json!(0), &json!(0))
    );

    let mut one = world.dial_node(0).auth(json!({"token": token})).connect().await;
    let mut two = world.dial_node(1).guest("bob").connect().await;
    for socket in [&mut one, &mut two] {
        socket.emit("join_text_queue", &[]);
    }
    for socket in [&mut one, &mut two] {
        socket.hear("text_match_found").await;
    }
    one.emit("leave_text_room", &[]);
    crate::harness::eventually("it is counted", async || stats().await["stats"]["conversations"] == 1).await;

    assert_eq!(stats().await["stats"]["minutes"], json!(1), "a minute begun");
}

#[tokio::test]
async fn delete_account_archives_it_and_closes_its_sockets_on_every_node() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let token = ann(&api).await;
    api.sign_up("bob").await;
    let dial = |node: usize| world.dial_node(node).auth(json!({"token": token}));
    let mut sockets = [dial(0).connect().await, dial(1).connect().await];

    let told = api
        .ask_as(Method::DELETE, &token, "/api/user/account", None)
        .await
        .done();

    assert!(told["message"].is_string());
    for socket in &mut sockets {
        assert_eq!(socket.hear("session_revoked").await["reason"], json!("deleted"));
        socket.ended().await;
    }
    assert!(
        dial(0).try_connect().await.is_err(),
        "no socket comes in with its token"
    );
    assert_eq!(
        api.get_as(&token, "/api/auth/me").await.refusal(),
        (401, "USER_NOT_FOUND")
    );
    let login = json!({"email": "ann@gmail.com", "password": "secret-ann"});
    assert_eq!(api.post("/api/auth/login", login).await.refusal().0, 401);
    let kept = "select concat_ws(' ', reason, deleted_by = id::text, account->>'email', account ? 'password_hash') \
        from deleted_users";
    assert_eq!(
        api.sql_value(kept).await.as_deref(),
        Some("user_request t ann@gmail.com f")
    );
    assert_eq!(
        api.sql_value("select string_agg(username, ' ') from users")
            .await
            .as_deref(),
        Some("bob")
    );
    api.sign_up("ann").await;
}

#[tokio::test]
async fn user_operations_answer_503_while_postgres_is_away() {
    let world = plan()
        .set("PALAVER_POSTGRES__CONNECT_TIMEOUT", "500ms")
        .set("PALAVER_POSTGRES__QUERY_TIMEOUT", "500ms")
        .start()
        .await;
    let api = Api::of(&world);
    let token = ann(&api).await;

    world.store_line.cut();

    for (method, what, body) in [
        (Method::GET, "profile", None),
        (Method::GET, "stats", None),
        (Method::PUT, "preferences", Some(json!({"videoQuality": "low"}))),
        (Method::DELETE, "account", None),
    ] {
        let told = api.ask_as(method, &token, &format!("/api/user/{what}"), body).await;
        assert_eq!(told.refusal(), (503, "UNAVAILABLE"), "{what}");
        assert_eq!(told.headers["retry-after"], "2", "{what}");
    }
    world.store_line.mend();
    crate::harness::eventually("it is back, and nothing was deleted", async || {
        api.get_as(&token, "/api/user/profile").await.status == 200
    })
    .await;
}
