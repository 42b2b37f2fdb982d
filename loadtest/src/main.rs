//! Load for Palaver nodes (or for any server that speaks the same events), and what it costs them.
//!
//! # Map
//!
//! | module | what lives there |
//! |---|---|
//! | `client` | thousands of Socket.IO clients in one thread; knows nothing of chat |
//! | `crowd` | the people behind them: seats, rooms, lines, and what became of each |
//! | `talk` | open-loop sending: when each line is due |
//! | `churn` | unrest: people who leave, connections that drop |
//! | `run` | the steps that loads are made of |
//! | `loads` | one file per load |
//! | `measure` | histograms, processes, bounds |
//! | `report` | the results, as JSON, text and a page, and whether all held that must |
//! | `signals` | being told to stop |
//! | `bench` | Palaver beside its peer: starts both, runs loads as processes of their own, prints the table of goals |
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | line | what somebody says; it carries its number and when it was due |
//! | due | when something was to be done by plan: all times are measured from there |
//! | flow | the lines from one person of a room to the other |
//! | lost | accepted, or never refused, and not heard by the partner, who is there or was told of the end without it |
//! | unheard | answered, but whoever was to hear it had just left or did not come back |
//! | unanswered | under way when somebody was cut off or the room ended, and never confirmed: nobody can tell |
//! | skipped | due, and not said: the speaker had no connection or no partner |
//! | absent | the same, while the load itself had cut the speaker off or let a partner leave |
//! | stranger | a partner who is not of this run |
//! | back | connected again and in the room again |

mod bench;
mod churn;
mod client;
mod clock;
mod crowd;
mod files;
mod loads;
mod measure;
mod options;
mod progress;
mod report;
mod run;
mod signals;
mod talk;

use clap::{Parser, Subcommand};
use loads::soak::Soak;
use loads::storm::Storm;
use options::Options;
use report::Report;
use report::output::Output;
use std::io::Write;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "palaver-loadtest", version, about = "Load generator for Palaver nodes", after_help = after_help())]
#[command(args_override_self = true)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    #[command(flatten)]
    Load(Load),
    /// Palaver beside its peer on this machine; `./dev bench` prepares everything and calls this.
    Bench(bench::Options),
}

#[derive(Subcommand)]
enum Load {
    /// Connections that only answer pings: memory of each.
    Idle(Options),
    /// Strangers pair up and talk: latency and loss.
    Chat(Options),
    /// Strangers join at once: how long until each has a partner.
    Pair(Options),
    /// Strangers pair up and type: latency of the signs.
    Typing(Options),
    /// All connections are cut at once, or a server is killed: how long until all are back, and what was lost.
    Storm(Storm),
    /// Talk for long, with people who leave and connections that drop: does memory grow?
    Soak(Soak),
}

impl Load {
    fn options(&self) -> &Options {
        match self {
            Self::Idle(options) | Self::Chat(options) | Self::Pair(options) | Self::Typing(options) => options,
            Self::Storm(storm) => &storm.options,
            Self::Soak(soak) => &soak.options,
        }
    }

    fn run(&self) -> Result<Report, String> {
        match self {
            Self::Idle(options) => loads::idle::run(options),
            Self::Chat(options) => loads::chat::run(options),
            Self::Pair(options) => loads::pair::run(options),
            Self::Typing(options) => loads::typing::run(options),
            Self::Storm(storm) => loads::storm::run(storm),
            Self::Soak(soak) => loads::soak::run(soak),
        }
    }
}

fn after_help() -> String {
    let mut help =
        "Exit status: 0 all bounds held and nothing was wrong; 1 not so; 2 the load could not be run or told \
                    of; 130 or 143 ended early by SIGINT or SIGTERM (the second one ends it at once).\n\n\
                    What arrived late counts from when it was due. Lines that are lost count in the percentiles with \
                    their age at the end.\n\n\
                    Bounds (counts may be shares of all, as skipped=5%; of those marked * there may be none unless a \
                    bound allows some; what was not measured does not hold):\n"
            .to_owned();
    for (name, _, what) in measure::bounds::NAMES {
        help.push_str(&format!("  {name:<20} {what}\n"));
    }
    help
}

fn run(what: &What) -> Result<ExitCode, String> {
    let load = match what {
        What::Bench(options) => return bench::run(options).map(status),
        What::Load(load) => load,
    };
    let output = Output::open(load.options())?;
    let report = load.run()?;
    output.write(&report)?;
    Ok(match report.signal {
        Some(signal) => ExitCode::from(signal.status()),
        None => status(report.held),
    })
}

/// Whether all was as it must be.
fn status(held: bool) -> ExitCode {
    ExitCode::from(u8::from(!held))
}

fn main() -> ExitCode {
    run(&Cli::parse().what).unwrap_or_else(|why| {
        // There may be nowhere to say it.
        let _ = writeln!(std::io::stderr(), "palaver-loadtest: {why}");
        ExitCode::from(2)
    })
}
