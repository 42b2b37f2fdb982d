//! The results of a run: one object, written as JSON, as a screenful of text and as a page.

pub(crate) mod output;
mod page;
mod plot;
mod promises;
mod summary;

use crate::clock::millis;
use crate::crowd::returns::How;
use crate::crowd::tally::Tally;
use crate::crowd::worst::Worst;
use crate::measure::bounds::Verdict;
use crate::measure::latency::{Latency, Percentiles};
use crate::measure::series::{Process, Second};
use crate::run::Run;
use crate::signals::Signal;
use crate::talk::Talk;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) load: String,
    pub(crate) started: String,
    /// Seconds that were measured.
    pub(crate) seconds: f64,
    pub(crate) connections: usize,
    pub(crate) targets: usize,
    pub(crate) rate: Rate,
    pub(crate) counts: Counts,
    /// Absent, as everything below, when there was nothing to measure. The lost count with their age at the end.
    pub(crate) delivery_ms: Option<Percentiles>,
    pub(crate) ack_ms: Option<Percentiles>,
    pub(crate) pairing_ms: Pairing,
    pub(crate) processes: Vec<Process>,
    pub(crate) client: Own,
    /// CPU seconds of all watched processes per 100,000 lines delivered within the measured time.
    pub(crate) cpu_seconds_per_100k: Option<f64>,
    /// Memory that the watched processes have more than before the first connection.
    pub(crate) kib_per_connection: Option<f64>,
    /// Growth of that memory in percent, from the second quarter of the time to the last; absent when too short.
    pub(crate) growth_percent: Option<f64>,
    /// Coming back after connections were cut; absent when none was.
    pub(crate) storm: Option<Storm>,
    /// What servers said beyond answers, and why connections ended.
    pub(crate) complaints: BTreeMap<String, u64>,
    /// The rooms in which the most went wrong, the worst first.
    pub(crate) worst_rooms: Worst,
    pub(crate) series: Vec<Second>,
    pub(crate) bounds: Vec<Verdict>,
    /// One in so many deliveries took longer than so many milliseconds.
    pub(crate) curve: Vec<(f64, f64)>,
    /// Why the exit status says that something is wrong, bounds apart.
    pub(crate) wrong: Vec<String>,
    /// Whether nothing is wrong and every bound held.
    pub(crate) held: bool,
    /// What ended the load before its time.
    #[serde(skip)]
    pub(crate) signal: Option<Signal>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Rate {
    pub(crate) wanted: f64,
    pub(crate) planned: f64,
    pub(crate) sent: f64,
}

/// Lines that were due within the measured time, and what happened to people.
#[derive(Debug, Serialize)]
pub(crate) struct Counts {
    #[serde(flatten)]
    pub(crate) lines: Tally,
    /// Over all the time.
    pub(crate) strange: u64,
    pub(crate) echoed: u64,
    pub(crate) skipped: u64,
    pub(crate) absent: u64,
    pub(crate) rooms: usize,
    pub(crate) rooms_harmed: usize,
    pub(crate) rooms_ended: u64,
    pub(crate) strangers: usize,
    pub(crate) paired: usize,
    /// Not back at the end.
    pub(crate) missing: usize,
    pub(crate) connections_ended: u64,
    pub(crate) connections_failed: u64,
}

/// Each waits from when all began to seek.
#[derive(Debug, Serialize)]
pub(crate) struct Pairing {
    /// Until the last; absent when somebody was left over.
    pub(crate) all: Option<f64>,
    #[serde(flatten)]
    pub(crate) each: Option<Percentiles>,
}

/// Who lost the connection while they had a seat, and how they came back.
#[derive(Debug, Serialize)]
pub(crate) struct Storm {
    pub(crate) cut: u64,
    /// In their seats again.
    pub(crate) back: u64,
    /// From the cut until so many were back; absent when they were not.
    pub(crate) back50_ms: Option<f64>,
    pub(crate) back99_ms: Option<f64>,
    pub(crate) back100_ms: Option<f64>,
    /// By recovery of the session, by asking for the seat, and not at all.
    pub(crate) recovered: u64,
    pub(crate) reseated: u64,
    pub(crate) unseated: u64,
}

/// What the load generator used itself.
#[derive(Debug, Serialize)]
pub(crate) struct Own {
    pub(crate) cpu_seconds: f64,
    /// How late lines left this process, 99 of 100: a machine too busy measures itself.
    pub(crate) late_p99_ms: Option<f64>,
    /// CPU seconds that the host of this machine took away meanwhile.
    pub(crate) stolen_seconds: f64,
}

impl Report {
    pub(crate) fn of(load: &str, run: &Run, talk: &Talk) -> Self {
        let record = &run.crowd.record;
        let counts = Counts::of(run);
        let measured = run.series.seconds.last().map_or(0.0, |last| last.t);
        let mut report = Self {
            load: load.to_owned(),
            started: run.started.clone(),
            seconds: measured,
            connections: run.crowd.len(),
            targets: run.client.targets(),
            rate: Rate {
                wanted: run.options.rate,
                planned: talk.rate,
                sent: counts.lines.sent as f64 / measured.max(1e-3),
            },
            cpu_seconds_per_100k: cpu_per_100k(run),
            kib_per_connection: kib_per_connection(run),
            growth_percent: run.series.growth_percent(),
            storm: Storm::of(run),
            counts,
            delivery_ms: record.delivery.percentiles(),
            ack_ms: record.ack.percentiles(),
            pairing_ms: Pairing {
                all: run.paired_in.map(millis),
                each: record.pairing.percentiles(),
            },
            processes: run.series.processes.clone(),
            client: Own {
                cpu_seconds: run.own_cpu_seconds,
                late_p99_ms: record.late.percentiles().map(|late| late.p99),
                stolen_seconds: run.stolen_seconds,
            },
            complaints: record.complaints.clone(),
            worst_rooms: run.crowd.rooms.worst(),
            series: run.series.seconds.clone(),
            bounds: Vec::new(),
            curve: record.delivery.curve(),
            wrong: Vec::new(),
            held: false,
            signal: run.signals.heard(),
        };
        report.judge(run);
        report
    }
}

/// CPU seconds of all watched processes per 100,000 lines that came while they were looked at.
fn cpu_per_100k(run: &Run) -> Option<f64> {
    let cpu: f64 = run.series.processes.iter().map(|process| process.cpu_seconds).sum();
    let delivered: u64 = run.series.seconds.iter().map(|second| second.delivered).sum();
    (run.series.watched_all() && delivered > 0).then(|| cpu * 1e5 / delivered as f64)
}

fn kib_per_connection(run: &Run) -> Option<f64> {
    let grown = |process: &Process| process.rss_kib_after as f64 - process.rss_kib_before as f64;
    let grown: f64 = run.series.processes.iter().map(grown).sum();
    run.series.watched_all().then(|| grown / run.crowd.len().max(1) as f64)
}

impl Storm {
    fn of(run: &Run) -> Option<Self> {
        let returns = &run.crowd.returns;
        let mut times = Latency::new();
        returns.took().for_each(|took| times.record(took));
        let (cut, back) = (returns.at_stake(), times.count());
        // The histogram knows only those who are back; of those who are not, nobody knows how long it takes.
        let at = |share: f64| {
            let rank = (share * cut as f64).ceil();
            (cut > 0 && back as f64 >= rank).then(|| times.at(rank / back as f64))
        };
        (cut > 0).then(|| Self {
            cut,
            back,
            back50_ms: at(0.5),
            back99_ms: at(0.99),
            back100_ms: at(1.0),
            recovered: returns.count(How::Recovered),
            reseated: returns.count(How::Reseated),
            unseated: returns.count(How::Unseated),
        })
    }
}

impl Counts {
    fn of(run: &Run) -> Self {
        let (crowd, happened) = (&run.crowd, run.crowd.record.happened);
        Self {
            lines: crowd.tally(),
            strange: happened.strange,
            echoed: happened.echoed,
            skipped: happened.skipped,
            absent: happened.absent,
            rooms: crowd.rooms.len(),
            rooms_harmed: crowd.rooms.harmed(),
            rooms_ended: happened.rooms_ended,
            strangers: crowd.with_strangers(run.now()),
            paired: crowd.seated(),
            missing: crowd.missing(),
            connections_ended: happened.ended,
            connections_failed: happened.failed,
        }
    }
}
