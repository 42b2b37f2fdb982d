//! The family's JSON: the envelope `{success, data, message}` and, beside it, the keys that the document has at the top.

use super::super::iso::iso;
use super::super::text::Text;
use crate::actions::account::{Refreshed, SignedIn};
use crate::domain::account::Account;
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object};

/// Somebody who wants an account.
#[derive(Object)]
#[oai(example, rename_all = "camelCase", rename = "Free2TalkRegister")]
pub(super) struct RegisterBody {
    /// An e-mail address.
    pub(super) email: Option<Text>,
    /// 3 to 50 letters, digits, `_` and `-`.
    pub(super) username: Option<Text>,
    /// 8 to 200 characters.
    pub(super) password: Option<Text>,
    /// The name that is shown; at most 100 characters.
    pub(super) display_name: Option<Text>,
}

/// Somebody who comes back.
#[derive(Object)]
#[oai(example, rename = "Free2TalkLogin")]
pub(super) struct LoginBody {
    /// The account's address.
    pub(super) email: Option<Text>,
    /// The account's password.
    pub(super) password: Option<Text>,
}

/// A user, as users see themselves.
#[derive(Object, Clone)]
#[oai(rename_all = "camelCase", rename = "Free2TalkUser")]
pub(super) struct FullUser {
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
    /// What the user says about themselves.
    bio: Option<String>,
    /// Languages spoken.
    native_languages: Vec<String>,
    /// Languages learned.
    learning_languages: Vec<String>,
    /// Whether the user is here now; null where nobody asked.
    is_online: Option<bool>,
    /// When the user was here last, ISO 8601.
    last_seen_at: Option<String>,
    /// When the account was made, ISO 8601.
    created_at: String,
    /// When it was changed last, ISO 8601.
    updated_at: String,
}

/// Tokens and who they are for.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct SessionData {
    /// The user.
    user: FullUser,
    /// To be let in with.
    access_token: String,
    /// To be exchanged; also in the cookie.
    refresh_token: String,
    /// For people.
    message: String,
}

/// Somebody has signed in.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "Free2TalkSession")]
pub(super) struct SessionView {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
    /// The user.
    user: FullUser,
    /// The same with the tokens.
    data: SessionData,
}

/// An account was made.
#[derive(ApiResponse)]
pub(super) enum Made {
    /// It is there, and signed in.
    #[oai(status = 201)]
    Yes(Json<SessionView>),
}

/// New tokens.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct Tokens {
    /// To be let in with.
    access_token: String,
    /// To be exchanged the next time; also in the cookie.
    refresh_token: String,
}

/// Tokens were exchanged.
#[derive(Object)]
#[oai(rename = "Free2TalkTokens")]
pub(super) struct TokensView {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
    /// The tokens.
    data: Tokens,
}

/// The user alone.
#[derive(Object)]
pub(super) struct UserData {
    /// The user.
    user: FullUser,
}

/// Who somebody is.
#[derive(Object)]
#[oai(rename = "Free2TalkMe")]
pub(super) struct MeView {
    /// Always true.
    success: bool,
    /// The user.
    user: FullUser,
    /// The same.
    data: UserData,
}

/// It was done.
#[derive(Object)]
#[oai(rename = "Free2TalkDone")]
pub(super) struct Done {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
}

impl FullUser {
    fn of(account: &Account) -> Self {
        Self {
            id: account.id.to_string(),
            email: account.email.clone().unwrap_or_default(),
            username: account.username.clone().unwrap_or_default(),
            display_name: account.display_name.clone(),
            avatar_url: account.avatar_url.clone(),
            bio: account.bio.clone(),
            native_languages: account.native_languages.clone(),
            learning_languages: account.learning_languages.clone(),
            is_online: None,
            last_seen_at: Some(iso(account.last_active)),
            created_at: iso(account.created),
            updated_at: iso(account.updated),
        }
    }
}

impl SessionView {
    pub(super) fn new(signed: &SignedIn, message: &str) -> Self {
        let user = FullUser::of(&signed.account);
        Self {
            success: true,
            message: message.to_owned(),
            data: SessionData {
                user: user.clone(),
                access_token: signed.access.clone(),
                refresh_token: signed.refresh.clone().unwrap_or_default(),
                message: message.to_owned(),
            },
            user,
        }
    }
}

impl TokensView {
    pub(super) fn new(fresh: &Refreshed) -> Self {
        Self {
            success: true,
            message: "Tokens refreshed".to_owned(),
            data: Tokens {
                access_token: fresh.access.clone(),
                refresh_token: fresh.refresh.clone(),
            },
        }
    }
}

impl MeView {
    pub(super) fn new(account: &Account) -> Self {
        let user = FullUser::of(account);
        Self {
            success: true,
            data: UserData { user: user.clone() },
            user,
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

impl Example for RegisterBody {
    fn example() -> Self {
        Self {
            email: Some("ann@example.org".into()),
            username: Some("ann".into()),
            password: Some("correct horse".into()),
            display_name: Some("Ann".into()),
        }
    }
}

impl Example for LoginBody {
    fn example() -> Self {
        Self {
            email: Some("ann@example.org".into()),
            password: Some("correct horse".into()),
        }
    }
}
