//! Processes that a measurement needs: each on a port of its own, its output in a file, and gone with this process.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

const ATTEMPTS: usize = 5;
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Where ports are taken from: below the range that the kernel gives to outgoing connections, of which there will be many.
const PORTS: std::ops::Range<u32> = 26_000..31_000;

/// A process; dropping it is a `kill -9`.
pub(super) struct Running {
    pub(super) name: String,
    pub(super) port: u16,
    child: Child,
}

impl Running {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it says when asked by HTTP, or by Redis's protocol.
    fn answers(&self, question: &str, answer: &str) -> bool {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            stream.write_all(question.as_bytes())?;
            let mut reply = [0; 64];
            let length = stream.read(&mut reply)?;
            Ok(String::from_utf8_lossy(&reply[..length]).into_owned())
        };
        ask().is_ok_and(|reply| reply.contains(answer))
    }

    fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How one knows that a process serves.
#[derive(Clone, Copy)]
pub(super) enum Ready {
    Http,
    Redis,
}

impl Ready {
    fn question_and_answer(self) -> (&'static str, &'static str) {
        match self {
            Self::Http => ("GET /ready HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", " 200"),
            Self::Redis => ("PING\r\n", "+PONG"),
        }
    }
}

/// Starts the process that `command` makes for a port, and waits until it serves.
pub(super) fn start(
    scratch: &Path,
    name: &str,
    ready: Ready,
    command: impl Fn(u16) -> Command,
) -> Result<Running, String> {
    let log = scratch.join(format!("{name}.log"));
    for _ in 0..ATTEMPTS {
        let port = free_port()?;
        let mut running = Running {
            name: name.to_owned(),
            port,
            child: spawn(&command(port), &log)?,
        };
        let deadline = Instant::now() + READY_WITHIN;
        let (question, answer) = ready.question_and_answer();
        while !running.ended() && Instant::now() < deadline {
            if running.answers(question, answer) {
                return Ok(running);
            }
            sleep(Duration::from_millis(20));
        }
    }
    Err(format!("{name} does not start; the end of its log:\n{}", end_of(&log)))
}

/// `command`, killed when this process ends, however it ends.
fn spawn(command: &Command, log: &Path) -> Result<Child, String> {
    let failed = |e: std::io::Error| format!("{}: {e}", command.get_program().display());
    let output = File::create(log).map_err(failed)?;
    let mut bound = Command::new("setpriv");
    bound.args(["--pdeathsig", "KILL", "--"]);
    bound.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        bound.env(name, value.unwrap_or_default());
    }
    if let Some(directory) = command.get_current_dir() {
        bound.current_dir(directory);
    }
    bound.stdin(Stdio::null());
    bound.stderr(output.try_clone().map_err(failed)?).stdout(output);
    bound.spawn().map_err(failed)
}

fn end_of(log: &PathBuf) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

/// One that nobody has right now; who starts something on it tries another when somebody was faster.
pub(super) fn free_port() -> Result<u16, String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = PORTS.end - PORTS.start;
    // Two of us at once begin at different places.
    let first = std::process::id().wrapping_mul(97);
    for _ in 0..count {
        let at = PORTS.start + first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % count;
        let port = u16::try_from(at).map_err(|e| e.to_string())?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err("no free port".to_owned())
}
