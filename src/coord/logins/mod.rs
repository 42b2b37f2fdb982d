//! Logins that ended before their time, as far as sockets are concerned: they come in without Postgres, so what they must
//! know of it is here.
//!
//! `revoked:<user>` (hash, TTL): login -> until when its tokens could be good, and why it ended. A socket comes in first
//! and asks then: an end from before it came is found here, one from after that reaches it as a notice.

#[cfg(test)]
mod tests;

use super::Coord;
use super::script::Act;
use crate::domain::account::Why;
use crate::error::Fault;
use crate::ids::{LoginId, UserId};
use std::time::Duration;

impl Coord {
    /// `logins` of `user` have ended; none of their tokens is good for longer than `outlived_by`.
    pub async fn revoke_logins(
        &self,
        user: &UserId,
        logins: &[LoginId],
        why: Why,
        outlived_by: Duration,
    ) -> Result<(), Fault> {
        let act = Act::new("revoke_logins")
            .promising("revoked")
            .key(self.keys().user(user))
            .key(self.keys().revoked(user))
            .arg(user)
            .arg(why.as_str())
            .arg(outlived_by.as_millis());
        let act = logins.iter().fold(act, Act::arg);
        let reply = self.run(self.keys().shard_of_user(user), act).await?;
        match reply.word() {
            "revoked" => Ok(()),
            _ => Err(reply.unknown()),
        }
    }

    /// Why a login of `user` has ended, if it has.
    pub async fn login_ended(&self, user: &UserId, login: &LoginId) -> Result<Option<Why>, Fault> {
        let act = Act::new("login_ended").key(self.keys().revoked(user)).arg(login);
        let reply = self.run(self.keys().shard_of_user(user), act).await?;
        match reply.word() {
            "holds" => Ok(None),
            "ended" => Why::parse(reply.text(0)?).map(Some).ok_or_else(|| reply.unknown()),
            _ => Err(reply.unknown()),
        }
    }
}
