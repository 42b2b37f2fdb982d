//! What is forgotten when its time is over: conversations go, reports keep their facts and lose their evidence; guests go
//! who were not here for as long; archives of deleted accounts go after a time of their own; logins, sign-ups, links and
//! codes go by themselves soon after they end.

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
    /// Archives of deleted accounts deleted.
    pub archives: u64,
    /// Guests, logins, sign-ups, links to new passwords and codes of telephones deleted.
    pub ended: u64,
}

/// What is old enough to be forgotten.
#[derive(Debug, Clone, Copy)]
pub struct Old {
    /// Conversations, evidence and guests from before this.
    pub talks: Millis,
    /// Accounts that were deleted before this.
    pub archives: Millis,
}

/// How long an ended login is kept, so that its tokens are told why they are no good.
const KEPT_AFTER_END: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long a link to a new password is kept after its end, so that who comes with it is told that it is too late.
const TOLD_LATE: Duration = Duration::from_secs(24 * 3600);

impl Store {
    /// Forgets a bounded number of rows that are old enough. All zeros means that nothing is left. Nodes may do this
    /// at the same time: rows that another one holds are skipped.
    pub async fn forget(&self, old: Old, now: Millis) -> Result<Forgotten, Fault> {
        let limit = old.talks;
        let conversations = self.forget_some(
            "forget conversations",
            "delete from conversations where room in
             (select room from conversations where ended_at < to_timestamp($1) limit $2 for update skip locked)",
            limit,
        );
        let conversations = conversations.await?;
        let evidence = self.forget_some(
            "forget evidence",
            "update reports set messages = null where id in
             (select id from reports where created_at < to_timestamp($1) and messages is not null
              limit $2 for update skip locked)",
            limit,
        );
        let guests = self.forget_some(
            "forget guests",
            "delete from guests where id_hash in
             (select id_hash from guests where last_seen < to_timestamp($1) limit $2 for update skip locked)",
            limit,
        );
        let archives = self.forget_some(
            "forget archives",
            "delete from deleted_users where id in
             (select id from deleted_users where deleted_at < to_timestamp($1) limit $2 for update skip locked)",
            old.archives,
        );
        Ok(Forgotten {
            conversations,
            evidence: evidence.await?,
            archives: archives.await?,
            ended: guests.await? + self.forget_ended(now).await?,
        })
    }

    async fn forget_ended(&self, now: Millis) -> Result<u64, Fault> {
        let mut ended = 0;
        for (op, statement, before) in [
            (
                "forget logins",
                "delete from logins where id in
                 (select id from logins where expires_at < to_timestamp($1) limit $2 for update skip locked)",
                now - KEPT_AFTER_END,
            ),
            (
                "forget sign-ups",
                "delete from sign_ups where email in
                 (select email from sign_ups where expires_at < to_timestamp($1) limit $2 for update skip locked)",
                now,
            ),
            (
                "forget resets",
                "delete from resets where token_hash in
                 (select token_hash from resets where expires_at < to_timestamp($1) limit $2 for update skip locked)",
                now - TOLD_LATE,
            ),
            (
                "forget phone codes",
                "delete from phone_codes where phone_hash in
                 (select phone_hash from phone_codes where expires_at < to_timestamp($1) limit $2 for update skip locked)",
                now,
            ),
        ] {
            ended += self.forget_some(op, statement, before).await?;
        }
        Ok(ended)
    }

    /// Runs a statement over at most so many rows from before a time; how many there were.
    async fn forget_some(&self, op: &'static str, statement: &'static str, before: Millis) -> Result<u64, Fault> {
        let query = sqlx::query(statement).bind(seconds(before)).bind(AT_ONCE);
        let done = self.within(op, query.execute(&self.pool)).await?;
        Ok(done.rows_affected())
    }
}
