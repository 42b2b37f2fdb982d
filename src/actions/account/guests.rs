//! Guests: coming back, beginning anew, being forgotten. Whoever has a guest's id is the guest: nobody else knows it, and
//! nothing of it is told.

use super::Member;
use crate::actions::{Actions, Denied};
use crate::domain::account::{GuestId, No, Origin, Role, day_of};
use crate::error::Fault;
use crate::store::guests::{Guest, GuestNumbers};
use serde_json::{Map, Value};

impl Actions {
    /// A guest comes, with what its device says of itself.
    pub async fn meet_guest(
        &self,
        id: &GuestId,
        device: Option<Map<String, Value>>,
        origin: &Origin,
    ) -> Result<Guest, Fault> {
        self.store.meet_guest(id, device, origin, self.now()).await
    }

    /// What is known of a guest goes; harmless when nothing is. `comes` is who asks, if it is another guest.
    pub async fn forget_guest(&self, id: &GuestId, comes: Option<&GuestId>) -> Result<(), Fault> {
        if let Some(other) = comes.filter(|other| *other != id) {
            self.meet_guest(other, None, &Origin::default()).await?;
        }
        self.forget_visit(id);
        self.store.forget_guest(id, self.now()).await.map(drop)
    }

    /// Numbers of guests, for who runs the service.
    pub async fn guest_numbers(&self, caller: &Member) -> Result<GuestNumbers, Denied> {
        match caller.account.role {
            Role::Admin | Role::SuperAdmin => Ok(self.store.guest_numbers(day_of(self.now())).await?),
            Role::User => Err(No::NotForUsers.into()),
        }
    }
}
