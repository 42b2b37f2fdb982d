//! The family's JSON: the envelope `{success, data, message}` and, beside it, the keys that the document has at the top.

use super::super::came_from::CameFrom;
use super::super::iso::iso;
use super::super::text::Text;
use crate::actions::account::{ByGoogle, GoogleToken, NameForm, Refreshed, SignedIn};
use crate::domain::account::Account;
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object};

/// Somebody who wants an account.
#[derive(Object)]
#[oai(example, rename_all = "camelCase", rename = "Free2TalkRegister")]
pub(super) struct RegisterBody {
    /// An e-mail address.
    email: Option<Text>,
    /// 3 to 50 letters, digits, `_` and `-`.
    username: Option<Text>,
    /// 8 to 200 characters.
    password: Option<Text>,
    /// The name that is shown; at most 100 characters.
    display_name: Option<Text>,
    /// Where they came from.
    #[oai(flatten)]
    pub(super) came_from: CameFrom,
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
    /// How the account signs in: `email`, `google`, `google+email` or `device`.
    auth_provider: String,
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
#[oai(rename_all = "camelCase", rename = "Free2TalkSessionData")]
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

/// Somebody whom Google knows; one of the three.
#[derive(Object)]
#[oai(example, rename_all = "camelCase", rename = "Free2TalkGoogle")]
pub(super) struct GoogleBody {
    /// An id token.
    id_token: Option<Text>,
    /// The same, as Google's button names it.
    credential: Option<Text>,
    /// An access token.
    access_token: Option<Text>,
    /// Where somebody new came from.
    #[oai(flatten)]
    pub(super) came_from: CameFrom,
}

/// Somebody who signed in with Google.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "Free2TalkGoogleSession")]
pub(super) struct GoogleView {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
    /// The user.
    user: FullUser,
    /// To be let in with, and to be exchanged.
    tokens: Tokens,
    /// Whether the account was made just now.
    is_first_time: bool,
    /// Whether its name was made up from the address.
    needs_username: bool,
    /// The same as in other sign-ins.
    data: SessionData,
}

impl RegisterBody {
    pub(super) fn form(self) -> NameForm {
        NameForm {
            email: self.email.map(Text::into_inner),
            username: self.username.map(Text::into_inner),
            password: self.password.map(Text::into_inner),
            display_name: self.display_name.map(Text::into_inner),
        }
    }
}

impl GoogleBody {
    /// The strongest that there is.
    pub(super) fn token(&self) -> Option<GoogleToken<'_>> {
        let text = |field: &'_ Option<Text>| field.as_deref().filter(|text| !text.is_empty()).is_some();
        let id = [&self.id_token, &self.credential].into_iter().find(|field| text(field));
        match (id, &self.access_token) {
            (Some(id), _) => id.as_deref().map(GoogleToken::Id),
            (None, access) => access
                .as_deref()
                .filter(|text| !text.is_empty())
                .map(GoogleToken::Access),
        }
    }
}

impl GoogleView {
    pub(super) fn new(done: &ByGoogle) -> Self {
        let SessionView {
            success,
            message,
            user,
            data,
        } = SessionView::new(&done.signed, "Signed in");
        let tokens = Tokens {
            access_token: data.access_token.clone(),
            refresh_token: data.refresh_token.clone(),
        };
        Self {
            success,
            message,
            user,
            tokens,
            is_first_time: done.is_new,
            needs_username: done.is_new,
            data,
        }
    }
}

impl FullUser {
    fn of(account: &Account) -> Self {
        Self {
            id: account.id.to_string(),
            email: account.email.clone().unwrap_or_default(),
            username: account.username.clone().unwrap_or_default(),
            display_name: account.display_name.clone(),
            avatar_url: account.avatar_url.clone(),
            auth_provider: account.provider.as_str().to_owned(),
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
            came_from: CameFrom::default(),
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

impl Example for GoogleBody {
    fn example() -> Self {
        Self {
            id_token: None,
            credential: None,
            access_token: Some("ya29.a0AfB_by...".into()),
            came_from: CameFrom::default(),
        }
    }
}
