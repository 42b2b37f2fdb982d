//! What clients of the family send about accounts. One body serves both forms of a request: the web app's with an e-mail
//! address, and the document's with a device.

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
    /// Where it was sent to.
    pub(super) email: Option<Text>,
    /// Its 6 digits.
    pub(super) otp: Option<Text>,
}

/// Where another code is to be sent.
#[derive(Object)]
#[oai(rename = "ResendOtp")]
pub(super) struct ResendBody {
    /// The address that is to be proven.
    pub(super) email: Option<Text>,
}

/// A refresh token to be exchanged.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "Refresh")]
pub(super) struct RefreshBody {
    /// The token.
    pub(super) refresh_token: Option<Text>,
}

/// Another password.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "ChangePassword")]
pub(super) struct PasswordBody {
    /// The one of now; for accounts that have one.
    pub(super) current_password: Option<Text>,
    /// The new one, 6 to 200 characters.
    pub(super) new_password: Option<Text>,
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
            otp: Some("123456".into()),
        }
    }
}
