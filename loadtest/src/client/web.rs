//! A connection over a WebSocket: from bytes to packets and back.

use super::stream::Stream;
use super::websocket::{self, Frame};
use super::wire::Piece;
use std::io;

/// Where a connection stands.
enum Stage {
    /// Not dialled yet; this is what to ask for.
    Asking(String),
    /// Waits for the answer to the handshake.
    Shaking,
    Open,
}

pub(crate) struct Web {
    stream: Option<Stream>,
    stage: Stage,
}

impl Web {
    pub(crate) fn new(host: &str, path: &str) -> Self {
        let path = format!("{path}?EIO=4&transport=websocket");
        Self {
            stream: None,
            stage: Stage::Asking(websocket::handshake(host, &path)),
        }
    }

    pub(crate) fn lacks(&self) -> bool {
        self.stream.is_none()
    }

    pub(crate) fn give(&mut self, mut stream: Stream) -> io::Result<()> {
        if let Stage::Asking(handshake) = &self.stage {
            stream.write(handshake.as_bytes())?;
        }
        (self.stream, self.stage) = (Some(stream), Stage::Shaking);
        Ok(())
    }

    pub(crate) fn stream(&mut self) -> Option<&mut Stream> {
        self.stream.as_mut()
    }

    fn write(&mut self, frame: &[u8]) {
        if let Some(stream) = &mut self.stream {
            // The kernel tells of a broken connection when it is read from, which it makes us do at once.
            let _ = stream.write(frame);
        }
    }

    pub(crate) fn send(&mut self, frame: &mut Vec<u8>, packet: &[u8], mask: u32) {
        frame.clear();
        websocket::push_text(frame, packet, mask);
        self.write(frame);
    }

    pub(crate) fn pong(&mut self, content: &[u8], mask: u32) {
        let mut frame = Vec::new();
        websocket::push_pong(&mut frame, content, mask);
        self.write(&frame);
    }

    pub(crate) fn close(mut self, mask: u32) {
        let mut frame = Vec::new();
        websocket::push_text(&mut frame, b"41", mask);
        websocket::push_close(&mut frame, mask);
        self.write(&frame);
    }

    pub(crate) fn cut(self) {
        self.stream.into_iter().for_each(Stream::reset);
    }

    pub(crate) fn next(&mut self, input: &[u8], from: usize) -> Result<Option<(Piece, usize)>, String> {
        if let Stage::Open = self.stage {
            return Ok(websocket::next(input, from)?.map(|(frame, end)| (piece(frame), end)));
        }
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
}

fn piece(frame: Frame) -> Piece {
    match frame {
        Frame::Text(text) => Piece::Packet(text),
        Frame::Ping(content) => Piece::Ping(content),
        Frame::Binary | Frame::Pong => Piece::Nothing,
        Frame::Close => Piece::Closed,
    }
}
