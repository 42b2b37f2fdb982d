//! The family's JSON of somebody's own voice rooms.

use super::super::iso::iso;
use crate::domain::account::sample::NOON;
use crate::store::rooms::OwnedRoom;
use poem_openapi::Object;
use poem_openapi::types::Example;

/// A voice room, as its owner sees it.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "Free2TalkOwnRoom")]
struct OwnRoom {
    /// Its id.
    id: String,
    /// What it is called.
    name: String,
    /// By what it is found in addresses.
    slug: Option<String>,
    /// What it is about.
    topic: Option<String>,
    /// What is spoken.
    languages: Vec<String>,
    /// How many may be there.
    max_participants: u8,
    /// Whether it is open.
    is_active: bool,
    /// When it was made, ISO 8601.
    created_at: String,
}

/// Somebody's own voice rooms.
#[derive(Object)]
#[oai(example, rename = "Free2TalkOwnRooms")]
pub(super) struct OwnRoomsView {
    /// Always true.
    success: bool,
    /// The newest first.
    data: Vec<OwnRoom>,
}

impl OwnRoomsView {
    pub(super) fn of(rooms: Vec<OwnedRoom>) -> Self {
        let view = |room: OwnedRoom| OwnRoom {
            id: room.id,
            name: room.name,
            slug: room.slug,
            topic: room.topic,
            languages: room.languages,
            max_participants: room.max_participants,
            is_active: room.is_open,
            created_at: iso(room.created),
        };
        Self {
            success: true,
            data: rooms.into_iter().map(view).collect(),
        }
    }
}

impl Example for OwnRoomsView {
    fn example() -> Self {
        Self::of(vec![OwnedRoom {
            id: "8d1f0c52-3b7e-4c11-9f0a-5e2d7a6b1c44".to_owned(),
            name: "Slow Spanish".to_owned(),
            slug: Some("slow-spanish-8d1f0c".to_owned()),
            topic: Some("Travelling".to_owned()),
            languages: vec!["Spanish".to_owned(), "English".to_owned()],
            max_participants: 12,
            is_open: true,
            created: NOON,
        }])
    }
}
