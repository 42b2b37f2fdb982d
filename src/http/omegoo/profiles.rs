//! The family's JSON of one's own account. Answers are supersets: the flat keys that the web app reads, and the document's
//! `data`.

use super::super::iso::iso;
use super::people::UserView;
use crate::actions::account::Contact;
use crate::domain::account::{Account, Status, sample};
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde_json::Value;

/// The document's form of a profile.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct ProfileData {
    /// The id.
    id: String,
    /// 0 guest, 1 verified, 2 premium, 3 admin, 4 super admin.
    tier: u8,
    /// Coins left.
    coins: i32,
    /// Whether the account may be used.
    is_active: bool,
    /// When the account was made, ISO 8601.
    created_at: String,
}

/// One's own profile.
#[derive(Object)]
#[oai(example, rename = "OwnProfile")]
pub(super) struct ProfileView {
    /// Always true.
    success: bool,
    /// The user.
    user: UserView,
    /// The document's form.
    data: ProfileData,
}

/// A profile was changed, or is about to be.
#[derive(Object)]
#[oai(
    example,
    rename_all = "camelCase",
    rename = "ProfileChanged",
    skip_serializing_if_is_none
)]
pub(super) struct ContactView {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
    /// A code must come with the address.
    #[oai(rename = "requiresOTP")]
    requires_otp: Option<bool>,
    /// Where the code was sent to.
    email: Option<String>,
    /// The user, when all is changed.
    user: Option<UserView>,
}

/// Numbers of one's own chats.
#[derive(Object, Clone)]
#[oai(rename_all = "camelCase")]
struct Stats {
    /// Calls by the coin ever.
    total_chats: i32,
    /// Calls by the coin today.
    daily_chats: i32,
    /// Conversations that are over, of every kind.
    conversations: i32,
    /// Of each, the minutes begun.
    minutes: i32,
    /// Coins left.
    coins: i32,
    /// `guest`, `verified`, `premium`, `admin` or `super_admin`.
    tier: String,
    /// When the account was made, ISO 8601.
    created_at: String,
    /// When the user was here last, ISO 8601.
    last_active_at: String,
}

/// Numbers of one's own chats.
#[derive(Object)]
#[oai(example, rename = "UserStats")]
pub(super) struct StatsView {
    /// Always true.
    success: bool,
    /// The numbers.
    stats: Stats,
    /// The same.
    data: Stats,
}

/// The tier that an account has now.
#[derive(Object)]
#[oai(rename = "TierData")]
struct TierData {
    /// 0 guest, 1 verified, 2 premium, 3 admin, 4 super admin.
    tier: u8,
}

/// The tier that an account has now.
#[derive(Object)]
#[oai(example, rename = "TierOfAccount")]
pub(super) struct TierView {
    /// Always true.
    success: bool,
    /// `guest`, `verified`, `premium`, `admin` or `super_admin`.
    tier: String,
    /// The document's form.
    data: TierData,
}

/// Preferences were changed.
#[derive(Object)]
#[oai(example, rename = "PreferencesChanged")]
pub(super) struct PreferencesView {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
    /// All of them, as they are now.
    preferences: Value,
}

/// A gender was said.
#[derive(Object)]
#[oai(example, rename = "GenderConfirmed")]
pub(super) struct GenderView {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
    /// The user.
    user: UserView,
}

/// Coins left.
#[derive(Object)]
#[oai(example, rename = "Coins")]
pub(super) struct CoinsView {
    /// Always true.
    success: bool,
    /// How many.
    coins: i32,
}

impl ProfileView {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            success: true,
            user: UserView::of(account),
            data: ProfileData {
                id: account.id.to_string(),
                tier: account.tier().number(),
                coins: account.coins,
                is_active: account.status == Status::Active,
                created_at: iso(account.created),
            },
        }
    }
}

impl ContactView {
    pub(super) fn new(done: &Contact) -> Self {
        match done {
            Contact::Changed(account) => Self {
                success: true,
                message: "Your profile is up to date".to_owned(),
                requires_otp: None,
                email: None,
                user: Some(UserView::of(account)),
            },
            Contact::Pending(email) => Self {
                success: true,
                message: "We sent a code to the new address".to_owned(),
                requires_otp: Some(true),
                email: Some(email.clone()),
                user: None,
            },
        }
    }
}

impl StatsView {
    pub(super) fn of(account: &Account) -> Self {
        let stats = Stats {
            total_chats: account.total_chats,
            daily_chats: account.daily_chats,
            conversations: account.calls.completed,
            minutes: account.calls.minutes,
            coins: account.coins,
            tier: account.tier().as_str().to_owned(),
            created_at: iso(account.created),
            last_active_at: iso(account.last_active),
        };
        Self {
            success: true,
            data: stats.clone(),
            stats,
        }
    }
}

impl TierView {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            success: true,
            tier: account.tier().as_str().to_owned(),
            data: TierData {
                tier: account.tier().number(),
            },
        }
    }
}

impl PreferencesView {
    pub(super) fn new(preferences: Value) -> Self {
        Self {
            success: true,
            message: "Your preferences were saved".to_owned(),
            preferences,
        }
    }
}

impl GenderView {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            success: true,
            message: "Your gender is confirmed".to_owned(),
            user: UserView::of(account),
        }
    }
}

impl CoinsView {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            success: true,
            coins: account.coins,
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
about_somebody!(ProfileView, StatsView, TierView, GenderView, CoinsView);

impl Example for ContactView {
    fn example() -> Self {
        Self::new(&Contact::Pending("ann.b@gmail.com".to_owned()))
    }
}

impl Example for PreferencesView {
    fn example() -> Self {
        Self::new(sample::account().preferences)
    }
}
