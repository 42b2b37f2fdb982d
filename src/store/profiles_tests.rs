//! Profiles, coins, guests and farewells against a real Postgres.

use super::guests::Visit;
use super::postgres::Postgres;
use super::profiles::Named;
use super::users::{Created, NewUser};
use super::*;
use crate::domain::account::{Account, Gender, GuestId, Origin, Provider, Username, day_of};
use crate::domain::fact::Conversation;
use crate::domain::room::{Ending, RoomKind};
use crate::ids::{RoomId, Shard, UserId};

/// Noon of some day.
const NOW: Millis = Millis(1_746_100_800_000);

async fn world() -> (Store, Postgres) {
    let postgres = Postgres::start().await;
    let store = postgres.database().await;
    store.migrate().await.unwrap();
    (store, postgres)
}

async fn person(store: &Store, name: &str) -> Account {
    let new = NewUser {
        email: None,
        username: Some(Username::parse(name).unwrap()),
        display_name: None,
        gender: Gender::Others,
        password_hash: None,
        provider: Provider::Email,
        email_verified: false,
        device_hash: None,
        google: None,
        origin: Origin::default(),
        at: NOW,
    };
    match store.create_user(&new).await.unwrap() {
        Created::New(account) => *account,
        other => panic!("{other:?}"),
    }
}

async fn again(store: &Store, account: &Account) -> Account {
    store.user_by_id(&account.id).await.unwrap().unwrap()
}

/// A conversation that began at [`NOW`].
fn talk(people: Vec<UserId>, length: Duration) -> Conversation {
    Conversation {
        room: RoomId::fresh(Shard(0)),
        kind: RoomKind::Text,
        opened: NOW,
        ended: NOW + length,
        ending: Ending::Timeout,
        lines: 3,
        people,
    }
}

#[tokio::test]
async fn a_conversation_stored_twice_is_counted_once_for_those_with_an_account() {
    let (store, _postgres) = world().await;
    let (ann, bob) = (person(&store, "ann").await, person(&store, "bob").await);
    let guest = UserId::guest(&"a".repeat(64)).unwrap();
    let first = talk(vec![ann.id.clone(), guest], Duration::from_secs(61));

    for saved in [Saved::New, Saved::Already] {
        assert_eq!(store.save_conversation(&first).await.unwrap(), saved);
    }
    let second = talk(vec![ann.id.clone(), bob.id.clone()], Duration::from_secs(60));
    store.save_conversation(&second).await.unwrap();

    let (ann, bob) = (again(&store, &ann).await.calls, again(&store, &bob).await.calls);
    assert_eq!((ann.completed, ann.minutes), (2, 3), "minutes begun: two and one");
    assert_eq!((bob.completed, bob.minutes), (1, 1));
}

#[tokio::test]
async fn a_conversation_that_went_on_when_its_end_was_lost_is_kept_as_it_ended_at_last() {
    let (store, _postgres) = world().await;
    let ann = person(&store, "ann").await;
    let lost = Conversation {
        ending: Ending::Left(ann.id.clone()),
        ..talk(vec![ann.id.clone()], Duration::from_secs(61))
    };
    let last = Conversation {
        ended: NOW + Duration::from_secs(181),
        ending: Ending::Timeout,
        lines: 15,
        ..lost.clone()
    };

    let mut saved = Vec::new();
    for end in [&lost, &last, &last, &lost] {
        saved.push(store.save_conversation(end).await.unwrap());
    }

    assert_eq!(saved, [Saved::New, Saved::New, Saved::Already, Saved::Already]);
    let kept = sqlx::query_scalar::<_, String>(
        "select concat_ws(' ', extract(epoch from ended_at - opened_at)::integer, end_reason, ended_by, messages) from conversations",
    );
    assert_eq!(kept.fetch_all(&store.pool).await.unwrap(), ["181 timeout 15"]);
    let calls = again(&store, &ann).await.calls;
    assert_eq!(
        (calls.completed, calls.minutes),
        (1, 4),
        "one conversation, with all of its minutes"
    );
}

#[tokio::test]
async fn coins_of_a_day_are_given_once_however_many_ask_at_once() {
    let (store, _postgres) = world().await;
    let ann = person(&store, "ann").await;
    let tomorrow = NOW + Duration::from_secs(24 * 3600);
    let refill = |coins| store.refill_coins(&ann.id, coins, tomorrow, day_of(tomorrow));

    let (one, two) = tokio::join!(refill(60), refill(70));

    let given: Vec<_> = [one, two].into_iter().filter_map(|given| given.unwrap()).collect();
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].last_coin_claim, tomorrow);
    assert_eq!(again(&store, &ann).await.coins, given[0].coins);
    assert_eq!(refill(80).await.unwrap(), None);
}

#[tokio::test]
async fn a_name_is_of_one_only_however_it_is_written() {
    let (store, _postgres) = world().await;
    let (ann, _bob) = (person(&store, "ann").await, person(&store, "Bob").await);
    let name = |text: &str| Username::parse(text).unwrap();

    assert_eq!(
        store.set_username(&ann.id, &name("bOB"), NOW).await.unwrap(),
        Named::Taken
    );
    assert!(matches!(
        store.set_username(&ann.id, &name("ANN"), NOW).await.unwrap(),
        Named::As(_)
    ));
    assert_eq!(
        store
            .set_username(&UserId::registered(), &name("cat"), NOW)
            .await
            .unwrap(),
        Named::Nobody
    );
}

#[tokio::test]
async fn guests_who_were_not_here_for_long_are_forgotten() {
    let (store, _postgres) = world().await;
    let [old, new] = ["a", "b"].map(|digit| GuestId::parse(&digit.repeat(64), "guestId").unwrap());
    store.meet_guest(&old, None, &Origin::default(), NOW).await.unwrap();
    let later = NOW + Duration::from_secs(3600);
    store.meet_guest(&new, None, &Origin::default(), later).await.unwrap();

    let before = Old {
        talks: later,
        archives: Millis(0),
    };
    let forgotten = store.forget(before, later).await.unwrap();

    assert_eq!(forgotten.ended, 1);
    let sessions = [
        store
            .meet_guest(&old, None, &Origin::default(), later)
            .await
            .unwrap()
            .sessions,
        store
            .meet_guest(&new, None, &Origin::default(), later)
            .await
            .unwrap()
            .sessions,
    ];
    assert_eq!(sessions, [1, 2]);
}

#[tokio::test]
async fn the_archive_of_a_deleted_account_is_kept_for_a_while() {
    let (store, _postgres) = world().await;
    let (ann, bob) = (person(&store, "ann").await, person(&store, "Bob").await);
    let later = NOW + Duration::from_secs(3600);
    for (user, at) in [(&ann.id, NOW), (&bob.id, later)] {
        store
            .delete_user(user, "user_request", user, at)
            .await
            .unwrap()
            .unwrap();
    }
    let forget = async |archives| {
        let talks = Millis(0);
        store.forget(Old { talks, archives }, later).await.unwrap().archives
    };

    assert_eq!(forget(NOW).await, 0);
    assert_eq!(forget(later).await, 1);

    let left = sqlx::query_scalar::<_, String>("select id::text from deleted_users");
    assert_eq!(left.fetch_all(&store.pool).await.unwrap(), [bob.id.to_string()]);
}

#[tokio::test]
async fn guests_who_came_by_sockets_are_counted_together_and_a_forgotten_one_only_for_coming_later() {
    let (store, _postgres) = world().await;
    let [known, new] = ["a", "b"].map(|digit| GuestId::parse(&digit.repeat(64), "guestId").unwrap());
    let visit = |id: &GuestId, times, last| Visit {
        id_hash: id.hash(),
        user: id.user(),
        times,
        last,
    };
    let later = |seconds| NOW + Duration::from_secs(seconds);
    let kept = async || {
        let query = sqlx::query_scalar::<_, String>(
            "select string_agg(concat_ws(' ', left(user_id, 7), sessions, status,
                 extract(epoch from last_seen - created_at)::int), ',' order by user_id) from guests",
        );
        query.fetch_one(&store.pool).await.unwrap()
    };
    store.meet_guest(&known, None, &Origin::default(), NOW).await.unwrap();

    store
        .count_guests(&[visit(&new, 1, NOW), visit(&known, 2, later(5))])
        .await
        .unwrap();
    assert_eq!(kept().await, "guest-a 3 active 5,guest-b 1 active 0");
    store.forget_guest(&known, later(9)).await.unwrap();
    store.count_guests(&[visit(&known, 1, later(8))]).await.unwrap();
    assert_eq!(kept().await, "guest-a 3 deleted 9,guest-b 1 active 0");
    store.count_guests(&[visit(&known, 1, later(10))]).await.unwrap();
    assert_eq!(kept().await, "guest-a 1 active 0,guest-b 1 active 0");
    store.count_guests(&[]).await.unwrap();
}
