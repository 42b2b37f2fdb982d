//! What must hold: the promises that hold for every load, and the bounds that were asked for.

use super::Report;
use crate::measure::bounds::{Bound, Kind};
use crate::run::Run;

/// What nobody has to bound, and nothing of it may be unless a bound allows some. By the name of that bound.
const PROMISES: [(&str, &str); 12] = [
    ("lost", "lines were lost"),
    ("out_of_order", "lines were overtaken"),
    ("doubled", "lines became two"),
    ("strange", "lines came to people they were not for"),
    ("refused", "lines were refused"),
    ("unacknowledged", "lines were never acknowledged"),
    (
        "skipped",
        "lines were not said: their speakers had no connection or no partner",
    ),
    ("ended", "connections ended that this load did not cut"),
    ("missing", "people were not back at the end"),
    ("unseated", "people came back and had lost their seats"),
    (
        "rooms_ended",
        "people were told of the end of a room that nobody had left",
    ),
    (
        "strangers",
        "people were paired with strangers who are not of this run; they said nothing to each other",
    ),
];

/// Percent of the lines of a soak that people may be too busy to say; with more it is no load.
const MOST_ABSENT: f64 = 50.0;

impl Report {
    pub(super) fn judge(&mut self, run: &Run) {
        self.wrong = self.wrongs(run);
        let bounds = run.options.bound.iter();
        self.bounds = bounds
            .map(|bound| bound.judge(self.value(&bound.name), self.whole(bound)))
            .collect();
        self.held = self.wrong.is_empty() && self.bounds.iter().all(|bound| bound.held);
    }

    /// What a bound is about; `None` if it was not measured.
    fn value(&self, name: &str) -> Option<f64> {
        let (counts, lines) = (&self.counts, &self.counts.lines);
        let storm = self.storm.as_ref();
        let (talked, asked) = (lines.sent > 0, lines.sent > 0 && self.load != "typing");
        let lines_were_due = self.due() > 0;
        let among = |measured: bool, count: u64| measured.then_some(count as f64);
        match name {
            "pairing" => self.pairing_ms.all,
            "back50" => storm?.back50_ms,
            "back99" => storm?.back99_ms,
            "back100" => storm?.back100_ms,
            "growth" => self.growth_percent,
            "cpu_per_100k" => self.cpu_seconds_per_100k,
            "kib_per_connection" => self.kib_per_connection,
            "lost" => among(talked, lines.lost),
            "out_of_order" => among(talked, lines.out_of_order),
            "doubled" => among(talked, lines.doubled),
            "duplicated" => among(talked, lines.duplicated),
            "strange" => among(talked, counts.strange),
            "refused" => among(asked, lines.refused),
            "unacknowledged" => among(asked, lines.unacknowledged),
            "unheard" => among(asked, lines.unheard),
            "unanswered" => among(asked, lines.unanswered),
            "skipped" => among(lines_were_due, counts.skipped),
            "absent" => among(lines_were_due, counts.absent),
            "ended" => among(true, counts.connections_ended),
            "missing" => among(true, counts.missing as u64),
            "unseated" => among(true, storm.map_or(0, |storm| storm.unseated)),
            "rooms_ended" => among(counts.rooms > 0, counts.rooms_ended),
            "strangers" => among(counts.rooms > 0, counts.strangers as u64),
            _ => match name.strip_prefix("ack_") {
                Some(name) => self.ack_ms?.named(name),
                None => self.delivery_ms?.named(name),
            },
        }
    }

    /// Lines that were due, said or not.
    fn due(&self) -> u64 {
        self.counts.lines.sent + self.counts.skipped + self.counts.absent
    }

    /// All that there could be of what is bounded by a share.
    fn whole(&self, bound: &Bound) -> f64 {
        match bound.kind {
            Kind::People => self.connections as f64,
            Kind::Lines | Kind::Time | Kind::Cpu | Kind::Memory | Kind::Growth => self.due() as f64,
        }
    }

    fn wrongs(&self, run: &Run) -> Vec<String> {
        let bounded = |name: &str| run.options.bound.iter().any(|bound| bound.name == name);
        let wanted = |name: &str| name == "ended" && run.crowd.manners.others_cut;
        let mut wrong = Vec::new();
        if let Some(signal) = self.signal {
            wrong.push(format!("ended early by {}", signal.name()));
        }
        for (name, what) in PROMISES {
            let count = self.value(name).filter(|count| *count > 0.0);
            if let Some(count) = count.filter(|_| !bounded(name) && !wanted(name)) {
                wrong.push(format!("{count} {what}"));
            }
        }
        let talks = self.rate.planned > 0.0;
        if talks && self.counts.lines.delivered == 0 {
            wrong.push("nothing was delivered".to_owned());
        }
        let absent = self.counts.absent as f64 / self.due().max(1) as f64 * 100.0;
        if self.load == "soak" && absent > MOST_ABSENT && !bounded("absent") {
            wrong.push(format!(
                "{absent:.0} % of the lines were due to people who were away or sought a partner"
            ));
        }
        let alone = self.connections - self.counts.paired;
        if self.load == "pair" && alone > 0 {
            wrong.push(format!("{alone} were left without a partner"));
        }
        wrong
    }
}
