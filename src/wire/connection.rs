//! A connection: one Engine.IO session on the node that holds its protocol state, over a WebSocket or long-polling.
//!
//! Anyone may send on it or end it; its one task listens and carries out what waits (`talk`, `polling`).

use super::app::Departure;
use super::bearer::Bearer;
use super::dialogue::Joined;
use super::frame::Frame;
use super::outbox::{Outbox, Unsent};
use super::settings::Settings;
use super::socket::Socket;
use crate::clock::Millis;
use crate::domain::recovery::Bookmark;
use crate::ids::{SessionId, SocketId};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Why a connection is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The client closed it in the protocol's way.
    ClientClosed,
    /// The client closed its WebSocket, with this code if it gave one: it has only lost its transport.
    Closed(Option<u16>),
    /// The peer went without a word.
    Cut,
    /// The client broke the protocol.
    Malformed(&'static str),
    TooLarge,
    NotText,
    PingTimeout,
    /// It joined no namespace in time.
    Unjoined,
    SlowReader,
    TooFast,
    /// The app wanted it.
    Dismissed,
    /// What its client came in with is good no longer; with something else it may come back.
    Expired,
    Drained,
    /// Too many come at once: the client shall come back in so many milliseconds.
    Busy(u16),
    /// Another connection carries the session now.
    Moved,
    /// This node no longer owns the polling session: whoever does, or gets its next request, goes on from the record.
    Orphaned,
}

impl End {
    /// What the app is told.
    pub(super) fn departure(self) -> Departure {
        match self {
            End::Dismissed => Departure::Clean,
            End::Drained => Departure::Drained,
            End::Moved | End::Orphaned => Departure::Moved,
            End::ClientClosed
            | End::Closed(_)
            | End::Cut
            | End::Malformed(_)
            | End::TooLarge
            | End::NotText
            | End::PingTimeout
            | End::Unjoined
            | End::SlowReader
            | End::TooFast
            | End::Expired
            | End::Busy(_) => Departure::Lost,
        }
    }

    /// One word for metrics and logs.
    pub fn reason(self) -> &'static str {
        match self {
            End::ClientClosed => "client_closed",
            End::Closed(_) => "closed",
            End::Cut => "cut",
            End::Malformed(_) => "malformed",
            End::TooLarge => "too_large",
            End::NotText => "not_text",
            End::PingTimeout => "ping_timeout",
            End::Unjoined => "unjoined",
            End::SlowReader => "slow_reader",
            End::TooFast => "too_fast",
            End::Dismissed => "dismissed",
            End::Expired => "expired",
            End::Drained => "drained",
            End::Busy(_) => "busy",
            End::Moved => "moved",
            End::Orphaned => "orphaned",
        }
    }

    /// The close frame of a WebSocket; none where nobody would read it.
    pub(super) fn frame(self) -> Option<Frame> {
        match self {
            End::Cut | End::SlowReader | End::PingTimeout | End::Orphaned => None,
            End::Closed(Some(code)) => Some(Frame::close(code, "")),
            End::Closed(None) => Some(Frame::bare_close()),
            End::ClientClosed | End::Dismissed | End::Moved => Some(Frame::close(1000, "")),
            End::Malformed(how) => Some(Frame::close(1002, how)),
            End::NotText => Some(Frame::close(1007, "")),
            End::TooLarge => Some(Frame::close(1009, "")),
            End::Unjoined | End::TooFast | End::Expired => Some(Frame::close(1008, self.reason())),
            // "Service restart": clients reconnect, after a while of their own choosing.
            End::Drained => Some(Frame::close(1012, "")),
            // "Try again later".
            End::Busy(ms) => Some(Frame::close(1013, &format!("retry-after-ms={ms}"))),
        }
    }
}

/// One session's connection on this node.
#[derive(Debug)]
pub struct Connection {
    sid: SessionId,
    pub(super) outbox: Outbox,
    over: OnceLock<End>,
    pub(super) born: Millis,
    /// When the next ping, or the pong to the last one, is due (steady ms).
    pub(super) due: AtomicU64,
    pub(super) pinged: AtomicBool,
    /// When what is written was last taken for what a later pong confirms, steady ms.
    asked: AtomicU64,
    /// A WebSocket that has not yet replaced long-polling.
    probing: AtomicBool,
    joined: AtomicBool,
    inside: Mutex<Inside>,
    max_questions: u16,
}

/// Whom a connection is for.
#[derive(Debug, Default)]
struct Inside {
    sockets: Vec<Arc<Socket>>,
    /// What its client brought along, until it has joined something. Boxed: nearly nobody has one.
    bearer: Option<Box<Bearer>>,
}

impl Connection {
    pub(super) fn new(sid: SessionId, outbox: Outbox, now: Millis, settings: &Settings) -> Arc<Connection> {
        Arc::new(Connection {
            sid,
            outbox,
            over: OnceLock::new(),
            born: now,
            due: AtomicU64::new((now + settings.ping_interval).0),
            pinged: AtomicBool::new(false),
            asked: AtomicU64::new(0),
            probing: AtomicBool::new(false),
            joined: AtomicBool::new(false),
            inside: Mutex::default(),
            max_questions: settings.max_questions.min(usize::from(u16::MAX)) as u16,
        })
    }

    /// The session's id: a secret of its client, not for logs.
    pub fn sid(&self) -> &SessionId {
        &self.sid
    }

    /// Whether its client polls.
    pub fn polls(&self) -> bool {
        !self.outbox.is_websocket()
    }

    /// Sends frames with nothing between them. A client that does not read its frames loses the connection.
    /// Tells whether they were taken.
    pub fn send(&self, frames: &[Frame]) -> bool {
        self.takes() && self.sent(self.outbox.send(frames))
    }

    /// The same; with some of them `socket`'s client has heard up to a bookmark.
    pub(super) fn send_marked<'f>(
        &self,
        frames: impl Iterator<Item = (&'f Frame, Option<Bookmark>)>,
        socket: &SocketId,
    ) -> bool {
        self.takes() && self.sent(self.outbox.send_marked(frames, Some(socket)))
    }

    fn sent(&self, sent: Result<(), Unsent>) -> bool {
        match sent {
            Ok(()) => return true,
            Err(Unsent::Full) => self.end(End::SlowReader),
            Err(Unsent::Broken) => self.end(End::Cut),
        }
        false
    }

    /// Whether what is sent is heard. A polling session that is given up goes on elsewhere, with all that was sent here.
    fn takes(&self) -> bool {
        match self.over() {
            None => true,
            Some(end) => end == End::Drained && !self.outbox.is_websocket(),
        }
    }

    /// Ends the connection and with it all its sockets. The first reason counts.
    pub fn end(&self, end: End) {
        if self.over.set(end).is_ok() {
            self.outbox.wake.notify_one();
        }
    }

    /// Whether it has ended, or is about to.
    pub fn is_over(&self) -> bool {
        self.over.get().is_some()
    }

    pub(super) fn over(&self) -> Option<End> {
        self.over.get().copied()
    }

    /// A namespace has been joined: the connect timeout no longer applies.
    pub(super) fn join(&self, socket: Arc<Socket>) {
        self.joined.store(true, Ordering::Release);
        let mut inside = self.inside();
        inside.sockets.push(socket);
        inside.bearer = None;
    }

    /// The client brought a token along when it came.
    pub(super) fn bring(&self, bearer: Bearer) {
        if !self.has_joined() {
            self.inside().bearer = Some(Box::new(bearer));
        }
    }

    /// The token that the client brought along when it came; none once it has joined a namespace.
    pub fn bearer(&self) -> Option<Bearer> {
        self.inside().bearer.as_deref().cloned()
    }

    pub(super) fn has_joined(&self) -> bool {
        self.joined.load(Ordering::Acquire)
    }

    /// It only wants to replace long-polling for now.
    pub(super) fn probe(&self) {
        self.probing.store(true, Ordering::Release);
    }

    pub(super) fn is_probing(&self) -> bool {
        self.probing.load(Ordering::Acquire)
    }

    /// It has replaced long-polling.
    pub(super) fn settle(&self, now: Millis, settings: &Settings) {
        self.due.store((now + settings.ping_interval).0, Ordering::Release);
        self.probing.store(false, Ordering::Release);
    }

    /// What is joined, as another holder must know it.
    pub(super) fn joined(&self) -> Vec<Joined> {
        let inside = self.inside();
        let sockets = inside.sockets.iter();
        sockets
            .filter(|socket| !socket.left())
            .map(|socket| socket.joined())
            .collect()
    }

    /// The open socket of a namespace.
    pub(super) fn socket(&self, namespace: &str) -> Option<Arc<Socket>> {
        let sockets = &mut self.inside().sockets;
        sockets.retain(|socket| !socket.left());
        sockets.iter().find(|socket| socket.namespace() == namespace).cloned()
    }

    pub(super) fn part(&self, namespace: &str) -> Option<Arc<Socket>> {
        let mut inside = self.inside();
        let at = inside
            .sockets
            .iter()
            .position(|socket| socket.namespace() == namespace)?;
        let socket = inside.sockets.swap_remove(at);
        drop(inside);
        if !self.outbox.is_websocket() {
            // The record is to be brought up to date.
            self.outbox.wake.notify_one();
        }
        Some(socket).filter(|socket| !socket.left())
    }

    /// Takes all sockets away; those that the app has ended itself are not among them.
    pub(super) fn empty(&self) -> Vec<Arc<Socket>> {
        let mut sockets = std::mem::take(&mut self.inside().sockets);
        sockets.retain(|socket| !socket.left());
        sockets
    }

    /// A ping goes out: what was written before it is what its pong confirms.
    pub(super) fn note_ping(&self) {
        for socket in &self.inside().sockets {
            socket.pinged();
        }
    }

    /// A pong came in.
    pub(super) fn note_pong(&self, now: Millis, settings: &Settings) {
        self.due.store((now + settings.ping_interval).0, Ordering::Release);
        self.pinged.store(false, Ordering::Release);
        for socket in &self.inside().sockets {
            socket.ponged();
        }
    }

    /// A pong was posted. The ping that the next one answers is at least an interval away: what is written now is before
    /// it. Pongs that follow each other closely were held up here, and answer pings from before.
    pub(super) fn note_posted_pong(&self, now: Millis, settings: &Settings) {
        if now < Millis(self.asked.load(Ordering::Acquire)) + settings.ping_interval {
            return;
        }
        self.note_pong(now, settings);
        self.note_ping();
        self.asked.store(now.0, Ordering::Release);
    }

    pub(super) fn max_questions(&self) -> usize {
        usize::from(self.max_questions)
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_only_closes_the_websocket_may_come_back() {
        for end in [End::Closed(None), End::Closed(Some(1000)), End::Cut] {
            assert_eq!(end.departure(), Departure::Lost, "{end:?}");
        }
    }
}
