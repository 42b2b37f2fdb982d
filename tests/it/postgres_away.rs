//! Postgres goes: chats do not notice, and what they made true is stored when it is back.

use crate::harness::client::Dial;
use crate::harness::client::person::Person;
use crate::harness::company::Company;
use crate::harness::history::Moment;
use crate::harness::node::NodeProcess;
use crate::harness::people::{Api, plan, text};
use crate::harness::world::World;
use crate::harness::{PATIENCE, eventually};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::time::Instant;

#[tokio::test]
async fn postgres_away_chats_and_reports_go_on_and_the_facts_are_stored_when_it_is_back() {
    let mut world = World::new()
        .set("PALAVER_POSTGRES__CONNECT_TIMEOUT", "500ms")
        .set("PALAVER_POSTGRES__QUERY_TIMEOUT", "500ms")
        .set("PALAVER_QUEUE__ELIGIBLE_AFTER", "0s")
        .start()
        .await;
    let nodes = [world.dial_node(0), world.dial_node(1)];
    let company = Company::of_pairs(2, |side| vec![nodes[side].clone()]).await;

    world.store_line.cut();
    company.babble();
    company.go_on(5).await;
    company.settle().await;
    company.people[0].report();
    company.people[2].leave();
    let ended = async || company.logs().iter().all(|log| log.endings().len() == 1);
    eventually("both rooms end", ended).await;
    let reporter = company.people[0].log();
    let confirmed = |m: &Moment| *m == Moment::Told("report_submitted".to_owned());
    eventually("the report is confirmed", async || {
        company.people[0].log().count(confirmed) == 1
    })
    .await;
    assert_eq!(reporter.endings(), ["reported"]);
    // The node has tried and failed, so that the facts are taken and not stored.
    let faults = "palaver_journal_facts";
    let node = [world.node(0).metric(faults).await, world.node(1).metric(faults).await];
    for index in 0..2 {
        assert!(world.node(index).is_ready().await, "chats need no Postgres: {node:?}");
    }
    let before = Instant::now();
    eventually("facts wait", async || waiting(&mut world).await > 0.0).await;
    println!("measured: facts wait after {:?}", before.elapsed());

    world.store_line.mend();
    let mended = Instant::now();
    let mut store = PgConnection::connect(&world.postgres_url()).await.unwrap();
    eventually("the facts are stored", async || rows(&mut store).await == (2, 1)).await;

    println!("measured: Postgres back, all facts stored after {:?}", mended.elapsed());
    let lines: i32 = sqlx::query_scalar("select jsonb_array_length(messages) from reports")
        .fetch_one(&mut store)
        .await
        .unwrap();
    assert!(lines >= 10, "the frozen lines: {lines}");
    eventually("nothing waits", async || waiting(&mut world).await == 0.0).await;
    assert_eq!(rows(&mut store).await, (2, 1), "each fact once");
    company.people.iter().for_each(Person::seek);
    let seated = async || company.people.iter().all(|p| p.log().room().is_some());
    eventually("and people go on", seated).await;
}

/// A world in which the first of two nodes alone could read what waits for Postgres, which is away.
async fn facts_wait_with_the_first_node() -> World {
    let mut world = World::new()
        .nodes(1)
        .set("PALAVER_POSTGRES__CONNECT_TIMEOUT", "500ms")
        .set("PALAVER_POSTGRES__QUERY_TIMEOUT", "500ms")
        .set("PALAVER_LEASE__NODE_FOR", "2s")
        .set("PALAVER_LEASE__RENEW_EVERY", "300ms")
        .set("PALAVER_LEASE__KEEPER_FOR", "1s")
        .set("PALAVER_QUEUE__ELIGIBLE_AFTER", "0s")
        .set("PALAVER_DRAIN__NOT_READY_FOR", "100ms")
        .set("PALAVER_DRAIN__SPREAD_OVER", "100ms")
        .start()
        .await;
    let only = world.dial_node(0);
    let company = Company::of_pairs(2, |_| vec![only.clone()]).await;
    world.store_line.cut();
    company.people.iter().step_by(2).for_each(Person::leave);
    let ended = async || company.logs().iter().all(|log| log.endings().len() == 1);
    eventually("both rooms end", ended).await;
    eventually("their facts wait", async || waiting(&mut world).await == 2.0).await;
    drop(company);
    world.add_node().await;
    world
}

/// Mends the line to Postgres; the facts of both rooms must soon be there.
async fn stored_soon(world: &mut World) {
    world.store_line.mend();
    let mended = Instant::now();
    let mut store = PgConnection::connect(&world.postgres_url()).await.unwrap();
    eventually("the facts are stored", async || rows(&mut store).await == (2, 0)).await;
    println!("measured: stored {:?} after Postgres came back", mended.elapsed());
}

#[tokio::test]
async fn what_a_drained_node_could_not_store_is_stored_by_another_at_once() {
    let mut world = facts_wait_with_the_first_node().await;

    world.node(0).terminate();
    assert!(world.node(0).ends_within(PATIENCE).await);

    stored_soon(&mut world).await;
}

#[tokio::test]
async fn what_a_killed_node_could_not_store_is_stored_by_another_within_a_lease() {
    let mut world = facts_wait_with_the_first_node().await;

    world.node(0).kill9();

    stored_soon(&mut world).await;
}

#[tokio::test]
async fn what_a_node_cannot_store_that_alone_has_lost_postgres_is_stored_by_others() {
    let mut world = World::new().set("PALAVER_QUEUE__ELIGIBLE_AFTER", "0s").start().await;
    let away = world
        .settings()
        .clone()
        .into_iter()
        .map(|(name, value)| match name.as_str() {
            "PALAVER_POSTGRES__URL" => (name, "postgres://nobody@127.0.0.1:1/none".to_owned()),
            _ => (name, value),
        });
    let forlorn = NodeProcess::start(&away.collect()).await;
    for index in 0..2 {
        world.node(index).kill9();
    }
    eventually("it keeps the shard", async || {
        forlorn.metric("palaver_shards_kept").await > 0.0
    })
    .await;
    let company = Company::of_pairs(2, |_| vec![Dial::to(&forlorn.url())]).await;
    world.add_node().await;

    company.people.iter().step_by(2).for_each(Person::leave);

    let mut store = PgConnection::connect(&world.postgres_url()).await.unwrap();
    eventually("the facts are stored", async || rows(&mut store).await == (2, 0)).await;
}

async fn waiting(world: &mut World) -> f64 {
    world.node(0).metric("palaver_journal_facts").await
}

async fn rows(store: &mut PgConnection) -> (i64, i64) {
    let conversations = sqlx::query_scalar("select count(*) from conversations").fetch_one(&mut *store);
    let conversations = conversations.await.unwrap();
    let reports = sqlx::query_scalar("select count(*) from reports")
        .fetch_one(store)
        .await
        .unwrap();
    (conversations, reports)
}

#[tokio::test]
async fn postgres_away_accounts_answer_503_with_retry_after_and_sockets_come_in_with_their_tokens() {
    let world = plan()
        .set("PALAVER_POSTGRES__CONNECT_TIMEOUT", "500ms")
        .set("PALAVER_POSTGRES__QUERY_TIMEOUT", "500ms")
        .start()
        .await;
    let api = Api::of(&world);
    let device = json!({"age": 18, "deviceFingerprint": "a device of the tests", "termsAccepted": true, "privacyAccepted": true});
    let session = api.post("/api/auth/register", device.clone()).await.done();
    let (token, refresh) = (text(&session["data"], "token"), text(&session["data"], "refreshToken"));
    let email = json!({"email": "ann@gmail.com", "username": "ann", "password": "secret-ann", "gender": "female", "otp": "123456"});

    world.store_line.cut();

    let link = json!({"token": "f".repeat(64), "password": "another"});
    let phone = json!({"phone": "9876543210", "otp": "123456"});
    for (path, body) in [
        ("/api/auth/register", &device),
        ("/api/auth/register", &email),
        ("/api/auth/login", &email),
        ("/api/auth/verify-otp", &email),
        ("/api/auth/resend-otp", &email),
        ("/api/auth/refresh", &json!({"refreshToken": refresh})),
        ("/api/auth/logout", &json!({})),
        ("/api/auth/change-password", &json!({"newPassword": "another"})),
        ("/api/auth/validate-reset-token", &link),
        ("/api/auth/reset-password", &link),
        ("/api/auth/request-otp", &phone),
        ("/api/auth/verify-phone", &phone),
        ("/api/v1/auth/register", &email),
        ("/api/v1/auth/login", &email),
        ("/api/v1/auth/logout", &json!({})),
    ] {
        let told = api.post_as(&token, path, body.clone()).await;
        assert_eq!(told.refusal(), (503, "UNAVAILABLE"), "{path}");
        assert!(told.headers.contains_key("retry-after"), "{path}");
    }
    assert_eq!(api.get_as(&token, "/api/auth/me").await.refusal().0, 503);
    for (path, body, most) in [
        ("/api/auth/login", &email, 5),
        ("/api/auth/resend-otp", &email, 1),
        ("/api/auth/request-otp", &phone, 3),
    ] {
        // As often as it may be tried; each was tried before.
        for _ in 0..most {
            let told = api.post(path, body.clone()).await;
            assert_eq!(
                told.refusal(),
                (503, "UNAVAILABLE"),
                "what fails is nobody's try: {path}"
            );
        }
    }
    // Who wants a new password is told that it is on its way: it will be.
    api.post("/api/auth/forgot-password", email.clone()).await.done();
    let socket = world.dial_node(0).auth(json!({"token": token})).connect().await;
    socket.close().await;

    world.store_line.mend();
    let back = async || api.get_as(&token, "/api/auth/me").await.status == 200;
    eventually("accounts are back", back).await;
    let told = api.post("/api/auth/login", email.clone()).await;
    assert_eq!(
        told.refusal(),
        (401, "INVALID_CREDENTIALS"),
        "none of its five tries is gone"
    );
}
