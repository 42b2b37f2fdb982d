//! `/api/v1/users`: one's own profile, and those of others.

use super::super::Front;
use super::super::auth::{AnyAccess, AnyOrNobody};
use super::super::body::Body;
use super::super::problem::{BAD, BODY, FORBIDDEN, LIMITED, MISSING, Refused, UNKNOWN};
use super::activity::ActivityView;
use super::own_rooms::OwnRoomsView;
use super::profile_forms::{ProfileBody, UsernameBody};
use super::profiles::{AvailableView, OwnView, ProfileView, SavedView, SeenView, StatsView};
use super::shapes::Done;
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{OpenApi, Tags};

/// Chapters of the description.
#[derive(Tags)]
enum Chapter {
    /// Profiles of people in voice rooms.
    #[oai(rename = "Free2Talk users")]
    Users,
}

/// The handlers.
pub(in crate::http) struct Users;

/// Most entries of a list, and how many an activity has, and one's own rooms have, unless it is said.
const MOST: u32 = 50;
const USUAL: u32 = 10;
const USUAL_ROOMS: u32 = 20;

#[OpenApi(prefix_path = "/api/v1/users", tag = "Chapter::Users")]
impl Users {
    /// My profile
    ///
    /// With numbers of one's own practice.
    #[oai(path = "/me", method = "get", operation_id = "free2talkProfile")]
    async fn own(
        &self,
        front: Data<&Front>,
        access: AnyAccess,
    ) -> Result<Json<OwnView>, Refused<{ UNKNOWN | FORBIDDEN | LIMITED }>> {
        let caller = front.actions.member(access.token()).await?;
        Ok(Json(OwnView::of(&caller.account)))
    }

    /// Change my profile
    ///
    /// What is absent stays; null and empty clear. What is too long is cut; characters that are not seen or that turn the
    /// direction of writing are refused.
    #[oai(path = "/me", method = "patch", operation_id = "free2talkChangeProfile")]
    async fn change(
        &self,
        front: Data<&Front>,
        access: AnyAccess,
        body: Body<ProfileBody>,
    ) -> Result<Json<SavedView>, Refused<{ BODY | UNKNOWN | FORBIDDEN | LIMITED }>> {
        let caller = front.actions.member(access.token()).await?;
        let account = front.actions.change_profile(&caller, body.0.form()).await?;
        Ok(Json(SavedView::of(&account)))
    }

    /// Choose a user name
    ///
    /// 3 to 30 of `a-z`, `0-9` and `_`; capitals are made small. Nobody else may have it, in whatever case.
    #[oai(path = "/me/username", method = "patch", operation_id = "free2talkChooseUsername")]
    async fn choose_username(
        &self,
        front: Data<&Front>,
        access: AnyAccess,
        body: Body<UsernameBody>,
    ) -> Result<Json<Done>, Refused<{ BODY | UNKNOWN | FORBIDDEN | LIMITED }>> {
        let caller = front.actions.member(access.token()).await?;
        front
            .actions
            .choose_username(&caller, body.0.username.as_deref())
            .await?;
        Ok(Json(Done::new("Your username was changed")))
    }

    /// What I did lately
    ///
    /// Conversations that are over, the newest first.
    #[oai(path = "/me/activity", method = "get", operation_id = "free2talkActivity")]
    async fn activity(
        &self,
        front: Data<&Front>,
        access: AnyAccess,
        /// How many, 1 to 50; what is beyond is taken for the nearest.
        limit: Query<Option<u32>>,
    ) -> Result<Json<ActivityView>, Refused<{ BAD | UNKNOWN | FORBIDDEN | LIMITED }>> {
        let caller = front.actions.member(access.token()).await?;
        let most = limit.0.unwrap_or(USUAL).clamp(1, MOST) as u8;
        Ok(Json(ActivityView::of(&front.actions.talks(&caller, most).await?)))
    }

    /// My rooms
    ///
    /// Voice rooms that the caller owns, the newest first, closed ones too.
    #[oai(path = "/me/rooms", method = "get", operation_id = "free2talkOwnRooms")]
    async fn rooms(
        &self,
        front: Data<&Front>,
        access: AnyAccess,
        /// How many, 1 to 50; what is beyond is taken for the nearest.
        limit: Query<Option<u32>>,
    ) -> Result<Json<OwnRoomsView>, Refused<{ BAD | UNKNOWN | FORBIDDEN | LIMITED }>> {
        let caller = front.actions.member(access.token()).await?;
        let most = limit.0.unwrap_or(USUAL_ROOMS).clamp(1, MOST) as u8;
        Ok(Json(OwnRoomsView::of(front.actions.own_rooms(&caller, most).await?)))
    }

    /// My numbers
    ///
    /// Conversations that are over, and the minutes begun in them.
    #[oai(path = "/me/stats", method = "get", operation_id = "free2talkStats")]
    async fn stats(
        &self,
        front: Data<&Front>,
        access: AnyAccess,
    ) -> Result<Json<StatsView>, Refused<{ UNKNOWN | FORBIDDEN | LIMITED }>> {
        let caller = front.actions.member(access.token()).await?;
        Ok(Json(StatsView::of(&caller.account)))
    }

    /// May I be called this?
    ///
    /// The name of now counts as available to who is signed in.
    #[oai(
        path = "/check-username/:username",
        method = "get",
        operation_id = "free2talkCheckUsername"
    )]
    async fn check_username(
        &self,
        front: Data<&Front>,
        access: AnyOrNobody,
        /// The name.
        username: Path<String>,
    ) -> Result<Json<AvailableView>, Refused<{ BAD | LIMITED }>> {
        let caller = match access.token() {
            Some(token) => front.actions.member_if_good(token).await?,
            None => None,
        };
        let available = front.actions.may_be_named(&username, caller.as_ref()).await?;
        Ok(Json(AvailableView::new(available)))
    }

    /// Somebody's profile by name
    ///
    /// Letter by letter. Who does not want to be seen is shown with name and picture only, and without numbers.
    #[oai(
        path = "/username/:username",
        method = "get",
        operation_id = "free2talkProfileByName"
    )]
    async fn by_name(
        &self,
        front: Data<&Front>,
        /// The name.
        username: Path<String>,
    ) -> Result<Json<SeenView>, Refused<{ BAD | MISSING | LIMITED }>> {
        let account = front.actions.somebody_named(&username).await?;
        Ok(Json(SeenView::of(&account)))
    }

    /// Somebody's profile by id
    ///
    /// Who does not want to be seen is shown with name and picture only.
    #[oai(path = "/:id", method = "get", operation_id = "free2talkProfileById")]
    async fn by_id(
        &self,
        front: Data<&Front>,
        /// The id, a UUID.
        id: Path<String>,
    ) -> Result<Json<ProfileView>, Refused<{ BAD | MISSING | LIMITED }>> {
        let account = front.actions.somebody_with_id(&id).await?;
        Ok(Json(ProfileView::of(&account)))
    }
}
