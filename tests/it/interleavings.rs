//! What happens between two steps of one node: the first is on its way to Redis and held there, while a client or another
//! node does something else.

use crate::harness::client::Client;
use crate::harness::eventually;
use crate::harness::pair::Pair;
use crate::harness::redis::Kind;
use crate::harness::world::{Plan, World, left_over};

/// On one server, so that a node has one connection for what it asks.
fn plan() -> Plan {
    World::quick()
        .redis(Kind::Single)
        .set("PALAVER_LEASE__NODE_FOR", "4s")
        .set("PALAVER_SOCKETS__RECOVERY_WINDOW", "1s")
}

#[tokio::test]
async fn a_room_that_ends_while_its_state_is_sent_to_somebody_who_came_anew_lets_them_in_and_is_told() {
    let world = plan().start().await;
    let ann = world.dial_node(1).guest("ann").connect().await;
    let bob = world.dial_node(0).guest("bob");
    let Pair { ann, bob: gone, .. } = Pair::seat(ann, bob.clone().connect().await).await;
    gone.drop_abruptly().await;

    // Nobody knows this session: who brings it comes anew, and is sent the state of the room.
    world.line.hold("recall");
    let coming = tokio::spawn(bob.taking_up("p1.unknown.unknown", None).try_connect());
    world.line.caught().await;
    ann.emit("leave_text_room", &[]);
    let mut ann = ann;
    ann.expect("text_room_ended").await;
    world.line.let_go();

    let mut back = coming.await.unwrap().expect("let in all the same");
    assert_eq!(back.hear("text_room_ended").await["reason"], "partner_left");
    ann.close().await;
    back.close().await;
    world.ends_empty().await;
}

#[tokio::test]
async fn sockets_that_go_while_their_node_begins_anew_leave_nothing_behind() {
    // More than are brought along at once.
    const PEOPLE: usize = 100;
    let plan = plan().nodes(1).set("PALAVER_REDIS__COMMAND_TIMEOUT", "30s");
    let mut world = plan.start().await;
    let dial = world.dial_node(0);
    let coming = (0..PEOPLE).map(|at| dial.clone().guest(&format!("g{at:03}")).connect());
    let people: Vec<Client> = futures_util::future::join_all(coming).await;
    let epoch = world.redis.keys().into_iter().find(|key| key.ends_with(":epoch"));

    world.line.hold("attach");
    world.redis.command(&["SET", &epoch.unwrap(), "another"]);
    world.line.caught().await;
    for person in people {
        person.drop_abruptly().await;
    }
    // Time for the node to read that they are gone; should it not, nothing is proved, and nothing fails.
    for _ in 0..50 {
        world.node(0).is_ready().await;
    }
    world.line.let_go();

    let users = || {
        world
            .redis
            .keys()
            .into_iter()
            .filter(|key| key.contains("}:users:"))
            .count()
    };
    eventually("nobody is here", async || users() == 0).await;
    assert_eq!(left_over(&world.redis), [] as [String; 0]);
}
