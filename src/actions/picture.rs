//! Pictures of people: kept, shown, forgotten.

use super::{Actions, Denied};
use crate::domain::refusal::Refusal;
use crate::error::Fault;
use crate::files::{Files, Kept, Name, NotKept};
use crate::ids::UserId;
use bytes::Bytes;

impl Actions {
    /// Keeps what `user` uploaded, as a square picture. The address goes into the user's row; the picture before it is
    /// forgotten then.
    pub async fn keep_picture(&self, user: &UserId, file: Bytes) -> Result<Kept, Denied> {
        let kept = self.outside.files.keep_picture(user.as_str(), file).await;
        kept.map_err(|why| match why {
            NotKept::Unfit(unfit) => Refusal::BadPicture(unfit).into(),
            NotKept::Busy => Refusal::Busy.into(),
            NotKept::Failed(fault) => Denied::Failed(fault),
        })
    }

    /// A kept picture.
    pub async fn picture(&self, name: &Name) -> Result<Option<Bytes>, Fault> {
        self.outside.files.picture(name).await
    }

    /// Forgets the picture at an address, if it is one of ours.
    pub async fn forget_picture(&self, url: &str) -> Result<(), Fault> {
        match self.outside.files.name_of(url) {
            Some(name) => self.outside.files.drop_picture(&name).await,
            None => Ok(()),
        }
    }

    /// Where pictures are.
    pub fn files(&self) -> &Files {
        &self.outside.files
    }
}
