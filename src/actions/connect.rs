//! Sockets come and go: what that does to the user behind them.

use super::recover::on_the_wire;
use super::{Actions, Denied};
use crate::clock::Millis;
use crate::coord::rooms::{Retold, Sat};
use crate::coord::users::{Attached, Detached, Past, Remembered, Session, State};
use crate::domain::event::Event;
use crate::domain::queue::Queue;
use crate::domain::recovery::{Bookmark, From};
use crate::domain::refusal::Refusal;
use crate::domain::room::{Ending, Offset};
use crate::error::Fault;
use crate::ids::{RoomId, SocketId, UserId};
use std::time::Duration;

/// What a user whose socket has just come is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Nothing.
    Idle,
    /// Waiting for a partner, at the place of before.
    Seeking(Queue),
    /// In a room.
    Seated {
        /// The room.
        room: RoomId,
        /// Everyone in it.
        people: Vec<UserId>,
        /// The newest entry of its log when the socket took the seat: what came before is not news to this socket.
        last: Offset,
    },
    /// Taken for a room that is not open yet: that will be told, or the user waits on.
    Opening,
    /// In a room that has ended meanwhile.
    Ended(RoomId, Ending),
}

/// A socket that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// What its user is doing.
    pub arrival: Arrival,
    /// What it is to be told first, oldest first.
    pub missed: Vec<Event>,
    /// Whether that is all that it missed. Otherwise it is nothing: of what is not there whole no part is told.
    pub whole: bool,
    /// Up to where it has heard before that.
    pub heard: Bookmark,
    /// Whether its client believes that it seeks, and it does not any more.
    pub gave_up: bool,
    /// The life of the data in Redis.
    pub epoch: String,
    /// When it came, by the clock that numbers the entries of logs.
    pub at: Millis,
}

/// How a socket went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// Its client left, or was sent away for good: there is no session to take up.
    Goodbye,
    /// Its connection broke, or was ended so that its client comes back.
    Break,
}

impl Actions {
    /// A socket of `user` is on this node now. Seats held for the user are retaken, places in queues kept. Its client may
    /// take up `session`; none leaves what is known of that.
    pub async fn arrive(&self, user: &UserId, socket: &SocketId, session: Option<&Session>) -> Result<Came, Denied> {
        self.come(user, socket, session, None).await
    }

    /// A socket that was here all the time may be missing notices, or Redis may no longer know of it. It has heard up to
    /// `heard`.
    pub async fn arrive_anew(&self, user: &UserId, socket: &SocketId, heard: Offset) -> Result<Came, Denied> {
        self.come(user, socket, None, Some(heard)).await
    }

    async fn come(
        &self,
        user: &UserId,
        socket: &SocketId,
        session: Option<&Session>,
        heard: Option<Offset>,
    ) -> Result<Came, Denied> {
        let most = self.settings.sockets.per_user as usize;
        let (state, past) = match self.coord.attach(user, socket, most, session).await? {
            Attached::Crowded => return Err(Refusal::TooManySockets.into()),
            Attached::To(state, past) => (state, past),
        };
        let mut whole = true;
        let (arrival, mut missed) = match state {
            State::Idle => (Arrival::Idle, Vec::new()),
            State::Seeking(stay) => (self.go_on_seeking(user, socket, stay.queue).await?, Vec::new()),
            State::Seated(room) => {
                let sat = match heard {
                    Some(heard) => self.coord.resume(room, user, socket, From::After(heard), None).await?,
                    None => self.coord.sit(room, user, socket, self.unnoticed()).await?,
                };
                let ended = matches!(sat, Sat::Ended(..));
                whole = sat.is_whole();
                let (arrival, missed) = self.seated(user, room, sat).await?;
                match heard.filter(|_| ended) {
                    Some(heard) => (
                        arrival,
                        self.missed_to_the_end(user, room, heard).await?.unwrap_or(missed),
                    ),
                    None => (arrival, missed),
                }
            }
        };
        let first = missed.iter().find_map(Event::place);
        whole = whole && on_the_wire(&missed) <= self.room_for_missed();
        if !whole {
            missed.clear();
        }
        let came = Came {
            whole,
            ..came(arrival, missed, past, None)
        };
        Ok(match first {
            Some((room, offset)) => Came {
                heard: Bookmark::In(room, offset.before()),
                ..came
            },
            None => came,
        })
    }

    /// What somebody who has heard up to `heard` missed of a room that has ended, with its end; none when not all of it
    /// is there, or the room has not ended.
    pub async fn missed_to_the_end(
        &self,
        user: &UserId,
        room: RoomId,
        heard: Offset,
    ) -> Result<Option<Vec<Event>>, Fault> {
        let retold = self.coord.retell(room, user, From::After(heard)).await?;
        Ok(match retold {
            Retold::Whole(events) if ends(&events) => Some(events),
            Retold::Whole(_) | Retold::Cut | Retold::Gone => None,
        })
    }

    pub(super) async fn go_on_seeking(
        &self,
        user: &UserId,
        socket: &SocketId,
        queue: Queue,
    ) -> Result<Arrival, Denied> {
        self.seek(user, socket, queue).await?;
        Ok(Arrival::Seeking(queue))
    }

    /// A socket of `user` is gone. Lines from `since` on may not have reached it.
    pub async fn depart(&self, user: &UserId, socket: &SocketId, since: Offset, parting: Parting) -> Result<(), Fault> {
        let give_up = self.now() + self.settings.queue.seeker_absence;
        let both = Remembered::both(self.remembered_for());
        let session = Duration::ZERO;
        let remembered = match parting {
            Parting::Goodbye => Remembered { session, ..both },
            Parting::Break => both,
        };
        match self.coord.detach(user, socket, give_up, remembered).await? {
            Detached::Last(State::Seeking(stay)) => self.coord.leave(user, stay.queue, &stay.ticket).await,
            // Also when the socket was no longer the user's: an earlier try may have come only halfway.
            Detached::More(State::Seated(room))
            | Detached::Last(State::Seated(room))
            | Detached::Elsewhere(State::Seated(room)) => self.leave_seat(user, socket, room, since).await,
            Detached::More(_) | Detached::Last(State::Idle) | Detached::Elsewhere(_) => Ok(()),
        }
    }

    /// A socket of a participant is no longer in its seat.
    pub async fn leave_seat(&self, user: &UserId, socket: &SocketId, room: RoomId, since: Offset) -> Result<(), Fault> {
        let until = self.now() + self.settings.chat.seat_hold;
        self.coord.unsit(room, user, socket, until, since).await.map(drop)
    }

    async fn seated(&self, user: &UserId, room: RoomId, sat: Sat) -> Result<(Arrival, Vec<Event>), Fault> {
        match sat {
            Sat::Present(found) | Sat::Retaken(found) => {
                let (people, last) = (found.people, found.last);
                Ok((Arrival::Seated { room, people, last }, found.missed))
            }
            Sat::Opening => Ok((Arrival::Opening, Vec::new())),
            Sat::Ended(ending, people) => Ok((self.find_ended(room, ending, &people).await?, Vec::new())),
            Sat::None => Ok((self.find_lost(user, room).await?, Vec::new())),
        }
    }

    pub(super) async fn find_ended(&self, room: RoomId, why: Ending, people: &[UserId]) -> Result<Arrival, Fault> {
        self.let_go(room, people).await?;
        Ok(Arrival::Ended(room, why))
    }

    pub(super) async fn find_lost(&self, user: &UserId, room: RoomId) -> Result<Arrival, Fault> {
        self.let_go_of(user, room, None).await?;
        Ok(Arrival::Ended(room, Ending::Lost))
    }
}

/// Whether a room's end is among what is to be told.
pub fn ends(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event, Event::Ended { .. }))
}

/// A socket that has come, whose client had `heard` so much before; one that is new has missed nothing.
pub(super) fn came(arrival: Arrival, missed: Vec<Event>, past: Past, heard: Option<Bookmark>) -> Came {
    let heard_of = match &arrival {
        // Its client has not heard of the last room.
        Arrival::Opening => past.trail.iter().rev().nth(1),
        _ => past.trail.last(),
    };
    let all = match (&arrival, heard_of) {
        (Arrival::Seated { room, last, .. }, _) => Bookmark::In(*room, *last),
        (Arrival::Ended(room, _), _) => Bookmark::After(*room, past.now),
        (Arrival::Idle | Arrival::Seeking(_) | Arrival::Opening, Some(room)) => Bookmark::After(*room, past.now),
        (Arrival::Idle | Arrival::Seeking(_) | Arrival::Opening, None) => Bookmark::Start,
    };
    let told_of_more = missed.iter().any(|event| matches!(event, Event::Seated { .. }));
    Came {
        gave_up: past.sought && arrival == Arrival::Idle && !told_of_more,
        arrival,
        missed,
        whole: true,
        heard: heard.unwrap_or(all),
        epoch: past.epoch,
        at: past.now,
    }
}
