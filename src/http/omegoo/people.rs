//! The family's JSON of accounts. Answers are supersets: the flat keys that the web app reads, and the document's `data`.

use super::super::iso::iso;
use crate::actions::account::{Pending, Refreshed, SignedIn};
use crate::domain::account::Account;
use poem_openapi::{Object, Union};
use serde_json::Value;

/// What somebody pays for.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "Subscription")]
pub(super) struct SubscriptionView {
    /// `none`, `starter`, `standard` or `premium`.
    #[oai(rename = "type")]
    kind: String,
    /// Until when, ISO 8601.
    #[oai(skip_serializing_if_is_none)]
    expires_at: Option<String>,
}

/// A user, as users see themselves.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "User")]
pub(super) struct UserView {
    /// The id.
    id: String,
    /// What the account is known by beside its id.
    device_id: String,
    /// The address; null for the account of a device.
    email: Option<String>,
    /// The user name; null for the account of a device.
    username: Option<String>,
    /// `guest`, `verified`, `premium`, `admin` or `super_admin`.
    tier: String,
    /// `active`, `banned` or `suspended`.
    status: String,
    /// Coins left.
    coins: i32,
    /// Whether an address or a telephone number is proven.
    is_verified: bool,
    /// `male`, `female` or `others`.
    gender: String,
    /// Whether the account signs in with a password.
    has_password: bool,
    /// Chats ever.
    total_chats: i32,
    /// Chats today.
    daily_chats: i32,
    /// When coins were given last, ISO 8601.
    last_coin_claim: String,
    /// What the user's apps keep here.
    preferences: Value,
    /// What the user pays for.
    subscription: SubscriptionView,
    /// When the account was made, ISO 8601.
    created_at: String,
    /// When it was changed last, ISO 8601.
    updated_at: String,
    /// When the user was here last, ISO 8601.
    last_active_at: String,
}

/// The document's part of an answer.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "SessionData")]
pub(super) struct DocumentData {
    /// The user's id.
    user_id: String,
    /// To be let in with.
    token: String,
    /// To be exchanged.
    #[oai(skip_serializing_if_is_none)]
    refresh_token: Option<String>,
    /// 0 guest, 1 verified, 2 premium, 3 admin, 4 super admin.
    tier: u8,
}

/// Somebody has signed in.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "SignedIn")]
pub(super) struct SignedInView {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
    /// To be let in with; absent when the address was proven before.
    #[oai(skip_serializing_if_is_none)]
    token: Option<String>,
    /// To be exchanged; for clients that know how.
    #[oai(skip_serializing_if_is_none)]
    refresh_token: Option<String>,
    /// Who; absent when the address was proven before.
    #[oai(skip_serializing_if_is_none)]
    user: Option<UserView>,
    /// The document's form.
    #[oai(skip_serializing_if_is_none)]
    data: Option<DocumentData>,
}

/// A code is on its way.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "PendingSignUp")]
pub(super) struct PendingView {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
    /// Always true: the code must be sent to `verify-otp`.
    #[oai(rename = "requiresOTP")]
    requires_otp: bool,
    /// Where the code was sent to.
    email: String,
    /// The name that was asked for.
    username: String,
    /// Always true.
    pending: bool,
    /// How long the code is good for.
    otp_expires_in_seconds: u64,
}

/// What came of registering.
#[derive(Union)]
#[allow(clippy::large_enum_variant, reason = "it lives for one answer")]
pub(super) enum Registered {
    /// A code is on its way.
    Pending(PendingView),
    /// The device has signed in.
    SignedIn(SignedInView),
}

/// Tokens were exchanged.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "Refreshed")]
pub(super) struct RefreshedView {
    /// Always true.
    success: bool,
    /// To be let in with.
    token: String,
    /// To be exchanged the next time.
    refresh_token: String,
    /// The document's form.
    data: DocumentData,
}

/// Who somebody is.
#[derive(Object)]
#[oai(rename = "Me")]
pub(super) struct MeView {
    /// Always true.
    success: bool,
    /// The user.
    user: UserView,
}

/// It was done.
#[derive(Object)]
#[oai(rename = "Done")]
pub(super) struct Done {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
}

impl UserView {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            id: account.id.to_string(),
            device_id: format!("{}-{}", account.provider.as_str(), account.id),
            email: account.email.clone(),
            username: account.username.clone(),
            tier: account.tier().as_str().to_owned(),
            status: account.status.as_str().to_owned(),
            coins: account.coins,
            is_verified: account.verified,
            gender: account.gender.as_str().to_owned(),
            has_password: account.password_hash.is_some(),
            total_chats: account.total_chats,
            daily_chats: account.daily_chats,
            last_coin_claim: iso(account.last_coin_claim),
            preferences: account.preferences.clone(),
            subscription: SubscriptionView {
                kind: account.subscription.kind.clone(),
                expires_at: account.subscription.until.map(iso),
            },
            created_at: iso(account.created),
            updated_at: iso(account.updated),
            last_active_at: iso(account.last_active),
        }
    }
}

impl SignedInView {
    pub(super) fn new(signed: SignedIn, message: &str) -> Self {
        let data = DocumentData {
            user_id: signed.account.id.to_string(),
            token: signed.access.clone(),
            refresh_token: signed.refresh.clone(),
            tier: signed.account.tier().number(),
        };
        Self {
            success: true,
            message: message.to_owned(),
            user: Some(UserView::of(&signed.account)),
            token: Some(signed.access),
            refresh_token: signed.refresh,
            data: Some(data),
        }
    }

    /// The caller, signed in as before.
    pub(super) fn still(account: &Account, message: &str) -> Self {
        Self {
            user: Some(UserView::of(account)),
            message: message.to_owned(),
            ..Self::already()
        }
    }

    pub(super) fn already() -> Self {
        Self {
            success: true,
            message: "This email is already verified. Please log in.".to_owned(),
            token: None,
            refresh_token: None,
            user: None,
            data: None,
        }
    }
}

impl PendingView {
    pub(super) fn new(pending: Pending, seconds: u64) -> Self {
        Self {
            success: true,
            message: "We sent you a code by email".to_owned(),
            requires_otp: true,
            email: pending.email,
            username: pending.username,
            pending: true,
            otp_expires_in_seconds: seconds,
        }
    }
}

impl RefreshedView {
    pub(super) fn new(fresh: Refreshed) -> Self {
        Self {
            success: true,
            token: fresh.access.clone(),
            refresh_token: fresh.refresh.clone(),
            data: DocumentData {
                user_id: fresh.account.id.to_string(),
                token: fresh.access,
                refresh_token: Some(fresh.refresh),
                tier: fresh.account.tier().number(),
            },
        }
    }
}

impl MeView {
    pub(super) fn new(account: &Account) -> Self {
        Self {
            success: true,
            user: UserView::of(account),
        }
    }
}

impl Done {
    pub(super) fn new(message: &str) -> Self {
        Self {
            success: true,
            message: message.to_owned(),
        }
    }
}
