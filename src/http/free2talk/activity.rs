//! The family's JSON of what somebody did lately.

use super::super::iso::iso;
use crate::domain::account::sample::NOON;
use crate::store::activity::Talk;
use poem_openapi::Object;
use poem_openapi::types::Example;

/// What a deed was about.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "Free2TalkDeedData")]
struct DeedData {
    /// The language that both spoke, where they were paired by one.
    matched_language: Option<String>,
    /// How long it was.
    duration_seconds: u64,
    /// `text`, or by what else they talked.
    kind: String,
}

/// Something that somebody did.
#[derive(Object)]
#[oai(rename = "Free2TalkDeed")]
struct Deed {
    /// Its id.
    id: String,
    /// `random_call`.
    #[oai(rename = "type")]
    kind: String,
    /// What it was about.
    data: DeedData,
    /// When it began, ISO 8601.
    timestamp: String,
}

/// What somebody did lately.
#[derive(Object)]
#[oai(example, rename = "Free2TalkActivity")]
pub(super) struct ActivityView {
    /// Always true.
    success: bool,
    /// The newest first.
    data: Vec<Deed>,
}

impl ActivityView {
    pub(super) fn of(talks: &[Talk]) -> Self {
        let deed = |talk: &Talk| Deed {
            id: talk.id.clone(),
            kind: "random_call".to_owned(),
            data: DeedData {
                matched_language: None,
                duration_seconds: (talk.ended - talk.opened).as_secs(),
                kind: talk.kind.clone(),
            },
            timestamp: iso(talk.opened),
        };
        Self {
            success: true,
            data: talks.iter().map(deed).collect(),
        }
    }
}

impl Example for ActivityView {
    fn example() -> Self {
        Self::of(&[Talk {
            id: "3f0c5d1e-6b1a-4f0e-9a52-0d1f7e6a9b33".to_owned(),
            kind: "text".to_owned(),
            opened: NOON,
            ended: NOON + std::time::Duration::from_secs(312),
        }])
    }
}
