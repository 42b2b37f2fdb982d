//! What a process of this machine uses, as the kernel says.

use std::fs;
use std::str::FromStr;

/// A server process to look at, by the name it has in reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Watched {
    pub(crate) name: String,
    pub(crate) pid: u32,
}

impl FromStr for Watched {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, pid) = text.split_once('=').unwrap_or((text, text));
        let pid = pid.parse().map_err(|_| format!("{text}: not NAME=PID"))?;
        Ok(Self {
            name: name.to_owned(),
            pid,
        })
    }
}

/// Resident memory in KiB; `None` when there is no such process (any more).
pub(crate) fn resident_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Seconds that all its threads have computed, in user and kernel mode.
pub(crate) fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may have spaces and parentheses in it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / rustix::param::clock_ticks_per_second() as f64)
}

/// Of this process.
pub(crate) fn own_cpu_seconds() -> f64 {
    cpu_seconds(std::process::id()).unwrap_or_default()
}

/// Cores of the machine's work that nobody here ordered, since the last look: others' processes and a host that takes
/// time away both spoil a measurement.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    stolen: f64,
}

impl Machine {
    /// Seconds of all cores that the host took away since this was made.
    pub(crate) fn look() -> Self {
        Self {
            stolen: stolen().unwrap_or_default(),
        }
    }

    pub(crate) fn stolen_since(&self) -> f64 {
        (stolen().unwrap_or_default() - self.stolen).max(0.0)
    }
}

fn stolen() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let ticks: f64 = stat.lines().next()?.split_whitespace().nth(8)?.parse().ok()?;
    Some(ticks / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_named_or_its_number_is_its_name() {
        let named = |name: &str, pid| {
            Ok(Watched {
                name: name.to_owned(),
                pid,
            })
        };
        assert_eq!("node-1=42".parse(), named("node-1", 42));
        assert_eq!("42".parse(), named("42", 42));
        assert!("node".parse::<Watched>().is_err());
    }

    #[test]
    fn this_process_has_memory_and_has_computed() {
        let pid = std::process::id();

        assert!(resident_kib(pid).is_some_and(|kib| kib > 100));
        assert!(cpu_seconds(pid).is_some());
        assert_eq!(resident_kib(u32::MAX), None);
    }
}
