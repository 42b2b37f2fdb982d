//! The table from events to packets (contract 3.1, 3.3), as one viewer is to see them.

use super::{Bookmarks, Echo};
use crate::domain::account::Why;
use crate::domain::event::{Event, Typing};
use crate::domain::room::{Ending, Line, RoomKind, partner_of};
use crate::ids::{MessageId, RoomId, UserId};
use crate::wire::Frame;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::fmt::Display;

/// Whether a socket of `viewer` hears of an event.
pub fn wants(event: &Event, viewer: &UserId, echo: Echo) -> bool {
    match event {
        Event::Said { line, .. } => echo == Echo::On || line.sender != *viewer,
        Event::Retaken { user, .. } => user != viewer,
        Event::Seated { .. }
        | Event::Typing { .. }
        | Event::Resumed { .. }
        | Event::Ended { .. }
        | Event::LoginOver { .. }
        | Event::TokenEnding { .. }
        | Event::TokenOver
        | Event::Counted(_) => true,
        Event::Superseded => false,
    }
}

/// The packets of an event for a socket of `viewer`, in order. The last one carries the bookmark, as the last argument:
/// clients of connection state recovery bring it back.
pub fn encode(event: &Event, viewer: &UserId, bookmarks: Bookmarks) -> Vec<Frame> {
    let packets = packets(event, viewer);
    let mark = event.bookmark().filter(|_| bookmarks == Bookmarks::On);
    let last = packets.len().saturating_sub(1);
    let frame = |(at, (name, payload)): (usize, (&'static str, Payload<'_>))| match mark {
        Some(mark) if at == last => Frame::marked_event("/", name, &payload, &mark.to_string()),
        _ => Frame::event("/", name, &payload),
    };
    packets.into_iter().enumerate().map(frame).collect()
}

/// What a packet carries.
#[derive(Serialize)]
#[serde(untagged)]
enum Payload<'a> {
    /// A line: so frequent that it is written straight from what it is made of.
    Line(Message<'a>),
    Any(Value),
}

fn packets<'a>(event: &'a Event, viewer: &UserId) -> Vec<(&'static str, Payload<'a>)> {
    let any = |(name, value)| (name, Payload::Any(value));
    match event {
        Event::Seated {
            room,
            kind: RoomKind::Text,
            people,
            ..
        } => vec![any(matched(*room, people, viewer))],
        Event::Said {
            room,
            line,
            typing_ended,
        } => {
            let said = ("text_message_received", Payload::Line(Message::of(*room, line)));
            // Nobody is told of the end of their own typing.
            match *typing_ended && line.sender != *viewer {
                true => vec![any(typing(*room, &line.sender, Typing::Stopped, line.at.0)), said],
                false => vec![said],
            }
        }
        Event::Typing {
            room,
            user,
            typing: t,
            at,
        } => vec![any(typing(*room, user, *t, at.0))],
        Event::Retaken { user, .. } => vec![any(("text_partner_reconnected", json!({ "partnerId": user.shown() })))],
        Event::Resumed {
            room, people, lines, ..
        } => {
            let messages: Vec<_> = lines.iter().map(|line| Message::of(*room, line)).collect();
            let partner = partner_of(people, viewer).map(UserId::shown);
            vec![any((
                "text_reconnected",
                json!({ "roomId": room_id(*room), "partnerId": partner, "messages": messages }),
            ))]
        }
        Event::LoginOver { why, .. } => vec![any(login_over(*why))],
        Event::TokenEnding { until } => vec![any((
            "session_expiring",
            json!({ "code": "TOKEN_EXPIRING", "expiresAt": until.0 }),
        ))],
        Event::TokenOver => vec![any((
            "session_expired",
            json!({ "code": "TOKEN_EXPIRED", "message": "The token has expired" }),
        ))],
        Event::Ended { ending, .. } => ended(ending, viewer).into_iter().map(any).collect(),
        Event::Counted(c) => {
            vec![any((
                "mode-user-counts",
                json!({ "text": c.text, "audio": c.audio, "video": c.video }),
            ))]
        }
        // Its client hears that the connection is closed.
        Event::Superseded => Vec::new(),
    }
}

/// The packet before a socket is closed because its login has ended.
fn login_over(why: Why) -> (&'static str, Value) {
    match why {
        // The web app has words of its own for these two.
        Why::Replaced => (
            "connection_replaced",
            json!({ "code": "SESSION_REPLACED", "reason": why.as_str() }),
        ),
        Why::Ban => (
            "user_banned",
            json!({ "banned": true, "message": "This account is banned" }),
        ),
        Why::Logout | Why::Password | Why::Reuse | Why::Deleted => (
            "session_revoked",
            json!({ "code": "SESSION_ENDED", "reason": why.as_str() }),
        ),
    }
}

/// The packet that tells of a partner; also the answer to somebody who seeks and has one already.
pub(super) fn matched(room: RoomId, people: &[UserId], viewer: &UserId) -> (&'static str, Value) {
    (
        "text_match_found",
        json!({ "roomId": room_id(room), "partnerId": partner_of(people, viewer).map(UserId::shown) }),
    )
}

/// An id as this API writes it, without making a string of it first.
struct Prefixed<T>(&'static str, T);

impl<T: Display> Serialize for Prefixed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}{}", self.0, self.1))
    }
}

fn room_id(room: RoomId) -> Prefixed<RoomId> {
    Prefixed("text_room_", room)
}

/// A line, as packets show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    message_id: Prefixed<&'a MessageId>,
    room_id: Prefixed<RoomId>,
    sender_id: &'a str,
    content: &'a str,
    timestamp: u64,
    delivered: bool,
}

impl<'a> Message<'a> {
    fn of(room: RoomId, line: &'a Line) -> Self {
        Message {
            message_id: Prefixed("msg_", &line.message),
            room_id: room_id(room),
            sender_id: line.sender.shown(),
            content: &line.text,
            timestamp: line.at.0,
            delivered: true,
        }
    }
}

fn typing(room: RoomId, user: &UserId, typing: Typing, at: u64) -> (&'static str, Value) {
    let (name, is_typing) = match typing {
        Typing::Started => ("text_partner_typing", true),
        Typing::Stopped => ("text_partner_stopped_typing", false),
    };
    (
        name,
        json!({ "roomId": room_id(room), "userId": user.shown(), "isTyping": is_typing, "timestamp": at }),
    )
}

fn ended(ending: &Ending, viewer: &UserId) -> Vec<(&'static str, Value)> {
    let over = |reason: &str| ("text_room_ended", json!({ "reason": reason }));
    match ending {
        Ending::Left(by) if by == viewer => vec![over("user_left")],
        Ending::Left(_) => vec![over("partner_left")],
        Ending::Disconnected(_) => vec![over("partner_disconnected")],
        Ending::Timeout => vec![over("timeout")],
        Ending::Reported(by) if by == viewer => {
            vec![over("reported"), ("report_submitted", json!({ "success": true }))]
        }
        Ending::Reported(_) => vec![over("reported")],
        // The document has no word for it; clients that know this one act on it, and the detail says what really happened.
        Ending::Lost => {
            vec![(
                "text_room_ended",
                json!({ "reason": "partner_disconnected", "detail": "session_lost" }),
            )]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Millis;
    use crate::domain::presence::Counts;
    use crate::domain::room::Offset;

    const ROOM: &str = "00000000-0000-4000-8000-000000000001";

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    fn room() -> RoomId {
        RoomId::parse(ROOM).unwrap()
    }

    fn line(text: &str) -> Line {
        Line {
            offset: Offset { ms: 5, seq: 0 },
            sender: user("a"),
            message: MessageId::parse("5_abc").unwrap(),
            at: Millis(5),
            text: text.to_owned(),
        }
    }

    fn packets(event: &Event, viewer: &UserId) -> Vec<(&'static str, Value)> {
        let packets = super::packets(event, viewer).into_iter();
        packets.map(|(name, payload)| (name, json!(payload))).collect()
    }

    fn said(text: &str) -> Value {
        json!({
            "messageId": "msg_5_abc", "roomId": format!("text_room_{ROOM}"), "senderId": "a",
            "content": text, "timestamp": 5, "delivered": true,
        })
    }

    /// Every kind of event, one after the other.
    fn after(event: Option<&Event>) -> Option<Event> {
        let (room, at, people) = (room(), Millis(1), vec![user("a"), user("b")]);
        let offset = Offset { ms: 5, seq: 0 };
        Some(match event {
            None => Event::Seated {
                room,
                offset: Some(offset),
                kind: RoomKind::Text,
                people,
                at,
            },
            Some(Event::Seated { .. }) => Event::Said {
                room,
                line: line("hi"),
                typing_ended: true,
            },
            Some(Event::Said { .. }) => Event::Typing {
                room,
                user: user("a"),
                typing: Typing::Started,
                at,
            },
            Some(Event::Typing { .. }) => Event::Retaken {
                room,
                offset,
                user: user("a"),
                at,
            },
            Some(Event::Retaken { .. }) => Event::Resumed {
                room,
                kind: RoomKind::Text,
                people,
                lines: vec![line("hi")],
            },
            Some(Event::Resumed { .. }) => Event::Ended {
                room,
                offset: Some(offset),
                ending: Ending::Reported(user("a")),
                at,
            },
            Some(Event::Ended { .. }) => Event::Counted(Counts::default()),
            Some(Event::Counted(_)) => Event::LoginOver {
                logins: Vec::new(),
                why: Why::Ban,
            },
            Some(Event::LoginOver { .. }) => Event::TokenEnding { until: at },
            Some(Event::TokenEnding { .. }) => Event::TokenOver,
            Some(Event::TokenOver) => Event::Superseded,
            Some(Event::Superseded) => return None,
        })
    }

    /// Clients of connection state recovery take it for one, whatever it is; a name without arguments too.
    #[test]
    fn a_string_comes_last_only_where_it_is_a_bookmark() {
        for event in std::iter::successors(after(None), |event| after(Some(event))) {
            for (viewer, bookmarks) in [("a", Bookmarks::On), ("b", Bookmarks::On), ("a", Bookmarks::Off)] {
                let frames = encode(&event, &user(viewer), bookmarks);
                let last = frames.len().saturating_sub(1);
                for (at, frame) in frames.iter().enumerate() {
                    let packet = frame.entry();
                    let words: Vec<Value> = serde_json::from_str(packet.trim_start_matches("42")).unwrap();
                    let mark = words.last().unwrap().as_str().map(str::to_owned);
                    let expected = event.bookmark().filter(|_| bookmarks == Bookmarks::On && at == last);
                    assert_eq!(mark, expected.map(|mark| mark.to_string()), "{packet}");
                }
            }
        }
    }

    #[test]
    fn each_of_a_pair_is_told_the_other() {
        let event = Event::Seated {
            room: room(),
            offset: None,
            kind: RoomKind::Text,
            people: vec![user("a"), user("b")],
            at: Millis(1),
        };

        for (viewer, partner) in [("a", "b"), ("b", "a")] {
            let expected = json!({ "roomId": format!("text_room_{ROOM}"), "partnerId": partner });
            assert_eq!(packets(&event, &user(viewer)), [("text_match_found", expected)]);
        }
    }

    #[test]
    fn a_line_ends_the_typing_that_was_shown() {
        let event = |typing_ended| Event::Said {
            room: room(),
            line: line("hi"),
            typing_ended,
        };

        assert_eq!(
            packets(&event(false), &user("b")),
            [("text_message_received", said("hi"))]
        );
        let names: Vec<_> = packets(&event(true), &user("b")).into_iter().map(|p| p.0).collect();
        assert_eq!(names, ["text_partner_stopped_typing", "text_message_received"]);
        assert_eq!(
            packets(&event(true), &user("a")),
            [("text_message_received", said("hi"))]
        );
    }

    #[test]
    fn the_original_web_app_gets_no_echo_and_document_clients_do() {
        let event = Event::Said {
            room: room(),
            line: line("hi"),
            typing_ended: false,
        };

        assert!(wants(&event, &user("a"), Echo::On));
        assert!(!wants(&event, &user("a"), Echo::Off));
        assert!(wants(&event, &user("b"), Echo::Off));
    }

    #[test]
    fn every_ending_has_a_reason_for_each_of_both() {
        let by = || user("a");
        for (ending, for_a, for_b) in [
            (Ending::Left(by()), "user_left", "partner_left"),
            (
                Ending::Disconnected(by()),
                "partner_disconnected",
                "partner_disconnected",
            ),
            (Ending::Timeout, "timeout", "timeout"),
            (Ending::Reported(by()), "reported", "reported"),
            (Ending::Lost, "partner_disconnected", "partner_disconnected"),
        ] {
            for (viewer, reason) in [("a", for_a), ("b", for_b)] {
                let sent = ended(&ending, &user(viewer));
                assert_eq!(sent[0].1["reason"], reason, "{ending:?}");
                let confirmed = sent.iter().any(|p| p.0 == "report_submitted");
                assert_eq!(confirmed, viewer == "a" && matches!(ending, Ending::Reported(_)));
            }
        }
    }

    #[test]
    fn who_returns_gets_the_room_with_its_last_lines() {
        let people = vec![user("a"), user("b")];
        let event = Event::Resumed {
            room: room(),
            kind: RoomKind::Text,
            people,
            lines: vec![line("one")],
        };

        let expected = json!({ "roomId": format!("text_room_{ROOM}"), "partnerId": "a", "messages": [said("one")] });
        assert_eq!(packets(&event, &user("b")), [("text_reconnected", expected)]);
    }

    #[test]
    fn counts_are_per_mode() {
        let event = Event::Counted(Counts {
            online: 9,
            text: 1,
            audio: 2,
            video: 3,
        });

        let expected = json!({ "text": 1, "audio": 2, "video": 3 });
        assert_eq!(packets(&event, &user("a")), [("mode-user-counts", expected)]);
    }
}
