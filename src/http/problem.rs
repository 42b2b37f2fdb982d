//! What went wrong, as both families' clients read it: one set of fields that holds what each looks for, with the status
//! that each rule's refusal has.

use super::iso::iso;
use crate::actions::Denied;
use crate::domain::account::{Ban, No};
use crate::domain::refusal::Refusal;
use crate::error::Fault;
use crate::metrics;
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object};
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
pub(super) enum Refused {
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

    fn of(no: &No) -> Self {
        let mut problem = Self::new(no, no.code());
        problem.error_code = number(no);
        problem.retry_after = no.wait().map(seconds);
        match no {
            No::Missing { field } | No::Invalid { field, .. } => problem.field = Some((*field).to_owned()),
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
        No::TooMany { .. } | No::CodeLocked { .. } | No::Cooldown { .. } => Some(1003),
        No::NoToken | No::BadToken | No::Ended(_) | No::NoUser => Some(2001),
        _ => None,
    }
}

/// Rounded up: who waits that long is let through.
fn seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).max(1) as u64
}

impl From<No> for Refused {
    fn from(no: No) -> Self {
        let problem = Json(Problem::of(&no));
        match &no {
            No::Missing { .. }
            | No::Invalid { .. }
            | No::UnsupportedDomain
            | No::EmailTaken
            | No::UsernameTaken
            | No::TooYoung
            | No::TermsNotAccepted
            | No::WrongPassword
            | No::WrongCode
            | No::CodeExpired => Refused::Bad(problem),
            No::WrongCredentials | No::NoToken | No::BadToken | No::Ended(_) | No::NoUser => Refused::Unknown(problem),
            No::NotVerified { .. } | No::Banned(_) => Refused::Forbidden(problem),
            No::NoSignUp => Refused::Missing(problem),
            No::CodeLocked { wait } | No::Cooldown { wait } | No::TooMany { wait, .. } => {
                Refused::TooMany(problem, seconds(*wait))
            }
            No::Off => Refused::Unavailable(problem, AGAIN),
        }
    }
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refused(Refusal::Account(no)) => {
                metrics::REFUSALS.one(no.code());
                no.into()
            }
            Denied::Refused(refusal) => {
                metrics::REFUSALS.one(refusal.code());
                Refused::Unavailable(Json(Problem::new(&refusal, refusal.code())), AGAIN)
            }
            Denied::Failed(fault) => failed(&fault),
        }
    }
}

fn failed(fault: &Fault) -> Refused {
    metrics::FAULTS.one(fault.op);
    tracing::error!(fault.op, fault.why, "a request failed: {fault}");
    let problem = Problem::new("Temporarily unavailable, please try again", "UNAVAILABLE");
    Refused::Unavailable(Json(problem), AGAIN)
}

impl Example for Problem {
    fn example() -> Self {
        Self::of(&No::Missing { field: "email" })
    }
}
