//! Something to send, encoded once for everyone who gets it.
//!
//! A frame is a complete WebSocket frame of a server (unmasked, unfragmented) around an Engine.IO packet. A WebSocket
//! is given all of it; an answer to a poll is made from what is inside.

use super::engineio::{Message, push_entry};
use super::socketio;
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PONG: u8 = 0x8a;

/// One encoded packet. Cloning shares it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    wire: Bytes,
    /// Where the packet begins in `wire`.
    head: u8,
}

impl Frame {
    /// An event with one argument: `name` and `payload`, for sockets of `namespace`.
    pub fn event(namespace: &str, name: &str, payload: &impl Serialize) -> Frame {
        Frame::message(&socketio::event(namespace, name, &[payload], 0, None))
    }

    /// An event with one argument and, after it, up to where its client has heard then.
    pub fn marked_event(namespace: &str, name: &str, payload: &impl Serialize, mark: &str) -> Frame {
        Frame::message(&socketio::marked_event(namespace, name, payload, mark))
    }

    /// An event with any number of arguments and attachments, which follow it as frames of their own.
    pub fn event_of(namespace: &str, name: &str, args: &[Value], attachments: &[Bytes]) -> Vec<Frame> {
        let text = socketio::event(namespace, name, args, attachments.len(), None);
        Frame::with_attachments(&text, attachments)
    }

    /// A Socket.IO packet and the attachments that follow it.
    pub(super) fn with_attachments(text: &str, attachments: &[Bytes]) -> Vec<Frame> {
        let attachments = attachments.iter().map(|bytes| Frame::binary(bytes));
        std::iter::once(Frame::message(text)).chain(attachments).collect()
    }

    /// An Engine.IO message of text.
    pub fn message(text: &str) -> Frame {
        Frame::build(TEXT, &[b"4", text.as_bytes()])
    }

    /// An Engine.IO message of bytes.
    pub fn binary(bytes: &[u8]) -> Frame {
        Frame::build(BINARY, &[bytes])
    }

    /// An Engine.IO packet that is no message: open, ping, pong, noop, close.
    pub(super) fn packet(text: &str) -> Frame {
        Frame::build(TEXT, &[text.as_bytes()])
    }

    /// The answer to a ping of the WebSocket layer. Longer content is not answered: the protocol has none.
    pub(super) fn pong(content: &[u8]) -> Frame {
        Frame::build(PONG, &[&content[..content.len().min(125)]])
    }

    /// The end of a WebSocket.
    pub(super) fn close(code: u16, reason: &str) -> Frame {
        Frame::build(CLOSE, &[&code.to_be_bytes(), reason.as_bytes()])
    }

    /// The same without a code: the answer to one that has none.
    pub(super) fn bare_close() -> Frame {
        Frame::build(CLOSE, &[])
    }

    /// Takes an entry of a polling payload, as [`Frame::entry`] wrote it.
    pub(super) fn from_entry(entry: &str) -> Option<Frame> {
        if !entry.starts_with('b') {
            return Some(Frame::packet(entry));
        }
        let mut packets = super::engineio::decode_payload(entry, 1).ok()?;
        match packets.pop()? {
            super::engineio::Packet::Message(Message::Binary(bytes)) => Some(Frame::binary(&bytes)),
            _ => None,
        }
    }

    fn build(opcode: u8, parts: &[&[u8]]) -> Frame {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let mut wire = Vec::with_capacity(len + 10);
        wire.push(opcode);
        if len < 126 {
            wire.push(len as u8);
        } else if len <= usize::from(u16::MAX) {
            wire.push(126);
            wire.extend_from_slice(&(len as u16).to_be_bytes());
        } else {
            wire.push(127);
            wire.extend_from_slice(&(len as u64).to_be_bytes());
        }
        let head = wire.len() as u8;
        for part in parts {
            wire.extend_from_slice(part);
        }
        Frame {
            wire: Bytes::from(wire),
            head,
        }
    }

    /// All of it, for a WebSocket.
    pub(super) fn wire(&self) -> &Bytes {
        &self.wire
    }

    /// The packet inside.
    pub fn packet_bytes(&self) -> &[u8] {
        &self.wire[usize::from(self.head)..]
    }

    /// The packet as an entry of a polling payload.
    pub fn entry(&self) -> String {
        if self.wire[0] == BINARY {
            let mut entry = String::new();
            push_entry(
                &mut entry,
                &Message::Binary(Bytes::copy_from_slice(self.packet_bytes())),
            );
            return entry;
        }
        String::from_utf8_lossy(self.packet_bytes()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_frame_serves_a_websocket_whole_and_a_poll_by_its_inside() {
        let frame = Frame::event("/", "hello", &json!({"a": 1}));

        assert_eq!(&frame.wire()[..2], [0x81, 19]);
        assert_eq!(frame.entry(), r#"42["hello",{"a":1}]"#);
        assert_eq!(Frame::from_entry(&frame.entry()), Some(frame));
    }

    #[test]
    fn a_binary_frame_is_base64_in_a_poll() {
        let frame = Frame::binary(&[1, 2, 3, 4]);

        assert_eq!(frame.entry(), "bAQIDBA==");
        assert_eq!(Frame::from_entry("bAQIDBA=="), Some(frame));
    }

    #[test]
    fn lengths_are_written_in_the_shortest_form() {
        for (len, head) in [(125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            assert_eq!(Frame::binary(&vec![0; len]).wire().len(), len + head);
        }
    }
}
