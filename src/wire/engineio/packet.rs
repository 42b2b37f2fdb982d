//! One packet as a client may send it.

use super::Malformed;
use bytes::Bytes;

/// What carries the layer above: text, or bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    Text(String),
    Binary(Bytes),
}

impl Message {
    /// Bytes of its content.
    pub fn len(&self) -> usize {
        match self {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A packet from a client. `open` is the server's alone, and so is a ping other than the probe of an upgrade.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Packet {
    Close,
    /// `2probe`, the first thing said on a WebSocket that wants to replace long-polling.
    Probe,
    Pong,
    Message(Message),
    Upgrade,
    Noop,
}

impl Packet {
    /// Reads a text packet: a digit, then its content.
    pub fn decode(text: &str) -> Result<Packet, Malformed> {
        let mut chars = text.chars();
        let kind = chars.next().ok_or(Malformed("empty packet"))?;
        match (kind, chars.as_str()) {
            ('1', "") => Ok(Packet::Close),
            ('2', "probe") => Ok(Packet::Probe),
            ('2', _) => Err(Malformed("heartbeat from the wrong side")),
            ('3', "") => Ok(Packet::Pong),
            ('4', content) => Ok(Packet::Message(Message::Text(content.to_owned()))),
            ('5', "") => Ok(Packet::Upgrade),
            ('6', "") => Ok(Packet::Noop),
            ('0', _) => Err(Malformed("open from a client")),
            ('1' | '3' | '5' | '6', _) => Err(Malformed("content where none belongs")),
            _ => Err(Malformed("unknown packet type")),
        }
    }
}
