//! A socket with the user behind it: what it is told, and from where on it may have missed something.
//!
//! A socket is here, and notices reach it, before Redis has answered what its user is doing. Until then what happens in
//! the user's room waits: what it missed comes with the answer, and must be heard first.

use super::connection::End;
use super::dialect::Dialect;
use super::{Departure, Frame, Socket};
use crate::clock::Millis;
use crate::domain::account::Identity;
use crate::domain::event::Event;
use crate::domain::recovery::Bookmark;
use crate::domain::room::Offset;
use crate::ids::RoomId;
use crate::metrics;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Events that may wait for one socket until Redis has answered. More is a room talking for seconds: the socket is sent
/// away and comes back.
const WAITING: usize = 256;

/// How far this node's clock can be ahead of the one that numbers lines: far more than a round trip.
pub(super) const CLOCKS_APART: Duration = Duration::from_secs(1);

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
    /// Wakes who waits until Redis has answered.
    answered: Notify,
    /// The oldest entry that it was told when it came; the last there can be when it was told none.
    told_from: Mutex<Offset>,
    /// What Redis answered when it came.
    found: Mutex<Found>,
    /// What happened before this, its client heard before the socket came.
    unnoticed: Millis,
    /// Whether it was told that its token ends.
    warned: AtomicBool,
    /// Whether it is certain whose it is.
    proven: AtomicBool,
    /// Up to where its client heard before the socket came, when it takes up a session, or was told elsewhere.
    heard_before: Mutex<Option<(RoomId, Offset)>>,
    /// Whether the socket was on another node before.
    moved_here: AtomicBool,
}

/// Whether Redis has answered.
#[derive(Debug)]
enum Arrival {
    /// Not yet: what happens in the user's room waits. The state of a room may be told meanwhile, up to there: it was asked
    /// for before Redis was asked anew.
    Awaited(Vec<Event>, Option<(RoomId, Offset)>),
    /// It has, and the state of this room, whose log ended there, is on its way: what happens in it meanwhile is part of
    /// that, or comes after it.
    StateAwaited((RoomId, Offset), Vec<Event>),
    /// It has. What happened in these rooms up to these offsets is no news: it was told, or is from before. And what was
    /// told last since then.
    Settled(Vec<(RoomId, Offset)>, Option<(RoomId, Offset)>),
}

/// Where Redis found the user of a socket that has just come.
#[derive(Clone, Copy, Debug)]
enum Found {
    /// It has not answered, or its answer was lost: the user may have been given a held seat all the same.
    Unknown,
    /// In no room.
    Free,
    /// In a room whose log ended here: what was there before was heard, or is told as missed.
    Seated(RoomId, Offset),
}

impl Member {
    /// A socket that has just come, whose client has heard all there was before `unnoticed`.
    pub fn arriving(socket: Arc<Socket>, who: Identity, dialect: Dialect, since: Millis, unnoticed: Millis) -> Self {
        Self {
            socket,
            who,
            dialect,
            since,
            arrival: Mutex::new(Arrival::Awaited(Vec::new(), None)),
            answered: Notify::new(),
            told_from: Mutex::new(Offset::LAST),
            found: Mutex::new(Found::Unknown),
            unnoticed,
            warned: AtomicBool::new(false),
            proven: AtomicBool::new(true),
            heard_before: Mutex::default(),
            moved_here: AtomicBool::new(false),
        }
    }

    /// Its client says that it takes up a session of this user's: until Redis knows that session, it may be anybody.
    pub fn unproven(self) -> Self {
        self.prove(false);
        self
    }

    /// Whether it is certain whose it is, from now on.
    pub fn prove(&self, proven: bool) {
        self.proven.store(proven, Ordering::Release);
    }

    /// Whether it is certain whose it is.
    pub fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Acquire)
    }

    /// Whether it is to be told now that its token ends; true once.
    pub fn is_to_be_warned(&self) -> bool {
        !self.warned.swap(true, Ordering::AcqRel)
    }

    /// Its client has heard up to here: notices of that, read late, are no news.
    pub fn has_heard(&self, mark: Bookmark) {
        *self.heard_before.lock().unwrap_or_else(PoisonError::into_inner) = match mark {
            Bookmark::Start => None,
            Bookmark::In(room, offset) => Some((room, offset)),
            Bookmark::After(room, _) => Some((room, Offset::LAST)),
        };
    }

    /// On another node it was told up to here. Its client has yet to fetch some of that, perhaps.
    pub fn was_told(&self, mark: Bookmark) {
        self.moved_here.store(true, Ordering::Release);
        self.has_heard(mark);
    }

    /// Redis has answered. What was `missed` is told first; what happened in these rooms up to these offsets is `no_news`:
    /// where the log ended when the user took the seat, or the last there can be where a room is over.
    pub fn settle(&self, missed: &[Event], no_news: impl IntoIterator<Item = (RoomId, Offset)>) {
        let before = *self.heard_before.lock().unwrap_or_else(PoisonError::into_inner);
        let mut old: Vec<_> = no_news.into_iter().collect();
        let found = old.iter().find(|(_, last)| *last != Offset::LAST);
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) =
            found.map_or(Found::Free, |(room, last)| Found::Seated(*room, *last));
        old.extend(before);
        for told in missed.iter().filter_map(Event::place) {
            note_told(&mut old, told);
        }
        // Held to the end: what comes meanwhile comes after what has waited.
        let mut arrival = self.arrival.lock().unwrap_or_else(PoisonError::into_inner);
        self.release(&mut arrival, missed, old);
        drop(arrival);
        self.answered.notify_waiters();
    }

    /// Tells what was missed, and then what has waited and is younger than what is `old`.
    fn release(&self, arrival: &mut Arrival, missed: &[Event], mut old: Vec<(RoomId, Offset)>) {
        // Redis can have been asked twice at once: by a client that takes up its session, and for the node's new life.
        let (told, since, waited) = match arrival {
            Arrival::Settled(told, since) => (told.iter().chain(&*since).copied().collect(), *since, Vec::new()),
            Arrival::Awaited(waiting, told) => {
                told.iter().for_each(|told| note_told(&mut old, *told));
                (Vec::from_iter(*told), None, std::mem::take(waiting))
            }
            Arrival::StateAwaited(_, waiting) => (Vec::new(), None, std::mem::take(waiting)),
        };
        let is_told = |(room, offset)| told.iter().any(|(of, last)| *of == room && offset <= *last);
        let missed = missed.iter().filter(|event| !event.place().is_some_and(is_told));
        self.is_owed(missed.clone());
        for event in missed {
            self.tell(event, &mut None);
        }
        *arrival = Arrival::Settled(old, since);
        for event in &waited {
            self.tell_news(arrival, event, &mut None);
        }
    }

    /// Redis has answered: the user sits in this room, whose log ended at `last`, and the room's state is on its way.
    pub fn await_state(&self, room: RoomId, last: Offset) {
        let mut arrival = self.arrival.lock().unwrap_or_else(PoisonError::into_inner);
        if let Arrival::Awaited(waiting, _) = &mut *arrival {
            *arrival = Arrival::StateAwaited((room, last), std::mem::take(waiting));
        }
    }

    /// What was missed it has not heard before it is told: as it happened, or as the state of its room.
    pub fn is_owed<'a>(&self, missed: impl IntoIterator<Item = &'a Event>) {
        if let Some((_, first)) = missed.into_iter().find_map(Event::place) {
            let mut told = self.told_from.lock().unwrap_or_else(PoisonError::into_inner);
            *told = first.min(*told);
        }
    }

    /// Something happened that the user is told of on all sockets.
    pub(super) fn hear(&self, event: &Event, shared: &mut Option<Vec<Frame>>) {
        let mut arrival = self.arrival.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *arrival {
            Arrival::Awaited(waiting, _) | Arrival::StateAwaited(_, waiting) if waiting.len() >= WAITING => {
                self.socket.connection().end(End::SlowReader);
            }
            Arrival::Awaited(waiting, _) | Arrival::StateAwaited(_, waiting) => waiting.push(event.clone()),
            settled @ Arrival::Settled(..) => self.tell_news(settled, event, shared),
        }
    }

    /// Something that this socket alone is told, because it asked.
    pub(super) fn hear_alone(&self, event: &Event) {
        let mut arrival = self.arrival.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *arrival, event) {
            (Arrival::StateAwaited(at, _), Event::Resumed { room, .. }) if at.0 == *room => {
                let at = *at;
                drop(arrival);
                self.settle(std::slice::from_ref(event), Some(at));
            }
            (Arrival::Awaited(_, told), Event::Resumed { .. }) => {
                *told = event.place();
                self.say(event);
            }
            _ => self.say(event),
        }
    }

    fn tell_news(&self, settled: &mut Arrival, event: &Event, shared: &mut Option<Vec<Frame>>) {
        if !self.is_news(settled, event) {
            return;
        }
        self.tell(event, shared);
        if let (Arrival::Settled(_, told), Some((room, offset))) = (settled, event.place())
            && self.socket.written() >= offset.packed()
        {
            let is_end = matches!(event, Event::Ended { .. });
            *told = Some((room, if is_end { Offset::LAST } else { offset }));
        }
    }

    /// Whether it was told since Redis answered last that its user sits, or sat, in the room; none while that is awaited.
    pub(super) fn knows_of(&self, room: RoomId) -> Option<bool> {
        let arrival = self.arrival.lock().unwrap_or_else(PoisonError::into_inner);
        match &*arrival {
            Arrival::Settled(told, since) => Some(told.iter().chain(since).any(|(of, _)| *of == room)),
            Arrival::Awaited(..) | Arrival::StateAwaited(..) => None,
        }
    }

    /// Whether the socket has not heard of it, and it is meant for it.
    fn is_news(&self, arrival: &Arrival, event: &Event) -> bool {
        let (Arrival::Settled(old, since), Some((room, offset))) = (arrival, event.place()) else {
            return true;
        };
        // A server that took over may not have heard of an end that was told, and take more lines until it is repeated.
        let is_seated = matches!(event, Event::Seated { .. } | Event::Resumed { .. });
        if *since == Some((room, Offset::LAST)) && !is_seated {
            return false;
        }
        match old.iter().find(|(at, _)| *at == room) {
            Some((_, last)) => offset > *last,
            // A notice of a room that its user was in before it came, read late: its client has heard of that elsewhere,
            // and would take it for the room of now.
            None => offset.ms >= (self.since - CLOCKS_APART).0,
        }
    }

    /// From where on this socket may have missed lines, when it goes in this way.
    pub fn may_have_missed(&self, departure: Departure) -> Offset {
        match departure {
            Departure::Clean => self.up_to(self.socket.written()),
            // Who is sent away may be gone already, or never fetch what waits for the next poll.
            Departure::Drained | Departure::Lost | Departure::Moved => match self.socket.confirmed() {
                // What it was told elsewhere nobody has confirmed to us.
                0 if self.moved_here.load(Ordering::Acquire) => Offset::at(self.unnoticed),
                confirmed => self.up_to(confirmed),
            },
        }
        .next()
    }

    /// Redis is to be asked again what the user is doing: until it has answered, what happens in the user's room waits.
    /// Up to where the socket has heard.
    pub fn await_answer(&self) -> Offset {
        let mut arrival = self.arrival.lock().unwrap_or_else(PoisonError::into_inner);
        let mut settled = Offset::default();
        match &mut *arrival {
            Arrival::Settled(old, _) => {
                let known = old.iter().map(|(_, last)| *last).filter(|last| *last != Offset::LAST);
                settled = known.max().unwrap_or_default();
                *arrival = Arrival::Awaited(Vec::new(), None);
            }
            Arrival::StateAwaited(_, waiting) => *arrival = Arrival::Awaited(std::mem::take(waiting), None),
            Arrival::Awaited(..) => {}
        }
        match self.socket.connection().outbox.is_websocket() {
            true => self.up_to(self.socket.written()).max(settled),
            // What a polling session was told may not have got into its record.
            false => self.up_to(self.socket.confirmed()),
        }
    }

    /// Whether it is known what the user is doing: Redis has answered, and is not being asked anew.
    pub fn is_settled(&self) -> bool {
        let arrival = self.arrival.lock().unwrap_or_else(PoisonError::into_inner);
        !matches!(*arrival, Arrival::Awaited(..))
    }

    /// Comes true as soon as Redis has answered the next time, from this call on.
    pub fn settles(&self) -> impl Future<Output = ()> {
        self.answered.notified()
    }

    fn up_to(&self, reached: u64) -> Offset {
        if reached > 0 {
            return Offset::unpacked(reached);
        }
        let told = *self.told_from.lock().unwrap_or_else(PoisonError::into_inner);
        let found = *self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *self.heard_before.lock().unwrap_or_else(PoisonError::into_inner);
        let before = before.filter(|(_, heard)| *heard != Offset::LAST);
        let early = Offset::at(Millis(told.ms.saturating_sub(1)).min(self.since - CLOCKS_APART));
        match (found, before) {
            // All is missed that came after what its client had heard.
            (Found::Unknown, Some((_, heard))) if told == Offset::LAST => heard,
            (Found::Unknown, None) if told == Offset::LAST => Offset::at(self.unnoticed),
            // There was nothing to tell when it came, and nothing since.
            (Found::Seated(_, last), _) if told == Offset::LAST && self.socket.written() == 0 => last,
            (Found::Seated(room, _), Some((of, heard))) if room == of => early.max(heard),
            _ => early,
        }
    }

    /// Tells the socket alone of something that is true now.
    pub fn say(&self, event: &Event) {
        self.tell(event, &mut None);
    }

    /// Writes an event to the socket. Events that look the same to everybody are encoded once, into `shared`.
    pub(super) fn tell(&self, event: &Event, shared: &mut Option<Vec<Frame>>) {
        if !self.dialect.wants(event, &self.who.user) {
            return;
        }
        metrics::EVENTS_SENT.one(event.kind());
        let taken = if event.looks_the_same_to_everybody() && self.dialect.is_usual() {
            let frames = shared.get_or_insert_with(|| self.dialect.encode(event, &self.who.user));
            self.socket.emit_marked(frames, event.bookmark())
        } else {
            let frames = self.dialect.encode(event, &self.who.user);
            self.socket.emit_marked(&frames, event.bookmark())
        };
        // What a connection that is ending no longer took is missed: it is sent where the socket comes back.
        if !taken {
            return;
        }
        if let Some((_, offset)) = event.place() {
            self.socket.note_written(offset.packed());
        }
    }
}

/// Notes that a room was told of up to there.
fn note_told(old: &mut Vec<(RoomId, Offset)>, (room, offset): (RoomId, Offset)) {
    match old.iter_mut().find(|(at, _)| *at == room) {
        Some((_, last)) => *last = offset.max(*last),
        None => old.push((room, offset)),
    }
}
