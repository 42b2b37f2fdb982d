//! What people make of what they are told.

use super::*;
use crate::client::Manner;
use crate::client::packet::{Packet, read};
use crate::client::target::{Sources, Target};
use crate::client::tls::Trust;
use crate::client::wire::Transport;
use crate::clock::Clock;

/// Two people, who hear what a test tells them, and a client that has no server.
struct Scene {
    crowd: Crowd,
    client: Client,
}

impl Scene {
    fn new() -> Self {
        let manner = Manner {
            targets: vec![Target::parse("http://127.0.0.1:1").unwrap()],
            trust: Trust::in_nobody().unwrap(),
            sources: Sources::Any,
            transport: Transport::WebSocket,
            echo: false,
            run: 0,
        };
        let mut crowd = Crowd::new(2, Manners::default());
        crowd.window.end = Nanos::MAX;
        Self {
            crowd,
            client: Client::new(Clock::start(), manner, 2).unwrap(),
        }
    }

    fn joins(&mut self, who: Who, recovered: bool) {
        self.crowd.happened(&mut self.client, who, Happening::Joined(recovered));
    }

    fn hears(&mut self, who: Who, event: &str) {
        let packet = format!("42[{event}]");
        let Packet::Event(event) = read(packet.as_bytes()) else {
            panic!("no event")
        };
        self.crowd.happened(&mut self.client, who, Happening::Heard(event));
    }

    /// Both sit in a room.
    fn paired() -> Self {
        let mut scene = Self::new();
        for who in [0, 1] {
            scene.joins(who, false);
            scene.hears(who, r#""text_match_found",{"roomId":"r"}"#);
        }
        scene
    }

    /// Lines that were due and not said: as the load did not want it, and as it did.
    fn not_said(&self) -> (u64, u64) {
        (self.crowd.record.happened.skipped, self.crowd.record.happened.absent)
    }
}

#[test]
fn who_has_a_partner_does_not_seek_another() {
    let mut scene = Scene::paired();

    scene.crowd.seek(&mut scene.client, 0, 0);

    assert_eq!((scene.crowd.seated(), scene.crowd.pairs()), (2, vec![0, 1]));
}

#[test]
fn what_cannot_be_said_is_absent_only_until_whoever_the_load_cut_is_back() {
    for (recovered, told) in [(true, None), (false, Some(r#""text_reconnected",{"messages":[]}"#))] {
        let mut scene = Scene::paired();
        scene.crowd.cut(&mut scene.client, 0, Cut::Reset);
        scene.crowd.say(&mut scene.client, 0, 1);
        assert_eq!((scene.not_said(), scene.crowd.missing()), ((0, 1), 1));

        scene.joins(0, recovered);
        told.into_iter().for_each(|told| scene.hears(0, told));
        scene.crowd.say(&mut scene.client, 0, 2);

        assert_eq!((scene.not_said(), scene.crowd.missing()), ((1, 1), 0));
    }
}

#[test]
fn whoever_lost_the_connection_by_the_servers_doing_skips_what_is_due() {
    let mut scene = Scene::paired();
    let why = "the server hung up".to_owned();
    scene.crowd.happened(&mut scene.client, 0, Happening::Ended(why));

    scene.crowd.say(&mut scene.client, 0, 1);

    assert_eq!((scene.not_said(), scene.crowd.record.happened.ended), ((1, 0), 1));
}

#[test]
fn a_recovered_session_that_tells_of_the_end_has_no_seat() {
    let mut scene = Scene::paired();
    scene.crowd.cut(&mut scene.client, 0, Cut::Reset);

    scene.joins(0, true);
    scene.hears(0, r#""text_room_ended",{"reason":"over"}"#);

    let returns = &scene.crowd.returns;
    assert_eq!((returns.count(How::Recovered), returns.count(How::Unseated)), (0, 1));
    assert_eq!(scene.crowd.record.happened.rooms_ended, 0, "told once");
}
