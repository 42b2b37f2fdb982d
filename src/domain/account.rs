//! Who somebody is, and what they may do.

use crate::ids::UserId;

/// An identity, as a socket proved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// How the user is known.
    pub standing: Standing,
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

/// Something that not everybody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Seek a partner and write.
    Chat,
    /// Report a partner.
    Report,
    /// Come back to a seat: needs an identity that outlives a connection.
    Return,
}

/// Whether somebody may do something. Strangers may chat and report; who is somebody new on every connection has nothing
/// to come back to.
pub fn may(standing: Standing, ability: Ability) -> bool {
    match (standing, ability) {
        (Standing::Registered | Standing::Guest, Ability::Chat | Ability::Report | Ability::Return) => true,
        (Standing::Passing, Ability::Chat | Ability::Report) => true,
        (Standing::Passing, Ability::Return) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_may_chat_and_report_but_a_passing_visitor_cannot_return() {
        for standing in [Standing::Registered, Standing::Guest, Standing::Passing] {
            assert!(may(standing, Ability::Chat) && may(standing, Ability::Report));
        }
        assert!(may(Standing::Guest, Ability::Return));
        assert!(!may(Standing::Passing, Ability::Return));
    }
}
