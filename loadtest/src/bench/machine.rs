//! The machine that measures: what it is, whether it is quiet, and what else ran on it during a measurement.

use crate::measure::process::cpu_seconds;
use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Of one core: more than this by others, or taken by the hypervisor, and a number is no longer ours alone.
const QUIET: f64 = 0.10;

/// How long the machine is looked at before it is called quiet.
const LOOK: Duration = Duration::from_secs(2);

/// How long the processes that are measured are looked at before they are called idle.
const GLANCE: Duration = Duration::from_millis(500);
/// Longest wait for that.
const BUSY_AT_MOST: Duration = Duration::from_secs(20);

/// CPU seconds used so far.
#[derive(Clone, Copy)]
struct Used {
    busy: f64,
    stolen: f64,
    ours: f64,
    at: Instant,
}

/// What disturbed a measurement, in cores.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub(super) struct Disturbance {
    /// CPU of processes that are not part of it.
    pub(super) others: f64,
    /// Time in which the hypervisor ran something else.
    pub(super) stolen: f64,
}

impl Disturbance {
    pub(super) fn is_quiet(self) -> bool {
        self.others <= QUIET && self.stolen <= QUIET
    }
}

impl std::fmt::Display for Disturbance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "others {:.2} cores, stolen {:.2}", self.others, self.stolen)
    }
}

/// Watches what runs beside `pids`, this process and the children it has waited for.
pub(super) struct Watch {
    pids: Vec<u32>,
    start: Used,
}

impl Watch {
    pub(super) fn start(pids: &[u32]) -> Self {
        Self {
            pids: pids.to_vec(),
            start: used(pids),
        }
    }

    pub(super) fn stop(self) -> Disturbance {
        let end = used(&self.pids);
        let seconds = end.at.duration_since(self.start.at).as_secs_f64();
        let foreign = (end.busy - self.start.busy) - (end.ours - self.start.ours);
        Disturbance {
            others: (foreign / seconds).max(0.0),
            stolen: (end.stolen - self.start.stolen) / seconds,
        }
    }
}

/// Waits up to `patience` until nothing else runs. The last look is the answer, quiet or not.
pub(super) fn wait_until_quiet(pids: &[u32], patience: Duration) -> Disturbance {
    let deadline = Instant::now() + patience;
    loop {
        let watch = Watch::start(pids);
        sleep(LOOK);
        let seen = watch.stop();
        if seen.is_quiet() || Instant::now() >= deadline {
            return seen;
        }
    }
}

/// Waits, not for ever, until `pids` have nothing more to do.
pub(super) fn wait_until_idle(pids: &[u32]) {
    let deadline = Instant::now() + BUSY_AT_MOST;
    while Instant::now() < deadline {
        let before = seconds_of(pids);
        sleep(GLANCE);
        if seconds_of(pids) - before <= QUIET * GLANCE.as_secs_f64() {
            return;
        }
    }
}

fn used(pids: &[u32]) -> Used {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<f64> = stat.lines().next().map(numbers).unwrap_or_default();
    let field = |i: usize| fields.get(i).copied().unwrap_or(0.0) / ticks_per_second();
    Used {
        // user, nice, system, irq, softirq; idle and waiting for disks are between, stolen time comes after.
        busy: field(0) + field(1) + field(2) + field(5) + field(6),
        stolen: field(7),
        ours: own_seconds() + seconds_of(pids),
        at: Instant::now(),
    }
}

fn numbers(line: &str) -> Vec<f64> {
    line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// Nothing of a process that has ended.
fn seconds_of(pids: &[u32]) -> f64 {
    pids.iter().filter_map(|pid| cpu_seconds(*pid)).sum()
}

/// CPU seconds of this process and of the children it has waited for.
fn own_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().skip(11));
    let ticks = fields
        .into_iter()
        .flatten()
        .take(4)
        .filter_map(|word| word.parse::<f64>().ok());
    ticks.sum::<f64>() / ticks_per_second()
}

fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

/// The machine in one line.
pub(super) fn describe() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |line: &str| line.split_once(':').map(|(_, v)| v.trim().to_owned());
    let model = info.lines().find(|l| l.starts_with("model name")).and_then(value);
    let cores = info.lines().filter(|l| l.starts_with("processor")).count();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.lines().next().map(numbers).unwrap_or_default();
    let gib = kib.first().copied().unwrap_or(0.0) / 1024.0 / 1024.0;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let model = model.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{cores} cores of {model}, {gib:.0} GiB, Linux {}", kernel.trim())
}

/// The first line that a command prints, or what is said instead.
pub(super) fn first_line_of(program: &str, arguments: &[&str], otherwise: &str) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
    let line = text.ok().and_then(|t| t.lines().next().map(str::to_owned));
    line.unwrap_or_else(|| otherwise.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_is_seen_working() {
        let before = own_seconds();
        let started = Instant::now();

        while own_seconds() < before + 0.05 {
            assert!(started.elapsed() < Duration::from_secs(20), "a busy loop uses no CPU");
        }
    }

    #[test]
    fn the_machine_has_cores_and_a_kernel() {
        let line = describe();
        assert!(!line.starts_with("0 cores") && line.contains("Linux "), "{line}");
    }
}
