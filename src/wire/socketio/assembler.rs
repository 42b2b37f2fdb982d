//! Putting together packets whose attachments arrive one by one.

use super::packet::{self, Packet};
use crate::wire::engineio::{Malformed, Message};
use bytes::Bytes;
use serde_json::Value;

/// What one packet may bring along.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub attachments: usize,
    /// Bytes of all attachments of one packet together.
    pub bytes: usize,
}

/// The packet under way, if any: at most one at a time, as the protocol has it.
#[derive(Default, Debug)]
pub struct Assembler {
    /// Boxed: nearly every connection never sees one.
    partial: Option<Box<Partial>>,
}

#[derive(Debug)]
struct Partial {
    /// The text it began with, kept so that another node can go on.
    text: String,
    packet: Packet,
    missing: usize,
    parts: Vec<Bytes>,
}

/// A half received packet on its way to another node.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Leftover(pub Vec<Message>);

impl Assembler {
    /// Takes the next message; a packet when it is complete.
    pub fn take(&mut self, message: Message, bounds: Bounds) -> Result<Option<Packet>, Malformed> {
        match (message, self.partial.take()) {
            (Message::Text(text), None) => self.begin(text, bounds),
            (Message::Binary(bytes), Some(partial)) => self.add(bytes, partial, bounds),
            (Message::Text(_), Some(_)) => Err(Malformed("text where an attachment belongs")),
            (Message::Binary(_), None) => Err(Malformed("attachment of nothing")),
        }
    }

    /// Gives up what is half received, as the messages it came in.
    pub fn leave(&mut self) -> Leftover {
        let Some(partial) = self.partial.take() else {
            return Leftover::default();
        };
        let parts = partial.parts.into_iter().map(Message::Binary);
        Leftover(std::iter::once(Message::Text(partial.text)).chain(parts).collect())
    }

    fn begin(&mut self, text: String, bounds: Bounds) -> Result<Option<Packet>, Malformed> {
        let head = packet::decode(&text)?;
        if head.attachments > bounds.attachments {
            return Err(Malformed("too many attachments"));
        }
        if !placeholders_within(args(&head.packet), head.attachments) {
            return Err(Malformed("placeholder of nothing"));
        }
        if head.attachments == 0 {
            return Ok(Some(head.packet));
        }
        self.partial = Some(Box::new(Partial {
            text,
            packet: head.packet,
            missing: head.attachments,
            parts: Vec::new(),
        }));
        Ok(None)
    }

    fn add(&mut self, bytes: Bytes, mut partial: Box<Partial>, bounds: Bounds) -> Result<Option<Packet>, Malformed> {
        let held: usize = partial.parts.iter().map(Bytes::len).sum();
        if held + bytes.len() > bounds.bytes {
            return Err(Malformed("attachments too large"));
        }
        partial.parts.push(bytes);
        partial.missing -= 1;
        if partial.missing > 0 {
            self.partial = Some(partial);
            return Ok(None);
        }
        let mut packet = partial.packet;
        match &mut packet {
            Packet::Event { event, .. } => event.attachments = partial.parts,
            Packet::Ack { ack, .. } => ack.attachments = partial.parts,
            Packet::Connect { .. } | Packet::Disconnect { .. } => {}
        }
        Ok(Some(packet))
    }
}

fn args(packet: &Packet) -> &[Value] {
    match packet {
        Packet::Event { event, .. } => &event.args,
        Packet::Ack { ack, .. } => &ack.args,
        Packet::Connect { .. } | Packet::Disconnect { .. } => &[],
    }
}

/// Whether every placeholder points at an attachment. The nesting of JSON is bounded by its parser, and so is this.
fn placeholders_within(args: &[Value], attachments: usize) -> bool {
    args.iter().all(|value| match value {
        Value::Array(items) => placeholders_within(items, attachments),
        Value::Object(fields) if fields.get("_placeholder") == Some(&Value::Bool(true)) => fields
            .get("num")
            .and_then(Value::as_u64)
            .is_some_and(|num| num < attachments as u64),
        Value::Object(fields) => fields
            .values()
            .all(|value| placeholders_within(std::slice::from_ref(value), attachments)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    })
}
