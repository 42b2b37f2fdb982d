//! A private Redis that can be stopped, killed and brought back, with or without its data.

use super::ports::free_port;
use super::process::{Process, dying_with_us};
use super::{PATIENCE, holds_within};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;

/// One server with an append-only file, as documented for production.
pub struct Redis {
    port: u16,
    dir: tempfile::TempDir,
    process: Option<Process>,
    extra: Extra,
}

/// What one server is given beyond what all have.
#[derive(Clone, Default)]
pub struct Extra {
    /// On its command line.
    pub arguments: Vec<String>,
    /// In its environment.
    pub environment: BTreeMap<String, String>,
}

impl Redis {
    /// A new, empty server.
    pub async fn start() -> Self {
        Self::start_with(Extra::default()).await
    }

    /// The same, with something more.
    pub async fn start_with(extra: Extra) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..5 {
            let port = free_port();
            if let Some(process) = launch(port, &dir, &extra).await {
                let process = Some(process);
                return Self {
                    port,
                    dir,
                    process,
                    extra,
                };
            }
        }
        panic!("Redis does not start");
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Host and port, for a [`super::proxy::Proxy`] in front of it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Stops as an operator would (SIGTERM).
    pub async fn stop(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.signal("TERM");
        assert!(process.ended_within(PATIENCE).await.is_some(), "Redis ignores SIGTERM");
    }

    /// Dies without a word.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill9();
    }

    /// Stops its world (SIGSTOP).
    pub fn freeze(&self) {
        self.process.as_ref().expect("it runs").signal("STOP");
    }

    /// Lets a frozen one go on.
    pub fn thaw(&self) {
        self.process.as_ref().expect("it runs").signal("CONT");
    }

    /// Comes back on its port with the data it had.
    pub async fn restart_with_data(&mut self) {
        self.process = None;
        for _ in 0..5 {
            self.process = launch(self.port, &self.dir, &self.extra).await;
            if self.process.is_some() {
                return;
            }
        }
        panic!("Redis does not come back on port {}", self.port);
    }

    /// Comes back on its port and has forgotten everything.
    pub async fn restart_empty(&mut self) {
        self.process = None;
        self.dir = tempfile::tempdir().unwrap();
        self.restart_with_data().await;
    }

    /// Sends one command; the answer's strings and numbers in order, nested lists flattened, nil left out.
    pub fn command(&self, words: &[&str]) -> Vec<String> {
        command(self.port, words).unwrap()
    }

    /// The names of all keys, sorted.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = self.command(&["KEYS", "*"]);
        keys.sort();
        keys
    }
}

/// A Redis server under any of its names; redis-tools ships it as redis-check-rdb, acting by the name it is called by.
fn server() -> PathBuf {
    let names = ["redis-server", "valkey-server", "redis-check-rdb"];
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/local/bin:/usr/bin";
    names
        .iter()
        .flat_map(|name| {
            std::env::split_paths(&path)
                .map(move |dir| dir.join(name))
                .collect::<Vec<_>>()
        })
        .find(|file| file.is_file())
        .expect("a Redis server is installed (apt-get install redis-tools)")
}

/// `None` when it ends by itself (its port was taken).
async fn launch(port: u16, dir: &tempfile::TempDir, extra: &Extra) -> Option<Process> {
    let called = dir.path().join("redis-server");
    if !called.exists() {
        std::os::unix::fs::symlink(server(), &called).unwrap();
    }
    let mut redis = dying_with_us("KILL", called);
    redis
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args([
            "--appendonly",
            "yes",
            "--maxmemory-policy",
            "noeviction",
            "--latency-tracking",
            "no",
        ])
        .arg("--dir")
        .arg(dir.path())
        .args(&extra.arguments)
        .envs(&extra.environment);
    let mut process = Process::start("redis", redis);
    let ours = format!("process_id:{}", process.pid());
    let up = holds_within(PATIENCE, async || {
        // The pid: another test's server may have taken the port in the meantime.
        let ready = command(port, &["PING"]).is_ok_and(|answer| answer == ["PONG"])
            && command(port, &["INFO", "server"]).is_ok_and(|info| info[0].contains(&ours));
        ready || !process.runs()
    });
    (up.await && process.runs()).then_some(process)
}

fn command(port: u16, words: &[&str]) -> std::io::Result<Vec<String>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request += &format!("${}\r\n{word}\r\n", word.len());
    }
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    read_reply(&mut BufReader::new(stream), &mut answer)?;
    Ok(answer)
}

fn read_reply(from: &mut impl BufRead, into: &mut Vec<String>) -> std::io::Result<()> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let line = line.trim_end();
    let Some(kind) = line.chars().next() else {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    };
    let rest = &line[1..];
    match kind {
        '$' if rest == "-1" => {}
        '$' => {
            let mut bytes = vec![0; rest.parse::<usize>().unwrap() + 2];
            from.read_exact(&mut bytes)?;
            bytes.truncate(bytes.len() - 2);
            into.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        '*' => {
            for _ in 0..rest.parse::<i64>().unwrap().max(0) {
                read_reply(from, into)?;
            }
        }
        '-' => return Err(std::io::Error::other(rest.to_owned())),
        _ => into.push(rest.to_owned()),
    }
    Ok(())
}
