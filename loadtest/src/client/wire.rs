//! One connection to a server, whichever way its bytes go.

use super::polling::Polling;
use super::stream::Stream;
use super::web::Web;
use std::io;
use std::ops::Range;

/// Which of the sockets of a connection: a WebSocket has one, polling has another one for what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Main,
    Post,
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

/// How to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    WebSocket,
    Polling,
}

pub(crate) enum Wire {
    Web(Web),
    /// Boxed: it is several times as large, and WebSockets are what there are many of.
    Polling(Box<Polling>),
}

impl Wire {
    pub(crate) fn new(transport: Transport, host: &str, path: &str) -> Self {
        match transport {
            Transport::WebSocket => Self::Web(Web::new(host, path)),
            Transport::Polling => Self::Polling(Box::new(Polling::new(host, path))),
        }
    }

    /// The socket that is to be dialled now.
    pub(crate) fn lacks(&self) -> Option<Lane> {
        match self {
            Self::Web(web) => web.lacks().then_some(Lane::Main),
            Self::Polling(polling) => polling.lacks(),
        }
    }

    /// Takes a socket that is being dialled.
    pub(crate) fn give(&mut self, lane: Lane, stream: Stream) -> io::Result<()> {
        match self {
            Self::Web(web) => web.give(stream),
            Self::Polling(polling) => polling.give(lane, stream),
        }
    }

    pub(crate) fn stream(&mut self, lane: Lane) -> Option<&mut Stream> {
        match self {
            Self::Web(web) => web.stream(),
            Self::Polling(polling) => polling.stream(lane),
        }
    }

    /// The server said what it calls this session.
    pub(crate) fn opened(&mut self, sid: &str) {
        match self {
            Self::Web(_) => {}
            Self::Polling(polling) => polling.opened(sid),
        }
    }

    /// Sends a packet; what breaks is noticed when it is read from. `frame` is where a frame may be built.
    pub(crate) fn send(&mut self, frame: &mut Vec<u8>, packet: &[u8], mask: u32) {
        match self {
            Self::Web(web) => web.send(frame, packet, mask),
            Self::Polling(polling) => polling.send(packet),
        }
    }

    pub(crate) fn pong(&mut self, content: &[u8], mask: u32) {
        match self {
            Self::Web(web) => web.pong(content, mask),
            Self::Polling(_) => {}
        }
    }

    /// The other side closed a socket; whether that was all.
    pub(crate) fn hung_up(&mut self, lane: Lane) -> Result<(), String> {
        match self {
            Self::Web(_) => Err("the server hung up".to_owned()),
            Self::Polling(polling) => polling.hung_up(lane),
        }
    }

    /// Closes as a page does that is left.
    pub(crate) fn close(self, mask: u32) {
        match self {
            Self::Web(web) => web.close(mask),
            Self::Polling(polling) => polling.close(),
        }
    }

    /// Closes without a word.
    pub(crate) fn cut(self) {
        match self {
            Self::Web(web) => web.cut(),
            Self::Polling(polling) => polling.cut(),
        }
    }

    /// The piece that begins at `from`, and where the next begins; `None` while it is not all there.
    pub(crate) fn next(&mut self, lane: Lane, input: &[u8], from: usize) -> Result<Option<(Piece, usize)>, String> {
        match self {
            Self::Web(web) => web.next(input, from),
            Self::Polling(polling) => polling.next(lane, input, from),
        }
    }
}
