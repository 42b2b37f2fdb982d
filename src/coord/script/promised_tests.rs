//! What a lane has promised is there again when a server takes over that had not heard of it.

use super::FENCED;
use crate::coord::rooms::{SayRules, Saying};
use crate::coord::testing::{LEASE, TestNode, World, user};
use crate::error::Fault;
use crate::ids::{MessageId, RoomId, Shard};

/// A room with one seat, and lines said in it.
struct Scene {
    world: World,
    node: TestNode,
    room: RoomId,
    /// The keys of the room, of its log, and of what the node's calls were answered.
    key: String,
    log: String,
    done: String,
}

impl Scene {
    async fn begin() -> Scene {
        let world = World::new(1).await;
        let node = world.node().await;
        let room = world.room("R");
        let keys = node.coord.keys();
        let scene = Scene {
            key: keys.room(room),
            log: keys.log(room),
            done: keys.done(Shard(0), &node.id),
            world,
            node,
            room,
        };
        scene.make_room().await;
        scene
    }

    async fn make_room(&self) {
        self.world.raw(&["HSET", &self.key, "n:a", "a\u{1f}\u{1f}"]).await;
    }

    async fn say(&self, message: &str) {
        let (user, message) = (user("a"), MessageId::parse(message).unwrap());
        let saying = Saying {
            room: self.room,
            user: &user,
            message: &message,
            at: self.node.coord.clock().now(),
            text: "hi",
            client_id: None,
            echo: true,
        };
        let rules = SayRules {
            limit: 9,
            window: LEASE,
            log_keeps: 100,
            ids_kept: 9,
        };
        self.node.coord.say(&saying, rules).await.unwrap();
    }

    /// A call that leaves nothing behind.
    async fn call(&self) -> Result<(), Fault> {
        self.node.coord.stop_typing(self.room, &user("a")).await.map(drop)
    }

    /// Keeps what a replica is to have heard when it takes over.
    async fn back_up(&self, keys: &[&str]) {
        for key in keys {
            self.world.raw(&["COPY", key, &format!("backup:{key}")]).await;
        }
    }

    /// Takes Redis back to where it was then.
    async fn fall_back(&self, keys: &[&str]) {
        for key in keys {
            self.world
                .raw(&["COPY", &format!("backup:{key}"), key, "REPLACE"])
                .await;
        }
    }

    /// What was said, as the log has it.
    async fn lines(&self) -> Option<String> {
        self.world.dump_all().await.get("log:R").cloned()
    }

    async fn tidy_up(&self, keys: &[&str]) {
        for key in keys {
            self.world.raw(&["DEL", &format!("backup:{key}")]).await;
        }
    }
}

#[tokio::test]
async fn lines_that_a_server_has_forgotten_are_said_again_before_anything_new_also_in_a_new_life() {
    let scene = Scene::begin().await;
    let forgotten = [scene.done.as_str(), &scene.log];
    scene.say("m1").await;
    scene.back_up(&forgotten).await;
    scene.say("m2").await;
    scene.say("m3").await;

    scene.fall_back(&forgotten).await;
    scene.say("m4").await;
    let after = scene.lines().await;
    scene.fall_back(&forgotten).await;
    let node = &scene.node;
    node.coord.identity().renew();
    let fault = scene.call().await.unwrap_err();

    let said = |messages: &[&str]| {
        let lines = messages.iter().map(|m| format!("l=a|{m}|T+0|hi"));
        Some(lines.collect::<Vec<_>>().join(" / "))
    };
    assert_eq!(after, said(&["m1", "m2", "m3", "m4"]));
    assert_eq!(fault.why, FENCED, "the new life has not registered");
    let lease = scene.world.clock.steady() + LEASE;
    node.coord.register(Shard(0), lease).await.unwrap();
    assert_eq!(scene.lines().await, said(&["m1", "m2", "m3", "m4"]));
    scene.tidy_up(&forgotten).await;
}

#[tokio::test]
async fn a_line_is_said_again_once_the_room_is_there_that_another_node_has_to_make_again() {
    let scene = Scene::begin().await;
    let done = [scene.done.as_str()];
    scene.call().await.unwrap();
    scene.back_up(&done).await;
    scene.say("m1").await;
    let said = scene.lines().await;

    scene.world.raw(&["DEL", &scene.key, &scene.log]).await;
    scene.fall_back(&done).await;
    scene.call().await.unwrap();
    assert_eq!(scene.lines().await, None, "there is no room");
    scene.make_room().await;
    let again = async || {
        scene.call().await.unwrap();
        scene.lines().await
    };
    while again().await.is_none() {
        tokio::task::yield_now().await;
    }

    assert_eq!(scene.lines().await, said);
    scene.tidy_up(&done).await;
}

#[tokio::test]
async fn a_server_that_is_lost_while_lines_are_still_owed_is_repeated_to_as_well() {
    let scene = Scene::begin().await;
    let done = [scene.done.as_str()];
    scene.call().await.unwrap();
    scene.back_up(&done).await;
    scene.say("m1").await;
    let said = scene.lines().await;

    scene.world.raw(&["DEL", &scene.key, &scene.log]).await;
    let again = async || {
        // Each time another server takes over, and has heard of nothing that was repeated to the one before.
        scene.fall_back(&done).await;
        scene.call().await.unwrap();
    };
    for _ in 0..20 {
        again().await;
    }
    assert_eq!(scene.lines().await, None, "there is no room");
    scene.make_room().await;
    while scene.lines().await.is_none() {
        again().await;
    }

    assert_eq!(scene.lines().await, said);
    scene.tidy_up(&done).await;
}
