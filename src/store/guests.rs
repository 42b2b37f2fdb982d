//! Table `guests`: who comes back without an account, by the hash of what their device calls itself.

use super::{Store, origins, seconds};
use crate::clock::Millis;
use crate::domain::account::{GuestId, Origin};
use crate::error::Fault;
use crate::ids::UserId;
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

/// A guest who came by sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// By what the guest is kept.
    pub id_hash: String,
    /// As sockets name the guest.
    pub user: UserId,
    /// How often.
    pub times: u32,
    /// When, the last time.
    pub last: Millis,
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

    /// Guests came by sockets. Of one who was forgotten since, that is not known again.
    pub async fn count_guests(&self, visits: &[Visit]) -> Result<(), Fault> {
        // In the order of their ids: two nodes that store the same guests at once wait for each other, not in a circle.
        let mut visits: Vec<_> = visits.iter().collect();
        visits.sort_by(|a, b| a.id_hash.cmp(&b.id_hash));
        let query = sqlx::query(
            "insert into guests as g (id_hash, user_id, sessions, created_at, last_seen)
             select id, user_id, times, to_timestamp(at), to_timestamp(at)
             from unnest($1::text[], $2::text[], $3::int[], $4::float8[]) as come (id, user_id, times, at)
             on conflict (id_hash) do update set
                 sessions = excluded.sessions + case when g.status = 'deleted' then 0 else g.sessions end,
                 created_at = case when g.status = 'deleted' then excluded.created_at else g.created_at end,
                 status = 'active', last_seen = greatest(g.last_seen, excluded.last_seen)
             where g.status = 'active' or g.last_seen < excluded.last_seen",
        )
        .bind(visits.iter().map(|visit| visit.id_hash.as_str()).collect::<Vec<_>>())
        .bind(visits.iter().map(|visit| visit.user.as_str()).collect::<Vec<_>>())
        .bind(
            visits
                .iter()
                .map(|visit| visit.times.min(1_000_000) as i32)
                .collect::<Vec<_>>(),
        )
        .bind(visits.iter().map(|visit| seconds(visit.last)).collect::<Vec<_>>());
        self.within("count guests", query.execute(&self.pool)).await.map(drop)
    }

    /// What is known of a guest goes. False: nothing was.
    pub async fn forget_guest(&self, id: &GuestId, now: Millis) -> Result<bool, Fault> {
        let query = sqlx::query(
            "update guests set status = 'deleted', device = '{}', origin = '{}', notes = null,
                 last_seen = greatest(last_seen, to_timestamp($2))
             where id_hash = $1 and status = 'active'",
        )
        .bind(id.hash())
        .bind(seconds(now));
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
