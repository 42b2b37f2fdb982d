//! The journal: read by anybody, gone when stored; facts written by the scripts are read back.

use super::{Entered, Fact};
use crate::clock::Millis;
use crate::coord::rooms::{EndRules, Report};
use crate::coord::testing::{TestNode, World, at, user};
use crate::domain::room::{Ending, RoomKind};
use crate::domain::safety::Violation;
use crate::ids::{FactId, RoomId, Shard};
use std::time::Duration;

const RULES: EndRules = EndRules {
    tombstone: Duration::from_secs(60),
    release_at: Millis(1),
};

/// Opens and ends a room of a and b.
async fn live_and_end(world: &World, node: &TestNode) -> RoomId {
    let room = world.room("R");
    let (a, b) = (user("a"), user("b"));
    node.coord.open(room, RoomKind::Text, [&a, &b], at(0)).await.unwrap();
    node.coord
        .announce(room, at(1), at(1), [(&a, &[]), (&b, &[])])
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(9));
    node.coord.end(room, &a, RULES).await.unwrap().unwrap();
    room
}

fn ids(entered: &[Entered]) -> Vec<String> {
    entered.iter().map(|e| e.id.clone()).collect()
}

#[tokio::test]
async fn an_ended_room_is_read_back_and_leaves_when_it_is_stored() {
    let world = World::new(1).await;
    let (one, two) = (world.node().await, world.node().await);
    let room = live_and_end(&world, &one).await;

    let facts = one.journals[0].oldest(10).await.unwrap();

    let Some(Fact::Ended(ended)) = &facts[0].fact else {
        panic!("{facts:?}")
    };
    assert_eq!((ended.room, ended.kind, ended.lines), (room, RoomKind::Text, 0));
    assert_eq!((ended.opened, ended.ended), (at(0), at(9000)));
    assert_eq!(
        (&ended.ending, &ended.people),
        (&Ending::Left(user("a")), &vec![user("a"), user("b")])
    );
    assert_eq!(
        ids(&two.journals[0].oldest(10).await.unwrap()),
        ids(&facts),
        "whoever reads takes nothing"
    );
    assert_eq!(two.journals[0].waiting().await.unwrap().0, 1);
    one.journals[0].confirm(ids(&facts)).await.unwrap();
    one.journals[0].confirm(ids(&facts)).await.unwrap();
    one.journals[0].confirm(vec![]).await.unwrap();
    assert_eq!(one.journals[0].waiting().await.unwrap(), (0, None));
    assert!(two.journals[0].oldest(10).await.unwrap().is_empty());
    assert_eq!(world.dump().await["journal"], "");
}

#[tokio::test]
async fn the_oldest_facts_are_read_first_and_young_ones_can_be_left_out() {
    let world = World::new(1).await;
    let node = world.node().await;
    let key = node.coord.keys().journal(Shard(0));
    for id in ["5-0", "7-0", "7-1", "8-0"] {
        world.raw(&["XADD", &key, id, "fact", "sung"]).await;
    }
    let journal = &node.journals[0];

    assert_eq!(ids(&journal.oldest(3).await.unwrap()), ["5-0", "7-0", "7-1"]);
    assert_eq!(
        ids(&journal.entered_by(Millis(7), 10).await.unwrap()),
        ["5-0", "7-0", "7-1"]
    );
    assert_eq!(ids(&journal.entered_by(Millis(7), 1).await.unwrap()), ["5-0"]);
    assert_eq!(ids(&journal.entered_by(Millis(4), 10).await.unwrap()), [""; 0]);
}

#[tokio::test]
async fn a_fact_of_another_release_is_handed_on_unread_not_lost() {
    let world = World::new(1).await;
    let node = world.node().await;
    let key = node.coord.keys().journal(Shard(0));
    world.raw(&["XADD", &key, "7-0", "fact", "sung", "song", "x"]).await;

    let facts = node.journals[0].oldest(10).await.unwrap();

    assert_eq!((facts[0].fact.as_ref(), facts[0].at), (None, Millis(7)));
    assert_eq!(node.journals[0].waiting().await.unwrap(), (1, Some(Millis(7))));
}

#[tokio::test]
async fn a_description_with_line_breaks_and_any_script_is_read_back_whole() {
    let world = World::new(1).await;
    let node = world.node().await;
    let room = world.room("R");
    let (a, b) = (user("a"), user("b"));
    node.coord.open(room, RoomKind::Text, [&a, &b], at(0)).await.unwrap();
    node.coord
        .announce(room, at(1), at(1), [(&a, &[]), (&b, &[])])
        .await
        .unwrap();
    let report = Report {
        id: &FactId::fresh(),
        room,
        reporter: &a,
        reported: &b,
        violation: Violation::Other,
        description: "first\nsecond, \u{e9}\u{4e16} 'quoted' \"twice\"",
        lines: 30,
    };
    node.coord.report(&report, RULES).await.unwrap().unwrap();

    let facts = node.journals[0].oldest(10).await.unwrap();

    let Some(Fact::Reported(read)) = &facts[0].fact else {
        panic!("{facts:?}")
    };
    assert_eq!(read.description, report.description);
    assert_eq!((&read.id, &read.reporter, &read.reported), (report.id, &a, &b));
    assert_eq!((read.violation, read.lines.len()), (Violation::Other, 0));
    assert!(matches!(&facts[1].fact, Some(Fact::Ended(e)) if e.ending == Ending::Reported(a)));
}
