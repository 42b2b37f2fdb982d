//! Many come at once: those who take up a session go first, and who is new is asked to come back later.

use crate::harness::client::Dial;
use crate::harness::eventually;
use crate::harness::world::World;

async fn later(dial: &Dial, connect: &str) -> String {
    let mut client = dial.clone().open().await.expect("the engine takes everybody");
    client.raw(connect);
    client.ended().await
}

#[tokio::test]
async fn new_clients_are_sent_away_while_the_line_is_full_and_returning_ones_wait_and_get_in() {
    let mut world = World::new()
        .nodes(1)
        .set("PALAVER_REDIS__SHARDS", 1)
        .set("PALAVER_SOCKETS__ARRIVALS_AT_ONCE", 1)
        .set("PALAVER_SOCKETS__ARRIVALS_WAITING", 1)
        .set("PALAVER_REDIS__COMMAND_TIMEOUT", "30s")
        .set("PALAVER_LEASE__NODE_FOR", "60s")
        .start()
        .await;
    let dial = world.dial_node(0);
    let mut gone = dial.clone().guest("bob").connect().await;
    let (pid, mark) = (gone.pid().to_owned(), gone.mark());
    gone.drop_abruptly().await;
    world.line.pause();
    // One is being let in, one waits: the line is full.
    let first = tokio::spawn(dial.clone().connect());
    let second = tokio::spawn(dial.clone().connect());
    waiting(&mut world, 1.0).await;

    let mut sent_away = Vec::new();
    for connect in ["40", "40", r#"40{"pid":"none of ours","offset":"start"}"#] {
        sent_away.push(later(&dial, connect).await);
    }
    let back = tokio::spawn(dial.clone().guest("bob").taking_up(&pid, mark.as_deref()).connect());
    waiting(&mut world, 2.0).await;
    world.line.mend();

    for why in &sent_away {
        assert!(why.contains("code: Again") && why.contains("retry-after-ms="), "{why}");
    }
    let back = back.await.unwrap();
    assert_eq!(back.pid(), pid);
    let _ = (first.await.unwrap(), second.await.unwrap());
}

async fn waiting(world: &mut World, count: f64) {
    let node = world.node(0);
    eventually("the line is that long", async || {
        node.metric("palaver_arrivals_waiting").await == count
    })
    .await;
}
