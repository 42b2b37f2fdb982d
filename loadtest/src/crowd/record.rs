//! What the crowd went through, in numbers: times as histograms, happenings as counts.

use crate::clock::Nanos;
use crate::measure::latency::Latency;
use crate::measure::series::Done;
use std::collections::BTreeMap;

/// What happened to connections and seats.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Happened {
    /// Connections that ended though nobody here wanted that.
    pub(crate) ended: u64,
    /// Attempts to connect that came to nothing.
    pub(crate) failed: u64,
    /// People who lost the connection while they sought a partner.
    pub(crate) seekers_gone: u64,
    /// People who were told, while they sat in it, of the end of a room that neither of the two had left.
    pub(crate) rooms_ended: u64,
    /// Lines that were heard where they were never said.
    pub(crate) strange: u64,
    /// Own lines that came back.
    pub(crate) echoed: u64,
    /// Lines that were due while their sender had no connection or no partner, though the load did not want that.
    pub(crate) skipped: u64,
    /// The same while the load wanted it: cut off, or between two partners.
    pub(crate) absent: u64,
}

pub(crate) struct Record {
    /// From when a line was due until its partner heard it; or, of the lost, until the end.
    pub(crate) delivery: Latency,
    pub(crate) ack: Latency,
    /// From when a line was due until it was sent: how late this client itself was.
    pub(crate) late: Latency,
    /// From when somebody began to seek until they were told of a partner.
    pub(crate) pairing: Latency,
    pub(crate) happened: Happened,
    /// What servers said that was no answer to expect, with how often.
    pub(crate) complaints: BTreeMap<String, u64>,
    second: Latency,
    sent: u64,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self {
            delivery: Latency::new(),
            ack: Latency::new(),
            late: Latency::new(),
            pairing: Latency::new(),
            happened: Happened::default(),
            complaints: BTreeMap::new(),
            second: Latency::new(),
            sent: 0,
        }
    }

    pub(crate) fn sent(&mut self, late: Nanos) {
        self.late.record(late);
        self.sent += 1;
    }

    pub(crate) fn delivered(&mut self, took: Nanos) {
        self.delivery.record(took);
        self.second.record(took);
    }

    pub(crate) fn complain(&mut self, what: &str) {
        // It is shown on terminals.
        let what = &what.replace(char::is_control, " ");
        // Texts of servers may hold ids; a handful is enough to see what is wrong.
        if self.complaints.len() < 20 || self.complaints.contains_key(what) {
            *self.complaints.entry(what.to_owned()).or_default() += 1;
        }
    }

    /// What was done since the last call.
    pub(crate) fn take_second(&mut self, open: u64) -> Done {
        let done = Done {
            sent: std::mem::take(&mut self.sent),
            delivered: self.second.count(),
            p99_ms: (self.second.count() > 0).then(|| self.second.at(0.99)),
            open,
        };
        self.second.clear();
        done
    }
}
