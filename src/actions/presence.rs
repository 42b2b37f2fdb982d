//! Which kind of chat somebody has on the screen.

use super::Actions;
use crate::coord::users::ModeSet;
use crate::domain::presence::Mode;
use crate::error::Fault;
use crate::ids::UserId;

impl Actions {
    /// `user` looks at `mode`. Looking away from the queue's kind of chat ends the seeking, never a room.
    pub async fn show(&self, user: &UserId, mode: Option<Mode>) -> Result<(), Fault> {
        match self.coord.set_mode(user, mode).await? {
            ModeSet::Same | ModeSet::Changed => Ok(()),
            ModeSet::Stopped(queue, ticket) => self.coord.leave(user, queue, &ticket).await,
        }
    }
}
