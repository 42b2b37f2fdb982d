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
//! | `report` | the results, as JSON, text and a page |
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | line | what somebody says; it carries its number and when it was due |
//! | due | when something was to be done by plan: all times are measured from there |
//! | flow | the lines from one person of a room to the other |
//! | lost | never refused and not heard by the partner, though nobody was cut off meanwhile |
//! | unanswered | under way when somebody was cut off or left: nobody can tell |
//! | back | connected again and in the room again |

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
mod talk;

use clap::{Parser, Subcommand};
use loads::soak::Soak;
use loads::storm::Storm;
use options::Options;
use report::Report;
use std::path::Path;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "palaver-loadtest", version, about = "Load generator for Palaver nodes", after_help = after_help())]
#[command(args_override_self = true)]
struct Cli {
    #[command(subcommand)]
    load: Load,
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
        "Exit status: 0 all bounds held and nothing was lost; 1 not so; 2 the load could not be run.\n\nBounds:\n"
            .to_owned();
    for (name, what) in measure::bounds::NAMES {
        help.push_str(&format!("  {name:<20} {what}\n"));
    }
    help
}

fn main() -> ExitCode {
    let load = Cli::parse().load;
    let (options, report) = (load.options(), load.run());
    match report.and_then(|report| write(&report, options).map(|()| report)) {
        Ok(report) if report.held() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(why) => {
            eprintln!("palaver-loadtest: {why}");
            ExitCode::from(2)
        }
    }
}

/// Where the command line says: the summary always, unless the output is wanted for JSON.
fn write(report: &Report, options: &Options) -> Result<(), String> {
    let json = serde_json::to_string(report).map_err(|e| e.to_string())?;
    let save = |file: &Path, text: String| std::fs::write(file, text).map_err(|e| format!("{}: {e}", file.display()));
    if let Some(file) = &options.html {
        save(file, report.page())?;
    }
    match &options.json {
        Some(file) if file.as_os_str() == "-" => {
            println!("{json}");
            return Ok(());
        }
        Some(file) => save(file, json)?,
        None => {}
    }
    print!("{}", report.summary());
    Ok(())
}
