//! Notices: what scripts put into inboxes, read back into events.
//!
//! A notice is fields separated by U+001F, which no id and no line can contain: whom it is for, what happened, then what
//! belongs to it. `rooms/*.lua` and `logins/*.lua` write them.

use crate::clock::Millis;
use crate::domain::account::Why;
use crate::domain::event::{Audience, Event, Typing};
use crate::domain::presence::Counts;
use crate::domain::room::{Ending, Line, Offset, RoomKind};
use crate::error::Fault;
use crate::ids::{LoginId, MessageId, NodeId, RoomId, SocketId, UserId};

const SEPARATOR: char = '\u{1f}';

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whom it is for; of these, the ones on this node.
    pub to: Audience,
    /// What happened.
    pub event: Event,
    /// For a new pair: where the script believed its sockets to be.
    pub places: Vec<Place>,
}

/// A socket on a node, as seats hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The node.
    pub node: NodeId,
    /// The socket.
    pub socket: SocketId,
}

/// Reads one notice.
pub fn decode(payload: &str) -> Result<Notice, Fault> {
    let mut fields = Fields(payload.split(SEPARATOR));
    read(&mut fields).ok_or_else(|| {
        let kind = payload.split(SEPARATOR).nth(1).unwrap_or_default();
        Fault::new("notice", format!("cannot read a notice of kind {kind:?}"))
    })
}

/// Reads an entry of a room's log: a notice that is for whoever asked.
pub(super) fn decode_entry(entry: &str) -> Result<Event, Fault> {
    let mut fields = Fields(entry.split(SEPARATOR));
    let event = read_event(&mut fields).map(|(event, _)| event);
    event.ok_or_else(|| Fault::new("room log", "cannot read an entry"))
}

struct Fields<'a>(std::str::Split<'a, char>);

impl<'a> Fields<'a> {
    fn text(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    fn user(&mut self) -> Option<UserId> {
        UserId::parse(self.text()?)
    }

    fn room(&mut self) -> Option<RoomId> {
        RoomId::parse(self.text()?)
    }

    fn at(&mut self) -> Option<Millis> {
        self.text()?.parse().ok().map(Millis)
    }

    fn people(&mut self) -> Option<Vec<UserId>> {
        self.text()?.split_ascii_whitespace().map(UserId::parse).collect()
    }

    fn logins(&mut self) -> Option<Vec<LoginId>> {
        self.text()?.split_ascii_whitespace().map(LoginId::parse).collect()
    }

    fn number(&mut self) -> Option<u64> {
        self.text()?.parse().ok()
    }

    fn offset(&mut self) -> Option<Offset> {
        Offset::parse(self.text()?)
    }

    fn line(&mut self) -> Option<Line> {
        Some(Line {
            offset: self.offset()?,
            sender: self.user()?,
            message: MessageId::parse(self.text()?)?,
            at: self.at()?,
            text: self.text()?.to_owned(),
        })
    }
}

fn audience(text: &str) -> Option<Audience> {
    match text.strip_prefix('@') {
        Some(socket) => SocketId::parse(socket).map(Audience::Socket),
        None => text
            .split_ascii_whitespace()
            .map(UserId::parse)
            .collect::<Option<_>>()
            .map(Audience::Users),
    }
}

pub(super) fn places(text: &str) -> Option<Vec<Place>> {
    let place = |text: &str| {
        let (node, socket) = text.split_once('/')?;
        Some(Place {
            node: NodeId::parse(node)?,
            socket: SocketId::parse(socket)?,
        })
    };
    text.split_ascii_whitespace().map(place).collect()
}

fn read(fields: &mut Fields<'_>) -> Option<Notice> {
    let to = audience(fields.text()?)?;
    let (event, places) = read_event(fields)?;
    Some(Notice { to, event, places })
}

/// What happened, and for a new pair where its sockets were.
fn read_event(fields: &mut Fields<'_>) -> Option<(Event, Vec<Place>)> {
    let kind = fields.text()?;
    if kind == "superseded" {
        return Some((Event::Superseded, Vec::new()));
    }
    if kind == "login_over" {
        let (why, logins) = (Why::parse(fields.text()?)?, fields.logins()?);
        return Some((Event::LoginOver { logins, why }, Vec::new()));
    }
    let room = fields.room()?;
    let mut found = Vec::new();
    let event = match kind {
        "seated" => {
            let event = Event::Seated {
                room,
                offset: Some(fields.offset()?),
                kind: RoomKind::parse(fields.text()?)?,
                people: fields.people()?,
                at: fields.at()?,
            };
            // An entry of the log does not say; sockets have moved on since.
            found = places(fields.text().unwrap_or_default())?;
            event
        }
        "said" => {
            let typing_ended = fields.text()? == "typed";
            Event::Said {
                room,
                line: fields.line()?,
                typing_ended,
            }
        }
        "typing" => {
            let user = fields.user()?;
            let typing = match fields.text()? {
                "on" => Typing::Started,
                "off" => Typing::Stopped,
                _ => return None,
            };
            Event::Typing {
                room,
                user,
                typing,
                at: fields.at()?,
            }
        }
        "retaken" => Event::Retaken {
            room,
            offset: fields.offset()?,
            user: fields.user()?,
            at: fields.at()?,
        },
        "resumed" => {
            let (kind, people) = (RoomKind::parse(fields.text()?)?, fields.people()?);
            let lines = (0..fields.number()?).map(|_| fields.line()).collect::<Option<_>>()?;
            Event::Resumed {
                room,
                kind,
                people,
                lines,
            }
        }
        "ended" => {
            let offset = Some(fields.offset()?);
            let (why, by) = (fields.text()?, fields.text()?);
            Event::Ended {
                room,
                offset,
                ending: Ending::parse(why, by)?,
                at: fields.at()?,
            }
        }
        _ => return None,
    };
    Some((event, found))
}

/// Reads what a shard published on its topic.
pub fn decode_counts(payload: &str) -> Result<Counts, Fault> {
    let mut fields = Fields(payload.split(SEPARATOR));
    let mut read = || {
        (fields.text()? == "counts").then_some(())?;
        let [online, text, audio, video] = [fields.number()?, fields.number()?, fields.number()?, fields.number()?];
        Some(Counts {
            online,
            text,
            audio,
            video,
        })
    };
    read().ok_or_else(|| Fault::new("notice", "cannot read an entry of the topic"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_its_text_and_its_audience() {
        let room = RoomId::fresh(crate::ids::Shard(0));
        let payload =
            format!("a b\u{1f}said\u{1f}{room}\u{1f}typed\u{1f}7-1\u{1f}a\u{1f}7_x\u{1f}7\u{1f}two words, \u{e9}");

        let notice = decode(&payload).unwrap();

        assert_eq!(
            notice.to,
            Audience::Users(vec![UserId::parse("a").unwrap(), UserId::parse("b").unwrap()])
        );
        let Event::Said { line, typing_ended, .. } = notice.event else {
            panic!("{:?}", notice.event)
        };
        assert!(typing_ended);
        assert_eq!(
            (line.text.as_str(), line.offset),
            ("two words, \u{e9}", Offset { ms: 7, seq: 1 })
        );
    }

    #[test]
    fn what_nobody_writes_is_a_fault_not_a_panic() {
        for payload in [
            "",
            "a",
            "a\u{1f}said",
            "a\u{1f}sung\u{1f}x",
            "@\u{1f}ended\u{1f}x\u{1f}left",
        ] {
            assert!(decode(payload).is_err(), "{payload:?}");
        }
        assert!(decode_counts("counts\u{1f}1").is_err());
    }
}
