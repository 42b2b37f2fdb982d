//! What is remembered when a chat is over: that it was, and what was reported.

use crate::clock::Millis;
use crate::domain::room::{Ending, Line, RoomKind};
use crate::domain::safety::Violation;
use crate::ids::{FactId, RoomId, UserId};

/// Something that must be remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A room has ended.
    Ended(Conversation),
    /// Somebody was reported.
    Reported(Report),
}

/// A room's life, without what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// The room.
    pub room: RoomId,
    /// What it was for.
    pub kind: RoomKind,
    /// When it was offered.
    pub opened: Millis,
    /// When it ended.
    pub ended: Millis,
    /// Why.
    pub ending: Ending,
    /// How many lines were said.
    pub lines: u64,
    /// Who was in it.
    pub people: Vec<UserId>,
}

/// A report with what it was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its key.
    pub id: FactId,
    /// The room.
    pub room: RoomId,
    /// What it was for.
    pub kind: RoomKind,
    /// When the room was offered.
    pub opened: Millis,
    /// Who reports.
    pub reporter: UserId,
    /// Who is reported.
    pub reported: UserId,
    /// What for.
    pub violation: Violation,
    /// In the reporter's words.
    pub description: String,
    /// When.
    pub at: Millis,
    /// The last lines of the room, oldest first.
    pub lines: Vec<Line>,
}
