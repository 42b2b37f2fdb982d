//! `/api/user`: what people do with their own accounts.

use super::super::Front;
use super::super::auth::AccessToken;
use super::super::body::Body;
use super::super::callers::Caller;
use super::super::problem::{BODY, CONFLICT, FORBIDDEN, LIMITED, MISSING, Refused, UNKNOWN};
use super::people::Done;
use super::profiles::{CoinsView, ContactView, GenderView, PreferencesView, ProfileView, StatsView, TierView};
use super::user_forms::{ContactBody, GenderBody, PreferencesBody, TierBody};
use crate::domain::limits::{CHANGE_EMAIL, RESEND, Subject};
use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::{OpenApi, Tags};

/// Chapters of the description.
#[derive(Tags)]
enum Chapter {
    /// One's own account of one-to-one chat.
    #[oai(rename = "Omegoo user")]
    User,
}

/// The handlers.
pub(in crate::http) struct User;

#[OpenApi(prefix_path = "/api/user", tag = "Chapter::User")]
impl User {
    /// My profile
    ///
    /// The account as its user sees it; the document's keys are in `data`.
    #[oai(path = "/profile", method = "get", operation_id = "profile")]
    async fn profile(
        &self,
        front: Data<&Front>,
        access: AccessToken,
    ) -> Result<Json<ProfileView>, Refused<{ UNKNOWN | FORBIDDEN }>> {
        let caller = front.actions.member(&access.0.token).await?;
        Ok(Json(ProfileView::of(&caller.account)))
    }

    /// Change my name or address
    ///
    /// Another address must be proven: a code is sent to it, and the change is done when it is asked for again with the
    /// code as `otp`.
    #[oai(path = "/profile", method = "put", operation_id = "changeProfile")]
    async fn change_profile(
        &self,
        front: Data<&Front>,
        here: Caller,
        access: AccessToken,
        body: Body<ContactBody>,
    ) -> Result<Json<ContactView>, Refused<{ BODY | UNKNOWN | FORBIDDEN | MISSING | LIMITED }>> {
        let (caller, form) = (front.actions.member(&access.0.token).await?, body.0.form());
        let unproven = front.actions.wants_code(&caller, &form)?;
        let counts = |address| {
            let (to, by) = (Subject::Email(address), Subject::User(&caller.account.id));
            [(&RESEND, to), (&CHANGE_EMAIL, by)]
        };
        let asked: Vec<_> = unproven.iter().flat_map(|new| counts(new.as_str())).collect();
        let changing = front.actions.change_contact(&caller, &form, unproven.as_ref());
        let done = here.within(&front.actions, &asked, changing).await?;
        Ok(Json(ContactView::new(&done)))
    }

    /// What I did here
    ///
    /// Numbers of one's own chats. `conversations` and `minutes` count those that are over.
    #[oai(path = "/stats", method = "get", operation_id = "userStats")]
    async fn stats(
        &self,
        front: Data<&Front>,
        access: AccessToken,
    ) -> Result<Json<StatsView>, Refused<{ UNKNOWN | FORBIDDEN }>> {
        let caller = front.actions.member(&access.0.token).await?;
        Ok(Json(StatsView::of(&caller.account)))
    }

    /// Ask for a tier
    ///
    /// A tier follows from what is proven (1, verified: an e-mail address or a telephone number), paid for (2, premium) or
    /// given (3 and 4). This makes an account verified whose address or number is proven; asking for what one has
    /// changes nothing.
    #[oai(path = "/tier", method = "put", operation_id = "changeTier")]
    async fn tier(
        &self,
        front: Data<&Front>,
        access: AccessToken,
        body: Body<TierBody>,
    ) -> Result<Json<TierView>, Refused<{ BODY | UNKNOWN | FORBIDDEN }>> {
        let caller = front.actions.member(&access.0.token).await?;
        let account = front.actions.ask_for_tier(&caller, body.0.tier()?).await?;
        Ok(Json(TierView::of(&account)))
    }

    /// Change my preferences
    ///
    /// What is absent, null or empty stays as it is, and so do keys that are not named here.
    #[oai(path = "/preferences", method = "put", operation_id = "changePreferences")]
    async fn preferences(
        &self,
        front: Data<&Front>,
        access: AccessToken,
        body: Body<PreferencesBody>,
    ) -> Result<Json<PreferencesView>, Refused<{ BODY | UNKNOWN | FORBIDDEN }>> {
        let caller = front.actions.member(&access.0.token).await?;
        let preferences = front.actions.change_preferences(&caller, body.0.wishes()).await?;
        Ok(Json(PreferencesView::new(preferences)))
    }

    /// Say my gender
    ///
    /// Once: who said `male` or `female` is answered 409.
    #[oai(path = "/gender-confirm", method = "post", operation_id = "confirmGender")]
    async fn confirm_gender(
        &self,
        front: Data<&Front>,
        access: AccessToken,
        body: Body<GenderBody>,
    ) -> Result<Json<GenderView>, Refused<{ BODY | UNKNOWN | FORBIDDEN | CONFLICT }>> {
        let caller = front.actions.member(&access.0.token).await?;
        let account = front.actions.confirm_gender(&caller, body.0.gender.as_deref()).await?;
        Ok(Json(GenderView::of(&account)))
    }

    /// My coins
    ///
    /// The first request of a day (UTC) makes them up to the coins of the day.
    #[oai(path = "/coins", method = "get", operation_id = "coins")]
    async fn coins(
        &self,
        front: Data<&Front>,
        access: AccessToken,
    ) -> Result<Json<CoinsView>, Refused<{ UNKNOWN | FORBIDDEN }>> {
        let caller = front.actions.member(&access.0.token).await?;
        Ok(Json(CoinsView::of(&caller.account)))
    }

    /// Delete my account
    ///
    /// It is archived, signed out everywhere, and its sockets are closed on every node.
    #[oai(path = "/account", method = "delete", operation_id = "deleteAccount")]
    async fn delete_account(
        &self,
        front: Data<&Front>,
        access: AccessToken,
    ) -> Result<Json<Done>, Refused<{ UNKNOWN | FORBIDDEN }>> {
        let caller = front.actions.member(&access.0.token).await?;
        front.actions.delete_own_account(&caller).await?;
        Ok(Json(Done::new("Your account was deleted")))
    }
}
