//! Somebody, for examples in the description of the API and in tests.

use super::{Account, Calls, Gender, Privacy, Provider, Role, Status, Subscription};
use crate::clock::Millis;
use crate::ids::UserId;
use serde_json::json;

/// 1 May 2025, noon.
pub const NOON: Millis = Millis(1_746_100_800_000);

/// Somebody.
pub fn account() -> Account {
    Account {
        id: UserId::parse("8f14e45f-ceea-467f-a8f5-6b1f2d3c4e5a").expect("a UUID is an id"),
        email: Some("ann@gmail.com".to_owned()),
        username: Some("ann".to_owned()),
        display_name: Some("Ann".to_owned()),
        avatar_url: Some("/files/avatars/0123456789abcdef0123456789abcdef.webp".to_owned()),
        bio: Some("I like mountains.".to_owned()),
        native_languages: vec!["English".to_owned()],
        learning_languages: vec!["Spanish".to_owned()],
        interests: vec!["hiking".to_owned()],
        privacy: Privacy::Public,
        gender: Gender::Female,
        password_hash: None,
        password_changed: None,
        provider: Provider::Email,
        email_verified: true,
        verified: true,
        premium: false,
        subscription: Subscription {
            kind: "none".to_owned(),
            until: None,
        },
        role: Role::User,
        status: Status::Active,
        ban_reason: None,
        banned_until: None,
        coins: 50,
        total_chats: 12,
        daily_chats: 2,
        calls: Calls {
            completed: 9,
            minutes: 41,
        },
        last_coin_claim: NOON,
        preferences: json!({"genderPreference": "any", "videoQuality": "high"}),
        created: NOON,
        updated: NOON,
        last_active: NOON,
    }
}
