//! Load for Palaver nodes, and what it costs them.
//!
//! So far one load: connections that do nothing. Numbers about memory in the README come from here.

mod idle;
mod process;
mod socket;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "palaver-loadtest", version, about = "Load generator for Palaver nodes")]
struct Cli {
    #[command(subcommand)]
    load: Load,
}

#[derive(Subcommand)]
enum Load {
    /// Opens connections, keeps them, and tells what each costs the servers in memory.
    Idle(idle::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().load {
        Load::Idle(options) => idle::run(options).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("palaver-loadtest: {why}");
            ExitCode::FAILURE
        }
    }
}
