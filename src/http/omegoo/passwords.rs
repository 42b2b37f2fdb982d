//! `/api/auth`: passwords that are forgotten or changed.

use super::super::Front;
use super::super::auth::AccessToken;
use super::super::body::Body;
use super::super::callers::Caller;
use super::super::problem::{BODY, LIMITED, Refused, UNKNOWN};
use super::auth::Chapter;
use super::forms::{ForgotBody, LinkBody, PasswordBody, ResetBody};
use super::people::Done;
use crate::domain::limits::{CODE_IP, FORGOT_EMAIL, FORGOT_IP, PASSWORD, Subject};
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

/// What is said whether there is such an account or not (the document's words).
const ON_ITS_WAY: &str = "If your email is registered, you will receive a password reset link shortly.";

/// The handlers.
pub(in crate::http) struct Passwords;

#[OpenApi(prefix_path = "/api/auth", tag = "Chapter::Auth")]
impl Passwords {
    /// Forgot the password
    ///
    /// Sends a link to a new one, good for 30 minutes, when the address has an account. The answer does not tell.
    #[oai(path = "/forgot-password", method = "post", operation_id = "forgotPassword")]
    async fn forgot_password(
        &self,
        front: Data<&Front>,
        caller: Caller,
        body: Body<ForgotBody>,
    ) -> Result<Json<Done>, Refused<{ BODY | LIMITED }>> {
        let email = body.email.as_deref();
        let of_account = email.map(|email| (&FORGOT_EMAIL, Subject::Email(email)));
        let asked: Vec<_> = [(&FORGOT_IP, caller.at())].into_iter().chain(of_account).collect();
        let asking = front.actions.forgot_password(email);
        caller.within(&front.actions, &asked, asking).await?;
        Ok(Json(Done::new(ON_ITS_WAY)))
    }

    /// Is this link good?
    ///
    /// To be asked before the new password is.
    #[oai(path = "/validate-reset-token", method = "post", operation_id = "validateResetToken")]
    async fn validate_reset_token(
        &self,
        front: Data<&Front>,
        caller: Caller,
        body: Body<LinkBody>,
    ) -> Result<Json<Done>, Refused<{ BODY | LIMITED }>> {
        let checking = front.actions.check_link(body.token.as_deref());
        caller
            .within(&front.actions, &[(&CODE_IP, caller.at())], checking)
            .await?;
        Ok(Json(Done::new("The link is valid")))
    }

    /// Choose a new password
    ///
    /// By a link that was mailed, which is used up. All logins of the account end.
    #[oai(path = "/reset-password", method = "post", operation_id = "resetPassword")]
    async fn reset_password(
        &self,
        front: Data<&Front>,
        caller: Caller,
        body: Body<ResetBody>,
    ) -> Result<Json<Done>, Refused<{ BODY | LIMITED }>> {
        let (token, password) = (body.token.as_deref(), body.password.as_deref());
        let resetting = front.actions.reset_password(token, password);
        caller
            .within(&front.actions, &[(&CODE_IP, caller.at())], resetting)
            .await?;
        Ok(Json(Done::new("Your password was changed, please log in")))
    }

    /// Change the password
    ///
    /// The user's other logins end.
    #[oai(path = "/change-password", method = "post", operation_id = "changePassword")]
    async fn change_password(
        &self,
        front: Data<&Front>,
        access: AccessToken,
        caller: Caller,
        body: Body<PasswordBody>,
    ) -> Result<Json<Done>, Refused<{ BODY | UNKNOWN | LIMITED }>> {
        let who = front.actions.authenticate(&access.0.token).await?;
        let (current, new) = (body.current_password.as_deref(), body.new_password.as_deref());
        let changing = front.actions.change_password(&who, current, new);
        let asked = [(&PASSWORD, Subject::User(&who.account.id))];
        caller.within(&front.actions, &asked, changing).await?;
        Ok(Json(Done::new("Your password was changed")))
    }
}
