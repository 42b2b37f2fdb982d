//! Looking for a partner, and no longer looking.

use super::{Actions, Denied, SEEK_CHECK};
use crate::coord::rooms::Sat;
use crate::coord::users::{Entered, Stay};
use crate::domain::event::Event;
use crate::domain::queue::{Place, Queue};
use crate::error::Fault;
use crate::ids::{RoomId, SocketId, UserId};

/// What came of seeking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    /// In the queue: newly, or as before.
    Waiting(Place),
    /// The user sits in a room already, with these people, and the socket has missed this of it.
    Seated(RoomId, Vec<UserId>, Vec<Event>),
}

/// Tries to enter while what stands in the way dissolves: a room that has ended but not yet let go of the user.
const TRIES: usize = 3;

impl Actions {
    /// `user` looks for a partner in `queue`. Asking again while waiting tells the place again.
    pub async fn seek(&self, user: &UserId, socket: &SocketId, queue: Queue) -> Result<Sought, Denied> {
        for _ in 0..TRIES {
            match self.enter(user, queue).await? {
                Entered::Waiting(place) => return Ok(Sought::Waiting(place)),
                Entered::Seeking(stay) => return Ok(Sought::Waiting(self.wait_in_line(user, &stay).await?)),
                Entered::Absent => break,
                Entered::Seated(room) => match self.coord.sit(room, user, socket, self.unnoticed()).await? {
                    Sat::Present(found) => return Ok(Sought::Seated(room, found.people, Vec::new())),
                    // It was not in its seat, and heard nothing meanwhile.
                    Sat::Retaken(found) => return Ok(Sought::Seated(room, found.people, found.missed)),
                    // What comes of it is told, or the user is back at the front.
                    Sat::Opening => return Ok(Sought::Waiting(Place::at(1))),
                    Sat::Ended(_, people) => self.let_go(room, &people).await?,
                    Sat::None => self.let_go_of(user, room, None).await?,
                },
            }
        }
        Err(Fault::new("seek", "the user's state did not settle").into())
    }

    /// `user` looks no longer; false when the user did not.
    pub async fn stop_seeking(&self, user: &UserId) -> Result<bool, Fault> {
        let Some((queue, ticket)) = self.coord.give_up(user).await? else {
            return Ok(false);
        };
        self.coord.leave(user, queue, &ticket).await?;
        Ok(true)
    }

    /// Where user and queue are on one shard, one step does for two.
    async fn enter(&self, user: &UserId, queue: Queue) -> Result<Entered, Fault> {
        match self.coord.keys().shard_of_user(user) == self.coord.keys().shard_of_queue(queue) {
            true => self.coord.seek(user, queue, self.settings.queue.eligible_after).await,
            false => self.coord.enter(user, queue, self.now() + SEEK_CHECK).await,
        }
    }

    /// Puts a seeker at the place that belongs to the stay's beginning.
    pub(super) async fn wait_in_line(&self, user: &UserId, stay: &Stay) -> Result<Place, Fault> {
        self.coord.join(user, stay, self.settings.queue.eligible_after).await
    }
}
