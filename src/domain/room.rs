//! Rooms: what kinds there are, what a line is, why rooms end.

use crate::clock::Millis;
use crate::ids::{MessageId, UserId};

/// What a room is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomKind {
    /// A pair of strangers who write.
    Text,
}

impl RoomKind {
    /// As stored and as metrics call it.
    pub fn as_str(self) -> &'static str {
        match self {
            RoomKind::Text => "text",
        }
    }

    /// Reads what [`RoomKind::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "text" => Some(RoomKind::Text),
            _ => None,
        }
    }
}

/// One line of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Place in the room's one order.
    pub offset: Offset,
    /// Who said it.
    pub sender: UserId,
    /// The same in every delivery of this line.
    pub message: MessageId,
    /// When it was said.
    pub at: Millis,
    /// What was said: trimmed, without markup.
    pub text: String,
}

/// Place in a room's log: milliseconds of Redis's clock and a number within them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset {
    /// Unix milliseconds.
    pub ms: u64,
    /// Number within the millisecond.
    pub seq: u64,
}

impl Offset {
    /// After all there can be.
    pub const LAST: Self = Self {
        ms: u64::MAX,
        seq: u64::MAX,
    };

    /// The first place after this one.
    pub fn next(self) -> Self {
        match self.seq.checked_add(1) {
            Some(seq) => Self { ms: self.ms, seq },
            None => Self {
                ms: self.ms.saturating_add(1),
                seq: 0,
            },
        }
    }

    /// The last place before this one.
    pub fn before(self) -> Self {
        match self.seq.checked_sub(1) {
            Some(seq) => Self { ms: self.ms, seq },
            None => Self {
                ms: self.ms.saturating_sub(1),
                seq: u64::MAX,
            },
        }
    }

    /// The first place at or after a time.
    pub fn at(time: Millis) -> Self {
        Self { ms: time.0, seq: 0 }
    }

    /// In one number, ordered as offsets are: 20 bits hold more entries than Redis can make in a millisecond.
    pub fn packed(self) -> u64 {
        (self.ms << 20) | self.seq.min((1 << 20) - 1)
    }

    /// Reads what [`Offset::packed`] wrote.
    pub fn unpacked(packed: u64) -> Self {
        Self {
            ms: packed >> 20,
            seq: packed & ((1 << 20) - 1),
        }
    }

    /// Reads `ms-seq`, a place that has one after it.
    pub fn parse(text: &str) -> Option<Self> {
        let (ms, seq) = text.split_once('-')?;
        let offset = Self {
            ms: ms.parse().ok()?,
            seq: seq.parse().ok()?,
        };
        (offset != Self::LAST).then_some(offset)
    }
}

impl std::fmt::Display for Offset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// Why a room ended, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A participant left.
    Left(UserId),
    /// A participant was gone for longer than a seat is held.
    Disconnected(UserId),
    /// Nothing was said for too long.
    Timeout,
    /// A participant reported the other.
    Reported(UserId),
    /// The room is gone and nothing says why: Redis lost it.
    Lost,
}

impl Ending {
    /// The reason, as stored and as metrics call it.
    pub fn why(&self) -> &'static str {
        match self {
            Ending::Left(_) => "left",
            Ending::Disconnected(_) => "disconnected",
            Ending::Timeout => "timeout",
            Ending::Reported(_) => "reported",
            Ending::Lost => "lost",
        }
    }

    /// Who ended it, if somebody did.
    pub fn by(&self) -> Option<&UserId> {
        match self {
            Ending::Left(by) | Ending::Disconnected(by) | Ending::Reported(by) => Some(by),
            Ending::Timeout | Ending::Lost => None,
        }
    }

    /// Reads what [`Ending::why`] wrote, with the user beside it (empty when there is none).
    pub fn parse(why: &str, by: &str) -> Option<Self> {
        match why {
            "left" => Some(Ending::Left(UserId::parse(by)?)),
            "disconnected" => Some(Ending::Disconnected(UserId::parse(by)?)),
            "timeout" => Some(Ending::Timeout),
            "reported" => Some(Ending::Reported(UserId::parse(by)?)),
            "lost" => Some(Ending::Lost),
            _ => None,
        }
    }
}

/// The other participant of a room of two; `None` when `me` is not in it.
pub fn partner_of<'a>(people: &'a [UserId], me: &UserId) -> Option<&'a UserId> {
    people.contains(me).then(|| people.iter().find(|p| *p != me)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_ordered_by_time_then_number() {
        let parsed: Vec<_> = ["5-2", "10-0", "5-10"]
            .iter()
            .map(|t| Offset::parse(t).unwrap())
            .collect();

        assert!(parsed[0] < parsed[2] && parsed[2] < parsed[1]);
        assert_eq!(Offset::parse("5"), None);
        assert_eq!(Offset::parse(&Offset::LAST.to_string()), None);
        assert_eq!(Offset::at(Millis(5)).before().next(), Offset::at(Millis(5)));
        assert_eq!(Offset::unpacked(parsed[2].packed()), parsed[2]);
        assert!(parsed[0].packed() < parsed[2].packed() && parsed[2].packed() < parsed[1].packed());
    }

    #[test]
    fn a_partner_is_the_other_one_and_strangers_have_none() {
        let [a, b, c] = ["a", "b", "c"].map(|t| UserId::parse(t).unwrap());
        let people = [a.clone(), b.clone()];

        assert_eq!(partner_of(&people, &a), Some(&b));
        assert_eq!(partner_of(&people, &c), None);
    }
}
