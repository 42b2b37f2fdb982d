//! Table `guests`: who comes back without an account, by the hash of what their device calls itself.

use super::{Store, origins, seconds};
use crate::clock::Millis;
use crate::domain::account::{GuestId, Origin};
use crate::error::Fault;
use serde_json::{Map, Value};
use sqlx::Row;

/// A guest, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// How often it came.
    pub sessions: i32,
    pub created: Millis,
    pub last_seen: Millis,
}

/// Numbers of guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuestNumbers {
    pub total: i64,
    /// Seen since the day began.
    pub active_today: i64,
    /// Different descriptions of devices.
    pub devices: i64,
}

impl Store {
    /// A guest comes, once more or for the first time; one that was forgotten comes for the first time again. Where
    /// the guest came from is what was known of it first.
    pub async fn meet_guest(
        &self,
        id: &GuestId,
        device: Option<Map<String, Value>>,
        origin: &Origin,
        now: Millis,
    ) -> Result<Guest, Fault> {
        let query = sqlx::query(
            "insert into guests as g (id_hash, user_id, device, created_at, last_seen, origin)
             values ($1, $2, coalesce($3, '{}'), to_timestamp($4), to_timestamp($4), $5)
             on conflict (id_hash) do update set
                 sessions = case when g.status = 'deleted' then 1 else g.sessions + 1 end,
                 created_at = case when g.status = 'deleted' then excluded.created_at else g.created_at end,
                 origin = case when g.origin = '{}' then excluded.origin else g.origin end,
                 device = coalesce($3, g.device), status = 'active', last_seen = excluded.last_seen
             returning sessions, (extract(epoch from created_at) * 1000)::bigint as created,
                 (extract(epoch from last_seen) * 1000)::bigint as last_seen",
        )
        .bind(id.hash())
        .bind(id.user().to_string())
        .bind(device.map(Value::Object))
        .bind(seconds(now))
        .bind(origins::written(origin));
        let guest = async {
            let row = query.fetch_one(&self.pool).await?;
            let time = |column| {
                row.try_get::<i64, _>(column)
                    .map(|ms| Millis(u64::try_from(ms).unwrap_or(0)))
            };
            Ok(Guest {
                sessions: row.try_get("sessions")?,
                created: time("created")?,
                last_seen: time("last_seen")?,
            })
        };
        self.within("meet guest", guest).await
    }

    /// What is known of a guest goes. False: nothing was.
    pub async fn forget_guest(&self, id: &GuestId) -> Result<bool, Fault> {
        let query = sqlx::query(
            "update guests set status = 'deleted', device = '{}', origin = '{}', notes = null
             where id_hash = $1 and status = 'active'",
        )
        .bind(id.hash());
        let done = self.within("forget guest", query.execute(&self.pool)).await?;
        Ok(done.rows_affected() == 1)
    }

    /// How many guests there are, and were since `day`.
    pub async fn guest_numbers(&self, day: Millis) -> Result<GuestNumbers, Fault> {
        let query = sqlx::query(
            "select count(*) as total, count(*) filter (where last_seen >= to_timestamp($1)) as today,
                 count(distinct device) filter (where device <> '{}') as devices
             from guests where status = 'active'",
        )
        .bind(seconds(day));
        let numbers = async {
            let row = query.fetch_one(&self.pool).await?;
            Ok(GuestNumbers {
                total: row.try_get("total")?,
                active_today: row.try_get("today")?,
                devices: row.try_get("devices")?,
            })
        };
        self.within("guest numbers", numbers).await
    }
}
