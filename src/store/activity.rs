//! Table `conversations`, as its people see it: with whom they talked is not told.

use super::Store;
use crate::clock::Millis;
use crate::error::Fault;
use crate::ids::UserId;
use sqlx::Row;
use sqlx::postgres::PgRow;

/// A conversation that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talk {
    /// The room's id.
    pub id: String,
    /// What it was for.
    pub kind: String,
    pub opened: Millis,
    pub ended: Millis,
}

fn talk(row: &PgRow) -> Result<Talk, sqlx::Error> {
    let time = |column| {
        row.try_get::<i64, _>(column)
            .map(|ms| Millis(u64::try_from(ms).unwrap_or(0)))
    };
    Ok(Talk {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        opened: time("opened")?,
        ended: time("ended")?,
    })
}

impl Store {
    /// Somebody's last conversations, the newest first.
    pub async fn talks(&self, user: &UserId, most: u8) -> Result<Vec<Talk>, Fault> {
        let query = sqlx::query(
            "select room::text as id, kind, (extract(epoch from opened_at) * 1000)::bigint as opened,
                 (extract(epoch from ended_at) * 1000)::bigint as ended
             from conversations where people @> array[$1] order by ended_at desc, room limit $2",
        )
        .bind(user.as_str())
        .bind(i64::from(most));
        let talks = async { query.fetch_all(&self.pool).await?.iter().map(talk).collect() };
        self.within("talks of user", talks).await
    }
}
