//! One Redis server process: started on a free port, asked, killed and brought back. Knows nothing of other servers.

use super::super::ports::free_port;
use super::super::process::{Process, dying_with_us};
use super::super::{PATIENCE, holds_within};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;

/// What the server is called by: one binary acts as both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Server,
    Sentinel,
}

/// A server with an append-only file, as documented for production.
pub struct Server {
    port: u16,
    dir: tempfile::TempDir,
    role: Role,
    extra: Extra,
    process: Option<Process>,
}

/// What one server is given beyond what all have.
#[derive(Clone, Default)]
pub struct Extra {
    /// On its command line.
    pub arguments: Vec<String>,
    /// In its environment.
    pub environment: BTreeMap<String, String>,
}

/// How every server is set up, as documented for production; but that nothing is synced, as here processes fail, machines
/// do not: with `everysec` a server on a busy disk holds back what it writes while it syncs, and loses it when it is
/// killed.
const COMMON: &str = "save \"\"\nappendonly yes\nappendfsync no\nmaxmemory-policy noeviction\nlatency-tracking no\n";

fn with_options(options: &[&str]) -> Extra {
    Extra {
        arguments: options.iter().map(|&option| option.to_owned()).collect(),
        ..Extra::default()
    }
}

impl Server {
    /// A new, empty server with further options.
    pub async fn start(options: &[&str]) -> Self {
        Self::start_with(with_options(options)).await
    }

    /// A new, empty server with something more.
    pub async fn start_with(extra: Extra) -> Self {
        for _ in 0..5 {
            if let Some(server) = Self::try_as(Role::Server, extra.clone(), COMMON).await {
                return server;
            }
        }
        panic!("Redis does not start");
    }

    /// `None` when one of its ports was taken.
    pub async fn try_start(options: &[&str]) -> Option<Self> {
        Self::try_as(Role::Server, with_options(options), COMMON).await
    }

    /// A sentinel with this configuration; it writes what it learns into the file.
    pub async fn sentinel(configuration: &str) -> Self {
        for _ in 0..5 {
            if let Some(sentinel) = Self::try_as(Role::Sentinel, Extra::default(), configuration).await {
                return sentinel;
            }
        }
        panic!("the sentinel does not start");
    }

    async fn try_as(role: Role, extra: Extra, configuration: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("redis.conf"), configuration).unwrap();
        let mut server = Self {
            port: free_port(),
            dir,
            role,
            extra,
            process: None,
        };
        server.launch().await.is_ok().then_some(server)
    }

    /// An error is what it printed before it ended by itself (its port was taken, perhaps).
    async fn launch(&mut self) -> Result<(), String> {
        let (port, path) = (self.port, self.dir.path().to_owned());
        let name = match self.role {
            Role::Server => "redis-server",
            Role::Sentinel => "redis-sentinel",
        };
        let called = path.join(name);
        if !called.exists() {
            std::os::unix::fs::symlink(binary(), &called).unwrap();
        }
        let mut redis = dying_with_us("KILL", called);
        redis
            .arg(path.join("redis.conf"))
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"])
            .arg(&path)
            .args(&self.extra.arguments)
            .envs(&self.extra.environment);
        let mut process = Process::start("redis", redis);
        let ours = format!("process_id:{}", process.pid());
        let up = holds_within(PATIENCE, async || {
            // The pid: another test's server may have taken the port in the meantime.
            let ready = ask(port, &["PING"]).is_ok_and(|answer| answer == ["PONG"])
                && ask(port, &["INFO", "server"]).is_ok_and(|info| info[0].contains(&ours));
            ready || !process.runs()
        });
        if !(up.await && process.runs()) {
            return Err(process.output());
        }
        self.process = Some(process);
        Ok(())
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it keeps its files.
    pub fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Whether it was neither stopped nor killed.
    pub fn runs(&self) -> bool {
        self.process.is_some()
    }

    /// Stops its world (SIGSTOP).
    pub fn freeze(&self) {
        self.process.as_ref().expect("it runs").freeze();
    }

    /// Sends a signal by its name (`CONT`).
    pub fn signal(&self, name: &str) {
        self.process.as_ref().expect("it runs").signal(name);
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

    /// Comes back on its port with the data it had.
    pub async fn restart_with_data(&mut self) {
        self.process = None;
        let back = self.launch().await;
        back.unwrap_or_else(|printed| panic!("Redis does not come back; it printed:\n{printed}"));
    }

    /// Comes back on its port and has forgotten everything but its place in a cluster.
    pub async fn restart_empty(&mut self) {
        self.process = None;
        // It may not be there.
        let _ = std::fs::remove_dir_all(self.dir.path().join("appendonlydir"));
        self.restart_with_data().await;
    }

    /// Sends one command; the answer's strings and numbers in order, nested lists flattened, nil left out.
    pub fn command(&self, words: &[&str]) -> std::io::Result<Vec<String>> {
        ask(self.port, words)
    }

    /// The value of one line of `INFO` or `CLUSTER INFO`.
    pub fn told(&self, words: &[&str], name: &str) -> Option<String> {
        let text = self.command(words).ok()?.concat();
        let line = text
            .lines()
            .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'));
        line.map(str::to_owned)
    }
}

/// A Redis server under any of its names; redis-tools ships it as redis-check-rdb, acting by the name it is called by.
fn binary() -> PathBuf {
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

fn ask(port: u16, words: &[&str]) -> std::io::Result<Vec<String>> {
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
