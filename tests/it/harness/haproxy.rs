//! The balancer of `./dev up`, for tests: round robin without stickiness.

use super::authority::Authority;
use super::ports::free_port;
use super::process::{Process, dying_with_us};
use super::{PATIENCE, holds_within};
use std::fmt::Write;
use std::net::ToSocketAddrs;

/// Where it listens, in its file.
const BIND: &str = r#"bind "127.0.0.1:${PALAVER_BALANCER_PORT}""#;

/// A balancer in front of some nodes.
pub struct Haproxy {
    encrypted: bool,
    port: u16,
    process: Process,
    _config: tempfile::NamedTempFile,
}

impl Haproxy {
    /// In front of nodes (`host:port`), which it asks for `/ready`; returns once all of them are in use.
    pub async fn start(nodes: &[String]) -> Self {
        launch(config(nodes, "check")).await
    }

    /// The same behind TLS, as `localhost` by the word of this authority and by no other name.
    pub async fn start_encrypted(nodes: &[String], authority: &Authority) -> Self {
        authority.certify("balancer", "localhost");
        let pem = authority.file("balancer.both");
        // Machines differ in which address of theirs they take it for first.
        let localhost = ("localhost", 0).to_socket_addrs().unwrap().next().unwrap().to_string();
        let host = localhost.strip_suffix(":0").unwrap();
        let bind = format!(
            r#"bind "{host}:${{PALAVER_BALANCER_PORT}}" ssl crt {} strict-sni alpn h2,http/1.1"#,
            pem.display()
        );
        let open = config(nodes, "check");
        assert!(open.contains(BIND), "it listens elsewhere:\n{open}");
        Self {
            encrypted: true,
            ..launch(open.replacen(BIND, &bind, 1)).await
        }
    }

    /// In front of servers that have no `/ready`: all are taken to be well.
    pub async fn start_unchecked(servers: &[String]) -> Self {
        launch(config(servers, "no-check")).await
    }

    /// Where visitors connect, without a slash at the end.
    pub fn url(&self) -> String {
        match self.encrypted {
            true => format!("https://localhost:{}", self.port),
            false => format!("http://127.0.0.1:{}", self.port),
        }
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn config(servers: &[String], check: &str) -> String {
    let mut text = include_str!("../../../.config/haproxy.cfg").to_owned();
    for (i, server) in servers.iter().enumerate() {
        writeln!(text, "    server node-{} {server} {check}", i + 1).unwrap();
    }
    text
}

async fn launch(text: String) -> Haproxy {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), text).unwrap();
    for _ in 0..5 {
        let port = free_port();
        let mut haproxy = dying_with_us("KILL", program());
        haproxy.env("PALAVER_BALANCER_PORT", port.to_string());
        haproxy.arg("-db").arg("-f").arg(config.path());
        let mut process = Process::start("haproxy", haproxy);
        let up = holds_within(PATIENCE, async || {
            tokio::net::TcpStream::connect(("localhost", port)).await.is_ok() || !process.runs()
        });
        if up.await && process.runs() {
            return Haproxy {
                encrypted: false,
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
