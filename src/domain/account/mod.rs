//! Who somebody is, and what they may do. What may stand in an account is judged in `fields` (and `password`), what an
//! account is in `person` (its telephone in `phone`), what its user may write about themselves in `profile` and
//! `preferences`, guests in `guest`, where people came from when signing up in `origin`, why something is not done with
//! one in `no`. `sample` is somebody, for examples.

mod fields;
mod guest;
mod no;
pub mod origin;
mod password;
mod person;
mod phone;
pub mod preferences;
pub mod profile;
pub mod sample;

pub use fields::{Age, Email, Name, Username};
pub use guest::{GuestId, device};
pub use no::No;
pub use origin::Origin;
pub use password::Password;
pub use person::{
    Account, Ban, Calls, Family, Gender, PasswordHash, Privacy, Provider, Role, Status, Subscription, Tier, Why, day_of,
};
pub use phone::{PHONE_COINS, Phone};
pub use preferences::Wishes;
pub use profile::{Change, ProfileChange, Written};

use crate::clock::Millis;
use crate::ids::{LoginId, UserId};

/// An identity, as a socket proved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// How the user is known.
    pub standing: Standing,
    /// The login of a registered user, if the token named one.
    pub login: Option<LoginId>,
    /// Until when the token is good, if it named a login: whoever came in with it must bring another one by then.
    pub until: Option<Millis>,
}

/// How somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Holder of a valid token.
    Registered,
    /// Known by a device's id: the same guest next time.
    Guest,
    /// Unknown: a new user on every connection.
    Passing,
}

impl Standing {
    /// As passports and sessions say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Registered => "registered",
            Standing::Guest => "guest",
            Standing::Passing => "passing",
        }
    }

    /// Reads what [`Standing::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        [Standing::Registered, Standing::Guest, Standing::Passing]
            .into_iter()
            .find(|standing| standing.as_str() == text)
    }
}

/// Something that one may need to be somebody for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Seek a partner and write.
    Chat,
    /// Report a partner.
    Report,
}

/// Whether somebody may do something: who may do what is decided here and nowhere else. Strangers may do all there is so
/// far; what asks for an account comes as further abilities.
pub fn may(standing: Standing, ability: Ability) -> bool {
    match (standing, ability) {
        (Standing::Registered | Standing::Guest | Standing::Passing, Ability::Chat | Ability::Report) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stranger_may_chat_and_report() {
        for standing in [Standing::Registered, Standing::Guest, Standing::Passing] {
            assert!(may(standing, Ability::Chat) && may(standing, Ability::Report));
        }
    }
}
