//! What accounts cost those who wait for them: a login, and a read with a token, one after another on one connection; and
//! the floors under them, which `palaver floor` measures: the comparison of a password alone, the read's query alone.

use super::Options;
use super::machine::{Disturbance, Watch};
use super::stack::{Pairing, Stack, System, for_node};
use crate::client::http;
use crate::clock::{Clock, SECOND};
use crate::measure::latency::Latency;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was waited for, and the floor under it: medians, in milliseconds.
pub(super) struct Wait {
    pub(super) ms: f64,
    pub(super) floor_ms: f64,
    pub(super) disturbance: Disturbance,
}

/// Logins and reads, each for so many seconds and then its floor.
pub(super) fn measure(options: &Options, seconds: u32) -> Result<[Wait; 2], String> {
    let stack = Stack::start(options, System::Palaver, 1, Pairing::Usual)?;
    let mut visitor = Visitor::connect(&stack.targets())?;
    let name = format!("bench{:x}", rand::random::<u64>());
    let who = json!({"email": format!("{name}@bench.example"), "username": name, "password": "an unusual Passw0rd 1"});
    visitor.post("/api/v1/auth/register", &who)?;
    let mut log_in = || visitor.post("/api/v1/auth/login", &who);
    let login = again_and_again(&stack, seconds, || log_in().map(drop))?;
    let answer = log_in()?;
    let token = answer["data"]["accessToken"]
        .as_str()
        .ok_or("no token in the answer to a login")?;
    let password = floor(options, &stack, seconds, &["password"])?;
    let read = again_and_again(&stack, seconds, || visitor.get("/api/v1/auth/me", token).map(drop))?;
    let query = floor(options, &stack, seconds, &["read", "--token", token])?;
    let wait = |(ms, disturbance), floor_ms| Wait {
        ms,
        floor_ms,
        disturbance,
    };
    Ok([wait(login, password), wait(read, query)])
}

/// The median of what it took, and what disturbed it.
fn again_and_again(
    stack: &Stack,
    seconds: u32,
    mut act: impl FnMut() -> Result<(), String>,
) -> Result<(f64, Disturbance), String> {
    act()?;
    let (clock, mut took, watch) = (Clock::start(), Latency::new(), Watch::start(&stack.pids()));
    let end = clock.now() + u64::from(seconds) * SECOND;
    while clock.now() < end {
        let begun = clock.now();
        act()?;
        took.record(clock.now() - begun);
    }
    Ok((took.at(0.5), watch.stop()))
}

fn floor(options: &Options, stack: &Stack, seconds: u32, of: &[&str]) -> Result<f64, String> {
    let mut command = Command::new(&options.palaver);
    command.args(["floor", "--seconds", &seconds.to_string()]).args(of);
    for_node(&mut command, options, &stack.redis_url());
    let done = command.stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
    let said = String::from_utf8_lossy(&done.stdout);
    let micros = said
        .trim()
        .strip_prefix("median_us ")
        .and_then(|number| number.parse::<f64>().ok());
    micros.map(|micros| micros / 1000.0).ok_or_else(|| {
        let why = String::from_utf8_lossy(&done.stderr);
        format!("palaver floor ended with {}: {said}{why}", done.status)
    })
}

/// Somebody with one connection who waits for each answer.
struct Visitor {
    stream: TcpStream,
    host: String,
}

impl Visitor {
    fn connect(url: &str) -> Result<Self, String> {
        let host = url.trim_start_matches("http://").to_owned();
        let connect = || {
            let stream = TcpStream::connect(&host)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok(stream)
        };
        let stream = connect().map_err(|e: std::io::Error| format!("{host}: {e}"))?;
        Ok(Self { stream, host })
    }

    /// Each from another address, as the node believes: limits are not what is measured.
    fn post(&mut self, path: &str, body: &Value) -> Result<Value, String> {
        let (body, from) = (
            body.to_string(),
            Ipv4Addr::from_bits(0x0a00_0000 | rand::random::<u32>() >> 8),
        );
        let head = format!(
            "Content-Type: application/json\r\nX-Forwarded-For: {from}\r\nContent-Length: {}",
            body.len()
        );
        self.ask("POST", path, &head, &body)
    }

    fn get(&mut self, path: &str, token: &str) -> Result<Value, String> {
        self.ask("GET", path, &format!("Authorization: Bearer {token}"), "")
    }

    fn ask(&mut self, method: &str, path: &str, head: &str, body: &str) -> Result<Value, String> {
        let host = &self.host;
        let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{head}\r\n\r\n{body}");
        self.stream
            .write_all(request.as_bytes())
            .map_err(|e| format!("{path}: {e}"))?;
        let mut input = Vec::new();
        let answer = loop {
            if let Some(answer) = http::answer(&input, 0)? {
                break answer;
            }
            let mut more = [0; 4096];
            match self.stream.read(&mut more).map_err(|e| format!("{path}: {e}"))? {
                0 => return Err(format!("{path}: the connection was closed")),
                count => input.extend_from_slice(&more[..count]),
            }
        };
        let body = &input[answer.body];
        match answer.status {
            200 | 201 => serde_json::from_slice(body).map_err(|e| format!("{path}: {e}")),
            status => Err(format!("{path}: {status} {}", String::from_utf8_lossy(body))),
        }
    }
}
