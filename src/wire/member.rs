//! A socket with the user behind it: what it is told, and from where on it may have missed something.
//!
//! A socket is here, and notices reach it, before Redis has answered what its user is doing. Until then what happens in
//! the user's room waits: the lines it missed come through the inbox, addressed to it alone, and must be heard first.

use super::connection::End;
use super::dialect::Dialect;
use super::{Departure, Frame, Socket};
use crate::clock::Millis;
use crate::domain::account::Identity;
use crate::domain::event::Event;
use crate::domain::room::Offset;
use crate::ids::RoomId;
use crate::metrics;
use std::sync::{Arc, Mutex, PoisonError};

/// Events that may wait for one socket until Redis has answered. More is a room talking for seconds: the socket is sent
/// away and comes back.
const WAITING: usize = 256;

/// How far, in ms, this node's clock can be ahead of the one that numbers lines: far more than a round trip.
const CLOCKS_APART: u64 = 1000;

/// A socket with the user behind it.
#[derive(Debug)]
pub struct Member {
    /// The socket.
    pub socket: Arc<Socket>,
    /// Whose it is.
    pub who: Identity,
    /// How it is spoken to.
    pub dialect: Dialect,
    /// When it came; lines from before it were never meant for it.
    pub since: Millis,
    arrival: Mutex<Arrival>,
}

/// Whether Redis has answered.
#[derive(Debug)]
enum Arrival {
    /// Not yet: what happens in the user's room waits.
    Awaited(Vec<Event>),
    /// The user sits in a room whose lines up to the offset are not news: they were replayed, or are from before.
    Seated(RoomId, Offset),
    /// Everything is news.
    Settled,
}

impl Arrival {
    fn is_news(&self, event: &Event) -> bool {
        match (self, event) {
            (Arrival::Seated(at, last), Event::Said { room, line, .. }) => room != at || line.offset > *last,
            _ => true,
        }
    }
}

impl Member {
    /// A socket that has just come.
    pub fn arriving(socket: Arc<Socket>, who: Identity, dialect: Dialect, since: Millis) -> Self {
        Self {
            socket,
            who,
            dialect,
            since,
            arrival: Mutex::new(Arrival::Awaited(Vec::new())),
        }
    }

    /// Redis has answered: the user sits in `room`, whose lines up to `last` are not news.
    pub fn settle_in_room(&self, room: RoomId, last: Offset) {
        self.settle(Arrival::Seated(room, last), |_| true);
    }

    /// Redis has answered: the user sits nowhere. Of a room that has `ended` nothing more is told.
    pub fn settle_without_room(&self, ended: Option<RoomId>) {
        self.settle(Arrival::Settled, |event| event.room() != ended);
    }

    fn settle(&self, answer: Arrival, wanted: impl Fn(&Event) -> bool) {
        // Held to the end: what comes meanwhile comes after what has waited.
        let mut arrival = self.arrival.lock().unwrap_or_else(PoisonError::into_inner);
        if let Arrival::Awaited(waited) = std::mem::replace(&mut *arrival, answer) {
            for event in waited.iter().filter(|event| wanted(event) && arrival.is_news(event)) {
                self.tell(event, &mut None);
            }
        }
    }

    /// Something happened that the user is told of on all sockets.
    pub(super) fn hear(&self, event: &Event, shared: &mut Option<Vec<Frame>>) {
        let mut arrival = self.arrival.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *arrival {
            Arrival::Awaited(waiting) if waiting.len() >= WAITING => self.socket.connection().end(End::SlowReader),
            Arrival::Awaited(waiting) => waiting.push(event.clone()),
            answered if answered.is_news(event) => self.tell(event, shared),
            Arrival::Seated(..) | Arrival::Settled => {}
        }
    }

    /// From where on this socket may have missed lines, when it goes in this way.
    pub fn may_have_missed(&self, departure: Departure) -> Offset {
        let reached = match departure {
            Departure::Clean | Departure::Drained => self.socket.written(),
            Departure::Lost | Departure::Moved => self.socket.confirmed(),
        };
        match reached {
            0 => Offset::at(Millis(self.since.0.saturating_sub(CLOCKS_APART))),
            reached => Offset::unpacked(reached).next(),
        }
    }

    /// Writes an event to the socket. Events that look the same to everybody are encoded once, into `shared`.
    pub(super) fn tell(&self, event: &Event, shared: &mut Option<Vec<Frame>>) {
        if !self.dialect.wants(event, &self.who.user) {
            return;
        }
        metrics::EVENTS_SENT.one(event.kind());
        let taken = if event.looks_the_same_to_everybody() {
            let frames = shared.get_or_insert_with(|| self.dialect.encode(event, &self.who.user));
            self.socket.emit_all(frames)
        } else {
            self.socket.emit_all(&self.dialect.encode(event, &self.who.user))
        };
        // What a connection that is ending no longer took is missed: it is sent where the socket comes back.
        if !taken {
            return;
        }
        match event {
            Event::Said { line, .. } => self.socket.note_written(line.offset.packed()),
            Event::Resumed { lines, .. } => {
                if let Some(last) = lines.last() {
                    self.socket.note_written(last.offset.packed());
                }
            }
            Event::Seated { .. }
            | Event::Typing { .. }
            | Event::Retaken { .. }
            | Event::Ended { .. }
            | Event::Counted(_) => {}
        }
    }
}
