//! Where people came from, against a real Postgres.

use super::accounts_tests::{MINUTE, NOW, ann, email, made, wanted, world};
use super::sign_ups::Code;
use super::users::Created;
use super::*;
use crate::domain::account::GuestId;
use crate::domain::account::Origin;
use crate::domain::account::origin::{Place, Referrer, Utm};
use serde_json::{Value, json};

fn all_of_it() -> Origin {
    let some = |text: &str| Some(text.to_owned());
    Origin {
        platform: some("android"),
        source: some("friend"),
        campaign: some("c-1"),
        referrer: Some(Referrer {
            url: some("https://example.org/a"),
            domain: "example.org".to_owned(),
        }),
        utm: Utm {
            source: some("newsletter"),
            medium: some("mail"),
            campaign: some("spring"),
            term: some("talk"),
            content: some("blue"),
        },
        place: Place {
            country: some("GB"),
            country_name: some("United Kingdom"),
            region: some("ENG"),
            region_name: some("England"),
            city: some("Oxford"),
            at: Some((51.75, -1.26)),
            accuracy: Some(20),
        },
    }
}

fn columns() -> Value {
    json!({
        "signup_platform": "android", "signup_source": "friend", "signup_campaign": "c-1", "signup_country": "GB",
        "signup_country_name": "United Kingdom", "signup_region": "ENG", "signup_region_name": "England",
        "signup_city": "Oxford", "signup_latitude": 51.75, "signup_longitude": -1.26, "signup_accuracy_km": 20,
        "referrer_url": "https://example.org/a", "referrer_domain": "example.org", "utm_source": "newsletter",
        "utm_medium": "mail", "utm_campaign": "spring", "utm_term": "talk", "utm_content": "blue",
    })
}

/// The columns that say it.
async fn kept(store: &Store, address: &str) -> Value {
    let columns = "select jsonb_object_agg(key, value) from users u, jsonb_each(jsonb_strip_nulls(to_jsonb(u)))
        where email = $1 and key ~ '^(signup|referrer|utm)_'";
    let kept = sqlx::query_scalar(columns).bind(address).fetch_one(&store.pool);
    kept.await.unwrap()
}

fn code(hash: &str) -> Code<'_> {
    Code {
        hash,
        until: NOW + MINUTE,
        kept_until: NOW + MINUTE,
    }
}

#[tokio::test]
async fn an_account_made_at_once_has_all_of_it_or_nothing_but_the_web() {
    let world = world().await;
    let mut told = ann();
    told.origin = all_of_it();
    let mut silent = ann();
    (silent.email, silent.username) = (Some(email("bob@gmail.com")), None);

    made(&world.store, told).await;
    made(&world.store, silent).await;

    assert_eq!(kept(&world.store, "ann@gmail.com").await, columns());
    assert_eq!(
        kept(&world.store, "bob@gmail.com").await,
        json!({"signup_platform": "web"})
    );
}

#[tokio::test]
async fn it_waits_with_the_sign_up_until_the_address_is_proven() {
    let world = world().await;
    let (store, address) = (&world.store, email("ann@gmail.com"));
    let mut wants = wanted();
    wants.origin = all_of_it();

    store.await_code(&address, Some(&wanted()), code("a")).await.unwrap();
    store.await_code(&address, Some(&wants), code("b")).await.unwrap();
    let done = store.finish_sign_up(&address, "b", None, NOW).await.unwrap();

    assert!(matches!(done, Some(Created::New(_))));
    assert_eq!(kept(store, "ann@gmail.com").await, columns(), "of the last sign-up");
}

#[tokio::test]
async fn a_sign_up_of_the_release_before_says_nothing_and_an_account_keeps_what_it_had() {
    let world = world().await;
    let (store, address) = (&world.store, email("ann@gmail.com"));
    store.await_code(&address, Some(&wanted()), code("a")).await.unwrap();
    sqlx::query("update sign_ups set origin = null")
        .execute(&store.pool)
        .await
        .unwrap();
    store.finish_sign_up(&address, "a", None, NOW).await.unwrap();
    assert_eq!(kept(store, "ann@gmail.com").await, json!({"signup_platform": "web"}));

    let (mut unproven, mut wants) = (ann(), wanted());
    (unproven.email, unproven.username) = (Some(email("bob@gmail.com")), None);
    wants.origin = all_of_it();
    made(store, unproven).await;
    let bob = email("bob@gmail.com");
    store.await_code(&bob, Some(&wants), code("b")).await.unwrap();
    store.finish_sign_up(&bob, "b", None, NOW).await.unwrap();

    assert_eq!(kept(store, "bob@gmail.com").await, json!({"signup_platform": "web"}));
}

#[tokio::test]
async fn the_first_that_is_known_of_a_guest_stays_until_the_guest_is_forgotten() {
    let world = world().await;
    let guest = GuestId::parse(&"a".repeat(64), "guestId").unwrap();
    let country = |code: &str| Origin {
        place: Place {
            country: Some(code.to_owned()),
            ..Place::default()
        },
        ..Origin::default()
    };
    let meet = async |origin: Origin| {
        world.store.meet_guest(&guest, None, &origin, NOW).await.unwrap();
        let query = sqlx::query_scalar::<_, Value>("select origin from guests");
        query.fetch_one(&world.store.pool).await.unwrap()
    };

    assert_eq!(meet(Origin::default()).await, json!({}));
    assert_eq!(meet(country("GB")).await, json!({"country": "GB"}));
    assert_eq!(meet(country("FR")).await, json!({"country": "GB"}));
    world.store.forget_guest(&guest, NOW).await.unwrap();
    assert_eq!(meet(country("FR")).await, json!({"country": "FR"}));
}
