//! Everything that ends by itself does so on time, by a clock that the test moves.

use crate::harness::client::Client;
use crate::harness::world::World;
use serde_json::json;
use std::time::Duration;

async fn meet(world: &World) -> (Client, Client, String) {
    let mut one = world.dial_node(0).guest("one").connect().await;
    let mut other = world.dial_node(1).guest("other").connect().await;
    for client in [&mut one, &mut other] {
        client.emit("join_text_queue", &[]);
        client.expect("text_queue_joined").await;
    }
    // People are paired once they have waited a moment.
    world.clock.advance(Duration::from_secs(1));
    let room = one.expect("text_match_found").await[0]["roomId"]
        .as_str()
        .unwrap()
        .to_owned();
    other.expect("text_match_found").await;
    (one, other, room)
}

#[tokio::test]
async fn typing_that_goes_silent_fades_after_three_seconds() {
    let world = World::new().nodes(2).inside().start().await;
    let (one, mut other, _) = meet(&world).await;

    one.emit("text_typing_start", &[]);
    other.expect("text_partner_typing").await;
    other
        .expect_none("text_partner_stopped_typing", Duration::from_millis(200))
        .await;
    world.clock.advance(Duration::from_secs(3));

    other.expect("text_partner_stopped_typing").await;
}

#[tokio::test]
async fn a_held_seat_is_lost_after_the_window() {
    let world = World::new().nodes(2).inside().start().await;
    let (one, mut other, room) = meet(&world).await;

    one.drop_abruptly().await;
    other.expect_none("text_room_ended", Duration::from_millis(500)).await;
    world.clock.advance(Duration::from_secs(31));

    assert_eq!(
        other.expect("text_room_ended").await[0]["reason"],
        "partner_disconnected"
    );
    let mut late = world.dial_node(1).guest("one").connect().await;
    late.emit("attempt_text_reconnect", &[json!({ "roomId": room })]);
    late.expect("text_reconnect_failed").await;
}

#[tokio::test]
async fn a_room_without_a_line_ends_after_half_an_hour() {
    let world = World::new().nodes(2).inside().start().await;
    let (mut one, mut other, _) = meet(&world).await;

    world.clock.advance(Duration::from_secs(30 * 60));

    for client in [&mut one, &mut other] {
        assert_eq!(client.expect("text_room_ended").await[0]["reason"], "timeout");
    }
    one.close().await;
    other.close().await;
    world.ends_empty().await;
}
