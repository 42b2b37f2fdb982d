//! Coming back as the same session (Socket.IO's connection state recovery): what a client brings, and which rooms must be
//! read to tell it exactly what it missed.

use crate::clock::Millis;
use crate::domain::account::{Identity, Standing};
use crate::domain::room::Offset;
use crate::ids::{RecoveryKey, RoomId, SocketId, UserId};
use std::fmt;

/// Proof of having been a certain session, given to its client and brought back by it:
/// `<sid>.<key>.<epoch>.<start>.<began>.<standing>.<user>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pid {
    /// The socket's id as its client knows it: the same over all its connections.
    pub sid: SocketId,
    /// Known to the client and to Redis only.
    pub key: RecoveryKey,
    /// The life of Redis's data in which it was given.
    pub epoch: Box<str>,
    /// Where the session began: what its client has heard as long as it brings no bookmark.
    pub start: Bookmark,
    /// When that was, by the clock that numbers the entries of logs.
    pub began: Millis,
    /// Whose session it is.
    pub user: UserId,
    /// As whom.
    pub standing: Standing,
}

impl Pid {
    /// Reads what a client brought.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(7, '.');
        let mut next = || parts.next();
        Some(Self {
            sid: SocketId::parse(next()?)?,
            key: RecoveryKey::parse(next()?)?,
            epoch: next().filter(|e| e.len() <= 32)?.into(),
            start: Bookmark::parse(next()?)?,
            began: next()?.parse().map(Millis).ok()?,
            standing: Standing::parse(next()?)?,
            user: UserId::parse(next()?)?,
        })
    }
}

impl Pid {
    /// Who comes with it: somebody whose handshake proves the same identity as before, or a passing visitor, whose only
    /// proof it is.
    pub fn bearer(&self, proven: &Identity) -> Result<Identity, Unrecovered> {
        match (self.standing, proven.standing) {
            (Standing::Passing, Standing::Passing) => Ok(Identity {
                user: self.user.clone(),
                standing: Standing::Passing,
                login: None,
                until: None,
            }),
            _ if self.user == proven.user && self.standing == proven.standing => Ok(proven.clone()),
            _ => Err(Unrecovered::IdentityChanged),
        }
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sid,
            key,
            epoch,
            start,
            began,
            user,
            standing,
        } = self;
        write!(f, "{sid}.{key}.{epoch}.{start}.{began}.{}.{user}", standing.as_str())
    }
}

/// Up to where a client has heard, sent with every event of a room; the client brings the last one back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bookmark {
    /// No room yet.
    Start,
    /// In a room, up to this entry of its log.
    In(RoomId, Offset),
    /// A room has been heard to its end, and no other since. The end was then, by the clock that numbers the entries of
    /// logs, or by that of the node which found it lost.
    After(RoomId, Millis),
}

impl Bookmark {
    /// Reads what a client brought.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once('/') {
            None => (text == "start").then_some(Self::Start),
            Some((room, offset)) => {
                let room = RoomId::parse(room)?;
                Some(match offset.strip_prefix("end-") {
                    Some(ended) => Self::After(room, ended.parse().map(Millis).ok()?),
                    None => Self::In(room, Offset::parse(offset)?),
                })
            }
        }
    }

    /// Up to where somebody has heard who was at this one and then heard what `next` is of: of one room perhaps something
    /// that came before.
    pub fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::In(room, heard), Self::In(same, offset)) if room == same => Self::In(room, heard.max(offset)),
            (_, next) => next,
        }
    }
}

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::In(room, offset) => write!(f, "{room}/{offset}"),
            Self::After(room, ended) => write!(f, "{room}/end-{ended}"),
        }
    }
}

/// Why a session could not be taken up again. The client gets a new one and the state of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrecovered {
    /// Away for too long, or not a session of ours.
    WindowExpired,
    /// Some of what was missed is no longer in the room's log.
    Trimmed,
    /// Redis lost data meanwhile: all, or what a server that took over had not heard.
    EpochChanged,
    /// The handshake proves somebody else than before.
    IdentityChanged,
}

impl Unrecovered {
    /// The reason as clients and metrics get it.
    pub fn code(self) -> &'static str {
        match self {
            Self::WindowExpired => "window_expired",
            Self::Trimmed => "trimmed",
            Self::EpochChanged => "epoch_changed",
            Self::IdentityChanged => "identity_changed",
        }
    }
}

/// From where a room's log is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// All of it.
    Start,
    /// What comes after this entry.
    After(Offset),
}

/// Rooms that a user was claimed for of late are the user's trail, oldest first: one more than this, and the oldest goes.
pub const TRAIL: usize = 8;

/// The rooms to read, in order, for a client that has heard up to `mark`; an error when the trail no longer says.
pub fn to_read(mark: Bookmark, trail: &[RoomId]) -> Result<Vec<(RoomId, From)>, Unrecovered> {
    let whole = |rooms: &[RoomId]| rooms.iter().map(|room| (*room, From::Start)).collect::<Vec<_>>();
    let (room, first) = match mark {
        Bookmark::Start if trail.len() >= TRAIL => return Err(Unrecovered::Trimmed),
        Bookmark::Start => return Ok(whole(trail)),
        Bookmark::In(room, offset) => (room, Some((room, From::After(offset)))),
        Bookmark::After(room, _) => (room, None),
    };
    let later = match trail.iter().position(|known| *known == room) {
        Some(at) => &trail[at + 1..],
        // The oldest rooms are forgotten, and none while there is room for more.
        None if trail.len() >= TRAIL => return Err(Unrecovered::Trimmed),
        // A server that took over has not heard of it: which rooms came before and which after, nobody can say.
        None => return Err(Unrecovered::EpochChanged),
    };
    Ok(first.into_iter().chain(whole(later)).collect())
}

/// Up to where a client has heard that brings `mark` to the session of `pid`. Clients bring the last bookmark that they
/// were ever given, also one of an earlier session.
pub fn heard(mark: Option<Bookmark>, pid: &Pid, trail: &[RoomId]) -> Bookmark {
    let start = pid.start;
    let place = |bookmark: Bookmark| match bookmark {
        Bookmark::Start => None,
        Bookmark::In(room, offset) => trail
            .iter()
            .position(|known| *known == room)
            .map(|at| (at, Some(offset))),
        Bookmark::After(room, _) => trail.iter().position(|known| *known == room).map(|at| (at, None)),
    };
    let is_younger = |mark| match mark {
        Bookmark::Start => false,
        Bookmark::In(_, heard) => heard.ms > pid.began.0,
        Bookmark::After(_, ended) => ended > pid.began,
    };
    let Some(mark) = mark else { return start };
    match (place(mark), place(start)) {
        // Of this session, and lost.
        (None, _) if is_younger(mark) => mark,
        // The trail forgets the oldest rooms first.
        (None, Some(_)) => start,
        // And none that it has room for.
        (None, None) if trail.len() < TRAIL => start,
        (Some((of_mark, _)), Some((of_start, _))) if of_mark < of_start => start,
        (Some((of_mark, Some(_))), Some((of_start, None))) if of_mark == of_start => start,
        (Some((of_mark, Some(heard))), Some((of_start, Some(began)))) if of_mark == of_start && heard < began => start,
        _ => mark,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Shard;

    fn pid(start: Bookmark, began: u64) -> Pid {
        Pid {
            sid: SocketId::fresh(),
            key: RecoveryKey::fresh(),
            epoch: "e1".into(),
            start,
            began: Millis(began),
            standing: Standing::Guest,
            user: UserId::parse("a.user:with-dots").unwrap(),
        }
    }

    fn rooms(count: usize) -> Vec<RoomId> {
        (0..count).map(|_| RoomId::fresh(Shard(0))).collect()
    }

    #[test]
    fn what_a_client_is_given_is_read_back() {
        let room = RoomId::fresh(Shard(2));
        let at = Offset { ms: 7, seq: 1 };
        for mark in [
            Bookmark::Start,
            Bookmark::In(room, at),
            Bookmark::After(room, Millis(9)),
        ] {
            assert_eq!(Bookmark::parse(&mark.to_string()), Some(mark));
        }
        let pid = pid(Bookmark::After(room, Millis(9)), 12);
        assert_eq!(Pid::parse(&pid.to_string()), Some(pid));
        let endless = format!("{room}/end");
        for bad in [
            "",
            "x",
            "a.b",
            "a.b.c.d.e.f",
            "a.b.c.start.1.guest.",
            "......",
            &endless,
        ] {
            assert_eq!(Pid::parse(bad), None, "{bad:?}");
            assert_eq!(Bookmark::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_bookmark_never_goes_back_within_a_room() {
        let [room, other] = [0, 1].map(|shard| RoomId::fresh(Shard(shard)));
        let at = |room, ms| Bookmark::In(room, Offset { ms, seq: 0 });

        assert_eq!(at(room, 7).then(at(room, 5)), at(room, 7));
        assert_eq!(at(room, 7).then(at(room, 9)), at(room, 9));
        assert_eq!(at(room, 7).then(at(other, 5)), at(other, 5));
        assert_eq!(
            at(room, 7).then(Bookmark::After(room, Millis(9))),
            Bookmark::After(room, Millis(9))
        );
        assert_eq!(Bookmark::Start.then(at(room, 5)), at(room, 5));
    }

    #[test]
    fn a_room_is_read_on_from_the_bookmark_and_later_rooms_from_their_start() {
        let all = rooms(3);
        let at = Offset { ms: 7, seq: 1 };

        assert_eq!(
            to_read(Bookmark::In(all[1], at), &all),
            Ok(vec![(all[1], From::After(at)), (all[2], From::Start)])
        );
        assert_eq!(
            to_read(Bookmark::After(all[1], Millis(9)), &all),
            Ok(vec![(all[2], From::Start)])
        );
        assert_eq!(to_read(Bookmark::After(all[2], Millis(9)), &all), Ok(vec![]));
        assert_eq!(to_read(Bookmark::Start, &all[..1]), Ok(vec![(all[0], From::Start)]));
    }

    #[test]
    fn a_room_that_is_lost_was_before_or_after_those_of_the_trail() {
        let (lost, all) = (RoomId::fresh(Shard(0)), rooms(2));
        let at = Offset { ms: 7, seq: 1 };

        assert_eq!(to_read(Bookmark::In(lost, at), &all), Err(Unrecovered::EpochChanged));
        assert_eq!(
            to_read(Bookmark::After(lost, Millis(9)), &all),
            Err(Unrecovered::EpochChanged)
        );
        assert_eq!(to_read(Bookmark::In(lost, at), &[]), Err(Unrecovered::EpochChanged));
    }

    #[test]
    fn a_full_trail_without_the_room_of_the_bookmark_may_have_lost_some() {
        let all = rooms(TRAIL);
        let old = RoomId::fresh(Shard(0));

        assert_eq!(
            to_read(Bookmark::After(old, Millis(9)), &all),
            Err(Unrecovered::Trimmed)
        );
        assert_eq!(to_read(Bookmark::Start, &all), Err(Unrecovered::Trimmed));
    }

    #[test]
    fn a_bookmark_of_an_earlier_session_does_not_count() {
        let (unknown, all) = (RoomId::fresh(Shard(0)), rooms(2));
        let (early, late) = (Offset { ms: 7, seq: 0 }, Offset { ms: 9, seq: 0 });
        let effective = |mark, start| heard(Some(mark), &pid(start, 9), &all);

        for stale in [
            Bookmark::In(unknown, late),
            Bookmark::After(unknown, Millis(9)),
            Bookmark::In(all[0], late),
            Bookmark::In(all[1], early),
            Bookmark::After(all[0], Millis(9)),
        ] {
            assert_eq!(effective(stale, Bookmark::In(all[1], late)), Bookmark::In(all[1], late));
            assert_eq!(
                effective(stale, Bookmark::After(all[1], Millis(9))),
                Bookmark::After(all[1], Millis(9))
            );
        }
        for good in [Bookmark::In(all[1], late), Bookmark::After(all[1], Millis(9))] {
            assert_eq!(effective(good, Bookmark::In(all[1], early)), good);
            assert_eq!(effective(good, Bookmark::After(all[0], Millis(9))), good);
            assert_eq!(effective(good, Bookmark::Start), good);
        }
        for stale in [Bookmark::In(unknown, late), Bookmark::After(unknown, Millis(9))] {
            assert_eq!(effective(stale, Bookmark::Start), Bookmark::Start);
            assert_eq!(
                heard(Some(stale), &pid(Bookmark::Start, 9), &rooms(TRAIL)),
                stale,
                "it may be forgotten"
            );
        }
        let none = heard(None, &pid(Bookmark::After(unknown, Millis(9)), 9), &all);
        assert_eq!(none, Bookmark::After(unknown, Millis(9)));
    }

    #[test]
    fn a_bookmark_of_this_session_counts_though_its_room_is_lost() {
        let (lost, all) = (RoomId::fresh(Shard(0)), rooms(2));
        let starts = [
            Bookmark::Start,
            Bookmark::After(all[1], Millis(9)),
            Bookmark::After(lost, Millis(9)),
        ];

        for start in starts {
            for mark in [
                Bookmark::In(lost, Offset { ms: 10, seq: 0 }),
                Bookmark::After(lost, Millis(10)),
            ] {
                assert_eq!(heard(Some(mark), &pid(start, 9), &all), mark);
            }
        }
    }
}
