//! What a dead node leaves behind in rooms.

use super::Takeover;
use super::endings_tests::S;
use super::tests::{kinds, kinds_of, missed, room_of, say, sit, sit_unsure_since, texts_of};
use crate::clock::Millis;
use crate::coord::testing::{TestNode, World, at, texts, user};
use crate::domain::event::Event;
use crate::domain::room::RoomKind;
use crate::ids::RoomId;

/// A room of a, whose node dies, and b on the other.
struct Scene {
    world: World,
    dead: TestNode,
    alive: TestNode,
    room: RoomId,
}

impl Scene {
    async fn begin() -> Scene {
        Self::in_world(World::new(1).await).await
    }

    async fn in_world(world: World) -> Scene {
        let (mut dead, mut alive) = (world.node().await, world.node().await);
        let room = room_of(&world, &mut dead, &mut alive).await;
        Scene {
            world,
            dead,
            alive,
            room,
        }
    }

    async fn b_says(&self, text: &str) {
        say(&self.alive, self.room, "b", text).await;
    }

    /// a's node gives out all there is: a second read says that the first was dealt with.
    async fn dispatch(&mut self, count: usize) {
        let given = (self.dead.inbox().await.len(), self.dead.inbox().await.len());
        assert_eq!(given, (count, 0));
    }

    async fn redis_ms(&self) -> u64 {
        let time = texts(self.world.raw(&["TIME"]).await);
        time[0].parse::<u64>().unwrap() * 1000 + time[1].parse::<u64>().unwrap() / 1000
    }

    /// Redis's clock goes on: what comes after is told by it from what was before, in milliseconds.
    async fn redis_moves_on(&self) {
        let now = self.redis_ms().await;
        while self.redis_ms().await <= now + 1 {}
    }

    async fn die(&self) {
        let nodes = self.alive.coord.keys().nodes(S);
        self.world.raw(&["ZADD", &nodes, "1", self.dead.id.as_str()]).await;
        let buried = self.alive.coord.bury(S).await.unwrap();
        assert_eq!(buried, std::slice::from_ref(&self.dead.id));
    }

    /// Takes over at most so many rooms; nothing that the dead node has dispatched may not have been brought.
    async fn reap(&self, most: usize) -> usize {
        let takeover = Takeover {
            held: at(30_000),
            unnoticed: Millis(9_999_999_999_999),
        };
        let reaped = self.alive.coord.reap_rooms(S, &self.dead.id, most, takeover);
        reaped.await.unwrap()
    }

    /// a comes back to the living node; what a has missed.
    async fn a_comes_back(&self) -> Vec<Event> {
        missed(sit(&self.alive, self.room, "a", "s1b").await)
    }
}

#[tokio::test]
async fn seats_of_a_dead_node_are_held_and_its_people_get_what_it_had_not_dispatched() {
    let mut scene = Scene::begin().await;
    scene.b_says("dispatched").await;
    assert_eq!(scene.dead.inbox().await.len(), 1);
    scene.redis_moves_on().await;
    scene.b_says("read, not dispatched").await;
    scene.b_says("never read").await;
    scene.die().await;
    scene.b_says("after").await;

    let reaped = scene.reap(10).await;
    scene.alive.coord.rest(S, &scene.dead.id).await.unwrap();
    scene.b_says("while held").await;

    assert_eq!(reaped, 1);
    scene.alive.inbox().await;
    scene.alive.inbox().await;
    let dump = scene.world.dump().await;
    assert!(
        dump["room:R"].contains("nodes=N2, opened=T+0, s:a=h T+30000 @, s:b=p N2/s2"),
        "{dump:?}"
    );
    assert_eq!(dump["timers"], "hold|R|a@T+30000, idle|R@T+1800000");
    assert!(!dump.keys().any(|k| k.ends_with("N1") || k == "dying"), "{dump:?}");
    assert_eq!(
        texts_of(&scene.a_comes_back().await),
        ["read, not dispatched", "never read", "after", "while held"]
    );
    assert_eq!(scene.reap(10).await, 0, "the repeat");
}

#[tokio::test]
async fn who_comes_while_another_socket_may_be_dead_is_sent_what_that_may_not_have_brought() {
    let mut scene = Scene::begin().await;
    scene.b_says("dispatched").await;
    scene.dispatch(1).await;
    scene.redis_moves_on().await;
    let unnoticed = Millis(scene.redis_ms().await);
    scene.b_says("never read").await;
    scene.alive.inbox().await;

    let sat = sit_unsure_since(&scene.alive, scene.room, "a", "s1b", unnoticed).await;

    let told = missed(sat);
    assert_eq!(
        (kinds_of(&told), texts_of(&told)),
        (vec!["said"], vec!["never read".to_owned()])
    );
}

#[tokio::test]
async fn people_of_a_dead_node_that_had_dispatched_everything_are_sent_only_what_came_after() {
    let mut scene = Scene::begin().await;
    scene.b_says("dispatched").await;
    scene.dispatch(1).await;
    scene.redis_moves_on().await;
    scene.die().await;

    scene.reap(10).await;
    scene.b_says("after").await;
    scene.alive.inbox().await;
    let told = scene.a_comes_back().await;

    assert_eq!(kinds(&scene.alive.inbox().await), ["retaken"]);
    assert_eq!(
        (kinds_of(&told), texts_of(&told)),
        (vec!["said", "retaken"], vec!["after".to_owned()])
    );
}

#[tokio::test]
async fn people_of_a_dead_node_whose_inbox_was_cut_are_sent_everything() {
    let mut world = World::new(1).await;
    world.inbox_cap = 3;
    let mut scene = Scene::in_world(world).await;
    for text in ["1", "2", "3", "4", "5"] {
        scene.b_says(text).await;
    }
    scene.die().await;
    scene.reap(10).await;
    scene.alive.coord.rest(S, &scene.dead.id).await.unwrap();
    scene.alive.inbox().await;

    let told = scene.a_comes_back().await;

    assert_eq!(texts_of(&told), ["1", "2", "3", "4", "5"]);
    let dump = scene.world.dump().await;
    assert!(!dump.get("gaps").is_some_and(|gaps| gaps.contains("N1")));
}

#[tokio::test]
async fn a_seat_with_a_socket_elsewhere_survives_a_dead_node_and_batches_end() {
    let scene = Scene::begin().await;
    scene.a_comes_back().await;
    for i in 0..4 {
        let more = scene.world.room(&format!("R{i}"));
        let pair = [&user("c"), &user("d")];
        let opened = scene.alive.coord.open(more, RoomKind::Text, pair, at(1));
        opened.await.unwrap();
        sit(&scene.dead, more, "c", "sc").await;
    }
    scene.die().await;

    let mut reaped = Vec::new();
    for _ in 0..3 {
        reaped.push(scene.reap(3).await);
    }

    assert_eq!(reaped, [3, 2, 0]);
    let dump = scene.world.dump().await;
    assert!(
        dump["room:R"].contains("nodes=N2, opened=T+0, s:a=p N2/s1b, s:b=p N2/s2"),
        "{dump:?}"
    );
    assert!(
        dump["room:R3"].contains("nodes=, opened=T+0, s:c=h T+30000 "),
        "{dump:?}"
    );
    assert!(!dump.contains_key("rooms:N1"));
}
