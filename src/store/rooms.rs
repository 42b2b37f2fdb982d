//! Table `rooms`: voice rooms, as their owners see them.

use super::Store;
use crate::clock::Millis;
use crate::error::Fault;
use crate::ids::UserId;
use sqlx::Row;
use sqlx::postgres::PgRow;

/// A voice room of somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedRoom {
    pub id: String,
    pub name: String,
    /// By what it is found in addresses.
    pub slug: Option<String>,
    pub topic: Option<String>,
    pub languages: Vec<String>,
    pub max_participants: u8,
    pub is_open: bool,
    pub created: Millis,
}

fn room(row: &PgRow) -> Result<OwnedRoom, sqlx::Error> {
    Ok(OwnedRoom {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        slug: row.try_get("slug")?,
        topic: row.try_get("topic")?,
        languages: row.try_get("languages")?,
        max_participants: row
            .try_get::<i16, _>("max_participants")
            .map(|most| u8::try_from(most).unwrap_or(0))?,
        is_open: row.try_get("is_open")?,
        created: row
            .try_get::<i64, _>("created")
            .map(|ms| Millis(u64::try_from(ms).unwrap_or(0)))?,
    })
}

impl Store {
    /// Rooms that somebody owns, the newest first, closed ones too.
    pub async fn rooms_of(&self, owner: &UserId, most: u8) -> Result<Vec<OwnedRoom>, Fault> {
        let query = sqlx::query(
            "select id::text, name, slug, topic, languages, max_participants, closed_at is null as is_open,
                 (extract(epoch from created_at) * 1000)::bigint as created
             from rooms where owner_id = $1::uuid order by created_at desc, id limit $2",
        )
        .bind(owner.as_str())
        .bind(i64::from(most));
        let rooms = async { query.fetch_all(&self.pool).await?.iter().map(room).collect() };
        self.within("rooms of user", rooms).await
    }
}
