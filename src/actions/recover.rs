//! A client whose connection broke takes up its session again, or a node goes on with a socket of another: the client is
//! told exactly what it missed, everything, or, with the reason, that this cannot be. The logs of the rooms it was in
//! meanwhile are read from its bookmark on.

use super::connect::{Arrival, Came, came};
use super::{Actions, Denied};
use crate::coord::notice::Place;
use crate::coord::rooms::{Retold, Sat};
use crate::coord::users::{Attached, Past, Recovered, Session, State};
use crate::domain::event::Event;
use crate::domain::recovery::{Bookmark, From, Pid, Unrecovered, heard, to_read};
use crate::domain::refusal::Refusal;
use crate::error::Fault;
use crate::ids::{RoomId, SocketId, UserId};
use std::time::Duration;

/// What came of taking up a session, or of going on with a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenUp {
    /// The session goes on.
    Whole(Came),
    /// The socket is the user's, but some of what was missed cannot be told.
    Broken(Unrecovered),
    /// Nobody has come: there is no such session (any longer).
    Unknown,
}

/// Who takes up which session, and in whose place.
struct Returning<'a> {
    user: &'a UserId,
    socket: &'a SocketId,
    before: Option<Place>,
    /// Up to where its client has heard.
    mark: Bookmark,
    /// Why it does not go on when the room of the bookmark is forgotten, and with it perhaps what was not heard; none where
    /// the caller says that the room is lost.
    forgotten: Option<Unrecovered>,
}

/// What was missed, as far as it has been read.
struct Reading {
    missed: Vec<Event>,
    broken: Option<Unrecovered>,
    /// Bytes that may still come: what a connection may have waiting must hold all of it.
    room_left: usize,
}

/// What an event takes on the wire beside its text, at most.
const ENVELOPE: usize = 400;

/// About how many bytes events take on the wire.
pub(super) fn on_the_wire(events: &[Event]) -> usize {
    let size = |event: &Event| match event {
        Event::Said { line, .. } => ENVELOPE + line.text.len(),
        _ => ENVELOPE,
    };
    events.iter().map(size).sum()
}

impl Reading {
    fn add(&mut self, events: Vec<Event>) {
        match self.room_left.checked_sub(on_the_wire(&events)) {
            Some(left) => self.room_left = left,
            None => self.fail(Unrecovered::Trimmed),
        }
        self.missed.extend(events);
    }

    fn fail(&mut self, why: Unrecovered) {
        self.broken.get_or_insert(why);
    }
}

impl Actions {
    /// Bytes of events that a socket can be told at once: what a connection may have waiting must hold all of them. Quotes
    /// and the like take twice their length on the wire.
    pub(super) fn room_for_missed(&self) -> usize {
        self.settings.sockets.outbox / 2
    }

    /// Whether clients are given the means to take up their sessions.
    pub fn remembers_sessions(&self) -> bool {
        !self.settings.sockets.recovery_window.is_zero()
    }

    /// How long sessions and trails are kept: a connection can have been dead for a while before anybody noticed.
    pub(super) fn remembered_for(&self) -> Duration {
        match self.remembers_sessions() {
            true => self.settings.sockets.recovery_window + self.patience(),
            false => Duration::ZERO,
        }
    }

    /// A client brings `pid` and the last bookmark it was given.
    pub async fn take_up(
        &self,
        user: &UserId,
        socket: &SocketId,
        pid: &Pid,
        mark: Option<Bookmark>,
    ) -> Result<TakenUp, Denied> {
        let sockets = &self.settings.sockets;
        let oldest = self.now() - sockets.recovery_window;
        let session = Session {
            sid: pid.sid.clone(),
            key: pid.key.clone(),
            standing: pid.standing,
        };
        let most = sockets.per_user as usize;
        let (state, past, before) = match self.coord.recover(user, socket, most, &session, oldest).await? {
            Recovered::Unknown => return Ok(TakenUp::Unknown),
            Recovered::Crowded => return Err(Refusal::TooManySockets.into()),
            Recovered::To(state, past, before) => (state, past, before),
        };
        let mark = heard(mark, pid, &past.trail);
        let who = Returning {
            user,
            socket,
            before,
            mark,
            // Each time that a session is taken up it is remembered for longer, the rooms are not.
            forgotten: Some(Unrecovered::WindowExpired),
        };
        self.catch_up(&who, state, past).await
    }

    /// A socket that was on another node goes on here. Its client, which has noticed nothing, was told everything up to
    /// `mark`.
    pub async fn go_on(&self, user: &UserId, socket: &SocketId, mark: Bookmark) -> Result<TakenUp, Denied> {
        let most = self.settings.sockets.per_user as usize;
        let (state, past) = match self.coord.attach(user, socket, most, None).await? {
            Attached::Crowded => return Err(Refusal::TooManySockets.into()),
            Attached::To(state, past) => (state, past),
        };
        let who = Returning {
            user,
            socket,
            before: None,
            mark,
            forgotten: None,
        };
        self.catch_up(&who, state, past).await
    }

    async fn catch_up(&self, who: &Returning<'_>, state: State, past: Past) -> Result<TakenUp, Denied> {
        let rooms = match to_read(who.mark, &past.trail) {
            Ok(rooms) => rooms,
            // Nothing else is known: it is for the caller to say that this room is lost.
            Err(Unrecovered::EpochChanged) if past.trail.is_empty() && who.forgotten.is_none() => Vec::new(),
            Err(why) => return Ok(TakenUp::Broken(why)),
        };
        let mut reading = Reading {
            missed: Vec::new(),
            broken: None,
            room_left: self.room_for_missed(),
        };
        let arrival = self.read_on(who, state, rooms, &mut reading).await?;
        Ok(match reading.broken {
            None => TakenUp::Whole(came(arrival, reading.missed, past, Some(who.mark))),
            Some(why) => TakenUp::Broken(why),
        })
    }

    /// Reads the rooms that the user is no longer in, then takes the seat in the room of now.
    async fn read_on(
        &self,
        who: &Returning<'_>,
        state: State,
        mut rooms: Vec<(RoomId, From)>,
        reading: &mut Reading,
    ) -> Result<Arrival, Denied> {
        let seat = match state {
            State::Seated(room) => Some(room),
            State::Idle | State::Seeking(_) => None,
        };
        let heard = match rooms.pop_if(|(room, _)| Some(*room) == seat) {
            Some((_, heard)) => heard,
            None => From::Start,
        };
        for (room, heard) in rooms {
            self.read(who, room, heard, reading).await?;
        }
        match state {
            State::Idle => Ok(Arrival::Idle),
            State::Seeking(stay) => self.go_on_seeking(who.user, who.socket, stay.queue).await,
            State::Seated(room) => Ok(self.resume(who, room, heard, reading).await?),
        }
    }

    async fn read(&self, who: &Returning<'_>, room: RoomId, heard: From, reading: &mut Reading) -> Result<(), Fault> {
        match (self.coord.retell(room, who.user, heard).await?, heard) {
            (Retold::Whole(events), _) => reading.add(events),
            (Retold::Cut, _) => reading.fail(Unrecovered::Trimmed),
            (Retold::Gone, From::After(_)) => who.forgotten.into_iter().for_each(|why| reading.fail(why)),
            (Retold::Gone, From::Start) => reading.fail(Unrecovered::WindowExpired),
        }
        Ok(())
    }

    async fn resume(
        &self,
        who: &Returning<'_>,
        room: RoomId,
        heard: From,
        reading: &mut Reading,
    ) -> Result<Arrival, Fault> {
        let before = who.before.as_ref();
        match self.coord.resume(room, who.user, who.socket, heard, before).await? {
            Sat::Present(found) | Sat::Retaken(found) => {
                if !found.whole {
                    reading.fail(Unrecovered::Trimmed);
                }
                reading.add(found.missed);
                let (people, last) = (found.people, found.last);
                Ok(Arrival::Seated { room, people, last })
            }
            Sat::Opening => Ok(Arrival::Opening),
            Sat::Ended(ending, people) => {
                // Its client may have heard the end before the user was let go of.
                if !matches!(who.mark, Bookmark::After(heard, _) if heard == room) {
                    self.read(who, room, heard, reading).await?;
                }
                self.find_ended(room, ending, &people).await?;
                Ok(Arrival::Idle)
            }
            Sat::None => {
                reading.fail(Unrecovered::EpochChanged);
                self.find_lost(who.user, room).await
            }
        }
    }
}
