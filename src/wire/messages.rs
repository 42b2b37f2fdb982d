//! WebSocket messages out of WebSocket frames: fragments collected under one cap, control frames sorted out.

use super::connection::End;
use super::frame::Frame;
use bytes::{Bytes, BytesMut};
use fastwebsockets::{CloseCode, OpCode, WebSocketError};

/// What a frame meant.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Heard {
    Text(String),
    Binary(Bytes),
    /// To be sent back.
    Reply(Frame),
    Nothing,
    /// The peer closes.
    Over(End),
}

/// The message under way.
#[derive(Debug)]
pub(super) struct Messages {
    max: usize,
    opcode: Option<OpCode>,
    parts: BytesMut,
}

impl Messages {
    /// Messages of at most `max` bytes, however many frames they come in.
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            opcode: None,
            parts: BytesMut::new(),
        }
    }

    /// The next frame, unmasked.
    pub(super) fn take(&mut self, frame: &fastwebsockets::Frame<'_>) -> Heard {
        match (frame.opcode, self.opcode) {
            (OpCode::Ping, _) => Heard::Reply(Frame::pong(&frame.payload)),
            (OpCode::Pong, _) => Heard::Nothing,
            (OpCode::Close, _) => Heard::Over(closed(&frame.payload)),
            (OpCode::Continuation, None) => Heard::Over(End::Malformed("continuation of nothing")),
            (OpCode::Text | OpCode::Binary, Some(_)) => Heard::Over(End::Malformed("message within a message")),
            (OpCode::Text | OpCode::Binary, None) if frame.fin => whole(frame.opcode, &frame.payload),
            (OpCode::Text | OpCode::Binary, None) => {
                self.opcode = Some(frame.opcode);
                self.add(frame)
            }
            (OpCode::Continuation, Some(_)) => self.add(frame),
        }
    }

    fn add(&mut self, frame: &fastwebsockets::Frame<'_>) -> Heard {
        if self.parts.len() + frame.payload.len() > self.max {
            return Heard::Over(End::TooLarge);
        }
        self.parts.extend_from_slice(&frame.payload);
        match self.opcode {
            Some(opcode) if frame.fin => {
                self.opcode = None;
                whole(opcode, &std::mem::take(&mut self.parts))
            }
            _ => Heard::Nothing,
        }
    }
}

fn whole(opcode: OpCode, payload: &[u8]) -> Heard {
    if opcode == OpCode::Binary {
        return Heard::Binary(Bytes::copy_from_slice(payload));
    }
    match std::str::from_utf8(payload) {
        Ok(text) => Heard::Text(text.to_owned()),
        Err(_) => Heard::Over(End::NotText),
    }
}

/// What a close frame means (RFC 6455, 5.5.1 and 7.4).
fn closed(payload: &[u8]) -> End {
    match payload {
        [] => End::Closed(None),
        [high, low, reason @ ..] => match u16::from_be_bytes([*high, *low]) {
            code if !CloseCode::from(code).is_allowed() => End::Malformed("bad close code"),
            _ if std::str::from_utf8(reason).is_err() => End::NotText,
            code => End::Closed(Some(code)),
        },
        [_] => End::Malformed("half a close code"),
    }
}

/// What a failed read means for the connection.
pub(super) fn failed(error: &WebSocketError) -> End {
    match error {
        WebSocketError::IoError(error) => {
            let violation = error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<super::stream::Violation>());
            match violation {
                Some(super::stream::Violation::TooLarge) => End::TooLarge,
                Some(super::stream::Violation::Unmasked) => End::Malformed("unmasked frame"),
                Some(super::stream::Violation::LongControl) => End::Malformed("control frame too long"),
                None => End::Cut,
            }
        }
        WebSocketError::InvalidUTF8 => End::NotText,
        WebSocketError::FrameTooLarge => End::TooLarge,
        WebSocketError::UnexpectedEOF | WebSocketError::ConnectionClosed => End::Cut,
        _ => End::Malformed("bad frame"),
    }
}
