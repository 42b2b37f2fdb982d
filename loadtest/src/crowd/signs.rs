//! Signs of typing on their way: they carry nothing of ours, so that each is known by its place after the one before.

use super::tally::Tally;
use crate::client::Who;
use crate::clock::Nanos;
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Started,
    Stopped,
}

impl Sign {
    /// As a client sends it.
    pub(crate) fn event(self) -> &'static str {
        match self {
            Self::Started => "text_typing_start",
            Self::Stopped => "text_typing_stop",
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Shown {
    sign: Sign,
    due: Nanos,
    measured: bool,
}

/// Signs of everybody.
pub(crate) struct Signs {
    /// Shown and not seen yet, by who shows them.
    shown: Vec<VecDeque<Shown>>,
    /// Whether somebody types.
    typing: Vec<bool>,
    /// When each of those was due that a later one has passed.
    passed: Vec<Nanos>,
    tally: Tally,
}

impl Signs {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            shown: vec![VecDeque::new(); count],
            typing: vec![false; count],
            passed: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// The sign that somebody shows next.
    pub(crate) fn show(&mut self, who: Who, due: Nanos, measured: bool) -> Sign {
        let typing = &mut self.typing[who];
        *typing = !*typing;
        let sign = if *typing { Sign::Started } else { Sign::Stopped };
        self.shown[who].push_back(Shown { sign, due, measured });
        self.tally.sent += u64::from(measured);
        sign
    }

    /// The partner saw a sign of `who`. When it was due, if it is measured. Those before it will not be seen any more.
    pub(crate) fn seen(&mut self, who: Who, sign: Sign) -> Option<Nanos> {
        while let Some(shown) = self.shown[who].pop_front() {
            if shown.sign == sign {
                self.tally.delivered += u64::from(shown.measured);
                return shown.measured.then_some(shown.due);
            }
            if shown.measured {
                self.tally.lost += 1;
                self.passed.push(shown.due);
            }
        }
        None
    }

    /// When each of the measured signs that nobody has seen was due.
    pub(crate) fn missing(&self) -> impl Iterator<Item = Nanos> {
        let on_the_way = self.shown.iter().flatten().filter(|shown| shown.measured);
        on_the_way.map(|shown| shown.due).chain(self.passed.iter().copied())
    }

    pub(crate) fn tally(&self) -> Tally {
        let on_the_way = self.shown.iter().flatten().filter(|shown| shown.measured).count();
        Tally {
            lost: self.tally.lost + on_the_way as u64,
            ..self.tally
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_alternate_and_are_seen_in_order() {
        let mut signs = Signs::new(1);
        assert_eq!(signs.show(0, 1, true), Sign::Started);
        assert_eq!(signs.show(0, 2, true), Sign::Stopped);
        assert_eq!(signs.show(0, 3, true), Sign::Started);

        assert_eq!(signs.seen(0, Sign::Started), Some(1));
        assert_eq!(
            signs.seen(0, Sign::Started),
            Some(3),
            "the one between is not coming any more"
        );
        assert_eq!(signs.seen(0, Sign::Stopped), None);

        let tally = signs.tally();
        assert_eq!((tally.sent, tally.delivered, tally.lost), (3, 2, 1));
        signs.show(0, 4, true);
        assert_eq!(signs.missing().collect::<Vec<_>>(), [4, 2]);
    }
}
