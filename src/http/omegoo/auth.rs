//! `/api/auth`: signing up, in and out. Passwords are in `passwords`, telephones in `phones`.

use super::super::Front;
use super::super::auth::{AccessToken, HeaderOrNobody, device};
use super::super::body::Body;
use super::super::callers::Caller;
use super::super::problem::{BODY, FORBIDDEN, LIMITED, MISSING, Refused, UNKNOWN};
use super::forms::{Form, GoogleBody, LoginBody, RefreshBody, RegisterBody, ResendBody, VerifyBody};
use super::people::{Done, MeView, PendingView, RefreshedView, Registered, SignedInView};
use crate::actions::account::{Client, GoogleToken, Terms, Verified};
use crate::domain::account::{Family, No};
use crate::domain::letter::Says;
use crate::domain::limits::{AUTH, CODE_IP, LOGIN_EMAIL, LOGIN_IP, Subject};
use poem::http::HeaderMap;
use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::{OpenApi, Tags};

/// Chapters of the description.
#[derive(Tags)]
pub(super) enum Chapter {
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
        caller: Caller,
        body: Body<RegisterBody>,
    ) -> Result<Json<Registered>, Refused<{ BODY | UNKNOWN | FORBIDDEN | LIMITED }>> {
        let (actions, asked) = (&front.actions, [(&AUTH, caller.at())]);
        let origin = body.came_from.origin(&front, headers, &caller);
        Ok(Json(match body.0.form() {
            Form::Email(form) => {
                let pending = caller.within(actions, &asked, actions.register(&form, origin)).await?;
                Registered::Pending(PendingView::new(pending, Says::Code.worth_for().as_secs()))
            }
            Form::Device(form) => {
                let client = client(headers, Terms::Renewed);
                let signing = actions.register_device(&form, &client, origin);
                Registered::SignedIn(SignedInView::new(
                    caller.within(actions, &asked, signing).await?,
                    "Welcome",
                ))
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
        caller: Caller,
        body: Body<LoginBody>,
    ) -> Result<Json<SignedInView>, Refused<{ BODY | UNKNOWN | FORBIDDEN | LIMITED }>> {
        let (actions, at) = (&front.actions, caller.at());
        let (email, password) = (body.email.as_deref(), body.password.as_deref());
        let signed = match (email, password, body.device_fingerprint.as_deref()) {
            (None, _, Some(print)) => {
                let client = client(headers, Terms::Renewed);
                let signing = actions.log_in_device(Some(print), &client);
                caller.within(actions, &[(&AUTH, at)], signing).await?
            }
            (email, password, _) => {
                let client = client(headers, Terms::Long);
                let signing = actions.log_in(email, password, &client);
                let of_account = email
                    .zip(password)
                    .map(|(email, _)| (&LOGIN_EMAIL, Subject::Email(email)));
                let asked: Vec<_> = [(&AUTH, at), (&LOGIN_IP, at)].into_iter().chain(of_account).collect();
                caller.within(actions, &asked, signing).await?
            }
        };
        Ok(Json(SignedInView::new(signed, "Signed in")))
    }

    /// Sign in with Google
    ///
    /// With the credential of Google's button. An account with the address that Google has verified becomes Google's too;
    /// one whose address was never proven loses its password, which somebody else may have chosen.
    #[oai(path = "/google", method = "post", operation_id = "google")]
    async fn google(
        &self,
        front: Data<&Front>,
        headers: &HeaderMap,
        caller: Caller,
        body: Body<GoogleBody>,
    ) -> Result<Json<SignedInView>, Refused<{ BODY | UNKNOWN | FORBIDDEN | LIMITED }>> {
        let token = body.id_token.as_deref().filter(|token| !token.is_empty());
        let token = GoogleToken::Id(token.ok_or(No::Missing { field: "idToken" })?);
        let (actions, client) = (&front.actions, client(headers, Terms::Long));
        let origin = body.came_from.origin(&front, headers, &caller);
        let signing = actions.sign_in_by_google(token, &client, &origin);
        let done = caller.within(actions, &[(&AUTH, caller.at())], signing).await?;
        Ok(Json(SignedInView::new(done.signed, "Signed in")))
    }

    /// Prove an address or a telephone
    ///
    /// Takes the code that was sent. To an address: when it is right, the account is there and signed in. To a telephone:
    /// the account of the token has it.
    #[oai(path = "/verify-otp", method = "post", operation_id = "verifyOtp")]
    async fn verify_otp(
        &self,
        front: Data<&Front>,
        headers: &HeaderMap,
        access: HeaderOrNobody,
        caller: Caller,
        body: Body<VerifyBody>,
    ) -> Result<Json<SignedInView>, Refused<{ BODY | UNKNOWN | FORBIDDEN | MISSING | LIMITED }>> {
        let (actions, asked) = (&front.actions, [(&CODE_IP, caller.at())]);
        let (phone, otp) = (body.phone.as_deref(), body.otp.as_deref());
        if body.email.is_none() && phone.is_some() {
            let who = actions.authenticate(access.token()?).await?;
            let verifying = actions.verify_phone(&who, phone, otp);
            let account = caller.within(actions, &asked, verifying).await?;
            return Ok(Json(SignedInView::still(&account, "Your phone number is verified")));
        }
        let client = client(headers, Terms::Long);
        let verifying = actions.verify_code(body.email.as_deref(), otp, &client);
        Ok(Json(match caller.within(actions, &asked, verifying).await? {
            Verified::Now(signed) => SignedInView::new(*signed, "Your email is verified"),
            Verified::Already => SignedInView::already(),
        }))
    }

    /// Send another code
    ///
    /// At most one a minute; only the last one is good.
    #[oai(path = "/resend-otp", method = "post", operation_id = "resendOtp")]
    async fn resend_otp(
        &self,
        front: Data<&Front>,
        caller: Caller,
        body: Body<ResendBody>,
    ) -> Result<Json<Done>, Refused<{ BODY | MISSING | LIMITED }>> {
        let sending = front.actions.resend_code(body.email.as_deref());
        caller
            .within(&front.actions, &[(&CODE_IP, caller.at())], sending)
            .await?;
        Ok(Json(Done::new("We sent you another code by email")))
    }

    /// Exchange tokens
    ///
    /// A refresh token is good for one exchange (and some seconds more, for tabs that do it at once); used again later, it
    /// ends the login everywhere.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh")]
    async fn refresh(
        &self,
        front: Data<&Front>,
        body: Body<RefreshBody>,
    ) -> Result<Json<RefreshedView>, Refused<{ BODY | UNKNOWN | FORBIDDEN }>> {
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
    async fn me(&self, front: Data<&Front>, access: AccessToken) -> Result<Json<MeView>, Refused<UNKNOWN>> {
        let mut who = front.actions.authenticate(&access.0.token).await?;
        front.actions.refill(&mut who.account).await?;
        Ok(Json(MeView::new(&who.account)))
    }

    /// Sign out
    ///
    /// Ends the login: its token is no good any more, its sockets are closed on every node.
    #[oai(path = "/logout", method = "post", operation_id = "logout")]
    async fn logout(&self, front: Data<&Front>, access: AccessToken) -> Result<Json<Done>, Refused<UNKNOWN>> {
        let who = front.actions.authenticate(&access.0.token).await?;
        front.actions.log_out(&who).await?;
        Ok(Json(Done::new("Signed out")))
    }
}
