//! `/api/auth`: signing up, in and out.

use super::super::Front;
use super::super::auth::{AccessToken, device};
use super::super::problem::Refused;
use super::forms::{Form, LoginBody, PasswordBody, RefreshBody, RegisterBody, ResendBody, VerifyBody};
use super::people::{Done, MeView, PendingView, RefreshedView, Registered, SignedInView};
use crate::actions::account::{Client, Terms, Verified};
use crate::domain::account::{Family, No};
use poem::http::HeaderMap;
use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::{OpenApi, Tags};

/// Chapters of the description.
#[derive(Tags)]
enum Chapter {
    /// Accounts of one-to-one chat: signing up, in and out.
    #[oai(rename = "Omegoo auth")]
    Auth,
}

/// The handlers.
pub(in crate::http) struct Auth;

/// The web app knows no refresh token; devices do.
fn client(headers: &HeaderMap, terms: Terms) -> Client {
    Client::new(Family::Omegoo, device(headers), terms)
}

#[OpenApi(prefix_path = "/api/auth", tag = "Chapter::Auth")]
impl Auth {
    /// Sign up
    ///
    /// With an e-mail address a code is sent, and `verify-otp` makes the account. A device has its account at once; if it
    /// had one before, that one.
    #[oai(path = "/register", method = "post", operation_id = "register")]
    async fn register(
        &self,
        front: Data<&Front>,
        headers: &HeaderMap,
        body: Json<RegisterBody>,
    ) -> Result<Json<Registered>, Refused> {
        let actions = &front.actions;
        Ok(Json(match body.0.form() {
            Form::Email(form) => {
                let seconds = actions.settings().accounts.code_for.as_secs();
                Registered::Pending(PendingView::new(actions.register(&form).await?, seconds))
            }
            Form::Device(form) => {
                let signed = actions.register_device(&form, &client(headers, Terms::Renewed)).await?;
                Registered::SignedIn(SignedInView::new(signed, "Welcome"))
            }
        }))
    }

    /// Sign in
    ///
    /// Signing in ends the user's other logins in this API. Who has no account and who gives a wrong password are
    /// answered the same.
    #[oai(path = "/login", method = "post", operation_id = "login")]
    async fn login(
        &self,
        front: Data<&Front>,
        headers: &HeaderMap,
        body: Json<LoginBody>,
    ) -> Result<Json<SignedInView>, Refused> {
        let (body, actions) = (&body.0, &front.actions);
        let signed = match (&body.email, &body.device_fingerprint) {
            (None, Some(print)) => {
                actions
                    .log_in_device(Some(print), &client(headers, Terms::Renewed))
                    .await?
            }
            (email, _) => {
                let client = client(headers, Terms::Long);
                actions
                    .log_in(email.as_deref(), body.password.as_deref(), &client)
                    .await?
            }
        };
        Ok(Json(SignedInView::new(signed, "Signed in")))
    }

    /// Prove an address
    ///
    /// Takes the code that was sent; when it is right, the account is there and signed in.
    #[oai(path = "/verify-otp", method = "post", operation_id = "verifyOtp")]
    async fn verify_otp(
        &self,
        front: Data<&Front>,
        headers: &HeaderMap,
        body: Json<VerifyBody>,
    ) -> Result<Json<SignedInView>, Refused> {
        let client = client(headers, Terms::Long);
        let verified = front
            .actions
            .verify_code(body.email.as_deref(), body.otp.as_deref(), &client)
            .await?;
        Ok(Json(match verified {
            Verified::Now(signed) => SignedInView::new(*signed, "Your email is verified"),
            Verified::Already => SignedInView::already(),
        }))
    }

    /// Send another code
    ///
    /// At most one a minute; only the last one is good.
    #[oai(path = "/resend-otp", method = "post", operation_id = "resendOtp")]
    async fn resend_otp(&self, front: Data<&Front>, body: Json<ResendBody>) -> Result<Json<Done>, Refused> {
        front.actions.resend_code(body.email.as_deref()).await?;
        Ok(Json(Done::new("We sent you another code by email")))
    }

    /// Exchange tokens
    ///
    /// A refresh token is good for one exchange (and some seconds more, for tabs that do it at once); used again later, it
    /// ends the login everywhere.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh")]
    async fn refresh(&self, front: Data<&Front>, body: Json<RefreshBody>) -> Result<Json<RefreshedView>, Refused> {
        let token = body.refresh_token.as_deref().filter(|token| !token.is_empty());
        let fresh = front
            .actions
            .refresh(token.ok_or(No::Missing { field: "refreshToken" })?)
            .await?;
        Ok(Json(RefreshedView::new(fresh)))
    }

    /// Who am I?
    ///
    /// The account of the token, as it is now. Not limited: pages ask at every turn.
    #[oai(path = "/me", method = "get", operation_id = "me")]
    async fn me(&self, front: Data<&Front>, access: AccessToken) -> Result<Json<MeView>, Refused> {
        let caller = front.actions.authenticate(&access.0.token).await?;
        Ok(Json(MeView::new(&caller.account)))
    }

    /// Sign out
    ///
    /// Ends the login: its token is no good any more, its sockets are closed on every node.
    #[oai(path = "/logout", method = "post", operation_id = "logout")]
    async fn logout(&self, front: Data<&Front>, access: AccessToken) -> Result<Json<Done>, Refused> {
        let caller = front.actions.authenticate(&access.0.token).await?;
        front.actions.log_out(&caller).await?;
        Ok(Json(Done::new("Signed out")))
    }

    /// Change the password
    ///
    /// The user's other logins end.
    #[oai(path = "/change-password", method = "post", operation_id = "changePassword")]
    async fn change_password(
        &self,
        front: Data<&Front>,
        access: AccessToken,
        body: Json<PasswordBody>,
    ) -> Result<Json<Done>, Refused> {
        let caller = front.actions.authenticate(&access.0.token).await?;
        let (current, new) = (body.current_password.as_deref(), body.new_password.as_deref());
        front.actions.change_password(&caller, current, new).await?;
        Ok(Json(Done::new("Your password was changed")))
    }
}
