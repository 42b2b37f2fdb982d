//! What the tests of this layer stand on: a socket with a user behind it, that has just come.

use super::connection::Connection;
use super::dialect::Dialect;
use super::member::Member;
use super::omegoo::{Bookmarks, Echo, Wishes};
use super::outbox::Outbox;
use super::settings::Settings;
use super::socket::Socket;
use crate::clock::Millis;
use crate::domain::account::{Identity, Standing};
use crate::ids::{SessionId, SocketId, UserId};
use std::time::Duration;

/// How long it can have been unnoticed what the client did not hear.
pub(super) const UNNOTICED: Duration = Duration::from_secs(45);

/// The socket, of the guest `a`.
pub(super) fn arriving(now: Millis) -> Member {
    let who = Identity {
        user: UserId::parse("a").unwrap(),
        standing: Standing::Guest,
        login: None,
        until: None,
    };
    let wishes = Wishes {
        echo: Echo::On,
        bookmarks: Bookmarks::On,
    };
    let outbox = Outbox::gathering(1024);
    let connection = Connection::new(SessionId::fresh(), outbox, now, &Settings::default());
    let socket = Socket::joining(SocketId::fresh(), "/", connection);
    Member::arriving(socket, who, Dialect::Omegoo(wishes), now, now - UNNOTICED)
}
