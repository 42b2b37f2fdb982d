//! What proves an account other than its password, against a real Postgres: links, telephones, Google.

use super::accounts_tests::{MINUTE, NOW, ann, email, hash, made, world};
use super::resets::Link;
use super::sign_ups::Tried;
use super::users::{Created, GoogleName, NewUser};
use crate::domain::account::{Provider, Tier};
use crate::ids::UserId;

#[tokio::test]
async fn a_link_is_good_once_and_for_a_while_and_only_the_last_one() {
    let world = world().await;
    made(&world.store, ann()).await;
    let ann = email("ann@gmail.com");
    let put = async |hash: &str| world.store.put_reset(&ann, hash, NOW + MINUTE).await.unwrap();
    let stands = async |hash: &str, at| world.store.reset(hash, at).await.unwrap();
    let change = async |link: &str, to: &str, at| world.store.use_reset(link, &hash(to), at).await.unwrap();

    let good = Link::Good {
        email: "ann@gmail.com".into(),
        username: Some("Ann".into()),
    };

    assert_eq!(put("first").await.as_deref(), Some("Ann"));
    assert_eq!(put("second").await.as_deref(), Some("Ann"));
    let nobody = email("bob@gmail.com");
    assert_eq!(
        world.store.put_reset(&nobody, "third", NOW + MINUTE).await.unwrap(),
        None
    );
    assert_eq!(
        (stands("first", NOW).await, stands("third", NOW).await),
        (Link::Unknown, Link::Unknown)
    );
    assert_eq!(
        (stands("second", NOW).await, stands("second", NOW + MINUTE).await),
        (good, Link::Late)
    );
    assert_eq!(change("first", "x", NOW).await, None);
    assert_eq!(change("second", "x", NOW + MINUTE).await, None, "too late");
    let (one, two) = tokio::join!(change("second", "new", NOW), change("second", "new", NOW));

    let [changed] = [one, two].into_iter().flatten().collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(
        (changed.password_hash, changed.password_changed),
        (Some(hash("new")), Some(NOW))
    );
    assert_eq!(
        (changed.email_verified, changed.verified),
        (true, true),
        "who reads the mail has the address"
    );
}

#[tokio::test]
async fn a_link_that_was_mailed_to_an_address_of_before_is_none() {
    let world = world().await;
    made(&world.store, ann()).await;
    world
        .store
        .put_reset(&email("ann@gmail.com"), "link", NOW + MINUTE)
        .await
        .unwrap();

    sqlx::query("update users set email = 'other@gmail.com'")
        .execute(&world.store.pool)
        .await
        .unwrap();

    assert_eq!(world.store.use_reset("link", &hash("new"), NOW).await.unwrap(), None);
}

#[tokio::test]
async fn a_telephone_is_proven_once_per_code_and_is_worth_coins_to_the_first_account() {
    let world = world().await;
    let first = made(&world.store, ann()).await;
    let other = NewUser {
        email: None,
        username: None,
        ..ann()
    };
    let second = made(&world.store, other).await;
    let judge = async |code: &str, at| world.store.try_phone_code("phone", code, at).await.unwrap();
    let prove = async |user: &UserId, phone: &str| {
        let known = [phone.to_owned(), format!("{phone} of before")];
        let proven = world.store.prove_phone(user, &known, 10, NOW).await.unwrap().unwrap();
        (proven.coins, proven.tier())
    };

    assert_eq!(judge("a", NOW).await, Tried::Nobody);
    for code in ["a", "b"] {
        let until = NOW + MINUTE;
        world.store.await_phone_code("phone", code, until).await.unwrap();
    }
    assert_eq!(
        (judge("a", NOW).await, judge("x", NOW).await),
        (Tried::Wrong, Tried::Wrong)
    );
    let (one, two) = tokio::join!(judge("b", NOW), judge("b", NOW));
    let both = [one, two];
    assert_eq!(
        both.iter().filter(|tried| **tried == Tried::Right).count(),
        1,
        "{both:?}"
    );
    world.store.await_phone_code("phone", "c", NOW + MINUTE).await.unwrap();
    assert_eq!(judge("c", NOW + MINUTE).await, Tried::Expired);
    world.store.await_phone_code("phone", "d", NOW + MINUTE).await.unwrap();
    world.store.forget_phone_code("phone").await.unwrap();
    assert_eq!(judge("d", NOW).await, Tried::Nobody);

    assert_eq!(prove(&first.id, "phone").await, (60, Tier::Verified));
    assert_eq!(
        prove(&first.id, "another").await,
        (60, Tier::Verified),
        "only the first one"
    );
    assert_eq!(
        prove(&second.id, "another").await,
        (50, Tier::Verified),
        "somebody has it"
    );
}

fn google() -> GoogleName {
    GoogleName {
        sub: "117".into(),
        email: email("ann@gmail.com"),
        picture: Some("https://pictures.example/ann".into()),
    }
}

#[tokio::test]
async fn whom_google_vouches_for_is_found_again_and_has_one_account() {
    let world = world().await;
    let new = NewUser {
        password_hash: None,
        provider: Provider::Google,
        email_verified: true,
        google: Some(google()),
        ..ann()
    };

    let account = made(&world.store, new.clone()).await;

    assert_eq!(account.avatar_url.as_deref(), Some("https://pictures.example/ann"));
    let kept =
        serde_json::json!({"authProvider": "google", "googleId": "117", "avatar": "https://pictures.example/ann"});
    assert_eq!((account.tier(), &account.preferences), (Tier::Verified, &kept));
    let again = NewUser {
        email: None,
        username: None,
        ..new
    };
    assert_eq!(world.store.create_user(&again).await.unwrap(), Created::GoogleTaken);
    assert_eq!(world.store.user_by_google("117").await.unwrap(), Some(account));
    assert_eq!(world.store.user_by_google("118").await.unwrap(), None);
}

#[tokio::test]
async fn google_comes_to_a_proven_account_and_takes_the_password_of_one_that_is_not() {
    let world = world().await;
    let proven = NewUser {
        email_verified: true,
        ..ann()
    };
    let unproven = NewUser {
        email: Some(email("bob@gmail.com")),
        username: None,
        ..ann()
    };
    let (proven, unproven) = (made(&world.store, proven).await, made(&world.store, unproven).await);
    let link = async |user: &UserId, sub: &str, address: &str| {
        let google = GoogleName {
            sub: sub.into(),
            email: email(address),
            picture: None,
        };
        world.store.link_google(user, &google, NOW).await.unwrap()
    };

    assert_eq!(link(&proven.id, "117", "bob@gmail.com").await, None, "not its address");
    let linked = link(&proven.id, "117", "ann@gmail.com").await.unwrap();
    assert_eq!(
        (linked.provider, linked.password_hash),
        (Provider::Both, Some(hash("h")))
    );
    assert_eq!(linked.password_changed, None);
    assert_eq!(
        link(&proven.id, "118", "ann@gmail.com").await,
        None,
        "one person of Google"
    );
    let taken = link(&unproven.id, "119", "bob@gmail.com").await.unwrap();
    assert_eq!((taken.provider, taken.password_hash), (Provider::Google, None));
    assert_eq!((taken.email_verified, taken.password_changed), (true, Some(NOW)));
}
