//! What a client may ask for. Dialects turn their packets into commands; every command that is well-formed is one of
//! these.

use crate::domain::event::Typing;
use crate::domain::presence::Mode;
use crate::domain::queue::Queue;
use crate::domain::safety::Violation;
use crate::ids::{ClientMessageId, UserId};

/// Something asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Look for a partner.
    Seek(Queue),
    /// Look no longer.
    StopSeeking(Queue),
    /// Say a line in the room one is in.
    Say {
        /// As the client wrote it.
        text: String,
        /// Makes retries one line.
        client_id: Option<ClientMessageId>,
    },
    /// Be seen to type, or no longer.
    ShowTyping(Typing),
    /// Leave the room one is in.
    LeaveRoom,
    /// Report the partner.
    Report {
        /// Who, as the client believes.
        reported: UserId,
        /// What for.
        violation: Violation,
        /// In the reporter's words.
        description: String,
    },
    /// Get the room's state after having been away.
    Return,
    /// Say which kind of chat is on the screen.
    Show(Option<Mode>),
}

impl Command {
    /// The kind, as metrics and logs call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Command::Seek(_) => "seek",
            Command::StopSeeking(_) => "stop_seeking",
            Command::Say { .. } => "say",
            Command::ShowTyping(_) => "show_typing",
            Command::LeaveRoom => "leave_room",
            Command::Report { .. } => "report",
            Command::Return => "return",
            Command::Show(_) => "show",
        }
    }
}
