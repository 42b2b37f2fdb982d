//! What a process of this machine uses, as the kernel says.

/// Resident memory in KiB.
pub(crate) fn resident_kib(pid: u32) -> Result<u64, String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
    let status = status.map_err(|e| format!("process {pid} cannot be looked at: {e}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.ok_or_else(|| format!("process {pid} has no memory to look at"))
}
