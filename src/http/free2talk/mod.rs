//! The Free2Talk family of the API, under `/api/v1`. Tokens travel in the body and in cookies; either is taken.

mod cookies;
mod shapes;

use super::Front;
use super::auth::{AnyAccess, device};
use super::problem::Refused;
use super::text::Text;
use crate::actions::account::NameForm;
use crate::actions::account::{Client, SignedIn, Terms};
use crate::clock::Millis;
use crate::domain::account::{Family, No};
use poem::http::HeaderMap;
use poem::web::Data;
use poem::{Endpoint, EndpointExt};
use poem_openapi::param::{Cookie, Header};
use poem_openapi::payload::{Json, Response};
use poem_openapi::{OpenApi, OpenApiService, Tags};
use shapes::{Done, LoginBody, Made, MeView, RegisterBody, SessionView, TokensView};

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
    service().data(front)
}

/// The family's description and routes; the latter expect a [`Front`] among the request's data.
pub(super) fn service() -> OpenApiService<Free2Talk, ()> {
    OpenApiService::new(Free2Talk, "Palaver", env!("CARGO_PKG_VERSION")).server("/")
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
        body: Json<RegisterBody>,
    ) -> Result<Response<Made>, Refused> {
        let form = NameForm {
            email: body.0.email.map(Text::into_inner),
            username: body.0.username.map(Text::into_inner),
            password: body.0.password.map(Text::into_inner),
            display_name: body.0.display_name.map(Text::into_inner),
        };
        let signed = front.actions.register_at_once(&form, &client(headers)).await?;
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
        body: Json<LoginBody>,
    ) -> Result<Response<Json<SessionView>>, Refused> {
        let (email, password) = (body.email.as_deref(), body.password.as_deref());
        let signed = front.actions.log_in(email, password, &client(headers)).await?;
        let answer = Response::new(Json(SessionView::new(&signed, "Signed in")));
        Ok(Jar { front: &front, headers }.fill_with(answer, &signed))
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
    ) -> Result<Response<Json<TokensView>>, Refused> {
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
    ) -> Result<Response<Json<Done>>, Refused> {
        let caller = front.actions.authenticate(access.token()).await?;
        front.actions.log_out(&caller).await?;
        let answer = Response::new(Json(Done::new("Signed out")));
        Ok(Jar { front: &front, headers }.empty(answer))
    }

    /// Who am I?
    ///
    /// The account of the token, as it is now. Not limited: pages ask at every turn.
    #[oai(path = "/me", method = "get", operation_id = "free2talkMe")]
    async fn me(&self, front: Data<&Front>, access: AnyAccess) -> Result<Json<MeView>, Refused> {
        let caller = front.actions.authenticate(access.token()).await?;
        Ok(Json(MeView::new(&caller.account)))
    }
}
