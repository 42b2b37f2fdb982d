//! Users and sign-ups against a real Postgres.

use super::logins_tests::login;
use super::postgres::Postgres;
use super::sign_ups::{Code, Tried, Wanted};
use super::users::{Created, NewUser};
use super::*;
use crate::domain::account::{Account, Email, Family, Gender, Origin, PasswordHash, Provider, Tier, Username};

pub(super) const NOW: Millis = Millis(1_700_000_000_000);
pub(super) const MINUTE: Duration = Duration::from_secs(60);

pub(super) struct World {
    pub(super) store: Store,
    _postgres: Postgres,
}

pub(super) async fn world() -> World {
    let postgres = Postgres::start().await;
    let store = postgres.database().await;
    store.migrate().await.unwrap();
    World {
        store,
        _postgres: postgres,
    }
}

pub(super) fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn name(text: &str) -> Username {
    Username::parse(text).unwrap()
}

pub(super) fn hash(text: &str) -> PasswordHash {
    PasswordHash(text.into())
}

pub(super) fn ann() -> NewUser {
    NewUser {
        email: Some(email("ann@gmail.com")),
        username: Some(name("Ann")),
        display_name: None,
        gender: Gender::Female,
        password_hash: Some(hash("h")),
        provider: Provider::Email,
        email_verified: false,
        device_hash: None,
        google: None,
        origin: Origin::default(),
        at: NOW,
    }
}

pub(super) async fn made(store: &Store, new: NewUser) -> Account {
    match store.create_user(&new).await.unwrap() {
        Created::New(account) => *account,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_account_is_kept_as_it_was_made_and_found_by_its_address() {
    let world = world().await;

    let account = made(&world.store, ann()).await;

    assert_eq!(
        (
            account.email.as_deref(),
            account.username.as_deref(),
            account.coins,
            account.tier(),
            account.created
        ),
        (Some("ann@gmail.com"), Some("Ann"), 50, Tier::Guest, NOW)
    );
    assert_eq!(account.password_hash, Some(hash("h")));
    assert_eq!(
        world
            .store
            .user_by_email(&email("ANN@gmail.com"))
            .await
            .unwrap()
            .as_ref(),
        Some(&account)
    );
    assert_eq!(world.store.user_by_email(&email("bob@gmail.com")).await.unwrap(), None);
    assert!(world.store.has_username(&name("aNN")).await.unwrap());
    let guest = crate::ids::UserId::parse("guest-1").unwrap();
    assert!(
        world.store.standing(&guest, None, NOW).await.is_err(),
        "the caller asks for uuids only"
    );
}

#[tokio::test]
async fn an_address_and_a_name_in_any_case_belong_to_one_account() {
    let world = world().await;
    made(&world.store, ann()).await;

    let same_email = NewUser {
        username: Some(name("Bob")),
        ..ann()
    };
    let same_name = NewUser {
        email: Some(email("bob@gmail.com")),
        username: Some(name("aNN")),
        ..ann()
    };

    assert_eq!(world.store.create_user(&same_email).await.unwrap(), Created::EmailTaken);
    assert_eq!(
        world.store.create_user(&same_name).await.unwrap(),
        Created::UsernameTaken
    );
    let device = NewUser {
        email: None,
        username: None,
        password_hash: None,
        device_hash: Some("d".into()),
        provider: Provider::Device,
        ..ann()
    };
    let first = made(&world.store, device.clone()).await;
    assert_eq!(world.store.create_user(&device).await.unwrap(), Created::DeviceTaken);
    assert_eq!(world.store.user_by_device("d").await.unwrap(), Some(first));
}

#[tokio::test]
async fn a_password_is_changed_from_the_one_it_was_and_rehashed_only_while_it_is() {
    let world = world().await;
    let account = made(&world.store, ann()).await;
    let set = async |from, to| {
        world
            .store
            .set_password(&account.id, Some(&hash(from)), &hash(to), NOW)
            .await
            .unwrap()
    };

    assert!(set("h", "i").await);
    assert!(!set("h", "j").await, "another request was faster");
    world.store.rehash(&account.id, &hash("h"), &hash("x")).await.unwrap();
    world.store.rehash(&account.id, &hash("i"), &hash("k")).await.unwrap();

    let now = world
        .store
        .user_by_email(&email("ann@gmail.com"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((now.password_hash, now.password_changed), (Some(hash("k")), Some(NOW)));
}

fn code(hash: &str, at: Millis) -> Code<'_> {
    Code {
        hash,
        until: at + MINUTE * 10,
        kept_until: at + MINUTE * 15,
    }
}

pub(super) fn wanted() -> Wanted {
    Wanted {
        username: name("Ann"),
        password_hash: hash("mine"),
        gender: Gender::Female,
        origin: Origin::default(),
    }
}

#[tokio::test]
async fn only_the_last_code_is_good_and_only_for_its_time() {
    let world = world().await;
    let ann = email("ann@gmail.com");
    let renew = async |hash: &str, at| world.store.renew_code(&ann, code(hash, at), at).await.unwrap();
    let judge = async |hash: &str, at| world.store.judge_code(&ann, hash, at).await.unwrap();

    assert_eq!(renew("a", NOW).await, None, "nobody waits");
    let first = code("first", NOW);
    world.store.await_code(&ann, Some(&wanted()), first).await.unwrap();
    assert_eq!(judge("first", NOW).await, Tried::Right);
    assert_eq!(renew("second", NOW + MINUTE).await, Some("Ann".into()));

    let then = NOW + MINUTE;
    assert_eq!(
        (judge("first", then).await, judge("second", then).await),
        (Tried::Wrong, Tried::Right)
    );
    assert_eq!(judge("second", then + MINUTE * 10).await, Tried::Expired);
    assert_eq!(judge("wrong", then + MINUTE * 10).await, Tried::Wrong);
    assert_eq!(judge("second", then + MINUTE * 15).await, Tried::Nobody);
    assert_eq!(renew("third", then + MINUTE * 15).await, None);
}

#[tokio::test]
async fn who_proves_an_address_has_its_account_once() {
    let world = world().await;
    let ann = email("ann@gmail.com");
    let finish = async |instead| world.store.finish_sign_up(&ann, "c", instead, NOW).await.unwrap();
    world
        .store
        .await_code(&ann, Some(&wanted()), code("c", NOW))
        .await
        .unwrap();
    made(
        &world.store,
        NewUser {
            email: None,
            ..self::ann()
        },
    )
    .await;

    assert_eq!(finish(None).await, Some(Created::UsernameTaken));
    let other = name("Ann-2");
    let (one, two) = tokio::join!(finish(Some(&other)), finish(Some(&other)));

    let both = [one, two];
    let made: Vec<_> = both.iter().flatten().collect();
    let [Created::New(account)] = made[..] else {
        panic!("{both:?}")
    };
    assert_eq!(
        (account.username.as_deref(), account.tier(), account.email_verified),
        (Some("Ann-2"), Tier::Verified, true)
    );
    assert_eq!(account.password_hash, Some(hash("mine")));
}

#[tokio::test]
async fn an_account_that_was_never_proven_becomes_that_of_who_proves_its_address() {
    let world = world().await;
    let before = made(&world.store, ann()).await;
    let ann = email("ann@gmail.com");
    let taking = Wanted {
        username: name("Other"),
        ..wanted()
    };

    world
        .store
        .await_code(&ann, Some(&taking), code("c", NOW))
        .await
        .unwrap();
    let taken = world.store.finish_sign_up(&ann, "c", None, NOW).await.unwrap();
    world
        .store
        .await_code(
            &ann,
            Some(&Wanted {
                password_hash: hash("evil"),
                ..taking
            }),
            code("d", NOW),
        )
        .await
        .unwrap();
    let again = world.store.finish_sign_up(&ann, "d", None, NOW).await.unwrap();

    let Some(Created::New(taken)) = taken else {
        panic!("{taken:?}")
    };
    assert_eq!((&taken.id, taken.username.as_deref()), (&before.id, Some("Ann")));
    assert_eq!((taken.password_hash, taken.email_verified), (Some(hash("mine")), true));
    let Some(Created::New(again)) = again else {
        panic!("{again:?}")
    };
    assert_eq!(
        again.password_hash,
        Some(hash("mine")),
        "a proven account keeps its password"
    );
}

#[tokio::test]
async fn logins_and_sign_ups_are_forgotten_after_their_end() {
    let world = world().await;
    let account = made(&world.store, ann()).await;
    login(&world.store, &account, Family::Omegoo).await;
    world
        .store
        .await_code(&email("bob@gmail.com"), None, code("c", NOW))
        .await
        .unwrap();
    let nothing = Old {
        talks: Millis(0),
        archives: Millis(0),
    };
    let forget = async |at| world.store.forget(nothing, at).await.unwrap().ended;

    assert_eq!(forget(NOW + MINUTE).await, 0);
    assert_eq!(forget(NOW + MINUTE * 16).await, 1);
    assert_eq!(forget(NOW + Duration::from_secs(8 * 24 * 3600)).await, 1);
}
