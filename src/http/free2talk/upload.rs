//! `/api/v1/upload`: pictures of people.

use super::super::Front;
use super::super::auth::AnyAccess;
use super::super::callers::Caller;
use super::super::problem::{BODY, FORBIDDEN, LIMITED, Refused, UNKNOWN};
use super::shapes::Done;
use crate::actions::Denied;
use crate::actions::account::Picture;
use crate::domain::account::No;
use crate::domain::limits::{AVATAR, Subject};
use crate::error::Fault;
use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::types::multipart::Upload;
use poem_openapi::{Multipart, Object, OpenApi, Tags};

/// Chapters of the description.
#[derive(Tags)]
enum Chapter {
    /// Pictures of people in voice rooms.
    #[oai(rename = "Free2Talk upload")]
    Upload,
}

/// The handlers.
pub(in crate::http) struct Uploads;

/// A picture: JPEG, PNG, WebP or GIF, at most 5 MiB.
#[derive(Debug, Multipart)]
struct AvatarForm {
    /// The file.
    avatar: Option<Upload>,
    /// The file, as the document calls the field.
    file: Option<Upload>,
}

/// A picture that somebody has now.
#[derive(Object)]
#[oai(rename_all = "camelCase", rename = "Avatar")]
struct AvatarData {
    /// Where it is.
    avatar_url: String,
    /// What it is called.
    public_id: String,
    /// How many bytes it has.
    size: u64,
    /// `webp` or `jpg`.
    format: String,
}

/// A picture was kept.
#[derive(Object)]
#[oai(example, rename_all = "camelCase", rename = "AvatarKept")]
struct AvatarView {
    /// Always true.
    success: bool,
    /// Where it is.
    avatar_url: String,
    /// All of it.
    data: AvatarData,
}

impl AvatarForm {
    async fn bytes(self) -> Result<Vec<u8>, Denied> {
        let file = self.avatar.or(self.file).ok_or(No::Missing { field: "avatar" })?;
        let bytes = file
            .into_vec()
            .await
            .map_err(|error| Fault::new("read an upload", error))?;
        match bytes.is_empty() {
            true => Err(No::Missing { field: "avatar" }.into()),
            false => Ok(bytes),
        }
    }
}

impl AvatarView {
    fn of(url: String, name: String, size: u64) -> Self {
        let (public_id, format) = name.rsplit_once('.').unwrap_or((&name, ""));
        Self {
            success: true,
            avatar_url: url.clone(),
            data: AvatarData {
                avatar_url: url,
                public_id: public_id.to_owned(),
                size,
                format: format.to_owned(),
            },
        }
    }
}

impl From<Picture> for AvatarView {
    fn from(picture: Picture) -> Self {
        Self::of(picture.url, picture.kept.name.to_string(), picture.kept.size as u64)
    }
}

impl Example for AvatarView {
    fn example() -> Self {
        let name = "0123456789abcdef0123456789abcdef.webp";
        Self::of(format!("/files/avatars/{name}"), name.to_owned(), 18_432)
    }
}

#[OpenApi(prefix_path = "/api/v1/upload", tag = "Chapter::Upload")]
impl Uploads {
    /// Show a picture of me
    ///
    /// It is made square, 400 by 400, without what the camera wrote into it; the one before it is forgotten.
    #[oai(path = "/avatar", method = "post", operation_id = "free2talkUploadAvatar")]
    async fn keep(
        &self,
        front: Data<&Front>,
        here: Caller,
        access: AnyAccess,
        form: AvatarForm,
    ) -> Result<Json<AvatarView>, Refused<{ BODY | UNKNOWN | FORBIDDEN | LIMITED }>> {
        let caller = front.actions.member(access.token()).await?;
        here.take(&front.actions, &[(&AVATAR, Subject::User(&caller.account.id))])
            .await?;
        let picture = front
            .actions
            .change_picture(&caller, form.bytes().await?.into())
            .await?;
        Ok(Json(picture.into()))
    }

    /// Show no picture of me
    ///
    /// It is forgotten.
    #[oai(path = "/avatar", method = "delete", operation_id = "free2talkDeleteAvatar")]
    async fn forget(
        &self,
        front: Data<&Front>,
        access: AnyAccess,
    ) -> Result<Json<Done>, Refused<{ UNKNOWN | FORBIDDEN | LIMITED }>> {
        let caller = front.actions.member(access.token()).await?;
        front.actions.drop_own_picture(&caller).await?;
        Ok(Json(Done::new("Your picture was deleted")))
    }
}
