//! Load for Palaver nodes, and what it costs them.
//!
//! So far one load: connections that do nothing. Numbers about memory in the README come from here.

mod bench;
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
    /// Compares Palaver with its peer on this machine; `./dev bench` prepares everything and calls this.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().load {
        Load::Idle(options) => match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime.block_on(idle::run(options)),
            Err(e) => Err(e.to_string()),
        },
        Load::Bench(options) => match bench::run(&options) {
            Ok(true) => Ok(()),
            Ok(false) => Err("a goal that must be met is missed".to_owned()),
            Err(why) => Err(why),
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("palaver-loadtest: {why}");
            ExitCode::FAILURE
        }
    }
}
