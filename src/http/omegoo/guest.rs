//! `/api/guest`: people without an account, by the id that their device keeps.

use super::super::Front;
use super::super::auth::AccessToken;
use super::super::body::Body;
use super::super::callers::Caller;
use super::super::problem::{BAD, BODY, FORBIDDEN, LIMITED, Refused, UNKNOWN};
use super::guest_shapes::{GuestBody, GuestStatsView, GuestView, ResetBody};
use super::people::Done;
use crate::actions::limits::Asked;
use crate::domain::account::GuestId;
use crate::domain::limits::{GUEST_DELETE, GUEST_IP, GUEST_RESET, GUEST_VERIFY, Subject, Window};
use poem::http::HeaderMap;
use poem::web::Data;
use poem_openapi::param::{Header, Path};
use poem_openapi::payload::Json;
use poem_openapi::{OpenApi, Tags};

/// Chapters of the description.
#[derive(Tags)]
enum Chapter {
    /// People without an account.
    #[oai(rename = "Omegoo guest")]
    Guest,
}

/// The handlers.
pub(in crate::http) struct Guests;

/// Who says in the header to be whom; what is no id is nobody.
fn comes(own: &Header<Option<String>>) -> Option<GuestId> {
    GuestId::parse(own.0.as_deref()?, "X-Guest-Id").ok()
}

/// Against whom a guest's request counts: their id where they tell it, and always where they come from: ids are made up.
fn asked<'a>(here: &Caller, own: Option<&'a GuestId>, window: &'static Window) -> Vec<Asked<'a>> {
    let mut asked = vec![(&GUEST_IP, Subject::Ip(here.ip))];
    asked.extend(own.map(|id| (window, Subject::Guest(id.as_str()))));
    asked
}

#[OpenApi(prefix_path = "/api/guest", tag = "Chapter::Guest")]
impl Guests {
    /// I am this guest
    ///
    /// Counts one more session of the guest, who is made when there is none. Whoever has the id is the guest.
    #[oai(path = "/verify", method = "post", operation_id = "verifyGuest")]
    async fn verify(
        &self,
        front: Data<&Front>,
        headers: &HeaderMap,
        here: Caller,
        /// The guest who asks.
        #[oai(name = "X-Guest-Id")]
        own: Header<Option<String>>,
        body: Body<GuestBody>,
    ) -> Result<Json<GuestView>, Refused<{ BODY | LIMITED }>> {
        let origin = body.came_from.origin(&front, headers, &here);
        let (id, device) = body.0.form()?;
        let own = comes(&own);
        let asked = asked(&here, own.as_ref(), &GUEST_VERIFY);
        let meeting = async {
            if let Some(other) = own.as_ref().filter(|other| **other != id) {
                front.actions.meet_guest(other, None, &origin).await?;
            }
            Ok(front.actions.meet_guest(&id, device, &origin).await?)
        };
        let guest = here.within(&front.actions, &asked, meeting).await?;
        Ok(Json(GuestView::new(&id, &guest)))
    }

    /// Begin anew
    ///
    /// What is known of the old guest is deleted. An id that nobody knows is as good.
    #[oai(path = "/reset", method = "post", operation_id = "resetGuest")]
    async fn reset(
        &self,
        front: Data<&Front>,
        here: Caller,
        /// The guest who asks.
        #[oai(name = "X-Guest-Id")]
        own: Header<Option<String>>,
        body: Body<ResetBody>,
    ) -> Result<Json<Done>, Refused<{ BODY | LIMITED }>> {
        let (id, own) = (body.0.id()?, comes(&own));
        let asked = asked(&here, own.as_ref(), &GUEST_RESET);
        let forgetting = async { Ok(front.actions.forget_guest(&id, own.as_ref()).await?) };
        here.within(&front.actions, &asked, forgetting).await?;
        Ok(Json(Done::new("You may begin anew")))
    }

    /// Forget me
    ///
    /// What is known of the guest is deleted. An id that nobody knows is as good: apps go on only after a success.
    #[oai(path = "/delete-data/:guest_id", method = "delete", operation_id = "deleteGuestData")]
    async fn delete_data(
        &self,
        front: Data<&Front>,
        here: Caller,
        /// The guest who asks.
        #[oai(name = "X-Guest-Id")]
        own: Header<Option<String>>,
        /// The guest's id, 64 hexadecimal digits.
        guest_id: Path<String>,
    ) -> Result<Json<Done>, Refused<{ BAD | LIMITED }>> {
        let (id, own) = (GuestId::parse(&guest_id, "guestId")?, comes(&own));
        let asked = asked(&here, own.as_ref(), &GUEST_DELETE);
        let forgetting = async { Ok(front.actions.forget_guest(&id, own.as_ref()).await?) };
        here.within(&front.actions, &asked, forgetting).await?;
        Ok(Json(Done::new("Your data was deleted")))
    }

    /// How many guests are there?
    ///
    /// For administrators.
    #[oai(path = "/stats", method = "get", operation_id = "guestStats")]
    async fn stats(
        &self,
        front: Data<&Front>,
        access: AccessToken,
    ) -> Result<Json<GuestStatsView>, Refused<{ UNKNOWN | FORBIDDEN }>> {
        let caller = front.actions.member(&access.0.token).await?;
        let numbers = front.actions.guest_numbers(&caller).await?;
        Ok(Json(GuestStatsView::new(&numbers, front.actions.clock().now())))
    }
}
