//! The results of a run: one object, written as JSON, as a screenful of text and as a page.

mod page;
mod plot;
mod summary;

use crate::clock::millis;
use crate::measure::bounds::Verdict;
use crate::measure::latency::Percentiles;
use crate::measure::series::{Process, Second};
use crate::run::Run;
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
    pub(crate) delivery_ms: Percentiles,
    pub(crate) ack_ms: Percentiles,
    pub(crate) pairing_ms: Pairing,
    pub(crate) processes: Vec<Process>,
    pub(crate) client: Own,
    /// CPU seconds of all watched processes per 100,000 lines delivered within the measured time.
    pub(crate) cpu_seconds_per_100k: f64,
    /// Memory that the watched processes have more than before the first connection.
    pub(crate) kib_per_connection: f64,
    /// Growth of that memory in percent, from the second quarter of the time to the last; absent when too short.
    pub(crate) growth_percent: Option<f64>,
    /// Coming back after connections were cut; absent when none was.
    pub(crate) storm: Option<Storm>,
    /// What servers said beyond answers, and why connections ended.
    pub(crate) complaints: BTreeMap<String, u64>,
    pub(crate) series: Vec<Second>,
    pub(crate) bounds: Vec<Verdict>,
    /// One in so many deliveries took longer than so many milliseconds.
    pub(crate) curve: Vec<(f64, f64)>,
    /// Why the exit status says that something is wrong, bounds apart.
    pub(crate) wrong: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Rate {
    pub(crate) wanted: f64,
    pub(crate) planned: f64,
    pub(crate) sent: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    pub(crate) acknowledged: u64,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) out_of_order: u64,
    pub(crate) refused: u64,
    pub(crate) unanswered: u64,
    pub(crate) doubled: u64,
    pub(crate) strange: u64,
    pub(crate) echoed: u64,
    pub(crate) skipped: u64,
    pub(crate) rooms: usize,
    pub(crate) rooms_harmed: usize,
    pub(crate) paired: usize,
    pub(crate) connections_ended: u64,
    pub(crate) connections_failed: u64,
}

/// Each waits from when all began to seek.
#[derive(Debug, Serialize)]
pub(crate) struct Pairing {
    /// Until the last; absent when somebody was left over.
    pub(crate) all: Option<f64>,
    #[serde(flatten)]
    pub(crate) each: Percentiles,
}

/// Who lost the connection while they had a seat, and how they came back.
#[derive(Debug, Serialize)]
pub(crate) struct Storm {
    pub(crate) cut: u64,
    /// In their seats again, by the end of the measured time.
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
    pub(crate) late_p99_ms: f64,
    /// CPU seconds that the host of this machine took away meanwhile.
    pub(crate) stolen_seconds: f64,
}

impl Report {
    pub(crate) fn of(load: &str, run: &Run, talk: &Talk) -> Self {
        let record = &run.crowd.record;
        let counts = Counts::of(run);
        let measured = run.series.seconds.last().map_or(0.0, |last| last.t);
        let cpu: f64 = run.series.processes.iter().map(|process| process.cpu_seconds).sum();
        let grown = |process: &Process| process.rss_kib_after as f64 - process.rss_kib_before as f64;
        let mut report = Self {
            load: load.to_owned(),
            started: run.started.clone(),
            seconds: measured,
            connections: run.crowd.len(),
            targets: run.client.targets(),
            rate: Rate {
                wanted: run.options.rate,
                planned: talk.rate,
                sent: counts.sent as f64 / measured.max(1e-3),
            },
            cpu_seconds_per_100k: match run.series.seconds.iter().map(|second| second.delivered).sum::<u64>() {
                0 => 0.0,
                delivered => cpu * 1e5 / delivered as f64,
            },
            kib_per_connection: run.series.processes.iter().map(grown).sum::<f64>() / run.crowd.len().max(1) as f64,
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
                late_p99_ms: record.late.at(0.99),
                stolen_seconds: run.stolen_seconds,
            },
            complaints: record.complaints.clone(),
            series: run.series.seconds.clone(),
            bounds: Vec::new(),
            curve: record.delivery.curve(),
            wrong: Vec::new(),
        };
        report.wrong = report.wrongs(run);
        let bounds = run.options.bound.iter();
        report.bounds = bounds.map(|bound| bound.judge(report.value(&bound.name))).collect();
        report
    }

    /// What a bound is about.
    fn value(&self, name: &str) -> Option<f64> {
        let of = |p: &Percentiles, name: &str| match name {
            "p50" => Some(p.p50),
            "p90" => Some(p.p90),
            "p95" => Some(p.p95),
            "p99" => Some(p.p99),
            "p999" => Some(p.p999),
            "max" => Some(p.max),
            "mean" => Some(p.mean),
            _ => None,
        };
        let measured = self.counts.delivered > 0;
        match name {
            "pairing" => self.pairing_ms.all,
            "back99" => self.storm.as_ref()?.back99_ms,
            "back100" => self.storm.as_ref()?.back100_ms,
            "growth" => self.growth_percent,
            "lost" => Some(self.counts.lost as f64),
            "duplicated" => Some(self.counts.duplicated as f64),
            "out_of_order" => Some(self.counts.out_of_order as f64),
            "refused" => Some(self.counts.refused as f64),
            "cpu_per_100k" => Some(self.cpu_seconds_per_100k).filter(|_| measured),
            "kib_per_connection" => Some(self.kib_per_connection).filter(|_| !self.processes.is_empty()),
            _ => match name.strip_prefix("ack_") {
                Some(name) => of(&self.ack_ms, name).filter(|_| measured),
                None => of(&self.delivery_ms, name).filter(|_| measured),
            },
        }
    }

    /// What nobody has to bound: a promise that was broken.
    fn wrongs(&self, run: &Run) -> Vec<String> {
        let bounded = |name: &str| run.options.bound.iter().any(|bound| bound.name == name);
        let counts = &self.counts;
        let all = [
            ("lost", counts.lost, "lines were lost"),
            ("out_of_order", counts.out_of_order, "lines were overtaken"),
            ("doubled", counts.doubled, "lines became two"),
            ("strange", counts.strange, "lines came to people they were not for"),
        ];
        let wrong = all.iter().filter(|(name, count, _)| *count > 0 && !bounded(name));
        let mut wrong: Vec<_> = wrong.map(|(_, count, what)| format!("{count} {what}")).collect();
        let alone = self.connections - counts.paired;
        if self.load == "pair" && alone > 0 {
            wrong.push(format!("{alone} were left without a partner"));
        }
        wrong
    }

    /// Whether all was as it must be.
    pub(crate) fn held(&self) -> bool {
        self.wrong.is_empty() && self.bounds.iter().all(|bound| bound.held)
    }
}

impl Storm {
    fn of(run: &Run) -> Option<Self> {
        let (record, happened) = (&run.crowd.record, run.crowd.record.happened);
        let (cut, back) = (happened.seats_at_stake, record.back.count());
        // The histogram knows only those who are back; of those who are not, nobody knows how long it takes.
        let at = |share: f64| {
            let rank = (share * cut as f64).ceil();
            (cut > 0 && back as f64 >= rank).then(|| record.back.at(rank / back as f64))
        };
        (cut > 0).then(|| Self {
            cut,
            back,
            back50_ms: at(0.5),
            back99_ms: at(0.99),
            back100_ms: at(1.0),
            recovered: happened.recovered,
            reseated: happened.reseated,
            unseated: happened.unseated,
        })
    }
}

impl Counts {
    fn of(run: &Run) -> Self {
        let (tally, happened) = (run.crowd.tally(), run.crowd.record.happened);
        Self {
            sent: tally.sent,
            delivered: tally.delivered,
            acknowledged: tally.acknowledged,
            lost: tally.lost,
            duplicated: tally.duplicated,
            out_of_order: tally.out_of_order,
            refused: tally.refused,
            unanswered: tally.unanswered,
            doubled: tally.doubled,
            strange: happened.strange,
            echoed: happened.echoed,
            skipped: happened.skipped,
            rooms: run.crowd.rooms.len(),
            rooms_harmed: run.crowd.rooms.harmed(),
            paired: run.crowd.seated(),
            connections_ended: happened.ended,
            connections_failed: happened.failed,
        }
    }
}
