//! What clients of the family send about their own accounts.

use super::super::text::Text;
use crate::actions::account::ContactForm;
use crate::domain::account::{No, Tier, Wishes};
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Another name or address.
#[derive(Object)]
#[oai(example, rename = "ChangeProfile")]
pub(super) struct ContactBody {
    /// 3 to 50 letters, digits, `_`, `-`, `.` and single spaces.
    username: Option<Text>,
    /// An address at one of the providers that are allowed.
    email: Option<Text>,
    /// The code that was sent to the address.
    otp: Option<Text>,
}

/// A tier that is asked for.
#[derive(Object)]
#[oai(example, rename = "ChangeTier")]
pub(super) struct TierBody {
    /// 0 guest, 1 verified, 2 premium, 3 admin, 4 super admin.
    tier: Option<i64>,
}

/// What an app keeps for its user, and what the user wishes of partners.
#[derive(Object)]
#[oai(example, rename_all = "camelCase", rename = "ChangePreferences")]
pub(super) struct PreferencesBody {
    /// The app's own settings, at most 8 KiB.
    settings: Option<HashMap<String, Value>>,
    /// At most 32 characters.
    video_quality: Option<Text>,
    /// At most 32 characters.
    matching_mode: Option<Text>,
    /// Each 1 to 50 characters; those beyond 20 are dropped.
    interests: Option<Vec<Text>>,
    /// From and to, 18 to 120.
    age_range: Option<Vec<i64>>,
    /// `any`, `male` or `female`.
    gender_preference: Option<Text>,
}

/// A gender.
#[derive(Object)]
#[oai(example, rename = "ConfirmGender")]
pub(super) struct GenderBody {
    /// `male`, `female` or `others`.
    pub(super) gender: Option<Text>,
}

impl ContactBody {
    pub(super) fn form(self) -> ContactForm {
        ContactForm {
            username: self.username.map(Text::into_inner),
            email: self.email.map(Text::into_inner),
            otp: self.otp.map(Text::into_inner),
        }
    }
}

impl TierBody {
    pub(super) fn tier(&self) -> Result<Tier, No> {
        let number = self.tier.ok_or(No::Missing { field: "tier" })?;
        Tier::numbered(number).ok_or(No::Invalid {
            field: "tier",
            why: "The tier must be a number from 0 to 4",
        })
    }
}

impl PreferencesBody {
    pub(super) fn wishes(self) -> Wishes {
        Wishes {
            settings: self.settings.map(|settings| settings.into_iter().collect()),
            video_quality: self.video_quality.map(Text::into_inner),
            matching_mode: self.matching_mode.map(Text::into_inner),
            interests: texts(self.interests),
            age_range: self.age_range,
            gender_preference: self.gender_preference.map(Text::into_inner),
        }
    }
}

fn texts(words: Option<Vec<Text>>) -> Option<Vec<String>> {
    words.map(|words| words.into_iter().map(Text::into_inner).collect())
}

impl Example for ContactBody {
    fn example() -> Self {
        Self {
            username: Some("ann b".into()),
            email: None,
            otp: None,
        }
    }
}

impl Example for TierBody {
    fn example() -> Self {
        Self { tier: Some(1) }
    }
}

impl Example for PreferencesBody {
    fn example() -> Self {
        let settings = HashMap::from([("darkMode".to_owned(), json!(true))]);
        Self {
            settings: Some(settings),
            video_quality: Some("high".into()),
            matching_mode: Some("smart".into()),
            interests: Some(vec!["music".into()]),
            age_range: Some(vec![18, 40]),
            gender_preference: Some("any".into()),
        }
    }
}

impl Example for GenderBody {
    fn example() -> Self {
        Self {
            gender: Some("female".into()),
        }
    }
}
