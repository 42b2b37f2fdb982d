//! Open-loop sending: when each line is due is fixed before the first is sent. A late answer slows nobody, and a line
//! that is sent late is measured from when it was due.

use crate::client::{Client, Who};
use crate::clock::{Nanos, SECOND};
use crate::crowd::Crowd;

/// Lines sent between two looks at what came in.
const AT_ONCE: usize = 64;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matter {
    Lines,
    Typing,
}

pub(crate) struct Talk {
    matter: Matter,
    /// Who speaks, in turn: everybody once a round.
    speakers: Vec<Who>,
    begin: Nanos,
    /// Nanoseconds between two lines.
    step: f64,
    /// Number of the next line.
    next: u64,
    pub(crate) rate: f64,
}

impl Talk {
    pub(crate) fn plan(matter: Matter, speakers: Vec<Who>, rate: f64, begin: Nanos) -> Self {
        Self {
            matter,
            speakers,
            begin,
            step: SECOND as f64 / rate,
            next: 0,
            rate,
        }
    }

    /// Nobody says anything.
    pub(crate) fn none() -> Self {
        Self::plan(Matter::Lines, Vec::new(), 0.0, 0)
    }

    fn due(&self) -> Nanos {
        self.begin + (self.next as f64 * self.step) as Nanos
    }

    /// Says what is due by now; when the next line is.
    pub(crate) fn go_on(&mut self, client: &mut Client, crowd: &mut Crowd) -> Nanos {
        if self.speakers.is_empty() {
            return Nanos::MAX;
        }
        let now = client.clock.now();
        for _ in 0..AT_ONCE {
            let due = self.due();
            if due > now {
                return due;
            }
            let speaker = self.speakers[(self.next % self.speakers.len() as u64) as usize];
            self.next += 1;
            match self.matter {
                Matter::Lines => crowd.say(client, speaker, due),
                Matter::Typing => crowd.type_on(client, speaker, due),
            }
        }
        now
    }
}
