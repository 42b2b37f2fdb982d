//! How long and how large the fields of requests may be, for the description. The numbers are those that the rules go by;
//! the library would refuse what is out of bounds itself, in words that no client knows, so it is not told of them.
//!
//! Where what is too long is cut, what is too many is dropped, or nobody looks at a field at times, there is no bound.

use crate::actions::account::{DIGITS, FINGERPRINT, LONGEST_TOKEN};
use crate::domain::account::{Age, Email, Family, Gender, GuestId, Name, Password, Phone, Privacy, Tier, Username};
use crate::domain::account::{preferences, profile};
use serde_json::{Map, Value, json};

/// Writes its bounds into each field of what is sent.
pub(super) fn write(name: &str, schema: &mut Value) {
    let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (field, property) in fields.into_iter().flatten() {
        if let Some(bounds) = bounds(name, field) {
            super::merge(property, bounds);
        }
    }
}

fn bounds(schema: &str, field: &str) -> Option<Value> {
    Some(match (schema, field) {
        (_, "email") => json!({"maxLength": Email::MAX}),
        // Empty, it stays as it is.
        ("ChangeProfile", "username") => json!({"maxLength": Username::MOST}),
        ("Free2TalkChooseUsername", "username") => chars(Username::LEAST, Username::MOST_CHOSEN),
        (_, "username") => chars(Username::LEAST, Username::MOST),
        ("Login" | "Free2TalkLogin", "password") | (_, "currentPassword") => chars(1, Password::MOST),
        ("Free2TalkRegister", "password") => chars(Password::least(Family::Free2Talk), Password::MOST),
        (_, "password" | "newPassword") => chars(Password::least(Family::Omegoo), Password::MOST),
        ("Free2TalkRegister", "displayName") => json!({"maxLength": Name::MOST}),
        (_, "gender") => one_of(Gender::WORDS),
        (_, "age") => json!({"minimum": Age::LEAST, "maximum": Age::MOST}),
        ("Register", "deviceFingerprint") => chars(*FINGERPRINT.start(), *FINGERPRINT.end()),
        ("VerifyOtp" | "VerifyPhone", "otp") => json!({"pattern": format!("^[0-9]{{{DIGITS}}}$")}),
        (_, "phone") => json!({"pattern": Phone::pattern()}),
        ("ValidateResetToken" | "ResetPassword", "token") => chars(1, LONGEST_TOKEN),
        ("Refresh", "refreshToken") | ("GoogleSignIn", "idToken") => json!({"minLength": 1}),
        (_, "guestId" | "oldGuestId") => json!({"pattern": format!("^[0-9A-Fa-f]{{{}}}$", GuestId::DIGITS)}),
        ("ChangeTier", "tier") => json!({"minimum": 0, "maximum": Tier::MOST}),
        (_, "videoQuality" | "matchingMode") => json!({"maxLength": preferences::WORD}),
        (_, "genderPreference") => one_of(&[&preferences::GENDERS[..], &[""]].concat()),
        (_, "ageRange") => {
            let age = json!({"minimum": preferences::AGES.start(), "maximum": preferences::AGES.end()});
            json!({"minItems": 2, "maxItems": 2, "items": age})
        }
        (_, "interests" | "nativeLanguages" | "learningLanguages") => json!({"items": chars(1, profile::WORD)}),
        (_, "avatarUrl") => json!({"maxLength": profile::URL}),
        (_, "privacyLevel") => one_of(Privacy::WORDS),
        _ => return None,
    })
}

fn chars(least: usize, most: usize) -> Value {
    json!({"minLength": least, "maxLength": most})
}

fn one_of(words: &[&str]) -> Value {
    json!({"pattern": format!("^({})$", words.join("|"))})
}

/// What tells a caller how they stand with a limit, by the name of the header.
pub(super) fn limit_headers() -> Map<String, Value> {
    let number = json!({"type": "integer", "format": "uint64", "minimum": 0});
    let policy = json!({"type": "string", "pattern": "^[0-9]+;w=[0-9]+$"});
    let header = |name: &str, about: &str, schema: &Value, example: Value| {
        let header = json!({"description": about, "schema": schema, "example": example});
        (name.to_owned(), header)
    };
    Map::from_iter([
        header("RateLimit-Limit", "How many requests are allowed.", &number, json!(5)),
        header("RateLimit-Remaining", "How many are left.", &number, json!(4)),
        header(
            "RateLimit-Reset",
            "Seconds until there is one more.",
            &number,
            json!(42),
        ),
        header(
            "RateLimit-Policy",
            "How many are allowed, and in how many seconds.",
            &policy,
            json!("5;w=60"),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Fields of requests without bounds, and why.
    const FREE: &[(&str, &str)] = &[
        ("ChangePreferences", "settings"),         // its size is that of its JSON
        ("ChangeProfile", "otp"),                  // nobody looks at it without an address
        ("Free2TalkChangeProfile", "bio"),         // cut
        ("Free2TalkChangeProfile", "displayName"), // cut
        ("Free2TalkGoogle", "accessToken"),        // one of three
        ("Free2TalkGoogle", "credential"),
        ("Free2TalkGoogle", "idToken"),
        ("Login", "deviceFingerprint"),  // nobody looks at it beside an address
        ("Register", "privacyAccepted"), // true or false
        ("Register", "termsAccepted"),
        ("VerifyGuest", "deviceMeta"), // cut
    ];

    /// Where somebody came from, in whatever is sent: cut.
    const CAME_FROM: &[&str] = &[
        "platform",
        "signupSource",
        "campaignId",
        "referrer",
        "referrerDomain",
        "utmSource",
        "source",
        "utmMedium",
        "medium",
        "utmCampaign",
        "campaign",
        "utmTerm",
        "utmContent",
        "utm",
    ];

    fn is_bounded(property: &Value) -> bool {
        ["maxLength", "minLength", "pattern", "maximum"]
            .iter()
            .any(|word| property.get(word).is_some())
            || property.get("items").is_some_and(is_bounded)
    }

    #[test]
    fn every_field_of_a_request_says_its_bounds_or_has_none() {
        let spec: Value = serde_json::from_str(super::super::spec()).unwrap();
        let (mut free, schemas) = (BTreeSet::new(), &spec["components"]["schemas"]);
        for name in super::super::finish::sent(&spec) {
            for (field, property) in schemas[&name]["properties"].as_object().unwrap() {
                if !is_bounded(property) && !CAME_FROM.contains(&field.as_str()) {
                    free.insert((name.clone(), field.clone()));
                }
            }
        }

        let expected = FREE
            .iter()
            .map(|(schema, field)| ((*schema).to_owned(), (*field).to_owned()));
        assert_eq!(free, expected.collect());
        let password = &schemas["Free2TalkRegister"]["properties"]["password"];
        assert_eq!(
            (&password["minLength"], &password["maxLength"]),
            (&json!(8), &json!(200))
        );
        assert!(schemas["Problem"]["properties"]["email"].get("maxLength").is_none());
    }
}
