//! The balancer of `./dev up`, for tests: round robin without stickiness.

use super::ports::free_port;
use super::process::{Process, dying_with_us};
use super::{PATIENCE, holds_within};
use std::fmt::Write;

/// A balancer in front of some nodes.
pub struct Haproxy {
    port: u16,
    process: Process,
    _config: tempfile::NamedTempFile,
}

impl Haproxy {
    /// In front of nodes (`host:port`), which it asks for `/ready`; returns once all of them are in use.
    pub async fn start(nodes: &[String]) -> Self {
        launch(nodes, "check").await
    }

    /// In front of servers that have no `/ready`: all are taken to be well.
    pub async fn start_unchecked(servers: &[String]) -> Self {
        launch(servers, "no-check").await
    }

    /// Where visitors connect, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

async fn launch(servers: &[String], check: &str) -> Haproxy {
    let mut text = include_str!("../../../.config/haproxy.cfg").to_owned();
    for (i, server) in servers.iter().enumerate() {
        writeln!(text, "    server node-{} {server} {check}", i + 1).unwrap();
    }
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), text).unwrap();
    for _ in 0..5 {
        let port = free_port();
        let mut haproxy = dying_with_us("KILL", program());
        haproxy.env("PALAVER_BALANCER_PORT", port.to_string());
        haproxy.arg("-db").arg("-f").arg(config.path());
        let mut process = Process::start("haproxy", haproxy);
        let up = holds_within(PATIENCE, async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() || !process.runs()
        });
        if up.await && process.runs() {
            return Haproxy {
                port,
                process,
                _config: config,
            };
        }
    }
    panic!("HAProxy does not start");
}

/// Debian's haproxy lives in sbin, which is not on everybody's PATH.
fn program() -> std::path::PathBuf {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/local/sbin:/usr/sbin";
    std::env::split_paths(&path)
        .map(|dir| dir.join("haproxy"))
        .find(|file| file.is_file())
        .expect("HAProxy is installed (apt-get install haproxy)")
}
