//! Where people came from when signing up (contract of one-to-one chat, 6 User: acquisition), on two nodes behind a
//! balancer, for each way of signing up in both families.

use crate::harness::mmdb;
use crate::harness::outside::Google;
use crate::harness::people::{Api, Told, plan, text};
use crate::harness::world::Plan;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Write as _;

const OXFORD: &str = "203.0.113.7";
const LINK: &str = "http://localhost:3000/?utm_source=newsletter&utm_medium=mail";

/// A world that knows one network; the file is read when its nodes start.
fn located() -> (Plan, tempfile::NamedTempFile) {
    let oxford = json!({
        "country": {"iso_code": "GB", "names": {"en": "United Kingdom"}},
        "subdivisions": [{"iso_code": "ENG", "names": {"en": "England"}}],
        "city": {"names": {"en": "Oxford"}},
        "location": {"latitude": 51.75191, "longitude": -1.25777, "accuracy_radius": 20},
    });
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let networks = [("203.0.113.0".parse().unwrap(), 24, oxford)];
    file.write_all(&mmdb::table(&networks)).unwrap();
    // The balancer writes down where it was called from, and before that stands what a test says.
    let plan = plan()
        .set("PALAVER_TRUSTED_PROXIES", "2")
        .set("PALAVER_GEO__DATABASE", file.path().display().to_string());
    (plan, file)
}

/// Called by the web app, whose page somebody came to by a link, from Oxford.
async fn linked(api: &Api, path: &str, body: Value) -> Told {
    let headers = [("x-forwarded-for", OXFORD), ("referer", LINK)];
    api.ask(Method::POST, path, &headers, Some(body)).await
}

/// Where from, as it is kept of the only user there is.
async fn kept(api: &Api) -> Value {
    let columns = "select jsonb_object_agg(key, value)::text from users u, jsonb_each(jsonb_strip_nulls(to_jsonb(u)))
        where key ~ '^(signup|referrer|utm)_'";
    serde_json::from_str(&api.sql_value(columns).await.unwrap()).unwrap()
}

fn from_oxford(change: Value) -> Value {
    let mut all = json!({
        "signup_platform": "web", "signup_country": "GB", "signup_country_name": "United Kingdom", "signup_region": "ENG",
        "signup_region_name": "England", "signup_city": "Oxford", "signup_latitude": 51.75, "signup_longitude": -1.26,
        "signup_accuracy_km": 20, "utm_source": "newsletter", "utm_medium": "mail",
    });
    for (key, value) in change.as_object().unwrap() {
        all[key] = value.clone();
    }
    all
}

#[tokio::test]
async fn post_register_with_an_address_keeps_it_until_the_address_is_proven() {
    let (plan, _file) = located();
    let world = plan.start().await;
    let api = Api::of(&world);
    let form = json!({
        "email": "ann@gmail.com", "username": "ann", "password": "secret-ann", "gender": "female",
        "referrer": "https://www.example.org/a?q=private", "signupSource": "friend", "campaignId": "c-1", "platform": "pwa",
    });

    linked(&api, "/api/auth/register", form).await.done();
    api.send_code("ann@gmail.com", "424242").await;
    // Proven elsewhere: by the mail, on a telephone.
    let proof = json!({"email": "ann@gmail.com", "otp": "424242"});
    api.post("/api/auth/verify-otp", proof).await.done();

    let expected = json!({
        "signup_platform": "pwa", "signup_source": "friend", "signup_campaign": "c-1",
        "referrer_url": "https://www.example.org/a", "referrer_domain": "example.org",
    });
    assert_eq!(kept(&api).await, from_oxford(expected));
    let everything = api.sql_value("select to_jsonb(u)::text from users u").await.unwrap();
    assert!(
        !everything.contains("203.0.113") && !everything.contains("private"),
        "{everything}"
    );
}

#[tokio::test]
async fn post_register_of_a_device_keeps_it_at_once_and_from_the_first_time() {
    let (plan, _file) = located();
    let world = plan.start().await;
    let api = Api::of(&world);
    let device = json!({
        "age": 18, "deviceFingerprint": "a device of the tests", "termsAccepted": true, "privacyAccepted": true,
        "utm": {"campaign": "spring"}, "source": "tv",
    });

    linked(&api, "/api/auth/register", device.clone()).await.done();
    api.post("/api/auth/register", device).await.done();

    let said = json!({"utm_source": "tv", "utm_campaign": "spring"});
    let mut expected = from_oxford(said);
    // A link is one: what the client says of it counts alone.
    expected.as_object_mut().unwrap().remove("utm_medium");
    assert_eq!(kept(&api).await, expected);
}

/// Somebody new by Google's word, twice.
async fn google_keeps_it(path: &str, token: impl FnOnce(&Google) -> Value) {
    let google = Google::start().await;
    let (plan, _file) = located();
    let world = google.of(plan).start().await;
    let api = Api::of(&world);
    let token = token(&google);

    linked(&api, path, token.clone()).await.done();
    api.post(path, token).await.done();

    assert_eq!(kept(&api).await, from_oxford(json!({})));
}

#[tokio::test]
async fn post_google_of_one_to_one_chat_keeps_it_of_somebody_new() {
    let token = |google: &Google| json!({"idToken": google.id_token("ann@gmail.com", json!({}))});
    google_keeps_it("/api/auth/google", token).await;
}

#[tokio::test]
async fn post_google_of_voice_rooms_keeps_it_of_somebody_new() {
    let token = |_: &Google| json!({"accessToken": Google::access_token("ann@gmail.com")});
    google_keeps_it("/api/v1/auth/google", token).await;
}

#[tokio::test]
async fn post_register_of_voice_rooms_keeps_it() {
    let (plan, _file) = located();
    let world = plan.start().await;
    let api = Api::of(&world);
    let form = json!({
        "email": "ann@example.org", "username": "Ann_1", "password": "secret-ann", "referrerDomain": "www.Example.org",
    });

    linked(&api, "/api/v1/auth/register", form).await.done();

    assert_eq!(kept(&api).await, from_oxford(json!({"referrer_domain": "example.org"})));
}

#[tokio::test]
async fn post_guest_verify_keeps_the_first_that_is_known() {
    let (plan, _file) = located();
    let world = plan.start().await;
    let api = Api::of(&world);
    let guest = json!({"guestId": "a".repeat(64)});

    linked(&api, "/api/guest/verify", guest.clone()).await.done();
    let elsewhere = [("x-forwarded-for", "192.0.2.1"), ("referer", "https://blog.example/")];
    api.ask(Method::POST, "/api/guest/verify", &elsewhere, Some(guest))
        .await
        .done();

    let origin = api.sql_value("select origin::text from guests").await.unwrap();
    let expected = json!({
        "country": "GB", "country_name": "United Kingdom", "region": "ENG", "region_name": "England", "city": "Oxford",
        "latitude": 51.75, "longitude": -1.26, "accuracy_km": 20, "utm_source": "newsletter", "utm_medium": "mail",
    });
    assert_eq!(serde_json::from_str::<Value>(&origin).unwrap(), expected);
}

#[tokio::test]
async fn nobody_is_turned_away_for_where_they_came_from_but_its_types_are_held() {
    // No table of networks.
    let world = plan().start().await;
    let api = Api::of(&world);
    let form = |change: Value| {
        let mut form = json!({"email": "ann@example.org", "username": "Ann_1", "password": "secret-ann"});
        for (key, value) in change.as_object().unwrap() {
            form[key] = value.clone();
        }
        form
    };
    for (change, field) in [
        (json!({"utmSource": 7}), "utmSource"),
        (json!({"utm": "spring"}), "utm"),
        (json!({"utm": {"source": []}}), "utm"),
        (json!({"referrer": {}}), "referrer"),
    ] {
        let told = api.post("/api/v1/auth/register", form(change.clone())).await;
        assert_eq!(
            (told.refusal(), text(&told.body, "field")),
            ((400, "INVALID_FIELD"), field.to_owned()),
            "{change}"
        );
    }
    let odd = json!({
        "platform": "\u{202e}\u{0}", "signupSource": "x".repeat(5000), "campaignId": null, "referrer": "javascript:alert(1)",
        "referrerDomain": "a b", "utm": {}, "utmTerm": " \n ", "unknown": 1,
    });

    let headers = [("referer", "http://[not a page"), ("x-forwarded-for", "nonsense")];
    let told = api
        .ask(Method::POST, "/api/v1/auth/register", &headers, Some(form(odd)))
        .await;

    told.done();
    let expected = json!({"signup_platform": "web", "signup_source": "x".repeat(100)});
    assert_eq!(kept(&api).await, expected);
}
