//! The family's JSON of profiles: the envelope `{success, data, message}` and, beside it, the keys that the document
//! has at the top.

use super::super::iso::iso;
use crate::domain::account::{Account, Privacy, sample};
use poem_openapi::Object;
use poem_openapi::types::Example;

/// A user, as others see them.
#[derive(Object, Clone)]
#[oai(rename_all = "camelCase", rename = "Free2TalkProfile")]
pub(super) struct Profile {
    /// The id, a UUID.
    id: String,
    /// The user name; empty for an account without one.
    username: String,
    /// The name that is shown.
    display_name: Option<String>,
    /// The picture.
    avatar_url: Option<String>,
    /// What the user says about themselves.
    bio: Option<String>,
    /// Languages spoken.
    native_languages: Option<Vec<String>>,
    /// Languages learned.
    learning_languages: Option<Vec<String>>,
    /// What the user likes.
    interests: Option<Vec<String>>,
    /// `public`, `friends` or `private`.
    privacy_level: String,
    /// Whether the user is here now; null where nobody asked.
    is_online: Option<bool>,
    /// When the user was here last, ISO 8601.
    last_seen_at: Option<String>,
    /// When the account was made, ISO 8601.
    created_at: String,
}

/// Numbers of somebody's practice. There are no voice rooms in this release.
#[derive(Object, Clone)]
#[oai(rename_all = "camelCase", rename = "Free2TalkStats")]
struct Stats {
    /// In rooms and with strangers.
    total_practice_minutes: i32,
    /// Rooms ever joined.
    rooms_joined: i32,
    /// Of them, one's own.
    rooms_created: i32,
    /// Conversations with strangers that are over.
    random_calls_completed: i32,
    /// Of each, the minutes begun.
    random_call_minutes: i32,
}

/// A profile and its numbers.
#[derive(Object)]
#[oai(rename = "Free2TalkProfileData")]
struct ProfileData {
    /// The profile.
    profile: Profile,
    /// Its numbers; null when its user does not want to be seen.
    stats: Option<Stats>,
}

/// The document's numbers.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "Free2TalkTotals")]
struct Totals {
    /// Conversations with strangers that are over.
    total_calls: i32,
    /// Of each, the minutes begun.
    total_minutes: i32,
}

/// The document's form of one's own profile.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "Free2TalkOwnUser")]
struct OwnUser {
    /// The id, a UUID.
    id: String,
    /// The address; empty for an account without one.
    email: String,
    /// The user name; empty for an account without one.
    username: String,
    /// The name that is shown.
    display_name: Option<String>,
    /// The picture.
    avatar_url: Option<String>,
    /// Numbers.
    stats: Totals,
}

/// One's own profile.
#[derive(Object)]
#[oai(example, rename = "Free2TalkOwnProfile")]
pub(super) struct OwnView {
    /// Always true.
    success: bool,
    /// The document's form.
    user: OwnUser,
    /// The profile and its numbers.
    data: ProfileData,
}

/// Somebody's profile.
#[derive(Object)]
#[oai(example, rename = "Free2TalkSeenProfile")]
pub(super) struct SeenView {
    /// Always true.
    success: bool,
    /// The profile and its numbers.
    data: ProfileData,
}

/// Somebody's profile without numbers.
#[derive(Object)]
#[oai(example, rename = "Free2TalkProfileAnswer")]
pub(super) struct ProfileView {
    /// Always true.
    success: bool,
    /// The profile.
    data: Profile,
}

/// The profile alone.
#[derive(Object)]
#[oai(rename = "Free2TalkSavedData")]
struct SavedData {
    /// The profile.
    user: Profile,
}

/// A profile was changed.
#[derive(Object)]
#[oai(example, rename = "Free2TalkProfileSaved")]
pub(super) struct SavedView {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
    /// The profile.
    user: Profile,
    /// The same.
    data: SavedData,
}

/// Numbers in their envelope.
#[derive(Object)]
#[oai(example, rename = "Free2TalkStatsAnswer")]
pub(super) struct StatsView {
    /// Always true.
    success: bool,
    /// The numbers.
    data: Stats,
}

/// Whether a name may be chosen.
#[derive(Object)]
#[oai(rename = "Free2TalkAvailable")]
struct Available {
    /// Whether it may.
    available: bool,
}

/// Whether a name may be chosen, in its envelope.
#[derive(Object)]
#[oai(example, rename = "Free2TalkAvailableAnswer")]
pub(super) struct AvailableView {
    /// Always true.
    success: bool,
    /// The same as in `data`.
    available: bool,
    /// Whether it may.
    data: Available,
}

impl Profile {
    fn of(account: &Account) -> Self {
        Self {
            id: account.id.to_string(),
            username: account.username.clone().unwrap_or_default(),
            display_name: account.display_name.clone(),
            avatar_url: account.avatar_url.clone(),
            bio: account.bio.clone(),
            native_languages: Some(account.native_languages.clone()),
            learning_languages: Some(account.learning_languages.clone()),
            interests: Some(account.interests.clone()),
            privacy_level: account.privacy.as_str().to_owned(),
            is_online: None,
            last_seen_at: Some(iso(account.last_active)),
            created_at: iso(account.created),
        }
    }

    /// As others see it.
    fn seen(account: &Account) -> Self {
        let whole = Self::of(account);
        match account.privacy {
            Privacy::Public => whole,
            Privacy::Friends | Privacy::Private => Self {
                bio: None,
                native_languages: None,
                learning_languages: None,
                interests: None,
                last_seen_at: None,
                ..whole
            },
        }
    }
}

impl Stats {
    fn of(account: &Account) -> Self {
        Self {
            total_practice_minutes: account.calls.minutes,
            rooms_joined: 0,
            rooms_created: 0,
            random_calls_completed: account.calls.completed,
            random_call_minutes: account.calls.minutes,
        }
    }

    /// As others see them.
    fn seen(account: &Account) -> Option<Self> {
        (account.privacy == Privacy::Public).then(|| Self::of(account))
    }
}

impl OwnView {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            success: true,
            user: OwnUser {
                id: account.id.to_string(),
                email: account.email.clone().unwrap_or_default(),
                username: account.username.clone().unwrap_or_default(),
                display_name: account.display_name.clone(),
                avatar_url: account.avatar_url.clone(),
                stats: Totals {
                    total_calls: account.calls.completed,
                    total_minutes: account.calls.minutes,
                },
            },
            data: ProfileData {
                profile: Profile::of(account),
                stats: Some(Stats::of(account)),
            },
        }
    }
}

impl SeenView {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            success: true,
            data: ProfileData {
                profile: Profile::seen(account),
                stats: Stats::seen(account),
            },
        }
    }
}

impl ProfileView {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            success: true,
            data: Profile::seen(account),
        }
    }
}

impl SavedView {
    pub(super) fn of(account: &Account) -> Self {
        let user = Profile::of(account);
        Self {
            success: true,
            message: "Your profile was saved".to_owned(),
            data: SavedData { user: user.clone() },
            user,
        }
    }
}

impl StatsView {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            success: true,
            data: Stats::of(account),
        }
    }
}

impl AvailableView {
    pub(super) fn new(available: bool) -> Self {
        Self {
            success: true,
            available,
            data: Available { available },
        }
    }
}

/// Answers about somebody.
macro_rules! about_somebody {
    ($($View:ty),*) => { $( impl Example for $View {
        fn example() -> Self {
            Self::of(&sample::account())
        }
    } )* };
}
about_somebody!(OwnView, SeenView, ProfileView, SavedView, StatsView);

impl Example for AvailableView {
    fn example() -> Self {
        Self::new(true)
    }
}
