//! What waits to be sent on one connection.
//!
//! Whoever has a frame leaves it here, in order, and wakes the connection's task; that writes to the stream whatever has
//! gathered until it runs, in one go. (A system call costs several times what waking a task does, and an answer and the
//! event that goes with it come at nearly the same time.) A polling session has no stream: its task carries all of it
//! to Redis. Either way the bytes are bounded, and a reader that falls behind loses its connection.

use super::frame::Frame;
use super::marks::{Mark, Marks};
use super::stream::Stream;
use crate::domain::recovery::Bookmark;
use crate::ids::SocketId;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Frames written with one system call.
const AT_ONCE: usize = 16;

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
    /// How much of the first frame the kernel has taken.
    begun: usize,
    /// What is left of all of them.
    bytes: usize,
    /// The last frame is in.
    closed: bool,
    /// Where the frames are carried to a record.
    marks: Option<Box<Marks>>,
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
        let outbox = Self::new(None, cap);
        outbox.waiting().marks = Some(Box::default());
        outbox
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
        self.send_marked(frames.iter().map(|frame| (frame, None)), None)
    }

    /// The same; with some of them `socket`'s client has heard up to a bookmark.
    pub(super) fn send_marked<'f>(
        &self,
        frames: impl Iterator<Item = (&'f Frame, Option<Bookmark>)>,
        socket: Option<&SocketId>,
    ) -> Result<(), Unsent> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(Unsent::Broken);
        }
        // Where something waits already the task knows.
        let idle = waiting.bytes == 0;
        for (frame, mark) in frames {
            if waiting.bytes + frame.wire().len() > self.cap {
                return Err(Unsent::Full);
            }
            waiting.bytes += frame.wire().len();
            waiting.frames.push_back(frame.clone());
            let count = waiting.frames.len();
            if let (Some(marks), Some(socket), Some(mark)) = (&mut waiting.marks, socket, mark) {
                marks.note(count, socket, mark);
            }
        }
        let wakes = idle && waiting.bytes > 0;
        drop(waiting);
        if wakes {
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

    /// Takes up to `most` frames that wait; how far clients have heard who have these.
    pub(super) fn drain(&self, most: usize) -> (Vec<Frame>, Vec<Mark>) {
        let mut waiting = self.waiting();
        let count = most.min(waiting.frames.len());
        let frames: Vec<Frame> = waiting.frames.drain(..count).collect();
        waiting.bytes -= frames.iter().map(|frame| frame.wire().len()).sum::<usize>();
        let reached = waiting.marks.as_mut().map(|marks| marks.take(count));
        (frames, reached.unwrap_or_default())
    }

    /// The record says that clients have heard so far.
    pub(super) fn recorded(&self, marks: Vec<Mark>) {
        if let Some(known) = &mut self.waiting().marks {
            known.recorded(marks);
        }
    }

    /// Up to where a socket's client has heard, as far as the record knows.
    pub(super) fn heard(&self, socket: &SocketId) -> Option<Bookmark> {
        self.waiting().marks.as_ref()?.of(socket)
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
        while self.bytes > 0 {
            let mut pieces = [IoSlice::new(&[]); AT_ONCE];
            let count = self.frames.len().min(AT_ONCE);
            for (piece, frame) in pieces.iter_mut().zip(&self.frames) {
                *piece = IoSlice::new(frame.wire());
            }
            pieces[0].advance(self.begun);
            match stream.try_write(&pieces[..count]) {
                Ok(0) => return Err(Unsent::Broken),
                Ok(written) => self.written(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(Unsent::Broken),
            }
        }
        Ok(())
    }

    fn written(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.begun += bytes;
        while let Some(frame) = self.frames.front().filter(|frame| frame.wire().len() <= self.begun) {
            self.begun -= frame.wire().len();
            self.frames.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::lent::Accepted;
    use crate::wire::stream::Gate;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    async fn outbox(cap: usize) -> (Outbox, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let accepted = Accepted::alone(listener.accept().await.unwrap().0);
        let (_, stream) = Gate::new(accepted, bytes::Bytes::new(), 1024);
        (Outbox::over(stream, cap), peer)
    }

    #[tokio::test]
    async fn what_the_kernel_takes_piece_by_piece_arrives_whole_and_in_order() {
        let (outbox, mut peer) = outbox(usize::MAX).await;
        let frames: Vec<_> = (0..400).map(|i| Frame::binary(&vec![i as u8; 200 * i])).collect();
        let wire: Vec<u8> = frames.iter().flat_map(|frame| frame.wire().to_vec()).collect();
        for some in frames.chunks(7) {
            outbox.send(some).unwrap();
        }
        assert_eq!(outbox.pump(), Ok(false), "more than the kernel takes at once");

        let mut heard = vec![0; wire.len()];
        let (_, all) = tokio::join!(peer.read_exact(&mut heard), async {
            while !outbox.pump().unwrap() {
                outbox.writable().await.unwrap();
            }
            outbox.waiting().bytes
        });

        assert_eq!(all, 0);
        assert!(heard == wire);
    }

    #[tokio::test]
    async fn a_full_outbox_takes_nothing_more() {
        let (outbox, _peer) = outbox(10).await;
        let five = Frame::binary(&[1, 2, 3]);

        assert_eq!(outbox.send(&[five.clone(), five.clone()]), Ok(()));
        assert_eq!(outbox.send(std::slice::from_ref(&five)), Err(Unsent::Full));
        assert_eq!(outbox.pump(), Ok(true));
        assert_eq!(outbox.send(&[five]), Ok(()));
    }
}
