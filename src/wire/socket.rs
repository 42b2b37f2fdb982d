//! A socket: one namespace of one connection, as the app sees it.

use super::app::Passport;
use super::connection::{Connection, End};
use super::dialogue::Joined;
use super::frame::Frame;
use super::socketio::{self, Ack, AckId};
use crate::domain::recovery::Bookmark;
use crate::ids::SocketId;
use bytes::Bytes;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::oneshot;

/// Frames emitted while the app still decides about a CONNECT: among them all that a returning client missed.
const EARLY: usize = 4096;

/// One namespace of one connection.
pub struct Socket {
    sid: SocketId,
    namespace: Box<str>,
    connection: Arc<Connection>,
    /// Set once the client has its answer; until then frames wait in `early`.
    open: AtomicBool,
    gone: AtomicBool,
    early: Mutex<Vec<(Frame, Option<Bookmark>)>>,
    written: AtomicU64,
    pinged: AtomicU64,
    confirmed: AtomicU64,
    passport: OnceLock<Passport>,
    questions: Mutex<Option<Box<Questions>>>,
}

/// Events of ours that wait for an acknowledgement.
#[derive(Default)]
struct Questions {
    next: u64,
    open: BTreeMap<AckId, oneshot::Sender<Ack>>,
}

/// Why a question was not asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unasked {
    /// Too many are open on this socket.
    TooMany,
    /// The socket is gone.
    Gone,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Socket({} {})", self.sid, self.namespace)
    }
}

impl Socket {
    /// A socket whose CONNECT is being decided.
    pub(super) fn joining(sid: SocketId, namespace: &str, connection: Arc<Connection>) -> Arc<Socket> {
        Arc::new(Socket {
            sid,
            namespace: namespace.into(),
            connection,
            open: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            early: Mutex::default(),
            written: AtomicU64::new(0),
            pinged: AtomicU64::new(0),
            confirmed: AtomicU64::new(0),
            passport: OnceLock::new(),
            questions: Mutex::default(),
        })
    }

    /// The id that the client knows too.
    pub fn sid(&self) -> &SocketId {
        &self.sid
    }

    /// The namespace, with its slash.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The connection it shares with its siblings.
    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Whether nothing more can reach the client through it.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire) || self.connection.is_over()
    }

    /// Sends one frame. Nothing happens when the socket is gone.
    pub fn emit(&self, frame: &Frame) {
        self.emit_all(std::slice::from_ref(frame));
    }

    /// Sends frames with nothing between them: an event and its attachments. Whether they were taken.
    pub fn emit_all(&self, frames: &[Frame]) -> bool {
        self.emit_marked(frames, None)
    }

    /// The same; who has them has heard up to the bookmark.
    pub fn emit_marked(&self, frames: &[Frame], mark: Option<Bookmark>) -> bool {
        if self.gone.load(Ordering::Acquire) {
            return false;
        }
        if !self.open.load(Ordering::Acquire) {
            let mut early = self.early();
            if !self.open.load(Ordering::Acquire) {
                let fits = early.len() + frames.len() <= EARLY;
                if fits {
                    early.extend(marked(frames, mark).map(|(frame, mark)| (frame.clone(), mark)));
                } else {
                    self.connection.end(super::connection::End::SlowReader);
                }
                return fits;
            }
        }
        self.connection.send_marked(marked(frames, mark), &self.sid)
    }

    /// Answers an event that asked for it.
    pub fn ack(&self, id: AckId, args: &[Value], attachments: &[Bytes]) {
        let text = socketio::ack(&self.namespace, id, args, attachments.len());
        self.emit_all(&Frame::with_attachments(&text, attachments));
    }

    /// Says something and wants an answer. The receiver fails when the socket goes, or moves, before it comes; the
    /// caller brings its own deadline.
    pub fn ask(&self, name: &str, args: &[Value]) -> Result<oneshot::Receiver<Ack>, Unasked> {
        if self.is_gone() {
            return Err(Unasked::Gone);
        }
        let (send, answer) = oneshot::channel();
        let id = {
            let mut questions = self.questions();
            let questions = questions.get_or_insert_default();
            questions.open.retain(|_, waiting| !waiting.is_closed());
            if questions.open.len() >= self.connection.max_questions() {
                return Err(Unasked::TooMany);
            }
            let id = AckId(questions.next);
            questions.next += 1;
            questions.open.insert(id, send);
            id
        };
        self.emit(&Frame::message(&socketio::event(
            &self.namespace,
            name,
            args,
            0,
            Some(id),
        )));
        Ok(answer)
    }

    /// Leaves the namespace: the client is told and does not come back by itself. The app gets no `disconnect`.
    pub fn disconnect(&self) {
        self.emit(&Frame::message(&socketio::disconnect(&self.namespace)));
        self.leave();
    }

    /// The same, and ends the connection: the app is told that the socket has gone.
    pub fn dismiss(&self) {
        self.emit(&Frame::message(&socketio::disconnect(&self.namespace)));
        self.connection.end(End::Dismissed);
    }

    /// Notes, after emitting it, that the room log up to `ms` has been written to the client. What was emitted while the
    /// connection ended may not have been: it does not count.
    pub fn note_written(&self, ms: u64) {
        if !self.is_gone() {
            self.written.fetch_max(ms, Ordering::AcqRel);
        }
    }

    /// The room log up to here has been written.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// The room log up to here has reached the client: it was written before a ping whose pong came.
    pub fn confirmed(&self) -> u64 {
        self.confirmed.load(Ordering::Acquire)
    }

    pub(super) fn pinged(&self) {
        self.pinged.store(self.written(), Ordering::Release);
    }

    pub(super) fn ponged(&self) {
        self.confirmed
            .fetch_max(self.pinged.load(Ordering::Acquire), Ordering::AcqRel);
    }

    /// Lets through what waited, after `first`.
    pub(super) fn open(&self, first: &[Frame]) {
        let mut early = self.early();
        self.connection.send(first);
        let waited = early.iter().map(|(frame, mark)| (frame, *mark));
        self.connection.send_marked(waited, &self.sid);
        *early = Vec::new();
        self.open.store(true, Ordering::Release);
    }

    /// Nothing more goes out through it, and open questions fail.
    pub(super) fn leave(&self) {
        self.gone.store(true, Ordering::Release);
        *self.questions() = None;
    }

    pub(super) fn left(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    pub(super) fn answered(&self, ack: Ack) {
        let waiting = self
            .questions()
            .as_mut()
            .and_then(|questions| questions.open.remove(&ack.id));
        if let Some(waiting) = waiting {
            // Whoever asked may have stopped waiting.
            let _ = waiting.send(ack);
        }
    }

    pub(super) fn keep_passport(&self, passport: Passport) {
        let _ = self.passport.set(passport);
    }

    /// Up to where its client has heard before anything is sent here.
    pub(super) fn begins_after(&self, heard: Option<Bookmark>) {
        if let Some(heard) = heard {
            self.connection.outbox.recorded(vec![(self.sid.clone(), heard)]);
        }
    }

    pub(super) fn joined(&self) -> Joined {
        Joined {
            namespace: self.namespace.to_string(),
            sid: self.sid.to_string(),
            passport: self.passport.get().map(|p| p.0.clone()).unwrap_or_default(),
            heard: self.connection.outbox.heard(&self.sid),
        }
    }

    fn early(&self) -> MutexGuard<'_, Vec<(Frame, Option<Bookmark>)>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn questions(&self) -> MutexGuard<'_, Option<Box<Questions>>> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bookmark goes with the last one.
fn marked(frames: &[Frame], mark: Option<Bookmark>) -> impl Iterator<Item = (&Frame, Option<Bookmark>)> {
    let last = frames.len().saturating_sub(1);
    let frames = frames.iter().enumerate();
    frames.map(move |(at, frame)| (frame, mark.filter(|_| at == last)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Millis;
    use crate::ids::SessionId;
    use crate::wire::connection::End;
    use crate::wire::outbox::Outbox;
    use crate::wire::settings::Settings;

    #[test]
    fn what_is_emitted_when_the_connection_is_over_does_not_count_as_written() {
        let connection = Connection::new(
            SessionId::fresh(),
            Outbox::gathering(1024),
            Millis(0),
            &Settings::default(),
        );
        let socket = Socket::joining(SocketId::fresh(), "/", connection.clone());
        socket.note_written(5);

        connection.end(End::Drained);
        socket.note_written(7);

        assert_eq!(socket.written(), 5);
    }
}
