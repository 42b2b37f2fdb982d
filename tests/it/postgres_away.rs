//! Postgres goes: chats do not notice, and what they made true is stored when it is back.

use crate::harness::client::person::Person;
use crate::harness::company::Company;
use crate::harness::eventually;
use crate::harness::history::Moment;
use crate::harness::world::World;
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
