//! What clients of the family send about accounts. One body serves both forms of a request: the web app's with an e-mail
//! address, and the document's with a device.

use super::super::came_from::CameFrom;
use super::super::text::Text;
use crate::actions::account::{DeviceForm, EmailForm};
use poem_openapi::Object;
use poem_openapi::types::Example;

/// Somebody who wants an account: with `email`, `username`, `password` and `gender`, or a device with `age`,
/// `deviceFingerprint`, `termsAccepted` and `privacyAccepted`.
#[derive(Object)]
#[oai(example, rename_all = "camelCase", rename = "Register")]
pub(super) struct RegisterBody {
    /// An address at one of the providers that are allowed.
    email: Option<Text>,
    /// 3 to 50 letters, digits, `_`, `-`, `.` and single spaces.
    username: Option<Text>,
    /// 6 to 200 characters.
    password: Option<Text>,
    /// `male`, `female` or `others`.
    gender: Option<Text>,
    /// In years; at least 18.
    age: Option<i64>,
    /// What the device is known by, 8 to 512 characters.
    device_fingerprint: Option<Text>,
    /// Must be true.
    terms_accepted: Option<bool>,
    /// Must be true.
    privacy_accepted: Option<bool>,
    /// Where they came from.
    #[oai(flatten)]
    pub(super) came_from: CameFrom,
}

/// What somebody registers with.
pub(super) enum Form {
    Email(EmailForm),
    Device(DeviceForm),
}

impl RegisterBody {
    pub(super) fn form(self) -> Form {
        match self.email.is_none() && (self.device_fingerprint.is_some() || self.age.is_some()) {
            true => Form::Device(DeviceForm {
                age: self.age,
                fingerprint: self.device_fingerprint.map(Text::into_inner),
                terms_accepted: self.terms_accepted.unwrap_or(false),
                privacy_accepted: self.privacy_accepted.unwrap_or(false),
            }),
            false => Form::Email(EmailForm {
                email: self.email.map(Text::into_inner),
                username: self.username.map(Text::into_inner),
                password: self.password.map(Text::into_inner),
                gender: self.gender.map(Text::into_inner),
            }),
        }
    }
}

/// Somebody who comes back: with `email` and `password`, or a device with `deviceFingerprint`.
#[derive(Object)]
#[oai(example, rename_all = "camelCase", rename = "Login")]
pub(super) struct LoginBody {
    /// The account's address.
    pub(super) email: Option<Text>,
    /// The account's password.
    pub(super) password: Option<Text>,
    /// What the device is known by.
    pub(super) device_fingerprint: Option<Text>,
}

/// A code that was sent.
#[derive(Object)]
#[oai(example, rename = "VerifyOtp")]
pub(super) struct VerifyBody {
    /// The address it was sent to.
    pub(super) email: Option<Text>,
    /// Or the telephone.
    pub(super) phone: Option<Text>,
    /// Its 6 digits.
    pub(super) otp: Option<Text>,
}

/// Where another code is to be sent.
#[derive(Object)]
#[oai(example, rename = "ResendOtp")]
pub(super) struct ResendBody {
    /// The address that is to be proven.
    pub(super) email: Option<Text>,
}

/// A refresh token to be exchanged.
#[derive(Object)]
#[oai(example, rename_all = "camelCase", rename = "Refresh")]
pub(super) struct RefreshBody {
    /// The token.
    pub(super) refresh_token: Option<Text>,
}

/// Another password.
#[derive(Object)]
#[oai(example, rename_all = "camelCase", rename = "ChangePassword")]
pub(super) struct PasswordBody {
    /// The one of now; for accounts that have one.
    pub(super) current_password: Option<Text>,
    /// The new one, 6 to 200 characters.
    pub(super) new_password: Option<Text>,
}

/// Somebody who forgot their password.
#[derive(Object)]
#[oai(example, rename = "ForgotPassword")]
pub(super) struct ForgotBody {
    /// The account's address.
    pub(super) email: Option<Text>,
}

/// A link to a new password.
#[derive(Object)]
#[oai(example, rename = "ValidateResetToken")]
pub(super) struct LinkBody {
    /// The `token` of the link.
    pub(super) token: Option<Text>,
}

/// A new password, by a link.
#[derive(Object)]
#[oai(example, rename = "ResetPassword")]
pub(super) struct ResetBody {
    /// The `token` of the link.
    pub(super) token: Option<Text>,
    /// The new password, 6 to 200 characters.
    pub(super) password: Option<Text>,
}

/// Somebody whom Google knows.
#[derive(Object)]
#[oai(example, rename_all = "camelCase", rename = "GoogleSignIn")]
pub(super) struct GoogleBody {
    /// The credential of Google's button: an id token.
    pub(super) id_token: Option<Text>,
    /// Where somebody new came from.
    #[oai(flatten)]
    pub(super) came_from: CameFrom,
}

/// A telephone that is to be proven.
#[derive(Object)]
#[oai(example, rename = "RequestPhoneOtp")]
pub(super) struct PhoneBody {
    /// Ten digits (India), or `+` and the number with its country.
    pub(super) phone: Option<Text>,
}

/// A code that was sent to a telephone.
#[derive(Object)]
#[oai(example, rename = "VerifyPhone")]
pub(super) struct PhoneCodeBody {
    /// The telephone.
    pub(super) phone: Option<Text>,
    /// The code's 6 digits.
    pub(super) otp: Option<Text>,
}

/// A token as links have it.
const LINK: &str = "6d0f4b8f9c3a5e7d1b2c4d6e8f0a1b3c5d7e9f1a3b5c7d9e1f2a4b6c8d0e2f4a";

/// An example of a body whose fields are all texts.
macro_rules! example {
    ($($body:ident { $($field:ident: $text:expr),* })*) => {
        $(impl Example for $body {
            fn example() -> Self {
                Self { $($field: Some($text.into())),* }
            }
        })*
    };
}

example! {
    ResendBody { email: "ann@gmail.com" }
    RefreshBody { refresh_token: "eyJhbGciOi..." }
    PasswordBody { current_password: "correct horse", new_password: "battery staple" }
    ForgotBody { email: "ann@gmail.com" }
    LinkBody { token: LINK }
    ResetBody { token: LINK, password: "battery staple" }
    PhoneBody { phone: "9876543210" }
    PhoneCodeBody { phone: "9876543210", otp: "123456" }
}

impl Example for RegisterBody {
    fn example() -> Self {
        Self {
            email: Some("ann@gmail.com".into()),
            username: Some("ann".into()),
            password: Some("correct horse".into()),
            gender: Some("female".into()),
            age: None,
            device_fingerprint: None,
            terms_accepted: None,
            privacy_accepted: None,
            came_from: CameFrom::default(),
        }
    }
}

impl Example for GoogleBody {
    fn example() -> Self {
        Self {
            id_token: Some("eyJhbGciOi...".into()),
            came_from: CameFrom::default(),
        }
    }
}

impl Example for LoginBody {
    fn example() -> Self {
        Self {
            email: Some("ann@gmail.com".into()),
            password: Some("correct horse".into()),
            device_fingerprint: None,
        }
    }
}

impl Example for VerifyBody {
    fn example() -> Self {
        Self {
            email: Some("ann@gmail.com".into()),
            phone: None,
            otp: Some("123456".into()),
        }
    }
}
