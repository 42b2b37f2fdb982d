//! What went wrong, as both families' clients read it: one set of fields that holds what each looks for, with the status
//! that each rule's refusal has.

use super::arrival::{Missed, Takes};
use super::iso::iso;
use crate::actions::Denied;
use crate::domain::account::{Ban, No};
use crate::domain::limits::Quota;
use crate::domain::picture::Unfit;
use crate::domain::refusal::Refusal;
use crate::error::Fault;
use crate::metrics;
use poem_openapi::payload::Json;
use poem_openapi::registry::{MetaResponses, Registry};
use poem_openapi::types::{Example, ToJSON};
use poem_openapi::{ApiResponse, Object};
use serde_json::Value;
use std::time::Duration;

/// Seconds after which somebody who met a fault may try again.
const AGAIN: u64 = 2;

/// Why something was not done.
#[derive(Object, Default)]
#[oai(example, rename_all = "camelCase", skip_serializing_if_is_none)]
pub(super) struct Problem {
    /// Always false.
    success: bool,
    /// What went wrong, for people.
    error: String,
    /// The same.
    message: String,
    /// What went wrong, for programs.
    code: Option<String>,
    /// The number of the document's table of errors.
    error_code: Option<u32>,
    /// The field that is wrong.
    field: Option<String>,
    /// Seconds to wait.
    retry_after: Option<u64>,
    /// The address has an account: log in instead.
    should_login: Option<bool>,
    /// The address must be proven first; a code is on its way to it.
    #[oai(rename = "requiresOTP")]
    requires_otp: Option<bool>,
    /// Whose address.
    email: Option<String>,
    /// Whose name.
    username: Option<String>,
    /// The code's time is over.
    expired: Option<bool>,
    /// Why the account may not be used.
    ban: Option<BanView>,
}

/// Why an account may not be used.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct BanView {
    /// For people.
    reason: String,
    /// Until when, ISO 8601; null: for good.
    expires_at: Option<String>,
    /// `temporary` or `permanent`.
    #[oai(rename = "type")]
    kind: String,
}

/// Something was not done.
#[derive(ApiResponse)]
enum Answer {
    /// What was sent is not what is asked for.
    #[oai(status = 400)]
    Bad(Json<Problem>),
    /// Nobody, or not who was claimed.
    #[oai(status = 401)]
    Unknown(Json<Problem>),
    /// Known, and may not.
    #[oai(status = 403)]
    Forbidden(Json<Problem>),
    /// There is no such thing.
    #[oai(status = 404)]
    Missing(Json<Problem>),
    /// What was sent came too slowly.
    #[oai(status = 408)]
    TooSlow(Json<Problem>),
    /// It is so already, and stays.
    #[oai(status = 409)]
    Conflict(Json<Problem>),
    /// More was sent than is taken.
    #[oai(status = 413)]
    TooLarge(Json<Problem>),
    /// What was sent is of a kind that is not taken.
    #[oai(status = 415)]
    Unsupported(Json<Problem>),
    /// Too often.
    #[oai(status = 429)]
    TooMany(
        Json<Problem>,
        /// Seconds to wait.
        #[oai(header = "Retry-After")]
        u64,
    ),
    /// It cannot be done now; try again.
    #[oai(status = 503)]
    Unavailable(
        Json<Problem>,
        /// Seconds to wait.
        #[oai(header = "Retry-After")]
        u64,
    ),
}

/// An operation may answer 400.
pub(super) const BAD: u16 = 1;
/// 401.
pub(super) const UNKNOWN: u16 = 1 << 1;
/// 403.
pub(super) const FORBIDDEN: u16 = 1 << 2;
/// 404.
pub(super) const MISSING: u16 = 1 << 3;
/// 409.
pub(super) const CONFLICT: u16 = 1 << 7;
/// What comes of any body: 400, 408, 413 and 415.
pub(super) const BODY: u16 = BAD | 1 << 8 | 1 << 4 | 1 << 5;
/// 429.
pub(super) const LIMITED: u16 = 1 << 6;
/// All of them. Any operation may answer 503.
const ALL: u16 = u16::MAX;

/// Something was not done. `MAY` holds the statuses that an operation may answer with then, for the description.
pub(super) struct Refused<const MAY: u16 = ALL>(Answer);

/// What the bits stand for.
fn bit(status: u16) -> u16 {
    match status {
        400 => BAD,
        401 => UNKNOWN,
        403 => FORBIDDEN,
        404 => MISSING,
        408 => 1 << 8,
        409 => CONFLICT,
        413 => 1 << 4,
        415 => 1 << 5,
        429 => LIMITED,
        _ => ALL,
    }
}

impl<const MAY: u16> poem_openapi::ApiResponse for Refused<MAY> {
    fn meta() -> MetaResponses {
        let mut meta = Answer::meta();
        meta.responses
            .retain(|one| one.status.is_some_and(|status| MAY & bit(status) != 0));
        meta
    }

    fn register(registry: &mut Registry) {
        Answer::register(registry);
    }
}

impl<const MAY: u16> From<Refused<MAY>> for poem::Error {
    fn from(refused: Refused<MAY>) -> Self {
        let error = poem::Error::from(refused.0);
        debug_assert!(
            MAY & bit(error.status().as_u16()) != 0,
            "{} is not described",
            error.status()
        );
        error
    }
}

impl<const MAY: u16> Refused<MAY> {
    /// A body that cannot be read, and the field that is to blame.
    pub(super) fn unreadable(text: &str, field: Option<String>) -> Self {
        let code = if field.is_some() {
            "INVALID_FIELD"
        } else {
            "INVALID_BODY"
        };
        Self(Answer::Bad(Json(Problem {
            field,
            ..Problem::new(text, code)
        })))
    }
}

impl Problem {
    fn new(error: impl ToString, code: &str) -> Self {
        let error = error.to_string();
        Self {
            message: error.clone(),
            error,
            code: Some(code.to_owned()),
            ..Self::default()
        }
    }

    fn missed(missed: Missed) -> Self {
        let (error, code) = missed.said();
        Self::new(error, code)
    }

    fn limited(quota: &Quota) -> Self {
        Self {
            error_code: Some(1003),
            retry_after: Some(seconds(quota.frees_in)),
            ..Self::new(Refusal::Limited(*quota), quota.code)
        }
    }

    fn of(no: &No) -> Self {
        let mut problem = Self::new(no, no.code());
        problem.error_code = number(no);
        match no {
            No::Missing { field } | No::Invalid { field, .. } | No::Guessable { field, .. } => {
                problem.field = Some((*field).to_owned())
            }
            No::EmailTaken => problem.should_login = Some(true),
            No::NotVerified { email, username } => {
                problem.requires_otp = Some(true);
                (problem.email, problem.username) = (Some(email.clone()), username.clone());
            }
            No::CodeExpired => problem.expired = Some(true),
            No::Banned(ban) => problem.ban = Some(BanView::of(ban)),
            _ => {}
        }
        problem
    }
}

impl BanView {
    fn of(ban: &Ban) -> Self {
        Self {
            reason: ban.reason.clone(),
            expires_at: ban.until.map(iso),
            kind: if ban.until.is_some() { "temporary" } else { "permanent" }.to_owned(),
        }
    }
}

/// The document's numbers (contract 4.12).
fn number(no: &No) -> Option<u32> {
    match no {
        No::TooYoung => Some(1001),
        No::Banned(_) => Some(1002),
        No::NoToken | No::BadToken | No::TokenExpired | No::TokenInvalid | No::Ended(_) | No::NoUser => Some(2001),
        No::NotProven | No::NotForAsking => Some(2002),
        _ => None,
    }
}

/// Rounded up: who waits that long is let through.
fn seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).max(1) as u64
}

impl From<&No> for Answer {
    fn from(no: &No) -> Self {
        let problem = Json(Problem::of(no));
        match no {
            No::Missing { .. }
            | No::Invalid { .. }
            | No::Guessable { .. }
            | No::UnsupportedDomain
            | No::EmailTaken
            | No::UsernameTaken
            | No::TooYoung
            | No::TermsNotAccepted
            | No::WrongPassword
            | No::WrongCode
            | No::CodeExpired
            | No::CodeGone
            | No::BadLink
            | No::LinkExpired
            | No::UnverifiedByGoogle => Answer::Bad(problem),
            No::WrongCredentials
            | No::NoToken
            | No::BadToken
            | No::TokenExpired
            | No::TokenInvalid
            | No::Ended(_)
            | No::NoUser
            | No::NotByGoogle => Answer::Unknown(problem),
            No::NotVerified { .. } | No::Banned(_) | No::NotProven | No::NotForAsking | No::NotForUsers => {
                Answer::Forbidden(problem)
            }
            No::NoSignUp | No::NoSuchUser => Answer::Missing(problem),
            No::GenderSaid => Answer::Conflict(problem),
            No::Off => Answer::Unavailable(problem, AGAIN),
        }
    }
}

impl From<&Refusal> for Answer {
    fn from(refusal: &Refusal) -> Self {
        let problem = || Json(Problem::new(refusal, refusal.code()));
        match refusal {
            Refusal::Account(no) => no.into(),
            Refusal::Limited(quota) => Answer::TooMany(Json(Problem::limited(quota)), seconds(quota.frees_in)),
            Refusal::BadPicture(Unfit::FileTooLarge) => Answer::TooLarge(problem()),
            Refusal::BadPicture(Unfit::UnknownKind) => Answer::Unsupported(problem()),
            Refusal::BadPicture(Unfit::TooManyPixels | Unfit::Broken) => Answer::Bad(problem()),
            _ => Answer::Unavailable(problem(), AGAIN),
        }
    }
}

impl<const MAY: u16> From<No> for Refused<MAY> {
    fn from(no: No) -> Self {
        Refusal::from(no).into()
    }
}

impl<const MAY: u16> From<Refusal> for Refused<MAY> {
    fn from(refusal: Refusal) -> Self {
        metrics::REFUSALS.one(refusal.code());
        Self(Answer::from(&refusal))
    }
}

impl<const MAY: u16> From<Missed> for Refused<MAY> {
    fn from(missed: Missed) -> Self {
        let problem = Json(Problem::missed(missed));
        Self(match missed {
            Missed::TooLarge => Answer::TooLarge(problem),
            Missed::TooSlow => Answer::TooSlow(problem),
            Missed::Broken => Answer::Bad(problem),
        })
    }
}

impl<const MAY: u16> From<Fault> for Refused<MAY> {
    fn from(fault: Fault) -> Self {
        Self(failed(&fault))
    }
}

impl<const MAY: u16> From<Denied> for Refused<MAY> {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refused(refusal) => refusal.into(),
            Denied::Failed(fault) => Self(failed(&fault)),
        }
    }
}

fn failed(fault: &Fault) -> Answer {
    metrics::FAULTS.one(fault.op);
    tracing::error!(fault.op, fault.why, "a request failed: {fault}");
    Answer::Unavailable(Json(unavailable()), AGAIN)
}

fn unavailable() -> Problem {
    Problem::new("Temporarily unavailable, please try again", "UNAVAILABLE")
}

/// What is said with a status, for the description.
pub(super) fn example(status: &str, takes: Takes) -> Option<Value> {
    let quota = Quota {
        most: 5,
        within: Duration::from_secs(60),
        left: 0,
        frees_in: Duration::from_secs(42),
        code: "RATE_LIMIT_EXCEEDED",
    };
    let problem = match status {
        "400" => Problem::of(&No::Missing { field: "email" }),
        "401" => Problem::of(&No::BadToken),
        "403" => Problem::of(&No::Banned(Ban {
            reason: "Spam".to_owned(),
            until: None,
        })),
        "404" => Problem::of(&No::NoSignUp),
        "409" => Problem::of(&No::GenderSaid),
        "408" => Problem::missed(Missed::TooSlow),
        "413" => Problem::missed(Missed::TooLarge),
        "415" => Problem::new(takes.wanted(), "UNSUPPORTED_MEDIA_TYPE"),
        "429" => Problem::limited(&quota),
        "503" => unavailable(),
        _ => return None,
    };
    problem.to_json()
}

impl Example for Problem {
    fn example() -> Self {
        Self::of(&No::Missing { field: "email" })
    }
}
