//! The machine that measures: what it is, whether it is quiet, and what else ran on it during a measurement.

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

/// The kernel's clock ticks in a second; 100 on every Linux that matters (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

/// CPU used so far, in ticks.
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
        let ticks = end.at.duration_since(self.start.at).as_secs_f64() * TICKS;
        let foreign = (end.busy - self.start.busy) - (end.ours - self.start.ours);
        Disturbance {
            others: (foreign / ticks).max(0.0),
            stolen: (end.stolen - self.start.stolen) / ticks,
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
    let used = || pids.iter().map(|pid| ticks_of(*pid)).sum::<f64>();
    while Instant::now() < deadline {
        let before = used();
        sleep(GLANCE);
        if used() - before <= QUIET * GLANCE.as_secs_f64() * TICKS {
            return;
        }
    }
}

fn used(pids: &[u32]) -> Used {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<f64> = stat.lines().next().map(numbers).unwrap_or_default();
    let field = |i: usize| fields.get(i).copied().unwrap_or(0.0);
    Used {
        // user, nice, system, irq, softirq; idle and waiting for disks are between, stolen time comes after.
        busy: field(0) + field(1) + field(2) + field(5) + field(6),
        stolen: field(7),
        ours: own_ticks() + pids.iter().map(|pid| ticks_of(*pid)).sum::<f64>(),
        at: Instant::now(),
    }
}

fn numbers(line: &str) -> Vec<f64> {
    line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// The numbers of a process's `stat` after its name, which may hold blanks: user time is the 12th.
fn stat_of(pid: &str) -> Vec<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split_once(' '));
    after_state.map(|(_, rest)| numbers(rest)).unwrap_or_default()
}

fn ticks_of(pid: u32) -> f64 {
    stat_of(&pid.to_string()).iter().skip(10).take(2).sum()
}

/// This process's, and that of the children it has waited for.
fn own_ticks() -> f64 {
    stat_of("self").iter().skip(10).take(4).sum()
}

/// CPU seconds of a process so far.
pub(super) fn cpu_seconds(pid: u32) -> f64 {
    ticks_of(pid) / TICKS
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
        let before = cpu_seconds(std::process::id());
        let started = Instant::now();
        while cpu_seconds(std::process::id()) < before + 0.05 {
            assert!(started.elapsed() < Duration::from_secs(20), "a busy loop uses no CPU");
        }
    }

    #[test]
    fn the_machine_has_cores_and_a_kernel() {
        let line = describe();
        assert!(!line.starts_with("0 cores") && line.contains("Linux "), "{line}");
    }
}
