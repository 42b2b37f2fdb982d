//! The text of a line. It says who sent it, as which line, and when it was due, so that whoever hears it knows all
//! about it. Plain words: no server has a reason to change them.

use super::rooms::RoomNumber;
use crate::clock::Nanos;
use std::fmt::{self, Display};

/// What stands in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Lines of other runs are not ours.
    pub(crate) run: u32,
    pub(crate) room: RoomNumber,
    pub(crate) seat: usize,
    pub(crate) number: u32,
    /// When its sender was to send it, whenever it did.
    pub(crate) due: Nanos,
}

impl Mark {
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let mut numbers = std::str::from_utf8(text).ok()?.strip_prefix("load ")?.split(' ');
        let mut number = || numbers.next()?.parse::<u64>().ok();
        Some(Self {
            run: number()?.try_into().ok()?,
            room: number()?.try_into().ok()?,
            seat: number()?.try_into().ok().filter(|seat| *seat < 2)?,
            number: number()?.try_into().ok()?,
            due: number()?,
        })
    }
}

impl Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            run,
            room,
            seat,
            number,
            due,
        } = self;
        write!(f, "load {run} {room} {seat} {number} {due}")
    }
}

/// What makes a line as long as people's lines are; so many characters of it.
pub(crate) fn padding(length: usize) -> String {
    let words = " the quick brown fox jumps over the lazy dog and nobody knows why it still does";
    words.chars().cycle().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_with_whatever_follows() {
        let mark = Mark {
            run: 4_000_000_000,
            room: 7,
            seat: 1,
            number: 12,
            due: 1_234_567_890_123,
        };

        assert_eq!(Mark::read(mark.to_string().as_bytes()), Some(mark));
        assert_eq!(Mark::read(format!("{mark}{}", padding(90)).as_bytes()), Some(mark));
    }

    #[test]
    fn what_somebody_else_says_is_no_mark() {
        for text in ["", "hi", "load", "load 1 2", "load 1 2 3 4 5", "load a b c d e"] {
            assert_eq!(Mark::read(text.as_bytes()), None, "{text}");
        }
    }
}
