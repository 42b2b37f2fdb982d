//! What waits to be sent on one connection.
//!
//! On a WebSocket, whoever has a frame writes it straight to the stream; what the kernel does not take waits here,
//! in order, for the connection's task. A polling session has no stream: all of it waits for the task that carries it
//! to Redis. Either way the bytes are bounded, and a reader that falls behind loses its connection.

use super::frame::Frame;
use super::stream::Stream;
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The outgoing side of a connection.
#[derive(Debug)]
pub(super) struct Outbox {
    stream: Option<Arc<Stream>>,
    waiting: Mutex<Waiting>,
    /// Told when something waits, and when the connection ends.
    pub(super) wake: Notify,
    cap: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Frame>,
    /// What is left of a frame that the kernel took in part.
    rest: Bytes,
    bytes: usize,
    /// The last frame is in.
    closed: bool,
}

/// Why a frame was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unsent {
    /// More waits than may.
    Full,
    /// The peer is gone.
    Broken,
}

impl Outbox {
    /// Over a WebSocket's stream.
    pub(super) fn over(stream: Arc<Stream>, cap: usize) -> Self {
        Self::new(Some(stream), cap)
    }

    /// For a polling session.
    pub(super) fn gathering(cap: usize) -> Self {
        Self::new(None, cap)
    }

    fn new(stream: Option<Arc<Stream>>, cap: usize) -> Self {
        Self {
            stream,
            waiting: Mutex::default(),
            wake: Notify::new(),
            cap,
        }
    }

    /// Whether frames are written to a stream.
    pub(super) fn is_websocket(&self) -> bool {
        self.stream.is_some()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends frames, in order and with nothing between them.
    pub(super) fn send(&self, frames: &[Frame]) -> Result<(), Unsent> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(Unsent::Broken);
        }
        for frame in frames {
            if waiting.bytes + frame.wire().len() > self.cap {
                return Err(Unsent::Full);
            }
            waiting.bytes += frame.wire().len();
            waiting.frames.push_back(frame.clone());
        }
        if let Some(stream) = &self.stream {
            waiting.pump(stream)?;
        }
        if waiting.bytes > 0 {
            drop(waiting);
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Adds the last frame, for which there is always room.
    pub(super) fn send_last(&self, frame: Frame) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        waiting.bytes += frame.wire().len();
        waiting.frames.push_back(frame);
        if let Some(stream) = &self.stream {
            // The connection is over either way.
            let _ = waiting.pump(stream);
        }
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
    }

    /// Writes what the kernel takes now; whether all of it went.
    pub(super) fn pump(&self) -> Result<bool, Unsent> {
        let mut waiting = self.waiting();
        if let Some(stream) = &self.stream {
            waiting.pump(stream)?;
        }
        Ok(waiting.bytes == 0)
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting().bytes == 0
    }

    /// Takes up to `most` frames that wait.
    pub(super) fn drain(&self, most: usize) -> Vec<Frame> {
        let mut waiting = self.waiting();
        let count = most.min(waiting.frames.len());
        let frames: Vec<Frame> = waiting.frames.drain(..count).collect();
        waiting.bytes -= frames.iter().map(|frame| frame.wire().len()).sum::<usize>();
        frames
    }

    /// Waits until the kernel takes more, or for the next waking.
    pub(super) async fn writable(&self) -> io::Result<()> {
        match &self.stream {
            Some(stream) => stream.writable().await,
            None => std::future::pending().await,
        }
    }
}

impl Waiting {
    fn pump(&mut self, stream: &Stream) -> Result<(), Unsent> {
        loop {
            if self.rest.is_empty() {
                let Some(frame) = self.frames.pop_front() else {
                    return Ok(());
                };
                self.rest = frame.wire().clone();
            }
            match stream.try_write(&self.rest) {
                Ok(0) => return Err(Unsent::Broken),
                Ok(written) => {
                    self.rest.advance(written);
                    self.bytes -= written;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(Unsent::Broken),
            }
        }
    }
}
