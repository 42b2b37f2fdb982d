//! The lines that one person of a room says to the other, each with what became of it.

use crate::clock::Nanos;

/// Lines whose fate a broken connection leaves open: more are never under way at once.
const UNDER_WAY: usize = 256;

/// Lines that are kept though nothing more is to come of them: duplicates come late.
const KEPT: usize = 1024;

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

/// What became of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Of the measured time.
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    pub(crate) acknowledged: u64,
    /// Over all the time, as everything below: accepted, or never refused, and not heard by the partner.
    pub(crate) lost: u64,
    /// Heard again, with the same id.
    pub(crate) duplicated: u64,
    /// Heard again, with another id: two lines were made of one.
    pub(crate) doubled: u64,
    pub(crate) out_of_order: u64,
    pub(crate) refused: u64,
    /// Under way when a connection ended or somebody left, and never confirmed: nobody can tell.
    pub(crate) unanswered: u64,
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
        self.lines.push(Line { due, message: 0, state });
    }

    /// Forgets old lines of which nothing more is to come, so that a long run needs no more memory than a short one.
    fn settle(&mut self) {
        let over = |line: &Line| line.state & HEARD != 0 && line.state & (ACKNOWLEDGED | REFUSED | EXCUSED) != 0;
        if self.lines[..KEPT / 2].iter().all(over) {
            for line in self.lines.drain(..KEPT / 2) {
                self.settled.add(line);
            }
            self.first += KEPT as u32 / 2;
            self.heard -= KEPT / 2;
        }
    }

    fn line(&mut self, number: u32) -> Option<&mut Line> {
        self.lines.get_mut(number.checked_sub(self.first)? as usize)
    }

    /// The server answered; when the line was due and whether it is measured, if it is one of these.
    pub(crate) fn answered(&mut self, number: u32, accepted: bool) -> Option<(Nanos, bool)> {
        let line = self.line(number)?;
        line.state |= if accepted { ACKNOWLEDGED } else { REFUSED };
        Some((line.due, line.state & MEASURED != 0))
    }

    /// The partner was shown a line again, or for the first time, when they came back: history holds what was heard too.
    pub(crate) fn recall(&mut self, number: u32, message: &[u8]) -> Hearing {
        let known = |line: &mut Line| line.state & HEARD != 0 && line.message == shorten(message);
        match number < self.first || self.line(number).is_some_and(known) {
            true => Hearing::Again,
            false => self.hear(number, message),
        }
    }

    /// The partner heard a line.
    pub(crate) fn hear(&mut self, number: u32, message: &[u8]) -> Hearing {
        let message = shorten(message);
        if number < self.first {
            self.duplicated += 1;
            return Hearing::Again;
        }
        let Some(line) = self.line(number) else {
            return Hearing::Strange;
        };
        if line.state & HEARD != 0 {
            match line.message == message {
                true => self.duplicated += 1,
                false => self.doubled += 1,
            }
            return Hearing::Again;
        }
        line.state |= HEARD;
        line.message = message;
        let measured = line.state & MEASURED != 0;
        let place = (number - self.first) as usize;
        match place < self.heard {
            true => self.out_of_order += 1,
            false => self.heard = place + 1,
        }
        Hearing::First { measured }
    }

    /// The sender's connection ended: what the server did not confirm may or may not have reached it.
    pub(crate) fn sender_cut(&mut self) {
        self.excuse(ACKNOWLEDGED | REFUSED);
    }

    /// The hearer left: what was on the way is not for anybody any more.
    pub(crate) fn hearer_left(&mut self) {
        self.excuse(HEARD);
    }

    fn excuse(&mut self, unless: u8) {
        for line in self.lines.iter_mut().rev().take(UNDER_WAY) {
            if line.state & unless == 0 {
                line.state |= EXCUSED;
            }
        }
    }

    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally {
            duplicated: self.duplicated,
            doubled: self.doubled,
            out_of_order: self.out_of_order,
            ..self.settled
        };
        self.lines.iter().for_each(|line| tally.add(*line));
        tally
    }
}

impl Tally {
    fn add(&mut self, line: Line) {
        let is = |flag| line.state & flag != 0;
        if is(MEASURED) {
            self.sent += 1;
            self.delivered += u64::from(is(HEARD));
            self.acknowledged += u64::from(is(ACKNOWLEDGED));
        }
        self.refused += u64::from(is(REFUSED));
        if !is(HEARD) && !is(REFUSED) {
            match is(EXCUSED) {
                true => self.unanswered += 1,
                false => self.lost += 1,
            }
        }
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
    fn what_was_under_way_at_a_cut_is_nobodys_loss_but_what_was_acknowledged_is() {
        let mut flow = said(0..3);
        flow.answered(0, true);
        flow.hear(1, b"m");
        flow.sender_cut();

        assert_eq!((flow.tally().lost, flow.tally().unanswered), (1, 1));

        let mut flow = said(0..2);
        flow.answered(0, true);
        flow.hearer_left();
        assert_eq!((flow.tally().lost, flow.tally().unanswered), (0, 2));
    }
}
