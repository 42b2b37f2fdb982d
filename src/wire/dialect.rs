//! Which API a socket speaks. With one dialect so far this is a table of one row; `hub` sees only this.

use super::Frame;
use super::omegoo::{self, Wishes};
use crate::domain::event::Event;
use crate::ids::UserId;

/// A dialect, with what the socket's own handshake chose in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The Omegoo API.
    Omegoo(Wishes),
}

impl Dialect {
    /// Whether a socket of `viewer` hears of this event at all.
    pub fn wants(self, event: &Event, viewer: &UserId) -> bool {
        match self {
            Dialect::Omegoo(wishes) => omegoo::wants(event, viewer, wishes.echo),
        }
    }

    /// Whether a user hears of what that user said, too.
    pub fn wants_echo(self) -> bool {
        match self {
            Dialect::Omegoo(wishes) => wishes.echo == omegoo::Echo::On,
        }
    }

    /// The packets of an event, for a socket of `viewer`.
    pub fn encode(self, event: &Event, viewer: &UserId) -> Vec<Frame> {
        match self {
            Dialect::Omegoo(wishes) => omegoo::encode(event, viewer, wishes.bookmarks),
        }
    }

    /// Whether the packets of an event that looks the same to everybody are the usual ones, shared by all who get them.
    pub fn is_usual(self) -> bool {
        match self {
            Dialect::Omegoo(wishes) => wishes.bookmarks == omegoo::Bookmarks::On,
        }
    }
}
