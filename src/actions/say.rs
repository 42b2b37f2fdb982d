//! Saying a line, and being seen to type.

use super::{Actions, CLIENT_IDS, Denied};
use crate::clock::Millis;
use crate::coord::rooms::{Said, SayRules, Saying};
use crate::domain::chat;
use crate::domain::event::Typing;
use crate::domain::refusal::Refusal;
use crate::ids::{ClientMessageId, MessageId, RoomId, UserId};

/// A line that has been said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its id; the same for every try of one client message id.
    pub message: MessageId,
    /// When it was said.
    pub at: Millis,
}

impl Actions {
    /// `user` says `text` in `room`. The one script that this costs also tells everybody; with `echo` the user's own
    /// sockets on this node as well.
    pub async fn say(
        &self,
        user: &UserId,
        room: RoomId,
        text: &str,
        client_id: Option<&ClientMessageId>,
        echo: bool,
    ) -> Result<Receipt, Denied> {
        let rules = &self.settings.chat;
        let text = chat::clean(text, rules.message_max_chars as usize)?;
        let at = self.now();
        let message = MessageId::fresh(at.0);
        let saying = Saying {
            room,
            user,
            message: &message,
            at,
            text: &text,
            client_id,
            echo,
        };
        let rules = SayRules {
            limit: rules.rate_limit as usize,
            window: rules.rate_window,
            log_keeps: rules.room_log as usize,
            ids_kept: CLIENT_IDS,
        };
        match self.coord.say(&saying, rules).await? {
            Said::As(message, at) => Ok(Receipt { message, at }),
            Said::SlowDown(wait) => Err(Refusal::SlowDown { wait }.into()),
            Said::NoRoom => Err(Refusal::NoRoom.into()),
        }
    }

    /// `user` started or stopped typing. Without a seat nothing happens.
    pub async fn show_typing(&self, user: &UserId, room: RoomId, typing: Typing) -> Result<(), Denied> {
        match typing {
            Typing::Started => {
                let fades = self.now() + self.settings.chat.typing_fade;
                self.coord.start_typing(room, user, fades).await?
            }
            Typing::Stopped => self.coord.stop_typing(room, user).await?,
        };
        Ok(())
    }
}
