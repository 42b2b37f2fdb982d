//! The four ways a room ends: somebody leaves or reports, a held seat runs out, nothing is said for too long.

use super::people;
use crate::clock::Millis;
use crate::coord::Coord;
use crate::coord::script::Act;
use crate::domain::refusal::Refusal;
use crate::domain::safety::Violation;
use crate::error::Fault;
use crate::ids::{FactId, RoomId, UserId};
use std::time::Duration;

/// What every ending needs to know.
#[derive(Clone, Copy, Debug)]
pub struct EndRules {
    /// How long the tombstone answers those who come late.
    pub tombstone: Duration,
    /// When the people are let go of at the latest.
    pub release_at: Millis,
}

/// A participant's report of another.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// Makes storing it twice harmless.
    pub id: &'a FactId,
    /// The room, which ends.
    pub room: RoomId,
    /// Who reports.
    pub reporter: &'a UserId,
    /// Who is reported.
    pub reported: &'a UserId,
    /// What for.
    pub violation: Violation,
    /// In the reporter's words.
    pub description: &'a str,
    /// How many of the last lines are kept.
    pub lines: usize,
}

impl Coord {
    fn ending(&self, name: &'static str, room: RoomId) -> Act {
        Act::new(name)
            .key(self.keys().room(room))
            .key(self.keys().log(room))
            .key(self.keys().timers(room.shard()))
            .key(self.keys().journal(room.shard()))
            .key(self.keys().rooms_base(room.shard()))
            .arg(room)
    }

    async fn run_ending(&self, room: RoomId, act: Act) -> Result<Option<Vec<UserId>>, Fault> {
        let Some(shard) = self.keys().shard_of_room(room) else {
            return Ok(None);
        };
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "ended" => people(&reply, 0).map(Some),
            "no_room" | "not_due" | "not_here" => Ok(None),
            _ => Err(reply.unknown()),
        }
    }

    /// `user` leaves; who was in the room, unless there was none.
    pub async fn end(&self, room: RoomId, user: &UserId, rules: EndRules) -> Result<Option<Vec<UserId>>, Fault> {
        self.end_for(room, user, "left", rules).await
    }

    /// Redis no longer knows that `user` is in the room: it cannot go on for the others.
    pub async fn lose(&self, room: RoomId, user: &UserId, rules: EndRules) -> Result<Option<Vec<UserId>>, Fault> {
        self.end_for(room, user, "lost", rules).await
    }

    async fn end_for(
        &self,
        room: RoomId,
        user: &UserId,
        why: &str,
        rules: EndRules,
    ) -> Result<Option<Vec<UserId>>, Fault> {
        let act = self
            .ending("end", room)
            .promising("ended")
            .arg(user)
            .arg(why)
            .arg(rules.tombstone.as_millis())
            .arg(rules.release_at);
        self.run_ending(room, act).await
    }

    /// A report: freezes the last lines and ends the room.
    pub async fn report(&self, report: &Report<'_>, rules: EndRules) -> Result<Result<Vec<UserId>, Refusal>, Fault> {
        let room = report.room;
        let Some(shard) = self.keys().shard_of_room(room) else {
            return Ok(Err(Refusal::NoRoom));
        };
        let act = self
            .ending("report", room)
            .promising("ended")
            .arg(report.reporter)
            .arg(report.reported)
            .arg(rules.tombstone.as_millis())
            .arg(report.id)
            .arg(report.violation.as_str())
            .arg(report.description)
            .arg(report.lines)
            .arg(rules.release_at);
        let reply = self.run(shard, act).await?;
        match reply.word() {
            "ended" => people(&reply, 0).map(Ok),
            "not_here" => Ok(Err(Refusal::NotYourPartner)),
            "no_room" => Ok(Err(Refusal::NoRoom)),
            _ => Err(reply.unknown()),
        }
    }

    /// The timer of the held seat of `user` has come; who was in the room, if that ended it.
    pub async fn expire_hold(
        &self,
        room: RoomId,
        user: &UserId,
        rules: EndRules,
    ) -> Result<Option<Vec<UserId>>, Fault> {
        let act = self
            .ending("expire_hold", room)
            .arg(user)
            .arg(rules.tombstone.as_millis())
            .arg(rules.release_at);
        self.run_ending(room, act).await
    }

    /// The timer of a quiet room has come; who was in the room, if that ended it.
    pub async fn expire_idle(
        &self,
        room: RoomId,
        quiet: Duration,
        rules: EndRules,
    ) -> Result<Option<Vec<UserId>>, Fault> {
        let act = self
            .ending("expire_idle", room)
            .arg(quiet.as_millis())
            .arg(rules.tombstone.as_millis())
            .arg(rules.release_at);
        self.run_ending(room, act).await
    }
}
