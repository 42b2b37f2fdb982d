//! One packet as a client may send it, and how its text is read.

use crate::domain::json;
use crate::wire::engineio::Malformed;
use bytes::Bytes;
use serde_json::{Map, Value};

/// Which call an acknowledgement answers; counted by whoever asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct AckId(pub u64);

impl AckId {
    /// Counters of browsers stop being exact after this.
    const MAX: u64 = (1 << 53) - 1;
}

/// Something a client says: a name and its arguments.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    pub name: String,
    pub args: Vec<Value>,
    /// What the placeholders in `args` stand for.
    pub attachments: Vec<Bytes>,
    /// Set when the client wants an answer.
    pub ack: Option<AckId>,
}

/// A client's answer to an event of ours that asked for one.
#[derive(Clone, PartialEq, Debug)]
pub struct Ack {
    pub id: AckId,
    pub args: Vec<Value>,
    pub attachments: Vec<Bytes>,
}

/// A packet from a client, with the namespace it is about.
#[derive(Clone, PartialEq, Debug)]
pub enum Packet {
    Connect {
        namespace: String,
        auth: Map<String, Value>,
    },
    Disconnect {
        namespace: String,
    },
    Event {
        namespace: String,
        event: Event,
    },
    Ack {
        namespace: String,
        ack: Ack,
    },
}

/// Names by which libraries tell their users about the connection itself; nobody may send them as events.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// Longest accepted name of a namespace.
const NAMESPACE_MAX: usize = 64;

/// A packet's text, read, and how many attachments are still to come.
pub(super) struct Head {
    pub packet: Packet,
    pub attachments: usize,
}

/// Reads the text of a packet.
pub(super) fn decode(text: &str) -> Result<Head, Malformed> {
    let kind = *text.as_bytes().first().ok_or(Malformed("empty packet"))?;
    let rest = text.get(1..).ok_or(Malformed("unknown packet type"))?;
    let (attachments, rest) = match kind {
        b'5' | b'6' => {
            let (count, rest) = rest.split_once('-').ok_or(Malformed("no attachment count"))?;
            (number(count)? as usize, rest)
        }
        _ => (0, rest),
    };
    let (namespace, rest) = take_namespace(rest)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (id, json) = rest.split_at(digits);
    let id = if id.is_empty() { None } else { Some(AckId(number(id)?)) };
    let packet = match kind {
        b'0' if id.is_none() => Packet::Connect {
            namespace,
            auth: auth(json)?,
        },
        b'1' if id.is_none() && json.is_empty() => Packet::Disconnect { namespace },
        b'2' | b'5' => Packet::Event {
            namespace,
            event: event(json, id)?,
        },
        b'3' | b'6' => Packet::Ack {
            namespace,
            ack: Ack {
                id: id.ok_or(Malformed("acknowledgement without id"))?,
                args: array(json)?,
                attachments: Vec::new(),
            },
        },
        b'4' => return Err(Malformed("connect error from a client")),
        b'0' | b'1' => return Err(Malformed("id where none belongs")),
        _ => return Err(Malformed("unknown packet type")),
    };
    Ok(Head { packet, attachments })
}

/// `/name,rest`, `/name` or nothing, which is the main namespace. A query after `?` is history and dropped.
fn take_namespace(text: &str) -> Result<(String, &str), Malformed> {
    if !text.starts_with('/') {
        return Ok(("/".to_owned(), text));
    }
    let (full, rest) = text.split_once(',').unwrap_or((text, ""));
    let name = full.split_once('?').map_or(full, |(name, _)| name);
    if name.len() > NAMESPACE_MAX || name.chars().any(char::is_control) {
        return Err(Malformed("bad namespace"));
    }
    Ok((name.to_owned(), rest))
}

fn number(digits: &str) -> Result<u64, Malformed> {
    let plain = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
    plain
        .then(|| digits.parse().ok().filter(|n| *n <= AckId::MAX))
        .flatten()
        .ok_or(Malformed("bad number"))
}

fn auth(json: &str) -> Result<Map<String, Value>, Malformed> {
    if json.is_empty() {
        return Ok(Map::new());
    }
    json::read(json).map_err(|_| Malformed("auth is not an object"))
}

fn array(json: &str) -> Result<Vec<Value>, Malformed> {
    json::read(json).map_err(|_| Malformed("arguments are not an array"))
}

fn event(json: &str, ack: Option<AckId>) -> Result<Event, Malformed> {
    let mut args = array(json)?;
    if args.is_empty() {
        return Err(Malformed("event without a name"));
    }
    let name = match args.remove(0) {
        Value::String(name) if !RESERVED.contains(&name.as_str()) => name,
        Value::Number(number) => number.to_string(),
        _ => return Err(Malformed("bad event name")),
    };
    Ok(Event {
        name,
        args,
        attachments: Vec::new(),
        ack,
    })
}
