//! The family's JSON of guests.

use super::super::came_from::CameFrom;
use super::super::iso::iso;
use super::super::text::Text;
use crate::clock::Millis;
use crate::domain::account::sample::NOON;
use crate::domain::account::{GuestId, No, device};
use crate::store::guests::{Guest, GuestNumbers};
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Who somebody is.
#[derive(Object)]
#[oai(example, rename_all = "camelCase", rename = "VerifyGuest")]
pub(super) struct GuestBody {
    /// 64 hexadecimal digits.
    guest_id: Option<Text>,
    /// What the device says of itself: `version`, `timestamp`, `userAgent`, `language`, `timezone`, `screenResolution`,
    /// `colorDepth`, `platform`, `doNotTrack`, `fingerprintMethod`; texts are cut to 100 characters.
    device_meta: Option<HashMap<String, Value>>,
    /// Where they came from.
    #[oai(flatten)]
    pub(super) came_from: CameFrom,
}

/// Who somebody was.
#[derive(Object)]
#[oai(example, rename_all = "camelCase", rename = "ResetGuest")]
pub(super) struct ResetBody {
    /// 64 hexadecimal digits.
    old_guest_id: Option<Text>,
}

/// A guest.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "Guest")]
struct GuestData {
    /// As it was sent.
    guest_id: String,
    /// How often the guest came.
    sessions: i32,
    /// When the guest was here last, ISO 8601.
    last_seen: String,
    /// When the guest came first, ISO 8601.
    created_at: String,
}

/// A guest came.
#[derive(Object)]
#[oai(example, rename_all = "camelCase", rename = "GuestVerified")]
pub(super) struct GuestView {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
    /// The guest.
    guest: GuestData,
    /// Whether for the first time.
    is_new: bool,
}

/// Numbers of guests.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct GuestStats {
    /// Guests that were not forgotten.
    total_guests: i64,
    /// Of them, those who were here since midnight UTC.
    active_today: i64,
    /// Different descriptions of devices.
    unique_devices: i64,
    /// When they were counted, ISO 8601.
    timestamp: String,
}

/// Numbers of guests in their envelope.
#[derive(Object)]
#[oai(example, rename = "GuestStatsAnswer")]
pub(super) struct GuestStatsView {
    /// Always true.
    success: bool,
    /// The numbers.
    stats: GuestStats,
}

fn id(text: Option<&Text>, field: &'static str) -> Result<GuestId, No> {
    let text = text.filter(|text| !text.is_empty()).ok_or(No::Missing { field })?;
    GuestId::parse(text, field)
}

impl GuestBody {
    pub(super) fn form(self) -> Result<(GuestId, Option<Map<String, Value>>), No> {
        let said: Option<Map<String, Value>> = self.device_meta.map(|said| said.into_iter().collect());
        Ok((
            id(self.guest_id.as_ref(), "guestId")?,
            said.as_ref().map(device).transpose()?,
        ))
    }
}

impl ResetBody {
    pub(super) fn id(&self) -> Result<GuestId, No> {
        id(self.old_guest_id.as_ref(), "oldGuestId")
    }
}

impl GuestView {
    pub(super) fn new(id: &GuestId, guest: &Guest) -> Self {
        let is_new = guest.sessions == 1;
        Self {
            success: true,
            message: if is_new { "Welcome" } else { "Welcome back" }.to_owned(),
            guest: GuestData {
                guest_id: id.as_str().to_owned(),
                sessions: guest.sessions,
                last_seen: iso(guest.last_seen),
                created_at: iso(guest.created),
            },
            is_new,
        }
    }
}

impl GuestStatsView {
    pub(super) fn new(numbers: &GuestNumbers, now: Millis) -> Self {
        Self {
            success: true,
            stats: GuestStats {
                total_guests: numbers.total,
                active_today: numbers.active_today,
                unique_devices: numbers.devices,
                timestamp: iso(now),
            },
        }
    }
}

/// An id for examples.
fn sample() -> String {
    "0123456789abcdef".repeat(4)
}

impl Example for GuestBody {
    fn example() -> Self {
        let said = [("platform", json!("Linux")), ("colorDepth", json!(24))];
        Self {
            guest_id: Some(sample().as_str().into()),
            device_meta: Some(said.map(|(key, value)| (key.to_owned(), value)).into()),
            came_from: CameFrom::default(),
        }
    }
}

impl Example for ResetBody {
    fn example() -> Self {
        Self {
            old_guest_id: Some(sample().as_str().into()),
        }
    }
}

impl Example for GuestView {
    fn example() -> Self {
        let guest = Guest {
            sessions: 3,
            created: NOON,
            last_seen: NOON,
        };
        let id = GuestId::parse(&sample(), "guestId").expect("the sample has 64 digits");
        Self::new(&id, &guest)
    }
}

impl Example for GuestStatsView {
    fn example() -> Self {
        let numbers = GuestNumbers {
            total: 1200,
            active_today: 75,
            devices: 900,
        };
        Self::new(&numbers, NOON)
    }
}
