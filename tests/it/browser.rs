//! The page in a real browser: two strangers on two nodes, behind a balancer with the client's default options, and
//! through the death of a node.

use crate::harness::browser::{Browser, Window};
use crate::harness::eventually;
use crate::harness::world::{Plan, World};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::time::Instant;

fn plan() -> Plan {
    World::new()
        .set("PALAVER_LEASE__NODE_FOR", "3s")
        .set("PALAVER_LEASE__RENEW_EVERY", "500ms")
        .set("PALAVER_LEASE__KEEPER_FOR", "1500ms")
}

async fn in_state(window: &Window, state: &str) {
    window.wait_for(&format!("body[data-state={state}]")).await;
}

async fn online(window: &Window) {
    window.wait_for("body[data-link=online]").await;
}

/// Both start, and find each other.
async fn meet(one: &Window, other: &Window) {
    for window in [one, other] {
        online(window).await;
        window.click("#start").await;
    }
    for window in [one, other] {
        in_state(window, "chatting").await;
    }
}

/// Writes a line and waits until the server has taken it.
async fn say(window: &Window, text: &str) {
    window.type_into("#composer", text).await;
    window.click("#send").await;
    sent(window, text).await;
}

async fn sent(window: &Window, text: &str) {
    let what = format!("{text:?} is sent");
    eventually(&what, async || {
        lines(window, "me", "sent").await.iter().any(|line| line == text)
    })
    .await;
}

async fn reads(window: &Window, text: &str) {
    let what = format!("{text:?} is read");
    eventually(&what, async || {
        lines(window, "partner", "received")
            .await
            .iter()
            .any(|line| line == text)
    })
    .await;
}

/// The lines of somebody in a state, in order.
async fn lines(window: &Window, from: &str, state: &str) -> Vec<String> {
    let selector = format!("#messages li[data-from={from}][data-state={state}] .text");
    let script = format!(
        "return [...document.querySelectorAll({})].map(e => e.textContent)",
        json!(selector)
    );
    let found = window.run(&script).await;
    serde_json::from_value(found).unwrap()
}

#[tokio::test]
async fn browser_two_strangers_on_two_nodes_meet_type_talk_move_on_and_report() {
    let world = plan().start().await;
    let browser = Browser::start().await;
    let one = browser.open(&world.dial_node(0).page()).await;
    let other = browser.open(&world.dial_node(1).page()).await;

    meet(&one, &other).await;
    one.type_into("#composer", "hel").await;
    other.wait_for("#typing").await;
    one.type_into("#composer", "lo").await;
    one.click("#send").await;
    sent(&one, "hello").await;
    reads(&other, "hello").await;
    eventually("typing is over", async || !other.shows("#typing").await).await;
    say(&other, "<b>hi</b> & welcome").await;
    eventually("markup is no markup", async || {
        lines(&one, "partner", "received").await.len() == 1
    })
    .await;
    assert_eq!(
        one.run("return document.querySelectorAll('#messages .text *').length")
            .await,
        json!(0)
    );

    // Next: the other is told, and both find each other only with somebody new; here a third.
    let third = browser.open(&world.dial_node(1).page()).await;
    online(&third).await;
    third.click("#start").await;
    in_state(&third, "searching").await;
    third.wait_for("#position").await;
    one.click("#next").await;
    in_state(&one, "chatting").await;
    in_state(&third, "chatting").await;
    in_state(&other, "ended").await;
    other.wait_for_text("#reason", "left").await;
    say(&third, "somebody new").await;
    reads(&one, "somebody new").await;
    assert_eq!(lines(&one, "partner", "received").await, ["somebody new"]);

    one.click("#report").await;
    one.wait_for("#report-dialog[open]").await;
    one.click("#report-type-spam").await;
    one.type_into("#report-text", "sells things").await;
    one.click("#report-send").await;
    for window in [&one, &third] {
        in_state(window, "ended").await;
    }
    one.wait_for_text("#notice", "report").await;
    let mut store = PgConnection::connect(&world.postgres_url()).await.unwrap();
    let frozen = "select count(*) from reports where violation = 'spam' and messages @> '[{}]'";
    eventually("the report is stored", async || {
        let count: i64 = sqlx::query_scalar(frozen).fetch_one(&mut store).await.unwrap();
        count == 1
    })
    .await;
    third.click("#home").await;
    in_state(&third, "home").await;
}

#[tokio::test]
async fn browser_pages_behind_the_balancer_go_on_in_the_same_room_after_their_node_is_killed() {
    let mut world = plan().start().await;
    let browser = Browser::start().await;
    let one = browser.open(&format!("{}/", world.url())).await;
    let other = browser.open(&format!("{}/?guest=new", world.url())).await;
    meet(&one, &other).await;
    say(&one, "before").await;
    reads(&other, "before").await;
    say(&other, "indeed").await;
    // What was said came through the nodes that hold the pages.
    let said = "palaver_events_received_total{event=\"say\"}";
    let victim = usize::from(world.node(0).metric(said).await == 0.0);
    // What the page showed while it was cut off, however short that was.
    for window in [&one, &other] {
        let watch = "window.seen = []; new MutationObserver(() => window.seen.push(document.body.dataset.link + \
                     ' ' + !document.querySelector('#banner').hidden)).observe(document.body, { attributes: true })";
        window.run(watch).await;
    }

    world.node(victim).kill9();
    let killed = Instant::now();
    say(&one, "while one of us was cut off").await;
    reads(&other, "while one of us was cut off").await;
    say(&other, "and back").await;
    reads(&one, "and back").await;
    println!("measured: pages talk again {:?} after kill -9", killed.elapsed());

    for window in [&one, &other] {
        online(window).await;
        in_state(window, "chatting").await;
        eventually("no banner any more", async || !window.shows("#banner").await).await;
    }
    assert_eq!(
        lines(&one, "me", "sent").await,
        ["before", "while one of us was cut off"]
    );
    assert_eq!(
        lines(&other, "partner", "received").await,
        ["before", "while one of us was cut off"]
    );
    assert_eq!(lines(&one, "partner", "received").await, ["indeed", "and back"]);
    let cut = [
        one.run("return window.seen").await,
        other.run("return window.seen").await,
    ];
    let saw = cut
        .iter()
        .flat_map(|seen| seen.as_array().unwrap())
        .any(|seen| seen == "connecting true");
    assert!(saw, "at least one page was on the killed node and said so: {cut:?}");
}
