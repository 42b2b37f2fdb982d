//! The Free2Talk family of the API, under `/api/v1`. Tokens travel in the body and in cookies; either is taken.

mod activity;
pub(super) mod cookies;
mod own_rooms;
mod profile_forms;
mod profiles;
mod shapes;
mod upload;
mod users;

use super::Front;
use super::auth::{AnyAccess, device};
use super::body::Body;
use super::callers::Caller;
use super::problem::{BAD, BODY, FORBIDDEN, LIMITED, Refused, UNKNOWN};
use crate::actions::Actions;
use crate::actions::account::{Client, SignedIn, Terms};
use crate::clock::Millis;
use crate::domain::account::{Family, No};
use crate::domain::limits::{Subject, V1, V1_AUTH, V1_LOGIN_EMAIL};
use poem::http::{HeaderMap, Method};
use poem::web::Data;
use poem::{Endpoint, EndpointExt, FromRequest, Request};
use poem_openapi::param::{Cookie, Header};
use poem_openapi::payload::{Json, Response};
use poem_openapi::{OpenApi, OpenApiService, Tags};
use shapes::{Done, GoogleBody, GoogleView, LoginBody, Made, MeView, RegisterBody, SessionView, TokensView};
use std::sync::Arc;
use upload::Uploads;
use users::Users;

/// Chapters of the description.
#[derive(Tags)]
enum Chapter {
    /// Accounts of voice rooms: signing up, in and out.
    #[oai(rename = "Free2Talk auth")]
    Auth,
}

/// The family's handlers.
pub(super) struct Free2Talk;

/// The family's routes, answering from `front`.
pub(super) fn endpoint(front: Front) -> impl Endpoint {
    let actions = front.actions.clone();
    service()
        .data(front)
        .around(move |endpoint, request| limited(endpoint, request, actions.clone()))
}

/// All of the family is limited by address, but for the question that pages ask at every turn.
async fn limited<E: Endpoint>(endpoint: Arc<E>, request: Request, actions: Actions) -> poem::Result<E::Output> {
    let asks_who = request.method() == Method::GET && request.original_uri().path() == "/api/v1/auth/me";
    let looks = [Method::HEAD, Method::OPTIONS].contains(request.method());
    if !asks_who && !looks {
        let caller = Caller::from_request_without_body(&request).await?;
        let taken = caller.take(&actions, &[(&V1, caller.at())]).await;
        taken.map_err(Refused::<LIMITED>::from)?;
    }
    endpoint.call(request).await
}

/// The family's description and routes; the latter expect a [`Front`] among the request's data.
pub(super) fn service() -> OpenApiService<(Free2Talk, Users, Uploads), ()> {
    OpenApiService::new((Free2Talk, Users, Uploads), "Palaver", env!("CARGO_PKG_VERSION")).server("/")
}

/// Writes cookies the way this installation wants them.
struct Jar<'a> {
    front: &'a Front,
    headers: &'a HeaderMap,
}

impl Jar<'_> {
    fn fill<T>(&self, answer: Response<T>, access: (&str, Millis), refresh: (&str, Millis)) -> Response<T> {
        let (now, rule) = (
            self.front.actions.clock().now(),
            self.front.actions.settings().accounts.cookies,
        );
        let set = |name, (value, until): (&str, Millis)| cookies::set(name, value, now, until, rule, self.headers);
        answer
            .header("Set-Cookie", set(cookies::ACCESS, access))
            .header("Set-Cookie", set(cookies::REFRESH, refresh))
    }

    fn fill_with<T>(&self, answer: Response<T>, signed: &SignedIn) -> Response<T> {
        let refresh = signed.refresh.as_deref().unwrap_or_default();
        self.fill(answer, (&signed.access, signed.access_until), (refresh, signed.until))
    }

    fn empty<T>(&self, answer: Response<T>) -> Response<T> {
        let clear = |name| cookies::clear(name, self.front.actions.settings().accounts.cookies, self.headers);
        answer
            .header("Set-Cookie", clear(cookies::ACCESS))
            .header("Set-Cookie", clear(cookies::REFRESH))
    }
}

fn client(headers: &HeaderMap) -> Client {
    Client::new(Family::Free2Talk, device(headers), Terms::Renewed)
}

#[OpenApi(prefix_path = "/api/v1/auth", tag = "Chapter::Auth")]
impl Free2Talk {
    /// Sign up
    ///
    /// Makes an account and signs it in. The tokens are in the body and in the cookies `accessToken` and `refreshToken`.
    #[oai(path = "/register", method = "post", operation_id = "free2talkRegister")]
    async fn register(
        &self,
        front: Data<&Front>,
        headers: &HeaderMap,
        caller: Caller,
        body: Body<RegisterBody>,
    ) -> Result<Response<Made>, Refused<{ BODY | LIMITED }>> {
        let origin = body.came_from.origin(&front, headers, &caller);
        let (form, client) = (body.0.form(), client(headers));
        let signing = front.actions.register_at_once(&form, &client, origin);
        let asked = [(&V1_AUTH, caller.at())];
        let signed = caller.within(&front.actions, &asked, signing).await?;
        let answer = Response::new(Made::Yes(Json(SessionView::new(&signed, "Welcome"))));
        Ok(Jar { front: &front, headers }.fill_with(answer, &signed))
    }

    /// Sign in
    ///
    /// Who has no account and who gives a wrong password are answered the same.
    #[oai(path = "/login", method = "post", operation_id = "free2talkLogin")]
    async fn login(
        &self,
        front: Data<&Front>,
        headers: &HeaderMap,
        caller: Caller,
        body: Body<LoginBody>,
    ) -> Result<Response<Json<SessionView>>, Refused<{ BODY | UNKNOWN | FORBIDDEN | LIMITED }>> {
        let (email, client) = (body.email.as_deref(), client(headers));
        let signing = front.actions.log_in(email, body.password.as_deref(), &client);
        let of_account = email.map(|email| (&V1_LOGIN_EMAIL, Subject::Email(email)));
        let asked: Vec<_> = [(&V1_AUTH, caller.at())].into_iter().chain(of_account).collect();
        let signed = caller.within(&front.actions, &asked, signing).await?;
        let answer = Response::new(Json(SessionView::new(&signed, "Signed in")));
        Ok(Jar { front: &front, headers }.fill_with(answer, &signed))
    }

    /// Sign in with Google
    ///
    /// With an id token (`idToken`, or `credential` as Google's button names it) or an access token. An account with the
    /// address that Google has verified becomes Google's too; one whose address was never proven loses its password, which
    /// somebody else may have chosen.
    #[oai(path = "/google", method = "post", operation_id = "free2talkGoogle")]
    async fn google(
        &self,
        front: Data<&Front>,
        headers: &HeaderMap,
        caller: Caller,
        body: Body<GoogleBody>,
    ) -> Result<Response<Json<GoogleView>>, Refused<{ BODY | UNKNOWN | FORBIDDEN | LIMITED }>> {
        let token = body.token().ok_or(No::Missing { field: "idToken" })?;
        let client = client(headers);
        let origin = body.came_from.origin(&front, headers, &caller);
        let signing = front.actions.sign_in_by_google(token, &client, &origin);
        let asked = [(&V1_AUTH, caller.at())];
        let done = caller.within(&front.actions, &asked, signing).await?;
        let answer = Response::new(Json(GoogleView::new(&done)));
        Ok(Jar { front: &front, headers }.fill_with(answer, &done.signed))
    }

    /// Exchange tokens
    ///
    /// The refresh token is taken from the cookie `refreshToken`, else from the header `x-refresh-token`. Each is good for
    /// one exchange (and some seconds more, for tabs that do it at once); used again later, it ends the login everywhere.
    #[oai(path = "/refresh", method = "post", operation_id = "free2talkRefresh")]
    async fn refresh(
        &self,
        front: Data<&Front>,
        headers: &HeaderMap,
        /// The token, where the cookie cannot be had.
        #[oai(name = "x-refresh-token")]
        header: Header<Option<String>>,
        /// The token.
        #[oai(name = "refreshToken")]
        cookie: Cookie<Option<String>>,
    ) -> Result<Response<Json<TokensView>>, Refused<{ BAD | UNKNOWN | FORBIDDEN | LIMITED }>> {
        let token = cookie.0.or(header.0).filter(|token| !token.is_empty());
        let token = &token.ok_or(No::Missing { field: "refreshToken" })?;
        let fresh = front.actions.refresh(token).await?;
        let answer = Response::new(Json(TokensView::new(&fresh)));
        Ok(Jar { front: &front, headers }.fill(
            answer,
            (&fresh.access, fresh.access_until),
            (&fresh.refresh, fresh.until),
        ))
    }

    /// Sign out
    ///
    /// Ends the login: its tokens are no good any more, its sockets are closed on every node, the cookies are cleared.
    #[oai(path = "/logout", method = "post", operation_id = "free2talkLogout")]
    async fn logout(
        &self,
        front: Data<&Front>,
        headers: &HeaderMap,
        access: AnyAccess,
    ) -> Result<Response<Json<Done>>, Refused<{ UNKNOWN | FORBIDDEN | LIMITED }>> {
        let who = front.actions.authenticate(access.token()).await?;
        front.actions.log_out(&who).await?;
        let answer = Response::new(Json(Done::new("Signed out")));
        Ok(Jar { front: &front, headers }.empty(answer))
    }

    /// Who am I?
    ///
    /// The account of the token, as it is now. Not limited: pages ask at every turn.
    #[oai(path = "/me", method = "get", operation_id = "free2talkMe")]
    async fn me(&self, front: Data<&Front>, access: AnyAccess) -> Result<Json<MeView>, Refused<UNKNOWN>> {
        let who = front.actions.authenticate(access.token()).await?;
        Ok(Json(MeView::new(&who.account)))
    }
}
