//! What this process uses, by Prometheus's standard names, read from the kernel when asked. Where there is no
//! `/proc` nothing is told.

use std::fmt::Write;
use std::fs;

/// Memory of this process, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// In RAM now.
    pub resident: u64,
    /// Of that, private and writable: heap, stacks and static data.
    pub private: u64,
    /// Of that, shared with files (the program's code, mostly).
    pub file_backed: u64,
}

/// The memory of this process now; zeros where the kernel does not tell.
pub fn memory() -> Memory {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = |field: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok())
            .unwrap_or(0)
    };
    Memory {
        resident: kilobytes("VmRSS:") * 1024,
        private: kilobytes("RssAnon:") * 1024,
        file_backed: (kilobytes("RssFile:") + kilobytes("RssShmem:")) * 1024,
    }
}

/// Whether this process was told to ignore a signal, by its number, before it began to listen for it.
pub fn ignores(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// CPU seconds used since the start, and seconds since the machine booted at which that was.
fn times() -> Option<(f64, f64)> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in parentheses and may hold anything; count from behind it.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    // Linux tells these in hundredths of a second on every platform we build for.
    let (user, system, started) = (ticks(11)?, ticks(12)?, ticks(19)?);
    Some(((user + system) / 100.0, started / 100.0))
}

/// When the machine booted, in Unix seconds.
fn booted() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()
}

/// Open files now, and the most there may be.
fn files() -> (Option<f64>, Option<f64>) {
    let open = fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as f64);
    (open, file_limit().map(|limit| limit as f64))
}

/// The most files this process may have open.
pub fn file_limit() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The process's own numbers in Prometheus's text form.
pub(super) fn render() -> String {
    let mut out = String::new();
    let mut tell = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        }
    };
    let (times, (open, limit)) = (times(), files());
    tell(
        "process_cpu_seconds_total",
        "counter",
        "CPU time used, in seconds.",
        times.map(|t| t.0),
    );
    tell(
        "process_start_time_seconds",
        "gauge",
        "Start of the process, in Unix seconds.",
        times.and_then(|t| Some(t.1 + booted()?)),
    );
    tell(
        "process_resident_memory_bytes",
        "gauge",
        "Memory in RAM, in bytes.",
        Some(memory().resident as f64),
    );
    tell("process_open_fds", "gauge", "Open files and sockets.", open);
    tell(
        "process_max_fds",
        "gauge",
        "Most files and sockets that may be open.",
        limit,
    );
    out
}
