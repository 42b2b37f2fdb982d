//! Logins and their renewal against a real Postgres.

use super::accounts_tests::{MINUTE, NOW, ann, made, world};
use super::logins::{NewLogin, Renewal, Rotated, Standing};
use super::*;
use crate::domain::account::{Account, Family, Why};
use crate::ids::LoginId;

const LEEWAY: Duration = Duration::from_secs(10);
const RENEWAL: Renewal = Renewal {
    leeway: LEEWAY,
    holds_for: MINUTE,
    in_all: Duration::from_secs(3600),
};

pub(super) async fn login(store: &Store, account: &Account, family: Family) -> LoginId {
    let id = LoginId::fresh();
    begin(store, account, family, &id).await;
    id
}

async fn begin(store: &Store, account: &Account, family: Family, id: &LoginId) -> Vec<LoginId> {
    let new = NewLogin {
        id,
        user: &account.id,
        family,
        device: Some("a browser"),
        at: NOW,
        until: NOW + MINUTE,
        alone: family == Family::Omegoo,
    };
    store.begin_login(&new).await.unwrap()
}

async fn stands(store: &Store, account: &Account, login: &LoginId, at: Millis) -> Standing {
    store.standing(&account.id, Some(login), at).await.unwrap().unwrap().1
}

#[tokio::test]
async fn a_login_alone_in_its_family_ends_the_others_of_that_family_only() {
    let world = world().await;
    let account = made(&world.store, ann()).await;
    let rooms = login(&world.store, &account, Family::Free2Talk).await;
    let first = login(&world.store, &account, Family::Omegoo).await;
    let second = LoginId::fresh();

    let ended = begin(&world.store, &account, Family::Omegoo, &second).await;

    assert_eq!(ended, std::slice::from_ref(&first));
    assert_eq!(
        stands(&world.store, &account, &first, NOW).await,
        Standing::Ended(Why::Replaced)
    );
    assert_eq!(stands(&world.store, &account, &second, NOW).await, Standing::Good);
    assert_eq!(stands(&world.store, &account, &rooms, NOW).await, Standing::Good);
    assert_eq!(
        stands(&world.store, &account, &rooms, NOW + MINUTE).await,
        Standing::Over
    );
    assert_eq!(
        stands(&world.store, &account, &LoginId::fresh(), NOW).await,
        Standing::Over
    );
    let all = world
        .store
        .end_logins(&account.id, Some(&second), Why::Password, NOW)
        .await
        .unwrap();
    assert_eq!(all, [rooms]);
    assert!(world.store.end_login(&second, Why::Logout, NOW).await.unwrap());
    assert!(!world.store.end_login(&second, Why::Ban, NOW).await.unwrap());
    assert_eq!(
        stands(&world.store, &account, &second, NOW).await,
        Standing::Ended(Why::Logout)
    );
}

#[tokio::test]
async fn two_tabs_that_refresh_at_once_get_the_same_token_and_a_reuse_ends_the_login() {
    let world = world().await;
    let account = made(&world.store, ann()).await;
    let id = login(&world.store, &account, Family::Free2Talk).await;
    let rotate = async |generation, at| world.store.rotate_login(&id, generation, at, RENEWAL).await.unwrap();
    let to = |rotated: &Rotated| match rotated {
        Rotated::To {
            generation, at, until, ..
        } => (*generation, *at, *until),
        other => panic!("{other:?}"),
    };

    let (one, other) = tokio::join!(rotate(0, NOW), rotate(0, NOW));
    let in_time = rotate(0, NOW + LEEWAY).await;
    let next = rotate(1, NOW + LEEWAY).await;
    let late = rotate(0, NOW + LEEWAY).await;
    let after = rotate(2, NOW + LEEWAY).await;

    assert_eq!(
        (to(&one), to(&other), to(&in_time)),
        ((1, NOW, NOW + MINUTE), (1, NOW, NOW + MINUTE), (1, NOW, NOW + MINUTE))
    );
    assert_eq!(to(&next).0, 2);
    assert_eq!(late, Rotated::Reused(account.id.clone()));
    assert_eq!(after, Rotated::Over(Standing::Ended(Why::Reuse)));
    assert_eq!(
        world
            .store
            .rotate_login(&LoginId::fresh(), 0, NOW, RENEWAL)
            .await
            .unwrap(),
        Rotated::Over(Standing::Over)
    );
}

#[tokio::test]
async fn a_login_is_renewed_until_its_end_and_not_beyond_whatever_it_was_promised_before() {
    let world = world().await;
    let account = made(&world.store, ann()).await;
    let id = login(&world.store, &account, Family::Free2Talk).await;
    let rotate = async |generation, at, in_all| {
        let renewal = Renewal { in_all, ..RENEWAL };
        match world.store.rotate_login(&id, generation, at, renewal).await.unwrap() {
            Rotated::To { until, .. } => Some(until),
            Rotated::Over(Standing::Over) => None,
            other => panic!("{other:?}"),
        }
    };

    assert_eq!(
        rotate(0, NOW + MINUTE / 2, MINUTE * 2).await,
        Some(NOW + MINUTE / 2 + MINUTE)
    );
    assert_eq!(
        rotate(1, NOW + MINUTE, MINUTE * 3 / 2).await,
        Some(NOW + MINUTE * 3 / 2)
    );
    assert_eq!(
        rotate(2, NOW + MINUTE, MINUTE).await,
        None,
        "the installation wants less by now"
    );
    assert_eq!(rotate(2, NOW + MINUTE * 3 / 2, MINUTE * 9).await, None);
}
