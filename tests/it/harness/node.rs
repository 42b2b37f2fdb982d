//! The real binary as a process: started on free ports, killed, drained, frozen.

use super::ports::free_port;
use super::process::{Process, dying_with_us};
use super::redis::Redis;
use super::{PATIENCE, holds_within};
use std::collections::BTreeMap;
use std::process::ExitStatus;

/// Settings of a node by the name of their environment variable.
pub type Settings = BTreeMap<String, String>;

const BINARY: &str = env!("CARGO_BIN_EXE_palaver");

/// Names another program among a node's settings: one that no build replaces between two starts.
pub const PROGRAM: &str = "TEST_PROGRAM";

/// A copy of the program at `to`.
pub fn keep_program(to: &std::path::Path) {
    if std::fs::hard_link(BINARY, to).is_err() {
        std::fs::copy(BINARY, to).unwrap();
    }
}

/// One `palaver node`.
pub struct NodeProcess {
    port: u16,
    metrics_port: u16,
    process: Process,
}

impl NodeProcess {
    /// Starts a node with `settings` and returns once it is ready to serve.
    pub async fn start(settings: &Settings) -> Self {
        for _ in 0..5 {
            let mut node = Self::launch(settings);
            let port = node.port;
            let up = holds_within(PATIENCE * 2, async || {
                status(port, "/ready").await == Some(200) || !node.process.runs()
            });
            if up.await && node.process.runs() {
                return node;
            }
            let output = node.process.output();
            let taken = output.to_lowercase().contains("in use");
            assert!(taken, "the node does not become ready; it printed:\n{output}");
        }
        panic!("every port was taken");
    }

    /// Starts a node without waiting for anything: for nodes that cannot become ready.
    pub fn launch(settings: &Settings) -> Self {
        let (port, metrics_port) = (free_port(), free_port());
        let mut node = dying_with_us("KILL", settings.get(PROGRAM).map_or(BINARY, String::as_str));
        node.arg("node")
            .envs(settings)
            .env("PALAVER_LISTEN", format!("127.0.0.1:{port}"))
            .env("PALAVER_METRICS_LISTEN", format!("127.0.0.1:{metrics_port}"));
        Self {
            port,
            metrics_port,
            process: Process::start(&format!("node {port}"), node),
        }
    }

    /// Where clients connect, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What `/metrics` says.
    pub async fn metrics(&self) -> String {
        let url = format!("http://127.0.0.1:{}/metrics", self.metrics_port);
        reqwest::get(url).await.unwrap().text().await.unwrap()
    }

    /// Whether it says that it can serve.
    pub async fn is_ready(&self) -> bool {
        status(self.port, "/ready").await == Some(200)
    }

    /// One number of `/metrics`, by the sample's name with its labels; 0 when it is not there.
    pub async fn metric(&self, sample: &str) -> f64 {
        let text = self.metrics().await;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }

    /// The memory it holds, in bytes.
    pub fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_ascii_whitespace().next()).unwrap();
        kib.parse::<usize>().unwrap() * 1024
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// `kill -9`.
    pub fn kill9(&mut self) {
        self.process.kill9();
    }

    /// SIGTERM: drains, and ends by itself.
    pub fn terminate(&self) {
        self.process.signal("TERM");
    }

    /// SIGHUP: what it hears when its terminal closes.
    pub fn hang_up(&self) {
        self.process.signal("HUP");
    }

    /// How it ended; panics when it does not end in time.
    pub async fn ended(&mut self) -> ExitStatus {
        let status = self.process.ended_within(PATIENCE * 4).await;
        status.expect("the node does not end")
    }

    /// Whether it has ended within `patience`.
    pub async fn ends_within(&mut self, patience: std::time::Duration) -> bool {
        self.process.ended_within(patience).await.is_some()
    }

    /// Whether it runs.
    pub fn runs(&mut self) -> bool {
        self.process.runs()
    }

    /// Stops its world (SIGSTOP): the process is there, and answers nothing.
    pub fn freeze(&self) {
        self.process.freeze();
    }

    /// Lets a frozen one go on.
    pub fn thaw(&self) {
        self.process.signal("CONT");
    }

    /// What it has printed.
    pub fn output(&mut self) -> String {
        self.process.output()
    }
}

/// Runs a one-shot role (`migrate`, `openapi`, `doctor`) to its end.
pub async fn run(role: &str, settings: &Settings) -> String {
    let (succeeded, output) = try_run(role, settings).await;
    assert!(succeeded, "palaver {role}: {output}");
    output
}

/// The same; whether it succeeded, and what it printed.
pub async fn try_run(role: &str, settings: &Settings) -> (bool, String) {
    let mut command = dying_with_us("KILL", BINARY);
    command.arg(role).envs(settings);
    let mut process = Process::start(role, command);
    let ended = process.ended_within(PATIENCE * 2).await;
    let output = process.output();
    (ended.is_some_and(|status| status.success()), output)
}

/// The conformance server (`examples/conformance`), with the public suites' options.
pub struct Conformance {
    port: u16,
    _process: Process,
}

impl Conformance {
    /// Starts one with further command line options; those that share a Redis are one server.
    pub async fn start(redis: &Redis, options: &[&str]) -> Self {
        let program = std::path::Path::new(BINARY)
            .with_file_name("examples")
            .join("conformance");
        assert!(program.is_file(), "not built: cargo build --example conformance");
        for _ in 0..5 {
            let port = free_port();
            let mut server = dying_with_us("KILL", &program);
            server
                .args(["--port", &port.to_string(), "--redis", &redis.url()])
                .args(["--shards", &redis.kind().shards().to_string()])
                .args(options);
            let mut process = Process::start("conformance", server);
            let up = holds_within(PATIENCE, async || {
                tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() || !process.runs()
            });
            if up.await && process.runs() {
                let _process = process;
                return Self { port, _process };
            }
        }
        panic!("the conformance server does not start");
    }

    /// Where clients connect, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

async fn status(port: u16, path: &str) -> Option<u16> {
    let response = reqwest::get(format!("http://127.0.0.1:{port}{path}")).await.ok()?;
    Some(response.status().as_u16())
}
