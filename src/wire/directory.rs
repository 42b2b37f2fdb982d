//! Who on this node is meant by a signal about a polling session.

use super::connection::Connection;
use super::dialogue::Handover;
use crate::ids::SessionId;
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc};

/// Posts of one session that may wait for its task. Clients post one at a time.
const MAIL: usize = 64;

/// Batches of packets routed to a WebSocket that takes over, before it must have taken them.
const ROUTED: usize = 256;

/// Something for the task of an owned session.
#[derive(Debug)]
pub(super) enum Mail {
    /// Posted, and its number.
    Push(u64, String),
    Pong,
    Moved,
    Over(String),
    /// Find out whether the client is overdue.
    Expire,
}

/// Something for a WebSocket that takes a session over.
#[derive(Debug)]
pub(super) enum Hand {
    Packets(Vec<String>),
    Sockets(Handover),
}

/// How far what was posted has been dealt with, by the numbers of the bodies.
#[derive(Debug, Default)]
pub(super) struct Posts {
    /// The last one that was.
    pub(super) dealt: AtomicU64,
    /// The last one of which the record knows.
    pub(super) recorded: AtomicU64,
}

/// An owned session, as signals find it.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) connection: Arc<Connection>,
    pub(super) epoch: u64,
    pub(super) mail: mpsc::Sender<Mail>,
    pub(super) posts: Arc<Posts>,
    /// Told when the session's task is done with it.
    pub(super) done: Arc<Notify>,
}

/// All of them.
#[derive(Default, Debug)]
pub(super) struct Directory {
    polls: Mutex<HashMap<Box<str>, Arc<Notify>>>,
    held: Mutex<HashMap<SessionId, Held>>,
    taking: Mutex<HashMap<SessionId, mpsc::Sender<Hand>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Directory {
    /// A poll waits under `token`.
    pub(super) fn wait(&self, token: &str) -> Arc<Notify> {
        let woken = Arc::new(Notify::new());
        lock(&self.polls).insert(token.into(), woken.clone());
        woken
    }

    pub(super) fn unwait(&self, token: &str) {
        lock(&self.polls).remove(token);
    }

    pub(super) fn wake(&self, token: &str) {
        if let Some(woken) = lock(&self.polls).get(token) {
            woken.notify_one();
        }
    }

    pub(super) fn wake_all(&self) {
        for woken in lock(&self.polls).values() {
            woken.notify_one();
        }
    }

    /// This node holds a session from now on; gives its mail, and who held it here before.
    pub(super) fn hold(&self, connection: &Arc<Connection>, epoch: u64) -> (Held, mpsc::Receiver<Mail>, Option<Held>) {
        let (mail, received) = mpsc::channel(MAIL);
        let held = Held {
            connection: connection.clone(),
            epoch,
            mail,
            posts: Arc::default(),
            done: Arc::new(Notify::new()),
        };
        let before = lock(&self.held).insert(connection.sid().clone(), held.clone());
        (held, received, before)
    }

    pub(super) fn all_held(&self) -> Vec<Held> {
        lock(&self.held).values().cloned().collect()
    }

    pub(super) fn held(&self, sid: &SessionId) -> Option<Held> {
        lock(&self.held).get(sid).cloned()
    }

    /// Forgets a session that `connection` held.
    pub(super) fn unhold(&self, connection: &Arc<Connection>) {
        let mut held = lock(&self.held);
        let is_it = |known: &Held| Arc::ptr_eq(&known.connection, connection);
        if held.get(connection.sid()).is_some_and(is_it) {
            held.remove(connection.sid());
        }
    }

    /// A WebSocket here takes a session over.
    pub(super) fn take(&self, sid: &SessionId) -> mpsc::Receiver<Hand> {
        let (send, received) = mpsc::channel(ROUTED);
        lock(&self.taking).insert(sid.clone(), send);
        received
    }

    pub(super) fn taken(&self, sid: &SessionId) {
        lock(&self.taking).remove(sid);
    }

    /// Gives something to the WebSocket that takes a session over; false when there is none, or it is stuck.
    pub(super) fn hand(&self, sid: &SessionId, hand: Hand) -> bool {
        lock(&self.taking)
            .get(sid)
            .is_some_and(|taker| taker.try_send(hand).is_ok())
    }
}
