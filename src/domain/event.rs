//! What a participant may be told. Dialects turn events into their packets; nothing here knows how.

use crate::clock::Millis;
use crate::domain::account::Why;
use crate::domain::presence::Counts;
use crate::domain::recovery::Bookmark;
use crate::domain::room::{Ending, Line, Offset, RoomKind};
use crate::ids::{LoginId, RoomId, SocketId, UserId};

/// Whom a notice is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// All sockets of these users.
    Users(Vec<UserId>),
    /// One socket.
    Socket(SocketId),
}

/// Something that happened, as its participants learn it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A pair was made: these people share a room now.
    Seated {
        room: RoomId,
        /// Place in the room's log; none when it is told from the state of now.
        offset: Option<Offset>,
        kind: RoomKind,
        people: Vec<UserId>,
        at: Millis,
    },
    /// A line was said (or is sent again to somebody who may have missed it).
    Said {
        room: RoomId,
        line: Line,
        typing_ended: bool,
    },
    /// Somebody started or stopped typing.
    Typing {
        room: RoomId,
        user: UserId,
        typing: Typing,
        at: Millis,
    },
    /// Somebody whose seat was held is back.
    Retaken {
        room: RoomId,
        /// Place in the room's log.
        offset: Offset,
        user: UserId,
        at: Millis,
    },
    /// The state of the room, for somebody who asked: people and the last lines, oldest first.
    Resumed {
        room: RoomId,
        kind: RoomKind,
        people: Vec<UserId>,
        lines: Vec<Line>,
    },
    /// The room has ended.
    Ended {
        room: RoomId,
        /// Place in the room's log; none when it is told from the state of now.
        offset: Option<Offset>,
        ending: Ending,
        at: Millis,
    },
    /// How many people are online.
    Counted(Counts),
    /// Logins of the user have ended before their time: sockets that came in with them are told, and closed.
    LoginOver { logins: Vec<LoginId>, why: Why },
    /// The token that the socket came in with is good for a moment more: another one must be brought by `until`.
    TokenEnding { until: Millis },
    /// It is good no longer; the socket's connection is ended.
    TokenOver,
    /// Another socket has taken the place of this one: its connection is over, whether anybody has noticed or not.
    Superseded,
}

/// Whether somebody is typing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Shown as typing from now.
    Started,
    /// Shown no longer.
    Stopped,
}

impl Event {
    /// The kind, as metrics and logs call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Seated { .. } => "seated",
            Event::Said { .. } => "said",
            Event::Typing { .. } => "typing",
            Event::Retaken { .. } => "retaken",
            Event::Resumed { .. } => "resumed",
            Event::Ended { .. } => "ended",
            Event::Counted(_) => "counted",
            Event::LoginOver { .. } => "login_over",
            Event::TokenEnding { .. } => "token_ending",
            Event::TokenOver => "token_over",
            Event::Superseded => "superseded",
        }
    }

    /// Whether every participant is told it in the same words.
    pub fn looks_the_same_to_everybody(&self) -> bool {
        match self {
            Event::Said { typing_ended, .. } => !typing_ended,
            Event::Typing { .. } | Event::Retaken { .. } | Event::Counted(_) => true,
            Event::Seated { .. }
            | Event::Resumed { .. }
            | Event::Ended { .. }
            | Event::LoginOver { .. }
            | Event::TokenEnding { .. }
            | Event::TokenOver
            | Event::Superseded => false,
        }
    }

    /// The room it happened in, if in one.
    pub fn room(&self) -> Option<RoomId> {
        match self {
            Event::Seated { room, .. }
            | Event::Said { room, .. }
            | Event::Typing { room, .. }
            | Event::Retaken { room, .. }
            | Event::Resumed { room, .. }
            | Event::Ended { room, .. } => Some(*room),
            Event::Counted(_)
            | Event::LoginOver { .. }
            | Event::TokenEnding { .. }
            | Event::TokenOver
            | Event::Superseded => None,
        }
    }

    /// Its place in the log of its room, if it has one.
    pub fn place(&self) -> Option<(RoomId, Offset)> {
        match self {
            Event::Said { room, line, .. } => Some((*room, line.offset)),
            Event::Retaken { room, offset, .. } => Some((*room, *offset)),
            Event::Seated { room, offset, .. } | Event::Ended { room, offset, .. } => Some((*room, (*offset)?)),
            Event::Resumed { room, lines, .. } => Some((*room, lines.last()?.offset)),
            Event::Typing { .. }
            | Event::Counted(_)
            | Event::LoginOver { .. }
            | Event::TokenEnding { .. }
            | Event::TokenOver
            | Event::Superseded => None,
        }
    }

    /// Up to where somebody has heard who has heard this.
    pub fn bookmark(&self) -> Option<Bookmark> {
        match self {
            Event::Ended { room, offset, at, .. } => {
                Some(Bookmark::After(*room, offset.map_or(*at, |offset| Millis(offset.ms))))
            }
            Event::Seated { .. } | Event::Said { .. } | Event::Retaken { .. } | Event::Resumed { .. } => {
                self.place().map(|(room, offset)| Bookmark::In(room, offset))
            }
            Event::Typing { .. }
            | Event::Counted(_)
            | Event::LoginOver { .. }
            | Event::TokenEnding { .. }
            | Event::TokenOver
            | Event::Superseded => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Shard;

    #[test]
    fn who_has_heard_the_end_of_a_room_has_heard_all_of_it_until_that_moment() {
        let room = RoomId::fresh(Shard(0));
        let end = |offset| Event::Ended {
            room,
            offset,
            ending: Ending::Lost,
            at: Millis(9),
        };

        // Of an end that has a place in the log, the log's time counts; of one told from the state, its own.
        let place = Offset { ms: 7, seq: 1 };
        assert_eq!(
            end(Some(place)).bookmark(),
            Some(Bookmark::After(room, Millis(place.ms)))
        );
        assert_eq!(end(None).bookmark(), Some(Bookmark::After(room, Millis(9))));
    }

    #[test]
    fn what_is_told_from_the_state_of_now_is_no_place_to_go_on_from() {
        let room = RoomId::fresh(Shard(0));
        let seated = |offset| Event::Seated {
            room,
            offset,
            kind: RoomKind::Text,
            people: Vec::new(),
            at: Millis(9),
        };

        let place = Offset { ms: 7, seq: 1 };
        assert_eq!(seated(Some(place)).bookmark(), Some(Bookmark::In(room, place)));
        assert_eq!(seated(None).bookmark(), None);
    }
}
