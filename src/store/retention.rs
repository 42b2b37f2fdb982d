//! What is forgotten when its time is over: conversations go, reports keep their facts and lose their evidence; logins and
//! sign-ups go by themselves soon after they end.

use super::{Store, seconds};
use crate::clock::Millis;
use crate::error::Fault;
use std::time::Duration;

/// Rows touched by one statement: short locks, and a first run over years of rows ends in many small steps.
const AT_ONCE: i64 = 1000;

/// How much was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Conversations deleted.
    pub conversations: u64,
    /// Reports whose evidence was removed.
    pub evidence: u64,
    /// Logins and sign-ups deleted.
    pub ended: u64,
}

/// How long an ended login is kept, so that its tokens are told why they are no good.
const KEPT_AFTER_END: Duration = Duration::from_secs(7 * 24 * 3600);

impl Store {
    /// Forgets a bounded number of rows from before `limit`. All zeros means that nothing is left. Nodes may do this
    /// at the same time: rows that another one holds are skipped.
    pub async fn forget_before(&self, limit: Millis, now: Millis) -> Result<Forgotten, Fault> {
        let conversations = sqlx::query(
            "delete from conversations where room in
             (select room from conversations where ended_at < to_timestamp($1) limit $2 for update skip locked)",
        )
        .bind(seconds(limit))
        .bind(AT_ONCE)
        .execute(&self.pool);
        let conversations = self.within("forget conversations", conversations).await?;
        let evidence = sqlx::query(
            "update reports set messages = null where id in
             (select id from reports where created_at < to_timestamp($1) and messages is not null
              limit $2 for update skip locked)",
        )
        .bind(seconds(limit))
        .bind(AT_ONCE)
        .execute(&self.pool);
        let evidence = self.within("forget evidence", evidence).await?;
        Ok(Forgotten {
            conversations: conversations.rows_affected(),
            evidence: evidence.rows_affected(),
            ended: self.forget_ended(now).await?,
        })
    }

    async fn forget_ended(&self, now: Millis) -> Result<u64, Fault> {
        let logins = sqlx::query(
            "delete from logins where id in
             (select id from logins where expires_at < to_timestamp($1) limit $2 for update skip locked)",
        )
        .bind(seconds(now - KEPT_AFTER_END))
        .bind(AT_ONCE)
        .execute(&self.pool);
        let logins = self.within("forget logins", logins).await?;
        let sign_ups = sqlx::query(
            "delete from sign_ups where email in
             (select email from sign_ups where expires_at < to_timestamp($1)
              and (locked_until is null or locked_until < to_timestamp($1)) limit $2 for update skip locked)",
        )
        .bind(seconds(now))
        .bind(AT_ONCE)
        .execute(&self.pool);
        let sign_ups = self.within("forget sign-ups", sign_ups).await?;
        Ok(logins.rows_affected() + sign_ups.rows_affected())
    }
}
