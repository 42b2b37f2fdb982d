//! Who is online and what for (contract 2.1, 3.1).

use crate::harness::client::Client;
use crate::harness::stage::{everywhere, pair};
use serde_json::{Value, json};

fn show(client: &Client, mode: impl Into<Value>) {
    client.emit("mode-presence-update", &[json!({ "mode": mode.into() })]);
}

fn counts(text: u64, audio: u64, video: u64) -> Value {
    json!({ "text": text, "audio": audio, "video": video })
}

/// Waits for these counts; others may be told before.
async fn hears_counts(client: &mut Client, wanted: Value) {
    while client.hear("mode-user-counts").await != wanted {}
}

#[tokio::test]
async fn counts_are_told_on_connecting_and_to_everybody_when_they_change() {
    everywhere(async |stage| {
        let mut ann = stage.guest(0).await;
        assert_eq!(ann.hear("mode-user-counts").await, counts(0, 0, 0));
        let mut bob = stage.guest(1).await;
        bob.hear("mode-user-counts").await;

        show(&bob, "text");
        for client in [&mut ann, &mut bob] {
            hears_counts(client, counts(1, 0, 0)).await;
        }
        show(&ann, "VIDEO");
        for client in [&mut ann, &mut bob] {
            hears_counts(client, counts(1, 0, 1)).await;
        }
        let mut late = stage.guest(1).await;
        assert_eq!(late.hear("mode-user-counts").await, counts(1, 0, 1));

        bob.close().await;
        hears_counts(&mut ann, counts(0, 0, 1)).await;
        for nothing in [json!("idle"), json!("none"), json!("chess"), json!(7), Value::Null] {
            show(&ann, "audio");
            hears_counts(&mut late, counts(0, 1, 0)).await;
            show(&ann, nothing);
            hears_counts(&mut late, counts(0, 0, 0)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_crowd_that_changes_its_mind_is_told_of_a_few_times() {
    everywhere(async |stage| {
        let mut crowd = Vec::new();
        for i in 0..10 {
            crowd.push(stage.guest(i).await);
        }
        let mut watcher = stage.guest(0).await;
        for mode in ["audio", "video", "text"] {
            crowd.iter().for_each(|client| show(client, mode));
        }

        let mut told = 1;
        while watcher.hear("mode-user-counts").await != counts(10, 0, 0) {
            told += 1;
        }
        // Thirty changes; one notice a second from each shard, passed on at most once a second.
        assert!(told <= 8, "{told}");
    })
    .await;
}

#[tokio::test]
async fn a_user_counts_once_however_many_tabs_there_are() {
    everywhere(async |stage| {
        let mut one = stage.dial(0).guest("ann").connect().await;
        let other = stage.dial(1).guest("ann").connect().await;
        show(&one, "text");
        show(&other, "text");
        let watched = stage.guest(0).await;
        show(&watched, "audio");
        hears_counts(&mut one, counts(1, 1, 0)).await;
        other.close().await;
        show(&watched, "video");
        hears_counts(&mut one, counts(1, 0, 1)).await;
    })
    .await;
}

#[tokio::test]
async fn looking_away_does_not_end_a_room() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        for mode in [json!("text"), Value::Null, json!("video")] {
            show(&two.ann, mode);
            two.ann.dealt_with().await;
        }
        two.chats().await;
    })
    .await;
}
