//! Table `reports`: one person's complaint about another, with the lines that were frozen when it was made.

use super::{Saved, Store, seconds, storable};
use crate::domain::fact::Report;
use crate::domain::room::Line;
use crate::error::Fault;
use serde_json::{Value, json};

fn evidence(line: &Line) -> Value {
    json!({
        "messageId": line.message,
        "senderId": line.sender,
        "content": storable(&line.text),
        "timestamp": line.at.0,
    })
}

impl Store {
    /// Keeps a report for a moderator. Twice is once.
    pub async fn save_report(&self, report: &Report) -> Result<Saved, Fault> {
        let lines: Value = report.lines.iter().map(evidence).collect();
        let query = sqlx::query(
            "insert into reports (id, room, reporter, reported, violation, description, messages, created_at)
             values ($1::uuid, $2::uuid, $3, $4, $5, $6, $7, to_timestamp($8))
             on conflict (id) do nothing",
        )
        .bind(report.id.as_str())
        .bind(report.room.to_string())
        .bind(report.reporter.as_str())
        .bind(report.reported.as_str())
        .bind(report.violation.as_str())
        .bind(storable(&report.description))
        .bind(lines)
        .bind(seconds(report.at));
        self.insert("save report", query.execute(&self.pool)).await
    }
}
