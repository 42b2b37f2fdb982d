//! What an app keeps for its user, and what the user wishes of partners. Settings are the app's own: we bound them and do
//! not read them.

use super::fields::is_unseen;
use super::profile::list;
use super::{Age, No};
use serde_json::{Map, Value, json};

/// Largest settings, as JSON.
const SETTINGS: usize = 8 * 1024;
/// Longest word among them that we name.
pub const WORD: usize = 32;
/// Most interests.
const INTERESTS: usize = 20;
/// Ages that may be wished for.
pub const AGES: std::ops::RangeInclusive<i64> = Age::LEAST..=Age::MOST;
/// Whom one may wish for.
pub const GENDERS: [&str; 3] = ["any", "male", "female"];

/// What somebody wrote; what is absent or empty stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wishes {
    pub settings: Option<Map<String, Value>>,
    pub video_quality: Option<String>,
    pub matching_mode: Option<String>,
    pub interests: Option<Vec<String>>,
    pub age_range: Option<Vec<i64>>,
    pub gender_preference: Option<String>,
}

impl Wishes {
    /// What changes, as it is kept: to be laid over what is there.
    pub fn change(self) -> Result<Map<String, Value>, No> {
        let mut change = Map::new();
        if let Some(settings) = self.settings {
            change.insert("settings".to_owned(), bounded(Value::Object(settings), "settings")?);
        }
        for (key, text) in [
            ("videoQuality", self.video_quality),
            ("matchingMode", self.matching_mode),
        ] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                change.insert(key.to_owned(), word(text, key)?);
            }
        }
        if let Some(interests) = self.interests {
            change.insert(
                "interests".to_owned(),
                json!(list(Some(interests), INTERESTS, "interests")?),
            );
        }
        if let Some(ages) = self.age_range {
            change.insert("ageRange".to_owned(), range(&ages)?);
        }
        if let Some(gender) = self.gender_preference.filter(|gender| !gender.is_empty()) {
            match GENDERS.contains(&gender.as_str()) {
                true => change.insert("genderPreference".to_owned(), gender.into()),
                false => {
                    return Err(No::Invalid {
                        field: "genderPreference",
                        why: "The gender preference must be any, male or female",
                    });
                }
            };
        }
        Ok(change)
    }
}

fn word(text: String, field: &'static str) -> Result<Value, No> {
    match text.chars().count() <= WORD && !text.chars().any(is_unseen) {
        true => Ok(text.into()),
        false => Err(No::Invalid {
            field,
            why: "It must have at most 32 visible characters",
        }),
    }
}

fn range(ages: &[i64]) -> Result<Value, No> {
    match ages {
        [from, to] if AGES.contains(from) && AGES.contains(to) && from <= to => Ok(json!([from, to])),
        _ => Err(No::Invalid {
            field: "ageRange",
            why: "The age range must be two ages from 18 to 120, the lower first",
        }),
    }
}

/// JSON of a client's own, of a size that can be kept, and without what Postgres cannot keep.
pub(super) fn bounded(value: Value, field: &'static str) -> Result<Value, No> {
    let why = if value.to_string().len() > SETTINGS {
        "It must be at most 8 KiB"
    } else if has_nul(&value) {
        "It has characters that cannot be kept"
    } else {
        return Ok(value);
    };
    Err(No::Invalid { field, why })
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> Wishes {
        Wishes::default()
    }

    fn keys(wishes: Wishes) -> Vec<String> {
        wishes.change().unwrap().keys().cloned().collect()
    }

    #[test]
    fn what_is_absent_or_empty_changes_nothing() {
        let empty = Wishes {
            video_quality: Some(String::new()),
            gender_preference: Some(String::new()),
            ..none()
        };

        assert_eq!((keys(none()), keys(empty)), (vec![], vec![]));
    }

    #[test]
    fn each_wish_has_its_bounds_on_both_sides() {
        let of_size = |size: usize| {
            let padding = size - r#"{"a":""}"#.len();
            let map = json!({"a": "x".repeat(padding)}).as_object().cloned();
            Wishes {
                settings: map,
                ..none()
            }
        };
        let ages = |from, to| Wishes {
            age_range: Some(vec![from, to]),
            ..none()
        };
        let quality = |length| Wishes {
            video_quality: Some("山".repeat(length)),
            ..none()
        };
        let gender = |text: &str| Wishes {
            gender_preference: Some(text.to_owned()),
            ..none()
        };
        for (wishes, good) in [
            (of_size(SETTINGS), true),
            (of_size(SETTINGS + 1), false),
            (quality(32), true),
            (quality(33), false),
            (ages(18, 120), true),
            (ages(17, 30), false),
            (ages(30, 121), false),
            (ages(31, 30), false),
            (ages(30, 30), true),
            (gender("any"), true),
            (gender("others"), false),
        ] {
            assert_eq!(wishes.clone().change().is_ok(), good, "{wishes:?}");
        }
        let three = Wishes {
            age_range: Some(vec![18, 19, 20]),
            ..none()
        };
        assert!(three.change().is_err());
    }

    #[test]
    fn what_postgres_cannot_keep_is_refused_wherever_it_hides() {
        for bad in [json!({"a\0": 1}), json!({"a": ["b\0"]}), json!({"a": {"b": "\0"}})] {
            let wishes = Wishes {
                settings: bad.as_object().cloned(),
                ..none()
            };
            assert!(wishes.change().is_err(), "{bad}");
        }
    }
}
