//! The lines that one person of a room says to the other, each with what became of it.

use super::tally::Tally;
use crate::clock::{Nanos, SECOND};

/// Lines whose fate a broken connection leaves open: more are never under way at once.
const UNDER_WAY: usize = 256;

/// Lines that are kept though nothing more is to come of them: duplicates come late.
pub(super) const KEPT: usize = 1024;

/// A line that was due this long before its hearer left cannot have been on its way still.
pub(super) const ON_THE_WAY: Nanos = 5 * SECOND;

const ACKNOWLEDGED: u8 = 1;
const REFUSED: u8 = 2;
const HEARD: u8 = 4;
const MEASURED: u8 = 8;
const EXCUSED: u8 = 16;

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    due: Nanos,
    /// The `messageId` it was heard with, shortened.
    message: u32,
    state: u8,
}

impl Line {
    fn is(&self, flag: u8) -> bool {
        self.state & flag != 0
    }
}

/// Whether there is somebody to hear the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hearer {
    #[default]
    There,
    /// Without a connection, and perhaps back some day.
    Away,
    /// By their own wish, then.
    Left(Nanos),
    /// The server told them of the end then: after all lines that it had accepted.
    Told(Nanos),
}

impl Hearer {
    fn is_over(self) -> bool {
        matches!(self, Self::Left(_) | Self::Told(_))
    }

    /// Whether a line that was due at `due` and accepted may not have reached them before they went.
    fn may_have_missed(self, due: Nanos) -> bool {
        match self {
            Self::There | Self::Told(_) => false,
            Self::Away => true,
            Self::Left(at) => at < due + ON_THE_WAY,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// Number of the first line; each sender counts over all rooms.
    first: u32,
    lines: Vec<Line>,
    /// One more than the place of the last line that was heard.
    heard: usize,
    duplicated: u64,
    doubled: u64,
    out_of_order: u64,
    /// What became of lines that are not kept any more.
    settled: Tally,
    /// Number of the first line that is measured.
    measured_from: Option<u32>,
    hearer: Hearer,
}

/// How a line was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hearing {
    First {
        measured: bool,
    },
    Again,
    /// Never said here.
    Strange,
}

/// What became of one line that was not heard.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Refused,
    Unheard,
    Unanswered,
    Lost,
}

impl Flow {
    pub(crate) fn say(&mut self, number: u32, due: Nanos, measured: bool) {
        if self.lines.is_empty() {
            (self.first, self.heard) = (number, 0);
        }
        if self.lines.len() >= KEPT {
            self.settle();
        }
        let state = if measured { MEASURED } else { 0 };
        if measured {
            self.measured_from.get_or_insert(number);
        }
        self.lines.push(Line { due, message: 0, state });
    }

    /// Forgets old lines of which nothing more is to come, so that a long run needs no more memory than a short one.
    fn settle(&mut self) {
        let over = |line: &Line| line.is(HEARD) && line.is(ACKNOWLEDGED | REFUSED | EXCUSED);
        if self.lines[..KEPT / 2].iter().all(over) {
            let mut settled = self.settled;
            (0..KEPT / 2).for_each(|place| self.count(place, &mut settled));
            self.settled = settled;
            self.lines.drain(..KEPT / 2);
            self.first += KEPT as u32 / 2;
            self.heard -= KEPT / 2;
        }
    }

    fn line(&mut self, number: u32) -> Option<&mut Line> {
        self.lines.get_mut(number.checked_sub(self.first)? as usize)
    }

    /// The server answered; when the line was due and whether it is measured, if it is one of these.
    pub(crate) fn answered(&mut self, number: u32, accepted: bool) -> Option<(Nanos, bool)> {
        let over = self.hearer.is_over();
        let line = self.line(number)?;
        line.state |= match (accepted, over) {
            (true, _) => ACKNOWLEDGED,
            (false, true) => REFUSED | EXCUSED,
            (false, false) => REFUSED,
        };
        Some((line.due, line.is(MEASURED)))
    }

    /// The partner was shown a line again, or for the first time, when they came back: history holds what was heard
    /// too.
    pub(crate) fn recall(&mut self, number: u32, message: &[u8]) -> Hearing {
        let known = |line: &mut Line| line.is(HEARD) && line.message == shorten(message);
        match number < self.first || self.line(number).is_some_and(known) {
            true => Hearing::Again,
            false => self.hear(number, message),
        }
    }

    /// The partner heard a line.
    pub(crate) fn hear(&mut self, number: u32, message: &[u8]) -> Hearing {
        let message = shorten(message);
        if number < self.first {
            let measured = self.measured_from.is_some_and(|from| from <= number);
            self.duplicated += u64::from(measured);
            return Hearing::Again;
        }
        let Some(line) = self.line(number) else {
            return Hearing::Strange;
        };
        let measured = line.is(MEASURED);
        if line.is(HEARD) {
            match line.message == message {
                true => self.duplicated += u64::from(measured),
                false => self.doubled += u64::from(measured),
            }
            return Hearing::Again;
        }
        line.state |= HEARD;
        line.message = message;
        let place = (number - self.first) as usize;
        match place < self.heard {
            true => self.out_of_order += u64::from(measured),
            false => self.heard = place + 1,
        }
        Hearing::First { measured }
    }

    /// The sender's connection ended: what the server did not confirm may or may not have reached it.
    pub(crate) fn sender_cut(&mut self) {
        for line in self.lines.iter_mut().rev().take(UNDER_WAY) {
            if !line.is(ACKNOWLEDGED | REFUSED) {
                line.state |= EXCUSED;
            }
        }
    }

    /// The hearer's connection ended.
    pub(crate) fn hearer_away(&mut self) {
        if self.hearer == Hearer::There {
            self.hearer = Hearer::Away;
        }
    }

    /// The hearer is in the room again, where all that was accepted is to be heard.
    pub(crate) fn hearer_back(&mut self) {
        if self.hearer == Hearer::Away {
            self.hearer = Hearer::There;
        }
    }

    /// The hearer left: what was on the way is not for anybody any more.
    pub(crate) fn hearer_left(&mut self, now: Nanos) {
        if !self.hearer.is_over() {
            self.hearer = Hearer::Left(now);
        }
    }

    /// The hearer was told of the end of the room. Who was told while away has lost the seat, and will not hear the
    /// rest.
    pub(crate) fn hearer_told(&mut self, now: Nanos) {
        if self.hearer == Hearer::There {
            self.hearer = Hearer::Told(now);
        }
    }

    /// How many lines are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally {
            duplicated: self.duplicated,
            doubled: self.doubled,
            out_of_order: self.out_of_order,
            ..self.settled
        };
        (0..self.lines.len()).for_each(|place| self.count(place, &mut tally));
        tally
    }

    /// When each of the measured lines that are lost by now was due.
    pub(crate) fn missing(&self) -> impl Iterator<Item = Nanos> {
        let lost = |place: &usize| self.lines[*place].is(MEASURED) && self.fate(*place) == Some(Fate::Lost);
        (0..self.lines.len()).filter(lost).map(|place| self.lines[place].due)
    }

    fn count(&self, place: usize, tally: &mut Tally) {
        let line = self.lines[place];
        if !line.is(MEASURED) {
            return;
        }
        tally.sent += 1;
        tally.delivered += u64::from(line.is(HEARD));
        tally.acknowledged += u64::from(line.is(ACKNOWLEDGED));
        tally.unacknowledged += u64::from(self.wants_an_answer(line));
        match self.fate(place) {
            Some(Fate::Refused) => tally.refused += 1,
            Some(Fate::Unheard) => tally.unheard += 1,
            Some(Fate::Unanswered) => tally.unanswered += 1,
            Some(Fate::Lost) => tally.lost += 1,
            None => {}
        }
    }

    /// Whether the server owes an answer still: it may fail to say that it has no room any more.
    fn wants_an_answer(&self, line: Line) -> bool {
        let ended = match self.hearer {
            Hearer::Left(at) | Hearer::Told(at) => at < line.due + ON_THE_WAY,
            Hearer::There | Hearer::Away => false,
        };
        !line.is(ACKNOWLEDGED | REFUSED | EXCUSED) && !ended
    }

    /// `None` if it was heard and not refused.
    fn fate(&self, place: usize) -> Option<Fate> {
        let line = self.lines[place];
        let overtaken = place < self.heard;
        Some(match (line.is(REFUSED), line.is(HEARD)) {
            (true, _) if line.is(EXCUSED) => Fate::Unheard,
            (true, _) => Fate::Refused,
            (false, true) => return None,
            (false, false) if line.is(ACKNOWLEDGED) => match self.hearer.may_have_missed(line.due) && !overtaken {
                true => Fate::Unheard,
                false => Fate::Lost,
            },
            (false, false) if line.is(EXCUSED) || self.hearer != Hearer::There => Fate::Unanswered,
            (false, false) => Fate::Lost,
        })
    }
}

/// FNV-1a: four bytes are enough to tell two ids of one line apart.
fn shorten(id: &[u8]) -> u32 {
    id.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}
