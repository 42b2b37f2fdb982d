//! Every transport over every node: no request knows where the one before it landed (design, idea 7).

use crate::harness::client::{Dial, Via};
use crate::harness::eventually;
use crate::harness::haproxy::Haproxy;
use crate::harness::stage::{Pair, everywhere};
use serde_json::json;
use std::time::Duration;

const TRANSPORTS: [Via; 3] = [Via::WebSocket, Via::Polling, Via::Upgrade];

#[tokio::test]
async fn every_transport_chats_with_every_other_over_a_balancer() {
    everywhere(async |stage| {
        let balancer = Haproxy::start(&stage.addresses()).await;
        for one in TRANSPORTS {
            for other in TRANSPORTS {
                let dial = |via| Dial::to(&balancer.url()).guest(&stage.fresh_name()).via(via).connect();
                let mut two = Pair::seat(dial(one).await, dial(other).await).await;
                for _ in 0..3 {
                    two.chats().await;
                }
                two.ann.emit("leave_text_room", &[]);
                assert_eq!(two.ann.hear("text_room_ended").await, json!({ "reason": "user_left" }));
                assert_eq!(
                    two.bob.hear("text_room_ended").await,
                    json!({ "reason": "partner_left" })
                );
                two.ann.close().await;
                two.bob.close().await;
            }
        }
        drop(balancer);
    })
    .await;
}

#[tokio::test]
async fn a_polling_page_that_is_closed_leaves_its_seat_held_at_once() {
    everywhere(async |stage| {
        let balancer = Haproxy::start(&stage.addresses()).await;
        for url in [stage.url(1), balancer.url()] {
            let bob = Dial::to(&url).guest("bob").via(Via::Polling).connect().await;
            let Pair { mut ann, bob, .. } = Pair::seat(stage.guest(0).await, bob).await;
            eventually("a poll is under way", async || {
                let sessions = stage.keys("session:*");
                sessions
                    .iter()
                    .any(|key| !stage.redis(&["HGET", key, "waiting"]).is_empty())
            })
            .await;
            bob.drop_abruptly().await;
            eventually("the seat is held", async || stage.timers("hold|").len() == 1).await;
            stage.pass(Duration::from_secs(30)).await;
            assert_eq!(
                ann.hear("text_room_ended").await,
                json!({ "reason": "partner_disconnected" })
            );
        }
        drop(balancer);
    })
    .await;
}
