//! Table `reports`: one person's complaint about another, with the lines that were frozen when it was made.

use super::{Saved, Store, seconds, storable};
use crate::clock::Millis;
use crate::error::Fault;
use crate::ids::{FactId, MessageId, RoomId, UserId};
use serde_json::{Value, json};

/// A report as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The fact's own id: the key that makes storing twice harmless.
    pub id: FactId,
    /// Where it happened.
    pub room: RoomId,
    /// Who complains.
    pub reporter: UserId,
    /// About whom.
    pub reported: UserId,
    /// What kind of violation, as the reporter chose.
    pub violation: String,
    /// What the reporter wrote.
    pub description: String,
    /// The last lines of the room, oldest first.
    pub messages: Vec<Line>,
    /// When.
    pub created_at: Millis,
}

/// One line of a conversation, kept as evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The message.
    pub id: MessageId,
    /// Who said it.
    pub sender: UserId,
    /// What was said.
    pub text: String,
    /// When.
    pub at: Millis,
}

impl Line {
    fn evidence(&self) -> Value {
        json!({
            "messageId": self.id.as_str(),
            "senderId": self.sender.as_str(),
            "content": storable(&self.text),
            "timestamp": self.at.0,
        })
    }
}

impl Store {
    /// Keeps a report for a moderator. Twice is once.
    pub async fn save_report(&self, report: &Report) -> Result<Saved, Fault> {
        let lines: Value = report.messages.iter().map(Line::evidence).collect();
        let query = sqlx::query(
            "insert into reports (id, room, reporter, reported, violation, description, messages, created_at)
             values ($1::uuid, $2::uuid, $3, $4, $5, $6, $7, to_timestamp($8))
             on conflict (id) do nothing",
        )
        .bind(report.id.as_str())
        .bind(report.room.to_string())
        .bind(report.reporter.as_str())
        .bind(report.reported.as_str())
        .bind(storable(&report.violation))
        .bind(storable(&report.description))
        .bind(lines)
        .bind(seconds(report.created_at));
        self.insert("save report", query.execute(&self.pool)).await
    }
}
