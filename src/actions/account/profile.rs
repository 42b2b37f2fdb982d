//! Profiles: what people write about themselves, their pictures and names, and what others are shown of them.

use super::{Member, must};
use crate::actions::{Actions, Denied};
use crate::domain::account::{Account, Change, No, ProfileChange, Username, Written};
use crate::error::Fault;
use crate::files::Kept;
use crate::ids::UserId;
use crate::metrics;
use crate::store::activity::Talk;
use crate::store::profiles::Named;
use crate::store::rooms::OwnedRoom;
use bytes::Bytes;

/// What somebody wrote into a profile.
#[derive(Debug, Clone)]
pub struct ProfileForm {
    pub display_name: Written<String>,
    pub bio: Written<String>,
    pub avatar_url: Written<String>,
    pub native_languages: Written<Vec<String>>,
    pub learning_languages: Written<Vec<String>>,
    pub interests: Written<Vec<String>>,
    pub privacy: Written<String>,
}

/// A picture that somebody has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Where it is.
    pub url: String,
    /// What it is called, and how large it is.
    pub kept: Kept,
}

impl Actions {
    /// Changes a profile: only what was written.
    pub async fn change_profile(&self, caller: &Member, form: ProfileForm) -> Result<Account, Denied> {
        let before = caller.account.avatar_url.clone();
        // Clients send back what they were told, and our own addresses may have no host.
        let picture = match form.avatar_url {
            Change::To(url) if url == before => Change::Keep,
            // Of somebody else, whose picture would be forgotten with the next change.
            Change::To(Some(url)) if self.files().name_of(&url).is_some() => {
                return Err(No::Invalid {
                    field: "avatarUrl",
                    why: "A picture that lies here is changed by uploading another",
                }
                .into());
            }
            other => other,
        };
        let change = ProfileChange::default()
            .display_name(form.display_name)?
            .bio(form.bio)?
            .avatar_url(picture)?
            .native_languages(form.native_languages)?
            .learning_languages(form.learning_languages)?
            .interests(form.interests)?
            .privacy(form.privacy)?;
        let changed = self
            .store
            .change_profile(&caller.account.id, &change, self.now())
            .await?;
        if let (Change::To(_), Some(url)) = (&change.avatar_url, before) {
            self.forget_picture_if_it_can_be(&url).await;
        }
        Ok(changed.ok_or(No::NoUser)?)
    }

    /// Another name, which nobody else has in whatever case.
    pub async fn choose_username(&self, caller: &Member, name: Option<&str>) -> Result<(), Denied> {
        let name = Username::chosen(must(name, "username")?)?;
        match self.store.set_username(&caller.account.id, &name, self.now()).await? {
            Named::As(_) => Ok(()),
            Named::Taken => Err(No::UsernameTaken.into()),
            Named::Nobody => Err(No::NoUser.into()),
        }
    }

    /// Whether a name may be chosen: it is one, and nobody else's than the caller's.
    pub async fn may_be_named(&self, name: &str, caller: Option<&Member>) -> Result<bool, Fault> {
        let Ok(name) = Username::chosen(name) else {
            return Ok(false);
        };
        let own = caller.and_then(|caller| caller.account.username.as_deref());
        match own.is_some_and(|own| own.eq_ignore_ascii_case(name.as_str())) {
            true => Ok(true),
            false => Ok(!self.store.has_username(&name).await?),
        }
    }

    /// Somebody, by id.
    pub async fn somebody_with_id(&self, id: &str) -> Result<Account, Denied> {
        let id = UserId::parse_uuid(id).ok_or(No::NoSuchUser)?;
        Ok(self.store.user_by_id(&id).await?.ok_or(No::NoSuchUser)?)
    }

    /// Somebody, by name, letter by letter.
    pub async fn somebody_named(&self, name: &str) -> Result<Account, Denied> {
        // What cannot be kept is nobody's.
        let name = Some(name)
            .filter(|name| name.len() <= 50 && !name.contains('\0'))
            .ok_or(No::NoSuchUser)?;
        Ok(self.store.user_by_name(name).await?.ok_or(No::NoSuchUser)?)
    }

    /// The caller's last conversations that are over, the newest first.
    pub async fn talks(&self, caller: &Member, most: u8) -> Result<Vec<Talk>, Fault> {
        self.store.talks(&caller.account.id, most).await
    }

    /// Voice rooms that the caller owns, the newest first.
    pub async fn own_rooms(&self, caller: &Member, most: u8) -> Result<Vec<OwnedRoom>, Fault> {
        self.store.rooms_of(&caller.account.id, most).await
    }

    /// The caller's picture is this from now on; the one before it is forgotten.
    pub async fn change_picture(&self, caller: &Member, file: Bytes) -> Result<Picture, Denied> {
        let kept = self.keep_picture(&caller.account.id, file).await?;
        let url = self.files().url(&kept.name);
        let before = self
            .store
            .set_picture(&caller.account.id, Some(&url), self.now())
            .await?;
        if let Some(before) = before.filter(|before| *before != url) {
            self.forget_picture_if_it_can_be(&before).await;
        }
        Ok(Picture { url, kept })
    }

    /// The caller has no picture from now on.
    pub async fn drop_own_picture(&self, caller: &Member) -> Result<(), Denied> {
        if let Some(before) = self.store.set_picture(&caller.account.id, None, self.now()).await? {
            self.forget_picture_if_it_can_be(&before).await;
        }
        Ok(())
    }

    /// Nobody is shown the picture any more, whether its file can be forgotten now or not.
    pub(super) async fn forget_picture_if_it_can_be(&self, url: &str) {
        if let Err(fault) = self.forget_picture(url).await {
            metrics::FAULTS.one(fault.op);
            tracing::warn!(fault.op, fault.why, "a picture that is nobody's stays: {fault}");
        }
    }
}
