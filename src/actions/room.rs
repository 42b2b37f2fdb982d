//! Leaving a room, asking for its state, and letting its people go when it has ended.

use super::{Actions, Denied};
use crate::coord::users::ApartRules;
use crate::domain::refusal::Refusal;
use crate::domain::room::partner_of;
use crate::error::Fault;
use crate::ids::{RoomId, SocketId, UserId};
use crate::metrics;

impl Actions {
    /// `user` leaves: the room ends. False when there was no such room, or no seat in it.
    pub async fn leave_room(&self, user: &UserId, room: RoomId) -> Result<bool, Fault> {
        let ended = self.coord.end(room, user, self.end_rules()).await?;
        if let Some(people) = &ended {
            metrics::ROOMS_ENDED.one("left");
            self.let_go(room, people).await?;
        }
        Ok(ended.is_some())
    }

    /// `user` is no longer in the room, as far as Redis knows: who is there is told that it is lost.
    pub async fn lose_room(&self, user: &UserId, room: RoomId) -> Result<(), Fault> {
        match self.coord.lose(room, user, self.end_rules()).await? {
            Some(people) => {
                metrics::ROOMS_ENDED.one("lost");
                self.let_go(room, &people).await
            }
            None => Ok(()),
        }
    }

    /// Sends the state of the room with its last lines to one socket.
    pub async fn recall(&self, user: &UserId, socket: &SocketId, room: RoomId) -> Result<(), Denied> {
        let lines = self.settings.chat.report_lines as usize;
        match self.coord.recall(room, user, socket, lines).await? {
            true => Ok(()),
            false => Err(Refusal::SeatLost.into()),
        }
    }

    /// The room has ended: its people are free, and remember each other for a while.
    pub(super) async fn let_go(&self, room: RoomId, people: &[UserId]) -> Result<(), Fault> {
        let each = people
            .iter()
            .map(|user| self.let_go_of(user, room, partner_of(people, user)));
        futures_util::future::try_join_all(each).await.map(drop)
    }

    pub(super) async fn let_go_of(&self, user: &UserId, room: RoomId, partner: Option<&UserId>) -> Result<(), Fault> {
        let queue = &self.settings.queue;
        let rules = ApartRules {
            partners: queue.recent_partners as usize,
            apart_for: queue.recent_for,
        };
        self.coord.release(user, room, partner, rules).await
    }
}
