//! What the sockets of a user are told, and what the user is believed to be doing.

use super::hub::{Doing, Hub};
use super::member::Member;
use super::testing::{self, arriving};
use crate::clock::Millis;
use crate::coord::notice::Notice;
use crate::domain::event::{Audience, Event, Typing};
use crate::domain::queue::Queue;
use crate::domain::room::{Ending, Offset, RoomKind};
use crate::ids::{NodeId, RoomId, Shard, UserId};
use std::sync::Arc;

const NOW: Millis = Millis(1_000_000);

/// A hub with one socket, of which Redis has not answered yet.
struct Scene {
    hub: Hub,
    member: Arc<Member>,
    node: NodeId,
}

impl Scene {
    fn new() -> Self {
        let (hub, member) = (Hub::default(), Arc::new(arriving(NOW)));
        member.socket.open(&[]);
        hub.enroll(member.clone());
        let node = NodeId::fresh();
        Self { hub, member, node }
    }

    fn user(&self) -> &UserId {
        &self.member.who.user
    }

    /// How many frames the socket is sent for an event.
    fn told(&self, event: Event) -> usize {
        let to = Audience::Users(vec![self.user().clone()]);
        let places = Vec::new();
        self.hub.deliver(Notice { to, event, places }, &self.node);
        self.sent()
    }

    fn sent(&self) -> usize {
        self.member.socket.connection().outbox.drain(usize::MAX).0.len()
    }
}

fn room() -> RoomId {
    RoomId::fresh(Shard(0))
}

fn at(ms: u64) -> Offset {
    Offset { ms: NOW.0 + ms, seq: 0 }
}

fn seated(room: RoomId, offset: Option<Offset>) -> Event {
    Event::Seated {
        room,
        offset,
        kind: RoomKind::Text,
        people: Vec::new(),
        at: NOW,
    }
}

fn ended(room: RoomId, offset: Option<Offset>) -> Event {
    Event::Ended {
        room,
        offset,
        ending: Ending::Timeout,
        at: NOW,
    }
}

fn said(room: RoomId, ms: u64) -> Event {
    testing::said(room, at(ms).ms)
}

#[test]
fn an_answer_from_before_what_was_heard_meanwhile_is_not_told() {
    let scene = Scene::new();
    scene.member.settle(&[], None);
    let (user, room) = (scene.user(), room());
    let told = |believed, doing| {
        let mut told = false;
        scene.hub.answer(user, believed, doing, || told = true);
        (told, scene.hub.doing(user))
    };
    let (waiting, here) = (Doing::Seeking(Queue::Text), Doing::Seated(room));

    assert_eq!(told(Doing::Nothing, waiting), (true, waiting));
    scene.told(seated(room, None));
    for late in [waiting, Doing::Nothing] {
        assert_eq!(told(waiting, late), (false, here));
        assert_eq!(told(here, late), (true, here), "its end is on its way");
    }
    scene.told(ended(room, None));
    assert_eq!(told(here, here), (false, Doing::Nothing));
    assert_eq!(told(Doing::Nothing, waiting), (true, waiting));
}

#[test]
fn a_room_whose_end_redis_lost_is_believed_in_when_it_is_asked_anew() {
    let scene = Scene::new();
    scene.member.settle(&[], None);
    let (user, room) = (scene.user(), room());
    scene.told(seated(room, None));
    scene.told(ended(room, None));
    scene.hub.set_doing(user, Doing::Seated(room));
    assert_eq!(scene.hub.doing(user), Doing::Nothing, "it was asked before the end");

    assert_eq!(scene.hub.doubt(user), Doing::Nothing);
    scene.hub.set_doing(user, Doing::Seated(room));
    assert_eq!(scene.hub.doing(user), Doing::Seated(room));

    scene.hub.doubt(user);
    scene.told(ended(room, None));
    scene.hub.set_doing(user, Doing::Seated(room));
    assert_eq!(scene.hub.doing(user), Doing::Nothing, "the end came while it was asked");
}

#[test]
fn a_pairing_waits_for_the_end_of_the_room_before_however_that_is_learnt() {
    let [before, next] = [0, 1].map(|shard| RoomId::fresh(Shard(shard)));
    for is_told in [true, false] {
        let scene = Scene::new();
        scene.member.settle(&[], None);
        assert_eq!(scene.told(seated(before, Some(at(1)))), 1);
        assert_eq!(scene.told(seated(next, Some(at(3)))), 0);
        assert_eq!(scene.told(said(next, 4)), 0);

        match is_told {
            true => assert_eq!(scene.told(ended(before, Some(at(2)))), 3),
            false => {
                scene.hub.forget_room(scene.user(), before);
                assert_eq!(scene.sent(), 2);
            }
        }
        assert_eq!(scene.hub.doing(scene.user()), Doing::Seated(next));
        assert_eq!(scene.told(said(next, 5)), 1);
    }
}

#[test]
fn who_came_and_sits_in_no_room_is_told_nothing_of_one_until_seated_in_it() {
    let scene = Scene::new();
    scene.member.settle(&[], None);
    let [lost, now] = [room(), room()];
    let typing = |room| Event::Typing {
        room,
        user: UserId::parse("b").unwrap(),
        typing: Typing::Started,
        at: NOW,
    };

    for doing in [Doing::Nothing, Doing::Seeking(Queue::Text)] {
        scene.hub.set_doing(scene.user(), doing);
        assert_eq!(scene.told(said(lost, 1)), 0);
        assert_eq!(scene.told(typing(lost)), 0);
    }
    assert_eq!(scene.told(seated(now, Some(at(2)))), 1);
    assert_eq!(scene.told(said(lost, 3)), 0);
    assert_eq!(scene.told(ended(lost, Some(at(4)))), 0);
    assert_eq!(scene.told(said(now, 5)), 1);
    assert_eq!(scene.told(typing(now)), 1);
    assert_eq!(scene.told(ended(now, Some(at(6)))), 1);
    assert_eq!(scene.told(seated(lost, Some(at(7)))), 1);
    assert_eq!(scene.told(said(lost, 8)), 1);
}

#[test]
fn what_happens_in_a_room_is_told_to_whom_redis_said_that_they_sit_there() {
    let [found, sought] = [room(), room()];

    let scene = Scene::new();
    assert_eq!(scene.told(said(found, 1)), 0, "it waits for the answer");
    scene.member.settle(&[], Some((found, at(0))));
    assert_eq!(scene.sent(), 1);
    assert_eq!(scene.told(said(found, 2)), 1);

    let scene = Scene::new();
    scene.member.settle(&[], None);
    scene.hub.set_doing(scene.user(), Doing::Seated(sought));
    assert_eq!(scene.told(said(sought, 1)), 1);
}
