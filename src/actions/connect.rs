//! Sockets come and go: what that does to the user behind them.

use super::{Actions, Denied};
use crate::coord::rooms::Sat;
use crate::coord::users::{Attached, Detached, State};
use crate::domain::queue::Queue;
use crate::domain::refusal::Refusal;
use crate::domain::room::{Ending, Offset};
use crate::error::Fault;
use crate::ids::{RoomId, SocketId, UserId};

/// What a user whose socket has just come is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Nothing.
    Idle,
    /// Waiting for a partner, at the place of before.
    Seeking(Queue),
    /// In a room. Lines that may have been missed come through the inbox.
    Seated {
        /// The room.
        room: RoomId,
        /// Everyone in it.
        people: Vec<UserId>,
        /// Its last line when the socket took the seat: what came before is not news to this socket.
        last: Offset,
    },
    /// In a room that has ended meanwhile.
    Ended(RoomId, Ending),
}

impl Actions {
    /// A socket of `user` is on this node now. Seats held for the user are retaken, places in queues kept.
    pub async fn arrive(&self, user: &UserId, socket: &SocketId) -> Result<Arrival, Denied> {
        let most = self.settings.sockets.per_user as usize;
        match self.coord.attach(user, socket, most).await? {
            Attached::Crowded => Err(Refusal::TooManySockets.into()),
            Attached::To(State::Idle) => Ok(Arrival::Idle),
            Attached::To(State::Seeking(stay)) => {
                self.seek(user, socket, stay.queue).await?;
                Ok(Arrival::Seeking(stay.queue))
            }
            Attached::To(State::Seated(room)) => Ok(self.take_seat(user, socket, room).await?),
        }
    }

    /// A socket of `user` is gone. Lines from `since` on may not have reached it.
    pub async fn depart(&self, user: &UserId, socket: &SocketId, since: Offset) -> Result<(), Fault> {
        let now = self.now();
        let give_up = now + self.settings.queue.seeker_absence;
        match self.coord.detach(user, socket, give_up).await? {
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

    async fn take_seat(&self, user: &UserId, socket: &SocketId, room: RoomId) -> Result<Arrival, Fault> {
        match self.coord.sit(room, user, socket, self.unnoticed()).await? {
            Sat::Present(people, last) | Sat::Retaken(people, last) => Ok(Arrival::Seated { room, people, last }),
            Sat::Ended(ending, people) => {
                self.let_go(room, &people).await?;
                Ok(Arrival::Ended(room, ending))
            }
            Sat::None => {
                self.let_go_of(user, room, None).await?;
                Ok(Arrival::Ended(room, Ending::Lost))
            }
        }
    }
}
