//! What nodes tell each other about polling sessions, as it stands in an inbox.

use crate::clock::Millis;
use crate::domain::recovery::Bookmark;
use crate::ids::SessionId;

/// Between the fields of a signal.
const FIELD: char = '\u{1f}';

/// Between packets of one signal, as in the payload of a poll.
const PACKET: char = '\u{1e}';

/// A namespace that was joined: what the next holder must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    pub namespace: String,
    pub sid: String,
    pub passport: String,
    /// Up to where its client has heard when it has all that the record has.
    pub heard: Option<Bookmark>,
}

impl Carried {
    /// As the record has it, under the namespace's field.
    pub(super) fn value(&self) -> String {
        format!("{}{FIELD}{}", self.sid, self.passport)
    }

    /// The bookmark as the record has it, or nothing.
    pub(super) fn mark(&self) -> String {
        self.heard.map(|heard| heard.to_string()).unwrap_or_default()
    }

    /// All of it.
    pub(super) fn text(&self) -> String {
        format!("{}{FIELD}{}{FIELD}{}", self.namespace, self.value(), self.mark())
    }

    /// Whether both are of one socket, which may have heard more in between.
    pub fn is_same_socket(&self, other: &Carried) -> bool {
        (&self.namespace, &self.sid, &self.passport) == (&other.namespace, &other.sid, &other.passport)
    }
}

fn take<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<Carried> {
    Some(Carried {
        namespace: fields.next()?.to_owned(),
        sid: fields.next()?.to_owned(),
        passport: fields.next()?.to_owned(),
        heard: Bookmark::parse(fields.next()?),
    })
}

/// Something that this node must know about a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionSignal {
    /// A poll that waits here should ask again.
    Wake { token: String },
    /// The client posted messages.
    Push {
        sid: SessionId,
        epoch: u64,
        number: u64,
        body: String,
    },
    /// The client answered a ping.
    Pong { sid: SessionId, epoch: u64 },
    /// This node owns the session now.
    Adopt {
        sid: SessionId,
        epoch: u64,
        dead: Millis,
        joined: Vec<Carried>,
    },
    /// Another node owns the session now: this one seemed dead.
    Taken { sid: SessionId, epoch: u64 },
    /// A WebSocket carries the session now, maybe on another node.
    Moved { sid: SessionId, epoch: u64 },
    /// Packets of the owner of before, for the WebSocket here.
    Routed { sid: SessionId, entries: Vec<String> },
    /// The owner of before has nothing more to say.
    Handed {
        sid: SessionId,
        joined: Vec<Carried>,
        leftover: Vec<String>,
    },
    /// The session has ended.
    Over { sid: SessionId, epoch: u64, why: String },
}

impl SessionSignal {
    /// Reads a signal; `None` for what no version of us writes.
    pub fn decode(payload: &str) -> Option<SessionSignal> {
        let (kind, rest) = payload.split_once(FIELD)?;
        let (sid, rest) = rest.split_once(FIELD)?;
        let sid = SessionId::parse(sid)?;
        let epoch = |text: &str| text.parse::<u64>().ok();
        Some(match kind {
            "wake" => SessionSignal::Wake { token: rest.to_owned() },
            "push" => {
                let (of, rest) = rest.split_once(FIELD)?;
                let (number, body) = rest.split_once(FIELD)?;
                SessionSignal::Push {
                    sid,
                    epoch: epoch(of)?,
                    number: number.parse().ok()?,
                    body: body.to_owned(),
                }
            }
            "pong" => SessionSignal::Pong {
                sid,
                epoch: epoch(rest)?,
            },
            "adopt" => {
                let mut fields = rest.split(FIELD);
                let (of, dead) = (epoch(fields.next()?)?, Millis(fields.next()?.parse().ok()?));
                let joined = std::iter::from_fn(|| take(&mut fields)).collect();
                SessionSignal::Adopt {
                    sid,
                    epoch: of,
                    dead,
                    joined,
                }
            }
            "taken" => SessionSignal::Taken {
                sid,
                epoch: epoch(rest)?,
            },
            "moved" => SessionSignal::Moved {
                sid,
                epoch: epoch(rest)?,
            },
            "routed" => {
                let entries = rest.split(PACKET).map(str::to_owned).collect();
                SessionSignal::Routed { sid, entries }
            }
            "handed" => handed(sid, rest)?,
            "over" => {
                let (of, why) = rest.split_once(FIELD)?;
                SessionSignal::Over {
                    sid,
                    epoch: epoch(of)?,
                    why: why.to_owned(),
                }
            }
            _ => return None,
        })
    }
}

/// The number of namespaces, each in four fields, then messages of a half received packet: the first may hold anything,
/// the others are base64.
fn handed(sid: SessionId, rest: &str) -> Option<SessionSignal> {
    let (count, mut rest) = rest.split_once(FIELD).unwrap_or((rest, ""));
    let mut joined = Vec::new();
    for _ in 0..count.parse::<usize>().ok()? {
        let mut fields = rest.splitn(5, FIELD);
        joined.push(take(&mut fields)?);
        rest = fields.next().unwrap_or("");
    }
    let leftover = rest
        .split(PACKET)
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect();
    Some(SessionSignal::Handed { sid, joined, leftover })
}
