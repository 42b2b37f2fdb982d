//! What is measured: N processes of Palaver or of the peer on a Redis of their own.

use super::Options;
use super::children::{self, Ready, Running};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines in the window of the limit on sending, as by default.
pub(super) const RATE_LIMIT: u32 = 10;
/// The window: short, so that few senders may send much. What a check costs does not depend on it.
pub(super) const RATE_WINDOW_MS: u32 = 500;

/// Signs the tokens of a measurement, and opens nothing.
const SECRET: &str = "only for measurements on this machine";

/// Whose processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum System {
    Palaver,
    Peer,
}

impl System {
    pub(super) const BOTH: [Self; 2] = [Self::Peer, Self::Palaver];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Palaver => "Palaver",
            Self::Peer => "peer",
        }
    }
}

/// How the nodes of Palaver pair.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pairing {
    /// As by default.
    Usual,
    /// The peer pairs whoever comes with whoever waits. So that both do the same, seekers are eligible at once and looked
    /// at without a pause.
    AtOnce,
}

/// Everything that runs for a measurement; dropping it ends all of it.
pub(super) struct Stack {
    nodes: Vec<Running>,
    redis: Running,
    data: PathBuf,
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.nodes.clear();
        // Scratch space; what stays goes with it.
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

impl Stack {
    pub(super) fn start(options: &Options, system: System, nodes: usize, pairing: Pairing) -> Result<Self, String> {
        let (redis, data) = redis(&options.scratch)?;
        let mut stack = Self {
            nodes: Vec::new(),
            redis,
            data,
        };
        for number in 1..=nodes {
            let name = format!("node-{number}");
            let redis = stack.redis_url();
            let command = |port| match system {
                System::Palaver => palaver(options, &redis, pairing, port),
                System::Peer => peer(options, &redis, port),
            };
            let node = children::start(&options.scratch, &name, Ready::Http, command)?;
            stack.nodes.push(node);
        }
        Ok(stack)
    }

    /// Redis alone.
    pub(super) fn bare(options: &Options) -> Result<Self, String> {
        let (redis, data) = redis(&options.scratch)?;
        Ok(Self {
            nodes: Vec::new(),
            redis,
            data,
        })
    }

    pub(super) fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.redis.port)
    }

    pub(super) fn redis_pid(&self) -> u32 {
        self.redis.pid()
    }

    /// As the load tool takes them.
    pub(super) fn targets(&self) -> String {
        let urls = self.nodes.iter().map(|n| format!("http://127.0.0.1:{}", n.port));
        urls.collect::<Vec<_>>().join(",")
    }

    /// Every process that does the work, with its name.
    pub(super) fn processes(&self) -> Vec<(String, u32)> {
        let all = self.nodes.iter().chain([&self.redis]);
        all.map(|p| (p.name.clone(), p.pid())).collect()
    }

    pub(super) fn pids(&self) -> Vec<u32> {
        self.processes().into_iter().map(|(_, pid)| pid).collect()
    }
}

/// A Redis that keeps an append-only file, as documented for production, in a directory of its own.
fn redis(scratch: &Path) -> Result<(Running, PathBuf), String> {
    let server = ["redis-server", "valkey-server", "redis-check-rdb"]
        .into_iter()
        .find_map(in_path)
        .ok_or("no Redis server on PATH (Debian: redis-tools)")?;
    let data = scratch.join(format!("redis-{}", children::free_port()?));
    std::fs::create_dir_all(&data).map_err(|e| format!("{}: {e}", data.display()))?;
    let running = children::start(scratch, "redis", Ready::Redis, |port| {
        let mut command = Command::new("bash");
        // Debian's redis-tools ships the server under another name; it acts by the name it is called by.
        command.args([
            "-c",
            "server=$1; shift; exec -a redis-server \"$server\" \"$@\"",
            "redis",
        ]);
        command
            .arg(&server)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
        command.arg("--dir").arg(&data);
        command.args(["--save", "", "--appendonly", "yes", "--maxmemory-policy", "noeviction"]);
        command.args(["--auto-aof-rewrite-min-size", "512mb"]);
        command.args(["--latency-tracking", "no"]);
        command
    })?;
    Ok((running, data))
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut candidates = std::env::split_paths(&path).map(|directory| directory.join(program));
    candidates.find(|candidate| candidate.is_file())
}

/// What every process of Palaver is told.
pub(super) fn for_node(command: &mut Command, options: &Options, redis: &str) {
    command.env("PALAVER_REDIS__URL", redis);
    command.env("PALAVER_POSTGRES__URL", &options.postgres);
    command.env("PALAVER_LOG", "warn");
    command.env("PALAVER_JWT__SECRETS", SECRET);
    // Visitors say where they come from.
    command.env("PALAVER_TRUSTED_PROXIES", "1");
}

fn palaver(options: &Options, redis: &str, pairing: Pairing, port: u16) -> Command {
    let mut command = Command::new(&options.palaver);
    command.arg("node");
    for_node(&mut command, options, redis);
    command.env("PALAVER_LISTEN", format!("127.0.0.1:{port}"));
    // One thread, as a Node process has: there are at least as many nodes as cores.
    command.env("TOKIO_WORKER_THREADS", "1");
    command.env("PALAVER_CHAT__RATE_LIMIT", RATE_LIMIT.to_string());
    command.env("PALAVER_CHAT__RATE_WINDOW", format!("{RATE_WINDOW_MS}ms"));
    if pairing == Pairing::AtOnce {
        command.env("PALAVER_QUEUE__ELIGIBLE_AFTER", "0s");
        command.env("PALAVER_QUEUE__PAIR_EVERY", "5ms");
    }
    command
}

fn peer(options: &Options, redis: &str, port: u16) -> Command {
    let mut command = Command::new("node");
    command.arg("server.js").current_dir(&options.peer);
    command.env("NODE_ENV", "production");
    command.env("PORT", port.to_string()).env("REDIS_URL", redis);
    command.env("RATE_LIMIT", RATE_LIMIT.to_string());
    command.env("RATE_WINDOW_MS", RATE_WINDOW_MS.to_string());
    command
}
