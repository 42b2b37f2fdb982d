//! What every load can be told on the command line.

use crate::client::target::{Sources, Target};
use crate::client::tls::Trust;
use crate::measure::bounds::Bound;
use crate::measure::process::Watched;
use clap::Args;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Where the servers or their balancer are: `http://host:port` or `https://host:port`, separated by commas.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) targets: Vec<String>,
    /// File of the certificate authorities (PEM) that https targets are checked against, instead of those that this
    /// machine trusts.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// How many connections in all.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) connections: u32,
    /// Lines (or signs of typing) per second over all rooms.
    #[arg(long, default_value_t = 100.0, value_parser = rate)]
    pub(crate) rate: f64,
    /// Seconds that are measured.
    #[arg(long, default_value_t = 30.0, value_parser = duration)]
    pub(crate) duration: f64,
    /// Seconds of the same load before that.
    #[arg(long, default_value_t = 3.0, value_parser = warmup)]
    pub(crate) warmup: f64,
    /// HTTP long polling instead of WebSockets.
    #[arg(long)]
    pub(crate) polling: bool,
    /// Local server processes to look at: NAME=PID, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) pids: Vec<Watched>,
    /// What must hold: `p99=100ms`, `cpu_per_100k=30`; see below.
    #[arg(long, value_delimiter = ',')]
    pub(crate) bound: Vec<Bound>,
    /// Writes the results to this file as JSON; `-` is the output.
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
    /// Writes the results to this file as a page with plots.
    #[arg(long)]
    pub(crate) html: Option<PathBuf>,
    /// Shows no progress.
    #[arg(long)]
    pub(crate) no_progress: bool,
    /// Addresses of this machine that connections come from. Without it: the kernel's choice, or many of 127.0.0.0/8
    /// when all targets are there.
    #[arg(long, value_delimiter = ',')]
    pub(crate) source: Vec<IpAddr>,
    /// Lines per seconds that the server allows each person, `10/10`, or `none`: the rate is kept within it.
    #[arg(long, default_value = "10/10")]
    pub(crate) limit: Limit,
    /// Characters of a line, about.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(crate) text: u32,
    /// Asks the server for one's own lines too.
    #[arg(long)]
    pub(crate) echo: bool,
    /// Connections that are being opened at the same time.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) at_once: u32,
}

/// A number within a range.
pub(crate) fn number(text: &str, range: RangeInclusive<f64>) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match range.contains(&number) {
        true => Ok(number),
        false => Err(format!("not from {} to {}", range.start(), range.end())),
    }
}

/// The longest load: a month, in seconds.
const LONGEST: f64 = 31.0 * 86_400.0;

fn rate(text: &str) -> Result<f64, String> {
    number(text, 0.001..=10_000_000.0)
}

fn duration(text: &str) -> Result<f64, String> {
    number(text, 0.001..=LONGEST)
}

fn warmup(text: &str) -> Result<f64, String> {
    number(text, 0.0..=LONGEST)
}

impl Options {
    /// What no single option can say: what makes no load, or no report that could be understood.
    pub(crate) fn check(&self, load: &str) -> Result<(), String> {
        if load != "idle" && !self.connections.is_multiple_of(2) {
            return Err("--connections: people talk in pairs, so an even number".to_owned());
        }
        let mut names: Vec<_> = self.pids.iter().map(|watched| &watched.name).collect();
        names.sort();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("--pids: two processes are named {}", pair[0])),
            None => Ok(()),
        }
    }

    pub(crate) fn targets(&self) -> Result<Vec<Target>, String> {
        self.targets.iter().map(|url| Target::parse(url)).collect()
    }

    /// Who may certify the targets; a machine that trusts nobody can still call those that are not encrypted.
    pub(crate) fn trust(&self, targets: &[Target]) -> Result<Trust, String> {
        match &self.ca {
            Some(file) => Trust::in_file(file),
            None if targets.iter().any(|target| target.name.is_some()) => Trust::in_authorities_of_the_machine(),
            None => Trust::in_nobody(),
        }
    }

    pub(crate) fn sources(&self, targets: &[Target], run: u64) -> Sources {
        Sources::choose(self.source.clone(), targets, run as u16)
    }
}

/// How much one person may say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    Unlimited,
    Lines { count: u32, seconds: f64 },
}

/// How much of what is allowed is used: a line that is late by a little makes the next one seem early.
const CAREFUL: f64 = 0.9;

impl Limit {
    /// Most lines per second of so many people together.
    pub(crate) fn rate_for(self, speakers: usize) -> f64 {
        match self {
            Self::Unlimited => f64::INFINITY,
            Self::Lines { count, seconds } => CAREFUL * speakers as f64 * f64::from(count) / seconds,
        }
    }

    /// How many people can say so much.
    pub(crate) fn speakers_for(self, rate: f64) -> usize {
        match self {
            Self::Unlimited => 2,
            Self::Lines { count, seconds } => (rate * seconds / f64::from(count) / CAREFUL).ceil() as usize,
        }
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::Unlimited);
        }
        let wrong = || format!("{text}: neither LINES/SECONDS nor none");
        let (count, seconds) = text.split_once('/').ok_or_else(wrong)?;
        let (count, seconds) = (count.parse().ok(), seconds.trim_end_matches('s').parse().ok());
        let both = count
            .zip(seconds)
            .filter(|(count, seconds)| *count > 0 && (0.001..=LONGEST).contains(seconds));
        let (count, seconds) = both.ok_or_else(wrong)?;
        Ok(Self::Lines { count, seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_says_how_many_people_a_rate_needs() {
        let limit: Limit = "10/10".parse().unwrap();

        assert_eq!(
            limit,
            Limit::Lines {
                count: 10,
                seconds: 10.0
            }
        );
        assert_eq!(limit.rate_for(1000), 900.0);
        assert_eq!(limit.speakers_for(900.0), 1000);
        assert_eq!("10/1s".parse::<Limit>().unwrap().rate_for(1000), 9000.0);
        assert_eq!("none".parse(), Ok(Limit::Unlimited));
        for wrong in ["", "10", "a/b", "0/10", "10/0", "10/1e-9", "10/inf"] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }
}
