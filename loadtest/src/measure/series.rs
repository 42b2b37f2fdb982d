//! What happened second by second, and what the servers used meanwhile.

use super::process::{Machine, Watched, cpu_seconds, own_cpu_seconds, resident_kib};
use crate::clock::{Nanos, SECOND, seconds};
use serde::Serialize;
use std::collections::BTreeMap;

/// One second.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Second {
    /// Its end, in seconds since the measurement began.
    pub(crate) t: f64,
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    /// Absent when nothing was delivered.
    pub(crate) p99_ms: Option<f64>,
    pub(crate) open: u64,
    /// CPU seconds per second.
    pub(crate) cpu: BTreeMap<String, f64>,
    pub(crate) rss_kib: BTreeMap<String, u64>,
}

/// A server process over the whole measurement.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) pid: u32,
    pub(crate) cpu_seconds: f64,
    pub(crate) rss_kib_before: u64,
    pub(crate) rss_kib_after: u64,
    pub(crate) rss_kib_max: u64,
    /// It ended meanwhile: what it used since then is not known, nor what it would have.
    pub(crate) died: bool,
    #[serde(skip)]
    cpu_begin: f64,
    #[serde(skip)]
    cpu_last: f64,
}

/// Looks at the servers each second while a load is measured.
pub(crate) struct Series {
    pub(crate) processes: Vec<Process>,
    pub(crate) seconds: Vec<Second>,
    began: Nanos,
    last: Nanos,
    own_cpu: f64,
    machine: Machine,
}

/// What the load itself did in a second.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) open: u64,
}

impl Series {
    /// Looks at the servers as they are before any connection.
    pub(crate) fn before(watched: &[Watched]) -> Result<Self, String> {
        let look = |watched: &Watched| {
            let Watched { name, pid } = watched.clone();
            let rss = resident_kib(pid).ok_or_else(|| format!("--pids: process {pid} ({name}) cannot be looked at"))?;
            Ok(Process {
                name,
                pid,
                cpu_seconds: 0.0,
                rss_kib_before: rss,
                rss_kib_after: rss,
                rss_kib_max: rss,
                died: false,
                cpu_begin: 0.0,
                cpu_last: 0.0,
            })
        };
        Ok(Self {
            processes: watched.iter().map(look).collect::<Result<_, String>>()?,
            seconds: Vec::new(),
            began: 0,
            last: 0,
            own_cpu: 0.0,
            machine: Machine::default(),
        })
    }

    /// The measurement begins.
    pub(crate) fn begin(&mut self, now: Nanos) {
        (self.began, self.last) = (now, now);
        self.own_cpu = own_cpu_seconds();
        self.machine = Machine::look();
        for process in &mut self.processes {
            process.cpu_begin = cpu_seconds(process.pid).unwrap_or_default();
            process.cpu_last = process.cpu_begin;
        }
    }

    /// When the next look is due.
    pub(crate) fn due(&self) -> Nanos {
        self.last + SECOND
    }

    /// Looks again. A process that died meanwhile keeps what it had.
    pub(crate) fn look(&mut self, now: Nanos, done: &Done) {
        let passed = seconds(now - self.last).max(1e-3);
        self.last = now;
        let (mut cpu, mut rss_kib) = (BTreeMap::new(), BTreeMap::new());
        for process in &mut self.processes {
            let used = cpu_seconds(process.pid).unwrap_or(process.cpu_last);
            cpu.insert(process.name.clone(), (used - process.cpu_last) / passed);
            process.cpu_last = used;
            process.cpu_seconds = used - process.cpu_begin;
            match resident_kib(process.pid) {
                Some(rss) => {
                    process.rss_kib_after = rss;
                    process.rss_kib_max = process.rss_kib_max.max(rss);
                    rss_kib.insert(process.name.clone(), rss);
                }
                None => process.died = true,
            }
        }
        self.seconds.push(Second {
            t: seconds(now - self.began),
            sent: done.sent,
            delivered: done.delivered,
            p99_ms: done.p99_ms,
            open: done.open,
            cpu,
            rss_kib,
        });
    }

    /// Whether there were processes to look at, and all of them lived to the end.
    pub(crate) fn watched_all(&self) -> bool {
        !self.processes.is_empty() && !self.processes.iter().any(|process| process.died)
    }

    /// By how much all watched processes together grew from the second quarter of the time to the last: what fills up
    /// once has filled up by then. `None` when there are too few seconds to tell, or a process died.
    pub(crate) fn growth_percent(&self) -> Option<f64> {
        let quarter = self.seconds.len() / 4;
        let mean = |seconds: &[Second]| {
            let sum: u64 = seconds.iter().flat_map(|second| second.rss_kib.values()).sum();
            sum as f64 / seconds.len() as f64
        };
        if quarter < 5 || !self.watched_all() {
            return None;
        }
        let (early, late) = (
            mean(&self.seconds[quarter..2 * quarter]),
            mean(&self.seconds[3 * quarter..]),
        );
        Some((late / early - 1.0) * 100.0)
    }

    pub(crate) fn own_cpu_seconds(&self) -> f64 {
        own_cpu_seconds() - self.own_cpu
    }

    pub(crate) fn stolen_seconds(&self) -> f64 {
        self.machine.stolen_since()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn the_memory_of_a_process_that_died_is_not_told_as_if_it_had_shrunk() {
        let sleeper = Command::new("sleep").arg("1000").stdout(Stdio::null()).spawn();
        let mut sleeper = sleeper.unwrap();
        let watched = |name: &str, pid| Watched {
            name: name.to_owned(),
            pid,
        };
        let all = [watched("self", std::process::id()), watched("sleeper", sleeper.id())];
        let mut series = Series::before(&all).unwrap();
        series.begin(0);
        for second in 1..=20 {
            series.look(second * SECOND, &Done::default());
        }
        assert!(series.watched_all() && series.growth_percent().is_some());

        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        series.look(21 * SECOND, &Done::default());

        assert!(series.processes[1].died && !series.processes[0].died);
        assert_eq!((series.watched_all(), series.growth_percent()), (false, None));
    }
}
