//! What each timer does. Timers can fire twice (the node that claimed one died before settling it): every script here asks
//! first whether its time has really come.

use super::{Actions, SEEK_CHECK};
use crate::coord::rooms::Discarded;
use crate::coord::timers::{Due, Timer};
use crate::coord::users::{Looker, Rechecked};
use crate::error::Fault;
use crate::ids::{RoomId, Shard, UserId};
use crate::metrics;
use std::time::Duration;

/// Timers claimed at once.
const BATCH: usize = 64;

/// Longest that one is waited for, so that those who have to do with a shard that is away hold up no others. It is due again
/// after its claim, and then done from the start.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

impl Actions {
    /// Fires what is due on a shard; true when there may be more.
    pub async fn fire_due(&self, shard: Shard) -> Result<bool, Fault> {
        let now = self.now();
        let again = now + self.settings.lease.timer_claim;
        let due = self.coord.claim_due(shard, BATCH, again).await?;
        let full = due.len() == BATCH;
        let fired = due.into_iter().map(|due| async move {
            self.fire(&due, shard).await?;
            self.coord.settle(shard, &due.member, again).await
        });
        let fired = fired.map(|firing| tokio::time::timeout(PATIENCE, firing));
        for outcome in futures_util::future::join_all(fired).await {
            // What failed is due again after its claim.
            outcome.unwrap_or_else(|_| Err(Fault::new("timer", "what it is about does not answer")))?;
        }
        Ok(full)
    }

    async fn fire(&self, due: &Due, shard: Shard) -> Result<(), Fault> {
        let Some(timer) = Timer::parse(&due.member) else {
            tracing::error!(%shard, timer = %due.member, "a timer of another release was dropped");
            return Ok(());
        };
        metrics::TIMERS_FIRED.one(timer.kind());
        metrics::TIMER_LATENESS.record(timer.kind(), (self.now() - due.at).as_secs_f64());
        match timer {
            Timer::Seek(user) => match self
                .coord
                .recheck(&user, self.now() + SEEK_CHECK, Looker::Timer)
                .await?
            {
                Rechecked::Seeking(stay) => self.wait_in_line(&user, &stay).await.map(drop),
                Rechecked::GaveUp(queue, ticket) => self.coord.leave(&user, queue, &ticket).await,
                Rechecked::Away | Rechecked::NotSeeking => Ok(()),
            },
            Timer::Opening(room) => match self.discard(room).await? {
                Discarded::Now(people) => self.put_back(room, &people).await,
                Discarded::Before | Discarded::Kept => Ok(()),
            },
            Timer::Hold(room, user) => {
                let ended = self.coord.expire_hold(room, &user, self.end_rules()).await?;
                self.ended_by_timer(room, ended, "disconnected").await
            }
            Timer::Idle(room) => {
                let quiet = self.settings.chat.room_idle;
                let ended = self.coord.expire_idle(room, quiet, self.end_rules()).await?;
                self.ended_by_timer(room, ended, "timeout").await
            }
            Timer::Fade(room, user) => self.coord.fade_typing(room, &user).await.map(drop),
            Timer::Release(room, people) => self.let_go(room, &people).await,
        }
    }

    async fn ended_by_timer(
        &self,
        room: RoomId,
        ended: Option<Vec<UserId>>,
        reason: &'static str,
    ) -> Result<(), Fault> {
        let Some(people) = ended else { return Ok(()) };
        metrics::ROOMS_ENDED.one(reason);
        self.let_go(room, &people).await
    }
}
