//! Table `conversations`: that two people talked, when, and how it ended; never what they said.

use super::{Saved, Store, seconds};
use crate::domain::fact::Conversation;
use crate::error::Fault;
use crate::ids::UserId;

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
        .bind(conversation.kind.as_str())
        .bind(seconds(conversation.opened))
        .bind(seconds(conversation.ended))
        .bind(conversation.ending.why())
        .bind(conversation.ending.by().map(UserId::as_str))
        .bind(i32::try_from(conversation.lines).unwrap_or(i32::MAX))
        .bind(people);
        self.insert("save conversation", query.execute(&self.pool)).await
    }
}
