//! The comparison that `./dev bench` runs: Palaver and the peer alternately on this machine, and the table of goals.
//!
//! `machine` tells whether it is quiet, `children` and `stack` start what is measured, `loads` runs this program's own
//! loads against it, `measures` says which, `search` looks for the highest rate, `floor` for what Redis's script costs
//! alone, `accounts` for logins; `goals` says what is wanted, `table` judges and prints, `record` keeps.

mod accounts;
mod children;
mod floor;
mod goals;
mod loads;
mod machine;
mod measures;
mod record;
mod search;
mod stack;
mod table;

use clap::{Args, ValueEnum};
use measures::Sample;
use stack::System;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(Args)]
pub(crate) struct Options {
    /// The program `palaver`, built for release.
    #[arg(long)]
    palaver: PathBuf,
    /// The directory of the peer, its packages installed.
    #[arg(long)]
    peer: PathBuf,
    /// A migrated database for the nodes.
    #[arg(long)]
    postgres: String,
    /// A directory for logs and Redis's files.
    #[arg(long)]
    scratch: PathBuf,
    /// One short round.
    #[arg(long)]
    quick: bool,
    /// How many rounds (3; 1 when quick).
    #[arg(long)]
    rounds: Option<u32>,
    /// Only these groups of measurements, separated by commas.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Group>,
    /// Palaver alone, for who works on it: no ratios.
    #[arg(long)]
    without_peer: bool,
    /// Writes everything that was measured to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Appends the table to this file.
    #[arg(long)]
    record: Option<PathBuf>,
    /// The commit that was built.
    #[arg(long, default_value = "unknown")]
    commit: String,
}

/// What can be asked for with `--only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Cost and delivery at 500, 2,000 and 6,000 messages a second on two nodes.
    Two,
    /// The highest rate on two nodes.
    Max,
    /// Redis's script alone.
    Floor,
    /// Cost at 2,000 and 6,000 messages a second on six nodes.
    Six,
    /// 2,000 strangers at once.
    Pair,
    /// 10,000 connections that do nothing.
    Idle,
    /// 10,000 people on three nodes, one of which is killed.
    Kill,
    /// A login and a read with a token, and the floors under them.
    Accounts,
}

/// How much is done.
struct Effort {
    rounds: u32,
    warmup: u32,
    seconds: u32,
    /// How long a measurement waits for a quiet machine before it goes on regardless.
    patience: Duration,
}

impl Effort {
    const FULL: Self = Self {
        rounds: 3,
        warmup: 3,
        seconds: 8,
        patience: Duration::from_secs(20),
    };
    const QUICK: Self = Self {
        rounds: 1,
        warmup: 2,
        seconds: 4,
        patience: Duration::from_secs(3),
    };
}

/// A run of the whole comparison.
struct Bench<'a> {
    options: &'a Options,
    effort: Effort,
    started: Instant,
    round: u32,
    samples: Vec<Sample>,
    /// Where the search for the highest rate begins, by system.
    guesses: HashMap<&'static str, f64>,
}

/// Whether every goal that must be met is met.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    let mut effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    effort.rounds = options.rounds.unwrap_or(effort.rounds);
    let mut bench = Bench {
        options,
        effort,
        started: Instant::now(),
        round: 0,
        samples: Vec::new(),
        guesses: HashMap::new(),
    };
    bench.say(&format!("On {}", machine::describe()));
    let seen = machine::wait_until_quiet(&[], 6 * bench.effort.patience);
    match seen.is_quiet() {
        true => bench.say("The machine is quiet"),
        false => bench.say(&format!("The machine is NOT quiet ({seen}); measuring all the same")),
    }
    for round in 1..=bench.effort.rounds {
        bench.round = round;
        bench.one_round()?;
    }
    let rows = table::rows(&bench.samples);
    println!("\n{}", table::plain(&rows));
    let run = record::Run::new(&bench);
    println!("{run}");
    record::keep(&run, &rows)?;
    Ok(table::all_musts_hold(&rows))
}

impl Bench<'_> {
    fn one_round(&mut self) -> Result<(), String> {
        self.say(&format!("Round {} of {}", self.round, self.effort.rounds));
        if self.wants(Group::Two) {
            self.fixed_rates(2, &[500, 2000, 6000])?;
        }
        if self.wants(Group::Six) {
            self.fixed_rates(6, &[2000, 6000])?;
        }
        if self.wants(Group::Pair) {
            self.pairing()?;
        }
        if self.wants(Group::Idle) {
            self.memory()?;
        }
        if self.wants(Group::Kill) {
            self.kill()?;
        }
        if self.wants(Group::Max) {
            self.highest_rate()?;
        }
        if self.wants(Group::Floor) {
            self.redis_floor()?;
        }
        if self.wants(Group::Accounts) {
            self.accounts()?;
        }
        Ok(())
    }

    fn wants(&self, group: Group) -> bool {
        self.options.only.is_empty() || self.options.only.contains(&group)
    }

    fn systems(&self) -> Vec<System> {
        let all = System::BOTH.into_iter();
        all.filter(|s| *s == System::Palaver || !self.options.without_peer)
            .collect()
    }

    /// What held in the last round; at first a little below what this has been seen to hold.
    fn first_guess(&self, system: System) -> f64 {
        let usual = match system {
            System::Palaver => 16_000.0,
            System::Peer => 6000.0,
        };
        self.guesses.get(system.name()).copied().unwrap_or(usual)
    }

    fn say(&self, what: &str) {
        println!("[{:4} s] {what}", self.started.elapsed().as_secs());
    }
}
