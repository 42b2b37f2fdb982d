//! `/api/v1/users` and `/api/v1/upload` on two nodes behind a balancer (contract of voice rooms 0.1, 4.2, 4.3, 7.2, 7.3),
//! each test named after its row.

use crate::harness::people::{Api, Told, plan, text};
use reqwest::Method;
use serde_json::{Value, json};

/// Somebody signed up, with a token and an id.
async fn person(api: &Api, name: &str) -> (String, String) {
    let form = json!({"email": format!("{name}@example.org"), "username": name, "password": format!("secret-{name}")});
    let made = api.post("/api/v1/auth/register", form).await.done();
    (text(&made["data"], "accessToken"), text(&made["user"], "id"))
}

async fn patch(api: &Api, token: &str, what: &str, body: Value) -> Told {
    api.ask_as(Method::PATCH, token, &format!("/api/v1/users/{what}"), Some(body))
        .await
}

async fn get(api: &Api, path: &str) -> Told {
    api.ask(Method::GET, &format!("/api/v1/users/{path}"), &[], None).await
}

#[tokio::test]
async fn get_me_has_profile_stats_and_the_documents_user() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let (token, id) = person(&api, "Ann_1").await;
    api.sql("update users set calls_completed = 3, call_minutes = 14").await;

    let told = api.get_as(&token, "/api/v1/users/me").await.done();

    let (profile, stats, user) = (&told["data"]["profile"], &told["data"]["stats"], &told["user"]);
    assert_eq!((&profile["id"], &profile["username"]), (&json!(id), &json!("Ann_1")));
    assert!(profile.get("email").is_none(), "a profile has no address");
    let expected = json!({"totalPracticeMinutes": 14, "roomsJoined": 0, "roomsCreated": 0,
        "randomCallsCompleted": 3, "randomCallMinutes": 14});
    assert_eq!(*stats, expected);
    assert_eq!(
        (&user["email"], &user["stats"]),
        (
            &json!("ann_1@example.org"),
            &json!({"totalCalls": 3, "totalMinutes": 14})
        )
    );
    let alone = api.get_as(&token, "/api/v1/users/me/stats").await.done();
    assert_eq!(alone["data"], expected);
    let cookie = format!("accessToken={token}");
    let by_cookie = api
        .ask(Method::GET, "/api/v1/users/me", &[("cookie", &cookie)], None)
        .await;
    assert_eq!(by_cookie.done(), told);
}

#[tokio::test]
async fn every_operation_of_ones_own_asks_who() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let (token, _) = person(&api, "ann").await;
    let all = [
        (Method::GET, "users/me"),
        (Method::PATCH, "users/me"),
        (Method::PATCH, "users/me/username"),
        (Method::GET, "users/me/activity"),
        (Method::GET, "users/me/rooms"),
        (Method::GET, "users/me/stats"),
        (Method::DELETE, "upload/avatar"),
    ];

    api.each_asks_who(&token, "/api/v1", &all).await;
}

#[tokio::test]
async fn patch_me_changes_what_is_written_and_cuts_what_is_too_long() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let (token, _) = person(&api, "ann").await;
    let change = async |body: Value| patch(&api, &token, "me", body).await;
    let eleven: Vec<String> = (0..11).map(|i| format!("L{i}")).collect();

    let told = change(
        json!({"displayName": " Zoë ", "bio": "two\nlines", "nativeLanguages": eleven,
        "learningLanguages": eleven, "interests": ["hiking"], "privacyLevel": "friends", "unknown": 1,
        "avatarUrl": "https://cdn.example/a.png"}),
    )
    .await
    .done();

    assert_eq!(told["user"], told["data"]["user"]);
    for (field, value) in [
        ("displayName", json!("Zoë")),
        ("bio", json!("two\nlines")),
        ("nativeLanguages", json!(eleven[..5])),
        ("learningLanguages", json!(eleven[..10])),
        ("interests", json!(["hiking"])),
        ("privacyLevel", json!("friends")),
        ("avatarUrl", json!("https://cdn.example/a.png")),
    ] {
        assert_eq!(told["user"][field], value, "{field}");
    }
    let same = change(json!({"avatarUrl": "https://cdn.example/a.png"})).await.done();
    assert_eq!(same["user"], told["user"], "what is absent stays");
    let cut = change(json!({"displayName": "x".repeat(101), "bio": "y".repeat(501)}))
        .await
        .done();
    assert_eq!(
        (&cut["user"]["displayName"], &cut["user"]["bio"]),
        (&json!("x".repeat(100)), &json!("y".repeat(500)))
    );
    let cleared = change(json!({"displayName": " ", "bio": "", "avatarUrl": null, "nativeLanguages": null}))
        .await
        .done();
    for field in ["displayName", "bio", "avatarUrl"] {
        assert_eq!(cleared["user"][field], Value::Null, "{field}");
    }
    assert_eq!(cleared["user"]["nativeLanguages"], json!([]));
}

#[tokio::test]
async fn patch_me_refuses_with_400_and_names_the_field() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let (token, _) = person(&api, "ann").await;

    for (body, field) in [
        (json!({"displayName": 7}), "displayName"),
        (json!({"displayName": "a\u{202e}b"}), "displayName"),
        (json!({"displayName": "a\u{200b}b"}), "displayName"),
        (json!({"bio": ["x"]}), "bio"),
        (json!({"bio": "a\u{0}b"}), "bio"),
        (json!({"avatarUrl": "javascript:alert(1)"}), "avatarUrl"),
        (
            json!({"avatarUrl": format!("https://a/{}", "b".repeat(2048))}),
            "avatarUrl",
        ),
        (json!({"nativeLanguages": "English"}), "nativeLanguages"),
        (json!({"nativeLanguages": [7]}), "nativeLanguages"),
        (json!({"learningLanguages": [""]}), "learningLanguages"),
        (json!({"learningLanguages": ["x".repeat(51)]}), "learningLanguages"),
        (json!({"interests": {"a": 1}}), "interests"),
        (json!({"privacyLevel": "secret"}), "privacyLevel"),
        (json!({"privacyLevel": true, "bio": "good"}), "privacyLevel"),
    ] {
        let told = patch(&api, &token, "me", body.clone()).await;
        assert_eq!(
            (told.refusal(), &told.body["field"]),
            ((400, "INVALID_FIELD"), &json!(field)),
            "{body}"
        );
    }
    assert_eq!(patch(&api, &token, "me", json!([1])).await.refusal().0, 400);
    let bio = api.get_as(&token, "/api/v1/users/me").await.done()["data"]["profile"]["bio"].clone();
    assert_eq!(bio, Value::Null, "nothing of a refused change is done");
}

#[tokio::test]
async fn patch_me_username_and_check_username() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let (token, id) = person(&api, "Ann").await;
    person(&api, "bob").await;
    let choose = async |body: Value| patch(&api, &token, "me/username", body).await;
    let available = async |name: &str, token: Option<&str>| {
        let path = format!("/api/v1/users/check-username/{name}");
        let told = match token {
            Some(token) => api.get_as(token, &path).await,
            None => api.ask(Method::GET, &path, &[], None).await,
        };
        told.done()["data"]["available"].as_bool().unwrap()
    };

    assert_eq!(choose(json!({})).await.refusal(), (400, "MISSING_FIELD"));
    assert_eq!(
        choose(json!({"username": "BOB"})).await.refusal(),
        (400, "USERNAME_TAKEN")
    );
    for (name, status) in [
        ("ab".to_owned(), 400),
        ("abc".to_owned(), 200),
        ("a".repeat(30), 200),
        ("a".repeat(31), 400),
        ("a-b-c".to_owned(), 400),
        ("аnna".to_owned(), 400),
        ("ann\u{202e}a".to_owned(), 400),
        (" New_Name1 ".to_owned(), 200),
    ] {
        let told = choose(json!({"username": name})).await;
        assert_eq!(told.status, status, "{name:?}");
        if status == 400 {
            assert_eq!(told.body["field"], json!("username"));
        }
    }
    let found = get(&api, "username/new_name1").await.done();
    assert_eq!(found["data"]["profile"]["id"], json!(id));
    assert!(!available("new_name1", None).await && available("NEW_name1", Some(&token)).await);
    assert!(!available("bob", Some(&token)).await && !available("Bob", None).await);
    assert!(available("free_name", None).await && available("free_name", Some("a bad token")).await);
    assert!(!available("no", None).await, "what may not be chosen is not to be had");
}

#[tokio::test]
async fn get_username_and_id_show_public_profiles_and_little_of_private_ones() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let (token, id) = person(&api, "Ann").await;
    patch(&api, &token, "me", json!({"bio": "hi", "nativeLanguages": ["English"]}))
        .await
        .done();

    let by_name = get(&api, "username/Ann").await.done();
    let by_id = get(&api, &id).await.done();
    assert_eq!(
        (&by_name["data"]["profile"], &by_id["data"]["bio"]),
        (&by_id["data"], &json!("hi"))
    );
    assert!(by_id["data"].get("email").is_none() && by_name["data"]["stats"].is_object());
    for path in [
        "username/ann",
        "username/nobody",
        "username/%00",
        "7",
        "not-a-uuid",
        "8f14e45f-ceea-467f-a8f5-6b1f2d3c4e5a",
    ] {
        assert_eq!(get(&api, path).await.refusal(), (404, "NOT_FOUND"), "{path}");
    }

    for level in ["friends", "private"] {
        patch(&api, &token, "me", json!({"privacyLevel": level})).await.done();
        let seen = get(&api, "username/Ann").await.done();
        let profile = &seen["data"]["profile"];
        assert_eq!(
            (&profile["username"], &seen["data"]["stats"]),
            (&json!("Ann"), &Value::Null)
        );
        for hidden in ["bio", "nativeLanguages", "learningLanguages", "interests", "lastSeenAt"] {
            assert_eq!(profile[hidden], Value::Null, "{hidden} of {level}");
        }
        assert_eq!(get(&api, &id).await.done()["data"], *profile);
        let own = api.get_as(&token, "/api/v1/users/me").await.done();
        assert_eq!(own["data"]["profile"]["bio"], json!("hi"), "one sees oneself");
    }
}

/// A list of sixty: how many of them are told for each `limit`, `usual` without one.
async fn holds_its_limits(usual: usize, list: &impl AsyncFn(&'static str) -> Told) {
    let counts = [
        ("", usual),
        ("?limit=0", 1),
        ("?limit=1", 1),
        ("?limit=50", 50),
        ("?limit=51", 50),
    ];
    for (query, count) in counts {
        let told = list(query).await.done();
        assert_eq!(told["data"].as_array().unwrap().len(), count, "{query}");
    }
    for bad in ["?limit=x", "?limit=-1"] {
        assert_eq!(list(bad).await.refusal().0, 400, "{bad}");
    }
}

#[tokio::test]
async fn get_me_activity_is_newest_first_and_limited() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let (token, id) = person(&api, "ann").await;
    api.sql(&format!(
        "insert into conversations (room, kind, opened_at, ended_at, end_reason, messages, people)
         select gen_random_uuid(), 'text', now() - make_interval(mins => n), now() - make_interval(mins => n, secs => -30),
             'left', n, array['{id}', 'guest-7'] from generate_series(1, 60) n;
         insert into conversations (room, kind, opened_at, ended_at, end_reason, messages, people)
         values (gen_random_uuid(), 'text', now(), now(), 'left', 1, array['guest-7', 'guest-8'])"
    ))
    .await;
    let activity = async |query: &str| api.get_as(&token, &format!("/api/v1/users/me/activity{query}")).await;

    holds_its_limits(10, &activity).await;
    let told = activity("?limit=2").await.done();
    let deed = &told["data"][0];
    assert_eq!(
        (&deed["type"], &deed["data"]),
        (
            &json!("random_call"),
            &json!({"matchedLanguage": null, "durationSeconds": 30, "kind": "text"})
        )
    );
    assert!(text(deed, "timestamp") > text(&told["data"][1], "timestamp"));
    assert!(!told.to_string().contains("guest-7"), "with whom is not told");
}

#[tokio::test]
async fn get_me_rooms_has_those_of_ones_own_newest_first_closed_ones_too() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let (token, id) = person(&api, "ann").await;
    let (_, other) = person(&api, "bob").await;
    api.sql(&format!(
        "insert into rooms (id, name, slug, owner_id, topic, languages, max_participants, created_at, closed_at)
         select gen_random_uuid(), 'Room ' || n, 'room-' || n, '{id}', 'Travel', array['Spanish'], 2,
             timestamptz '2026-01-01T00:00:00Z' - make_interval(mins => n), case when n = 2 then now() end
         from generate_series(1, 60) n;
         insert into rooms (id, name, owner_id, created_at) values (gen_random_uuid(), 'Of another', '{other}', now())"
    ))
    .await;
    let rooms = async |query: &str| api.get_as(&token, &format!("/api/v1/users/me/rooms{query}")).await;

    holds_its_limits(20, &rooms).await;
    let told = rooms("?limit=2").await.done();
    let (first, closed) = (&told["data"][0], &told["data"][1]);
    let id = text(first, "id");
    let expected = json!({
        "id": id, "name": "Room 1", "slug": "room-1", "topic": "Travel", "languages": ["Spanish"], "maxParticipants": 2,
        "isActive": true, "createdAt": "2025-12-31T23:59:00.000Z",
    });
    assert_eq!(first, &expected);
    assert_eq!(
        (&closed["name"], &closed["isActive"]),
        (&json!("Room 2"), &json!(false))
    );
}

fn png(side: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(side, side, image::Rgb([200, (side * 97 % 256) as u8, 30]));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[tokio::test]
async fn post_avatar_and_delete_avatar() {
    let folder = tempfile::tempdir().unwrap();
    let world = plan()
        .set("PALAVER_FILES__URL", format!("file:{}", folder.path().display()))
        .start()
        .await;
    let api = Api::of(&world);
    let (token, id) = person(&api, "ann").await;
    let send = async |field: &str, bytes: &[u8]| api.upload(&token, "/api/v1/upload/avatar", field, bytes).await;
    let shown = async || get(&api, &id).await.done()["data"]["avatarUrl"].clone();
    let there = async |url: &Value| api.fetch(url.as_str().unwrap()).await;

    let first = send("avatar", &png(30)).await.done();
    let data = &first["data"];
    assert_eq!(
        (&data["avatarUrl"], &shown().await),
        (&first["avatarUrl"], &first["avatarUrl"])
    );
    let url = text(&first, "avatarUrl");
    assert!(
        url.ends_with(&format!("{}.{}", text(data, "publicId"), text(data, "format"))),
        "{url}"
    );
    let (status, size) = there(&data["avatarUrl"]).await;
    assert_eq!((status, json!(size)), (200, data["size"].clone()));
    let second = send("file", &png(31)).await.done();
    assert_ne!(second["avatarUrl"], first["avatarUrl"]);
    assert_eq!(there(&first["avatarUrl"]).await.0, 404, "the one before is forgotten");
    let kept = patch(&api, &token, "me", json!({"avatarUrl": second["avatarUrl"]}))
        .await
        .done();
    assert_eq!(
        kept["user"]["avatarUrl"], second["avatarUrl"],
        "clients send back what they were told"
    );

    for (field, bytes, refusal) in [
        ("other", png(8), (400, "MISSING_FIELD")),
        ("avatar", Vec::new(), (400, "MISSING_FIELD")),
        (
            "avatar",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(),
            (415, "UNSUPPORTED_IMAGE"),
        ),
        ("avatar", png(30)[..40].to_vec(), (400, "INVALID_IMAGE")),
        ("avatar", vec![0; 5 * 1024 * 1024 + 1], (413, "FILE_TOO_LARGE")),
    ] {
        assert_eq!(
            send(field, &bytes).await.refusal(),
            refusal,
            "{field} of {}",
            bytes.len()
        );
    }
    let json = api.post_as(&token, "/api/v1/upload/avatar", json!({})).await;
    assert_eq!(json.refusal(), (415, "UNSUPPORTED_MEDIA_TYPE"));
    assert_eq!(text(&json.body, "error"), "the body must be multipart/form-data");
    assert_eq!(shown().await, second["avatarUrl"], "what is refused changes nothing");
    api.ask_as(Method::DELETE, &token, "/api/v1/upload/avatar", None)
        .await
        .done();
    assert_eq!((shown().await, there(&second["avatarUrl"]).await.0), (Value::Null, 404));
}

#[tokio::test]
async fn avatars_are_shown_by_whom_the_settings_name_and_nobody_can_take_the_one_of_somebody_else() {
    let folder = tempfile::tempdir().unwrap();
    let shaped = "https://res.cloudinary.com/demo/image/fetch/w_400,h_400,c_fill/";
    let world = plan()
        .set("PALAVER_FILES__URL", format!("file:{}", folder.path().display()))
        .set("PALAVER_FILES__PUBLIC_URL", "https://api.example/files")
        .set("PALAVER_FILES__PICTURE_URL", format!("{shaped}{{url}}"))
        .start()
        .await;
    let api = Api::of(&world);
    let ((ann, id), (bob, _)) = (person(&api, "ann").await, person(&api, "bob").await);

    let sent = api
        .upload(&ann, "/api/v1/upload/avatar", "avatar", &png(30))
        .await
        .done();

    let url = text(&sent, "avatarUrl");
    let found = url.strip_prefix(shaped).unwrap();
    let path = found.strip_prefix("https://api.example").unwrap();
    assert_eq!(get(&api, &id).await.done()["data"]["avatarUrl"], json!(url));
    assert_eq!(api.fetch(path).await.0, 200, "there whoever shapes it finds it");
    for theirs in [&*url, found] {
        let told = patch(&api, &bob, "me", json!({"avatarUrl": theirs})).await;
        assert_eq!(told.refusal(), (400, "INVALID_FIELD"), "{theirs}");
    }
    patch(&api, &ann, "me", json!({"avatarUrl": url})).await.done();
    let page = reqwest::get(format!("{}/", world.url())).await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("img-src 'self' data: https://res.cloudinary.com;"),
        "{policy}"
    );
    api.ask_as(Method::DELETE, &ann, "/api/v1/upload/avatar", None)
        .await
        .done();
    assert_eq!(api.fetch(path).await.0, 404);
}

#[tokio::test]
async fn users_and_upload_answer_503_while_postgres_is_away() {
    let world = plan()
        .set("PALAVER_POSTGRES__CONNECT_TIMEOUT", "500ms")
        .set("PALAVER_POSTGRES__QUERY_TIMEOUT", "500ms")
        .start()
        .await;
    let api = Api::of(&world);
    let (token, id) = person(&api, "ann").await;

    world.store_line.cut();

    for told in [
        api.get_as(&token, "/api/v1/users/me").await,
        patch(&api, &token, "me", json!({"bio": "x"})).await,
        get(&api, &id).await,
        get(&api, "username/ann").await,
        get(&api, "check-username/bob").await,
        api.upload(&token, "/api/v1/upload/avatar", "avatar", &png(8)).await,
    ] {
        assert_eq!(told.refusal(), (503, "UNAVAILABLE"));
        assert_eq!(told.headers["retry-after"], "2");
    }
}
