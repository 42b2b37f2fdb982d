//! One connection to a server over a WebSocket: from bytes to packets and back.

use super::stream::Stream;
use super::websocket::{self, Frame};
use std::io;
use std::ops::Range;

/// Where a connection stands.
enum Stage {
    /// Waits for the answer to the handshake.
    Shaking,
    Open,
}

pub(crate) struct Wire {
    stream: Stream,
    stage: Stage,
}

/// What the next bytes are.
pub(crate) enum Piece {
    /// A packet, at this place.
    Packet(Range<usize>),
    /// A ping of the WebSocket with its content.
    Ping(Range<usize>),
    /// Nothing to act on.
    Nothing,
    Closed,
}

impl Wire {
    /// Over a stream that is being connected.
    pub(crate) fn open(mut stream: Stream, host: &str, path: &str) -> io::Result<Self> {
        let path = format!("{path}?EIO=4&transport=websocket");
        stream.write(websocket::handshake(host, &path).as_bytes())?;
        Ok(Self {
            stream,
            stage: Stage::Shaking,
        })
    }

    pub(crate) fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    pub(crate) fn send(&mut self, frame: &mut Vec<u8>, packet: &[u8], mask: u32) -> io::Result<()> {
        frame.clear();
        websocket::push_text(frame, packet, mask);
        self.stream.write(frame)
    }

    pub(crate) fn pong(&mut self, frame: &mut Vec<u8>, content: &[u8], mask: u32) -> io::Result<()> {
        frame.clear();
        websocket::push_pong(frame, content, mask);
        self.stream.write(frame)
    }

    /// Closes as a page does that is left.
    pub(crate) fn close(mut self, mask: u32) {
        let mut frame = Vec::new();
        websocket::push_text(&mut frame, b"41", mask);
        websocket::push_close(&mut frame, mask);
        // Who cannot be told is gone already.
        let _ = self.stream.write(&frame);
    }

    /// Closes without a word.
    pub(crate) fn cut(self) {
        self.stream.reset();
    }

    /// The piece that begins at `from`, and where the next begins; `None` while it is not all there.
    pub(crate) fn next(&mut self, input: &[u8], from: usize) -> Result<Option<(Piece, usize)>, String> {
        match self.stage {
            Stage::Shaking => {
                let Some(end) = memchr::memmem::find(&input[from..], b"\r\n\r\n") else {
                    return Ok(None);
                };
                let head = String::from_utf8_lossy(&input[from..from + end]);
                let status = head.lines().next().unwrap_or_default();
                if !status.contains(" 101") {
                    return Err(format!("no WebSocket: {status}"));
                }
                self.stage = Stage::Open;
                Ok(Some((Piece::Nothing, from + end + 4)))
            }
            Stage::Open => Ok(websocket::next(input, from)?.map(|(frame, end)| {
                let piece = match frame {
                    Frame::Text(text) => Piece::Packet(text),
                    Frame::Ping(content) => Piece::Ping(content),
                    Frame::Binary | Frame::Pong => Piece::Nothing,
                    Frame::Close => Piece::Closed,
                };
                (piece, end)
            })),
        }
    }
}
