//! Table `conversations`: that two people talked, when, and how it ended; never what they said.

use super::{Saved, Store, seconds};
use crate::domain::fact::Conversation;
use crate::error::Fault;
use crate::ids::UserId;

impl Store {
    /// Keeps the metadata of a conversation, and counts it for those of its people who have an account: conversations are
    /// forgotten after a while, and how many there were is not. Twice is once. Of two ends the later
    /// counts: a failover can lose one that is stored already, and its people talk on.
    pub async fn save_conversation(&self, conversation: &Conversation) -> Result<Saved, Fault> {
        let people: Vec<_> = conversation.people.iter().map(UserId::as_str).collect();
        let registered: Vec<_> = conversation
            .people
            .iter()
            .filter_map(|user| UserId::parse_uuid(user.as_str()))
            .map(|user| user.to_string())
            .collect();
        let query = sqlx::query(
            "with before as (select ceil(greatest(extract(epoch from ended_at - opened_at), 0) / 60)::integer as minutes
                 from conversations where room = $1::uuid),
             new as (insert into conversations (room, kind, opened_at, ended_at, end_reason, ended_by, messages, people)
                 values ($1::uuid, $2, to_timestamp($3), to_timestamp($4), $5, $6, $7, $8)
                 on conflict (room) do update set (ended_at, end_reason, ended_by, messages)
                     = (excluded.ended_at, excluded.end_reason, excluded.ended_by, excluded.messages)
                 where excluded.ended_at > conversations.ended_at
                 returning ceil(greatest(extract(epoch from ended_at - opened_at), 0) / 60)::integer as minutes),
             counted as (update users set
                 calls_completed = calls_completed + case when exists (select from before) then 0 else 1 end,
                 call_minutes = call_minutes + new.minutes - coalesce((select minutes from before), 0)
                 from new where id = any($9::uuid[]))
             select from new",
        )
        .bind(conversation.room.to_string())
        .bind(conversation.kind.as_str())
        .bind(seconds(conversation.opened))
        .bind(seconds(conversation.ended))
        .bind(conversation.ending.why())
        .bind(conversation.ending.by().map(UserId::as_str))
        .bind(i32::try_from(conversation.lines).unwrap_or(i32::MAX))
        .bind(people)
        .bind(registered);
        self.insert("save conversation", query.execute(&self.pool)).await
    }
}
