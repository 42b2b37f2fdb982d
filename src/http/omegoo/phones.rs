//! `/api/auth`: telephones.

use super::super::Front;
use super::super::auth::AccessToken;
use super::super::body::Body;
use super::super::callers::Caller;
use super::super::problem::{BODY, LIMITED, Refused, UNKNOWN};
use super::auth::Chapter;
use super::forms::{PhoneBody, PhoneCodeBody};
use super::people::{Done, SignedInView};
use crate::domain::limits::{CODE_IP, SMS_IP};
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

/// The handlers.
pub(in crate::http) struct Phones;

#[OpenApi(prefix_path = "/api/auth", tag = "Chapter::Auth")]
impl Phones {
    /// Send a code to a telephone
    ///
    /// Good for 5 minutes and three tries; only the last one is good.
    #[oai(path = "/request-otp", method = "post", operation_id = "requestOtp")]
    async fn request_otp(
        &self,
        front: Data<&Front>,
        caller: Caller,
        body: Body<PhoneBody>,
    ) -> Result<Json<Done>, Refused<{ BODY | LIMITED }>> {
        let sending = front.actions.send_phone_code(body.phone.as_deref());
        caller
            .within(&front.actions, &[(&SMS_IP, caller.at())], sending)
            .await?;
        Ok(Json(Done::new("We sent you a code")))
    }

    /// Prove a telephone
    ///
    /// With the code that was sent to it. The first one of an account is worth 10 coins.
    #[oai(path = "/verify-phone", method = "post", operation_id = "verifyPhone")]
    async fn verify_phone(
        &self,
        front: Data<&Front>,
        access: AccessToken,
        caller: Caller,
        body: Body<PhoneCodeBody>,
    ) -> Result<Json<SignedInView>, Refused<{ BODY | UNKNOWN | LIMITED }>> {
        let who = front.actions.authenticate(&access.0.token).await?;
        let verifying = front
            .actions
            .verify_phone(&who, body.phone.as_deref(), body.otp.as_deref());
        let asked = [(&CODE_IP, caller.at())];
        let account = caller.within(&front.actions, &asked, verifying).await?;
        Ok(Json(SignedInView::still(&account, "Your phone number is verified")))
    }
}
