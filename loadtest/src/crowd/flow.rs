//! The lines that one person of a room says to the other, each with what became of it.

use crate::clock::{Nanos, SECOND};
use serde::Serialize;

/// Lines whose fate a broken connection leaves open: more are never under way at once.
const UNDER_WAY: usize = 256;

/// Lines that are kept though nothing more is to come of them: duplicates come late.
const KEPT: usize = 1024;

/// A line that was due this long before its hearer left cannot have been on its way still.
const ON_THE_WAY: Nanos = 5 * SECOND;

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

/// What became of lines, of those that are measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    pub(crate) acknowledged: u64,
    /// Accepted, or never refused, and not heard by the partner.
    pub(crate) lost: u64,
    /// Heard again, with the same id.
    pub(crate) duplicated: u64,
    /// Heard again, with another id: two lines were made of one.
    pub(crate) doubled: u64,
    pub(crate) out_of_order: u64,
    pub(crate) refused: u64,
    /// Under way when a connection ended or the room did, and never confirmed: nobody can tell.
    pub(crate) unanswered: u64,
    /// Answered, but whoever was to hear it had just left or did not come back.
    pub(crate) unheard: u64,
    /// Neither accepted nor refused, though nobody was cut off meanwhile; heard or not.
    pub(crate) unacknowledged: u64,
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

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.acknowledged += other.acknowledged;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.doubled += other.doubled;
        self.out_of_order += other.out_of_order;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.unheard += other.unheard;
        self.unacknowledged += other.unacknowledged;
    }
}

/// FNV-1a: four bytes are enough to tell two ids of one line apart.
fn shorten(id: &[u8]) -> u32 {
    id.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(numbers: std::ops::Range<u32>) -> Flow {
        let mut flow = Flow::default();
        numbers.for_each(|number| flow.say(number, 5, true));
        flow
    }

    #[test]
    fn a_line_that_is_sent_acknowledged_and_heard_counts_as_all_three() {
        let mut flow = said(40..42);
        flow.say(42, 6, false);

        assert_eq!(flow.answered(40, true), Some((5, true)));
        assert_eq!(flow.answered(42, true), Some((6, false)), "not measured");
        assert_eq!(flow.answered(39, true), None, "of another room");
        for number in 40..43 {
            assert_eq!(flow.hear(number, b"m"), Hearing::First { measured: number < 42 });
        }

        let expected = Tally {
            sent: 2,
            delivered: 2,
            acknowledged: 1,
            unacknowledged: 1,
            ..Tally::default()
        };
        assert_eq!(flow.tally(), expected);
    }

    #[test]
    fn what_is_neither_heard_nor_refused_is_lost() {
        let mut flow = said(0..3);
        flow.answered(0, true);
        flow.answered(1, false);

        let tally = flow.tally();

        assert_eq!((tally.lost, tally.refused, tally.delivered), (2, 1, 0));
    }

    #[test]
    fn a_line_heard_twice_is_a_duplicate_or_two_lines() {
        let mut flow = said(0..1);

        assert_eq!(flow.hear(0, b"a"), Hearing::First { measured: true });
        assert_eq!(flow.hear(0, b"a"), Hearing::Again);
        assert_eq!(flow.hear(0, b"b"), Hearing::Again);
        assert_eq!(flow.hear(1, b"a"), Hearing::Strange);

        let tally = flow.tally();
        assert_eq!((tally.delivered, tally.duplicated, tally.doubled), (1, 1, 1));
    }

    #[test]
    fn history_duplicates_nothing() {
        let mut flow = said(0..2);
        flow.hear(0, b"a");

        assert_eq!(flow.recall(0, b"a"), Hearing::Again);
        assert_eq!(flow.recall(1, b"b"), Hearing::First { measured: true });
        flow.recall(0, b"c");

        assert_eq!((flow.tally().duplicated, flow.tally().doubled), (0, 1));
    }

    #[test]
    fn order_is_that_of_the_first_hearing() {
        let mut flow = said(0..3);
        for number in [0, 2, 1, 2] {
            flow.hear(number, b"m");
        }

        assert_eq!((flow.tally().out_of_order, flow.tally().duplicated), (1, 1));
    }

    #[test]
    fn old_lines_are_forgotten_but_counted() {
        let mut flow = Flow::default();
        for number in 10..10 + 3 * KEPT as u32 {
            flow.say(number, 0, true);
            flow.answered(number, true);
            flow.hear(number, b"m");
        }

        assert!(flow.lines.len() <= KEPT);
        assert_eq!(flow.hear(10, b"m"), Hearing::Again);
        let all = 3 * KEPT as u64;
        let expected = Tally {
            sent: all,
            delivered: all,
            acknowledged: all,
            duplicated: 1,
            ..Tally::default()
        };
        assert_eq!(flow.tally(), expected);
    }

    #[test]
    fn what_was_said_before_the_measured_time_counts_nowhere() {
        let mut flow = Flow::default();
        for number in 0..4 {
            flow.say(number, 5, false);
        }
        flow.answered(1, false);
        flow.hear(3, b"a");
        flow.hear(3, b"a");
        flow.hear(2, b"c");

        assert_eq!(flow.tally(), Tally::default());
        assert_eq!(flow.missing().count(), 0);
    }

    #[test]
    fn what_was_under_way_when_its_sender_was_cut_is_nobodys_loss_but_what_was_acknowledged_is() {
        let mut flow = said(0..3);
        flow.answered(0, true);
        flow.hear(1, b"m");
        flow.sender_cut();

        let tally = flow.tally();
        assert_eq!((tally.lost, tally.unanswered, tally.unacknowledged), (1, 1, 0));
    }

    /// Two lines, the first of which was accepted; due at 5.
    fn half_accepted() -> Flow {
        let mut flow = said(0..2);
        flow.answered(0, true);
        flow
    }

    #[test]
    fn what_is_accepted_is_lost_if_its_hearer_is_back_or_is_told_of_the_end_without_it() {
        let mut back = half_accepted();
        back.hearer_away();
        back.hearer_back();
        let mut told = half_accepted();
        told.hearer_told(6);
        let mut told_after = half_accepted();
        told_after.hearer_away();
        told_after.hearer_back();
        told_after.hearer_told(6);

        assert_eq!((back.tally().lost, back.tally().unanswered), (2, 0));
        for flow in [told, told_after] {
            assert_eq!((flow.tally().lost, flow.tally().unanswered), (1, 1));
        }
    }

    #[test]
    fn what_is_accepted_and_nobody_is_there_to_hear_is_not_heard_unless_what_came_later_was() {
        let mut away = half_accepted();
        away.hearer_away();
        away.hearer_told(7);
        let mut left = half_accepted();
        left.hearer_left(6);
        left.hearer_told(7);
        for flow in [away, left] {
            let tally = flow.tally();
            assert_eq!((tally.unheard, tally.unanswered, tally.lost), (1, 1, 0));
        }

        let mut left_late = half_accepted();
        left_late.hearer_left(5 + ON_THE_WAY);
        let mut overtaken = half_accepted();
        overtaken.hear(1, b"m");
        overtaken.hearer_away();
        for flow in [left_late, overtaken] {
            assert_eq!((flow.tally().unheard, flow.tally().lost), (0, 1));
        }
    }

    #[test]
    fn who_left_is_not_back_and_what_is_refused_then_is_not_heard() {
        let mut flow = half_accepted();
        flow.hearer_left(6);
        flow.hearer_away();
        flow.hearer_back();
        flow.answered(1, false);

        assert_eq!(
            (flow.tally().lost, flow.tally().unheard, flow.tally().refused),
            (0, 2, 0)
        );
    }

    #[test]
    fn the_lost_are_missing_since_they_were_due() {
        let mut flow = said(0..3);
        flow.hear(1, b"m");
        flow.answered(2, false);

        assert_eq!(flow.missing().collect::<Vec<_>>(), [5]);
    }
}
