//! Runs one load of this very program as a process of its own, and reads what it measured.

use super::machine::{Disturbance, Watch};
use super::stack::{RATE_LIMIT, RATE_WINDOW_MS, Stack};
use super::{Effort, Options};
use serde::Deserialize;
use std::collections::HashMap;
use std::fs::File;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Connecting, pairing and saying goodbye take at most this, whatever the load.
const BESIDES: Duration = Duration::from_secs(180);

/// One load to run.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub(super) kind: &'static str,
    pub(super) connections: u32,
    /// Lines a second over all rooms, for loads that send.
    pub(super) rate: Option<f64>,
    pub(super) warmup: u32,
    pub(super) seconds: u32,
    /// The process to kill, for `storm`.
    pub(super) kill: Option<&'static str>,
}

impl Load {
    pub(super) fn new(kind: &'static str, connections: u32, effort: &Effort) -> Self {
        Self {
            kind,
            connections,
            rate: None,
            warmup: effort.warmup,
            seconds: effort.seconds,
            kill: None,
        }
    }

    pub(super) fn at(self, rate: f64) -> Self {
        Self {
            rate: Some(rate),
            ..self
        }
    }
}

/// What a load measured: the part of its JSON that is needed here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Measured {
    pub(super) seconds: f64,
    pub(super) connections: f64,
    pub(super) rate: Rate,
    pub(super) counts: Counts,
    pub(super) delivery_ms: Option<Spread>,
    pub(super) pairing_ms: Pairing,
    pub(super) storm: Option<Storm>,
    pub(super) series: Vec<Second>,
    pub(super) processes: Vec<Process>,
    #[serde(skip)]
    pub(super) disturbance: Disturbance,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rate {
    pub(super) wanted: f64,
    pub(super) sent: f64,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    pub(super) sent: f64,
    pub(super) delivered: f64,
    pub(super) acknowledged: f64,
    pub(super) lost: f64,
    pub(super) refused: f64,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Spread {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pairing {
    /// Absent when somebody was left over.
    pub(super) all: Option<f64>,
}

/// How people came back after their server was killed.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Storm {
    pub(super) cut: f64,
    pub(super) back: f64,
    pub(super) back99_ms: Option<f64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Second {
    delivered: f64,
    /// CPU seconds per second of each process.
    cpu: HashMap<String, f64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Process {
    pub(super) name: String,
    pub(super) cpu_seconds: f64,
    pub(super) rss_kib_before: f64,
    pub(super) rss_kib_after: f64,
}

impl Measured {
    /// CPU of all processes per line, in microseconds.
    pub(super) fn cpu_per_line(&self) -> Option<f64> {
        self.per_line(|_| true)
    }

    /// CPU of Redis per line, in microseconds.
    pub(super) fn redis_per_line(&self) -> Option<f64> {
        self.per_line(|process| process.name == "redis")
    }

    fn per_line(&self, counts: impl Fn(&Process) -> bool) -> Option<f64> {
        let cpu: f64 = self.processes.iter().filter(|p| counts(p)).map(|p| p.cpu_seconds).sum();
        let delivered = self.delivered_in_time();
        (delivered > 0.0).then(|| cpu * 1e6 / delivered)
    }

    /// Lines that came while the CPU was looked at; what a busy server has left to do then comes later.
    fn delivered_in_time(&self) -> f64 {
        self.series.iter().map(|second| second.delivered).sum()
    }

    pub(super) fn p99(&self) -> Option<f64> {
        self.delivery_ms.map(|d| d.p99)
    }

    /// How much the nodes grew by each connection, in KiB.
    pub(super) fn kib_per_connection(&self) -> f64 {
        let nodes = self.processes.iter().filter(|p| p.name.starts_with("node-"));
        let grown: f64 = nodes.map(|p| p.rss_kib_after - p.rss_kib_before).sum();
        grown / self.connections.max(1.0)
    }

    /// The busiest second of Redis, in cores.
    pub(super) fn redis_peak(&self) -> f64 {
        let seconds = self.series.iter().filter_map(|second| second.cpu.get("redis"));
        seconds.copied().fold(0.0, f64::max)
    }

    /// Everything that was to be said was said, and came, about as fast as it was said.
    pub(super) fn is_complete(&self) -> bool {
        let said = self.rate.sent >= 0.97 * self.rate.wanted;
        let kept_up = self.delivered_in_time() >= 0.95 * self.counts.sent;
        said && kept_up && self.counts.sent > 0.0 && self.counts.lost == 0.0 && self.counts.refused == 0.0
    }
}

/// Runs `load` against `stack` and waits for its end.
pub(super) fn run(options: &Options, stack: &Stack, load: Load) -> Result<Measured, String> {
    let watch = Watch::start(&stack.pids());
    let mut measured = report(options, stack, load)?;
    measured.disturbance = watch.stop();
    Ok(measured)
}

fn report(options: &Options, stack: &Stack, load: Load) -> Result<Measured, String> {
    let json = options.scratch.join("load.json");
    let log = options.scratch.join("load.log");
    let failed = |e: std::io::Error| format!("{}: {e}", load.kind);
    // A report of an earlier load must not be taken for this one's.
    let _ = std::fs::remove_file(&json);
    let output = File::create(&log).map_err(failed)?;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]);
    command.arg(std::env::current_exe().map_err(failed)?);
    command.args(arguments(stack, load));
    command.arg("--json").arg(&json);
    command.stdin(Stdio::null());
    command.stderr(output.try_clone().map_err(failed)?).stdout(output);
    let mut child = command.spawn().map_err(failed)?;
    let deadline = Instant::now() + Duration::from_secs(u64::from(load.warmup + load.seconds)) + BESIDES;
    while child.try_wait().map_err(failed)?.is_none() {
        if Instant::now() > deadline {
            child.kill().map_err(failed)?;
            child.wait().map_err(failed)?;
            return Err(format!("{} does not end", load.kind));
        }
        sleep(Duration::from_millis(20));
    }
    // A broken bound or a lost line has a report, too; a load that could not be run leaves an empty one.
    let text = std::fs::read_to_string(&json).unwrap_or_default();
    if text.is_empty() {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        return Err(format!("{} measured nothing: {}", load.kind, said.trim()));
    }
    serde_json::from_str(&text).map_err(|e| format!("the report of {}: {e}", load.kind))
}

fn arguments(stack: &Stack, load: Load) -> Vec<String> {
    let named: Vec<_> = stack
        .processes()
        .iter()
        .map(|(name, pid)| format!("{name}={pid}"))
        .collect();
    let mut words = vec![load.kind.to_owned(), "--no-progress".to_owned()];
    // As the processes that are measured are told to allow.
    words.extend([
        "--limit".to_owned(),
        format!("{RATE_LIMIT}/{}", f64::from(RATE_WINDOW_MS) / 1000.0),
    ]);
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    option("--targets", stack.targets());
    option("--connections", load.connections.to_string());
    option("--pids", named.join(","));
    option("--warmup", load.warmup.to_string());
    option("--duration", load.seconds.to_string());
    if let Some(rate) = load.rate {
        option("--rate", rate.to_string());
    }
    if let Some(name) = load.kill {
        option("--kill", name.to_owned());
    }
    words
}
