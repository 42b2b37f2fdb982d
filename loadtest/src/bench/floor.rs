//! The floor under Redis's share of a line: `palaver floor line` says lines by the nodes' own script and does nothing else,
//! while this looks at what its Redis uses.

use super::Options;
use super::machine::{Disturbance, Watch};
use super::stack::Stack;
use crate::measure::process::cpu_seconds;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// CPU of Redis for one line, in microseconds, and what disturbed the measurement.
pub(super) fn measure(options: &Options, seconds: u32) -> Result<(f64, Disturbance), String> {
    let stack = Stack::bare(options)?;
    let redis = || cpu_seconds(stack.redis_pid()).ok_or("Redis has ended");
    let mut speaker = speaker(options, &stack, seconds)?;
    let output = speaker.stdout.take().ok_or("no output to read")?;
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let mut wait_for = |word: &str| {
        let line = lines.find_map(|line| line.strip_prefix(word).map(str::to_owned));
        line.ok_or("palaver floor ended early")
    };
    wait_for("speaking")?;
    let (watch, before) = (Watch::start(&[stack.redis_pid(), speaker.id()]), redis()?);
    let said = wait_for("said ")?;
    let (cpu, disturbance) = (redis()? - before, watch.stop());
    let ended = speaker.wait().map_err(|e| e.to_string())?;
    match said.parse::<f64>() {
        Ok(said) if said > 0.0 && ended.success() => Ok((cpu * 1e6 / said, disturbance)),
        _ => Err(format!("palaver floor said {said} lines and ended with {ended}")),
    }
}

fn speaker(options: &Options, stack: &Stack, seconds: u32) -> Result<Child, String> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(&options.palaver);
    command.args(["floor", "--seconds", &seconds.to_string(), "line"]);
    command.env("PALAVER_REDIS__URL", stack.redis_url());
    command.env("PALAVER_LOG", "warn");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.spawn().map_err(|e| format!("palaver floor: {e}"))
}
