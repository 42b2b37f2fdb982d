//! What the tests of this layer stand on: a socket with a user behind it, that has just come, and what it may be told.

use super::connection::Connection;
use super::dialect::Dialect;
use super::member::Member;
use super::omegoo::{Bookmarks, Echo, Wishes};
use super::outbox::Outbox;
use super::settings::Settings;
use super::socket::Socket;
use crate::clock::Millis;
use crate::domain::account::{Identity, Standing};
use crate::domain::event::Event;
use crate::domain::room::{Line, Offset};
use crate::ids::{MessageId, RoomId, SessionId, SocketId, UserId};
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

/// A line of `b`.
pub(super) fn line(ms: u64) -> Line {
    Line {
        offset: Offset { ms, seq: 0 },
        sender: UserId::parse("b").unwrap(),
        message: MessageId::fresh(ms),
        at: Millis(ms),
        text: "t".to_owned(),
    }
}

/// It was said.
pub(super) fn said(room: RoomId, ms: u64) -> Event {
    Event::Said {
        room,
        line: line(ms),
        typing_ended: false,
    }
}
