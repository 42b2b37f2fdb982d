//! Table `conversations`: that two people talked, when, and how it ended; never what they said.

use super::{Saved, Store, seconds};
use crate::clock::Millis;
use crate::error::Fault;
use crate::ids::{RoomId, UserId};

/// A conversation that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its room.
    pub room: RoomId,
    /// What kind of room it was.
    pub kind: &'static str,
    /// When it began.
    pub opened_at: Millis,
    /// When it ended.
    pub ended_at: Millis,
    /// Why.
    pub end_reason: &'static str,
    /// Who ended it, when a person did.
    pub ended_by: Option<UserId>,
    /// How many messages were said.
    pub messages: u32,
    /// Who had a seat.
    pub people: Vec<UserId>,
}

impl Store {
    /// Keeps the metadata of a conversation. Twice is once.
    pub async fn save_conversation(&self, conversation: &Conversation) -> Result<Saved, Fault> {
        let people: Vec<_> = conversation.people.iter().map(UserId::as_str).collect();
        let query = sqlx::query(
            "insert into conversations (room, kind, opened_at, ended_at, end_reason, ended_by, messages, people)
             values ($1::uuid, $2, to_timestamp($3), to_timestamp($4), $5, $6, $7, $8)
             on conflict (room) do nothing",
        )
        .bind(conversation.room.to_string())
        .bind(conversation.kind)
        .bind(seconds(conversation.opened_at))
        .bind(seconds(conversation.ended_at))
        .bind(conversation.end_reason)
        .bind(conversation.ended_by.as_ref().map(UserId::as_str))
        .bind(i32::try_from(conversation.messages).unwrap_or(i32::MAX))
        .bind(people);
        self.insert("save conversation", query.execute(&self.pool)).await
    }
}
