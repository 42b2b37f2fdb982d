//! The command line. Each role is one call into `ops`; settings come from the environment (see the README's table).

use clap::{Parser, Subcommand};
use palaver::config::Settings;
use palaver::ops;
use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

/// The server side of talking to strangers.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Serve sockets and HTTP until SIGTERM, SIGINT or SIGHUP; then drain. `--help` lists all settings.
    #[command(after_long_help = palaver::config::table())]
    Node,
    /// Bring Postgres to this release.
    Migrate,
    /// Print the description of the API.
    Openapi,
    /// Look at Redis, Postgres and this machine, and say what is not as it should be.
    Doctor,
    /// Do one thing alone; `./dev bench` measures what that costs. Never on a Redis that is in use.
    #[command(hide = true)]
    Floor {
        #[arg(long, default_value_t = 8)]
        seconds: u64,
        #[command(subcommand)]
        of: ops::floor::Floor,
    },
}

/// Takes a tenth or more off what a line costs a node.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let role = Arguments::parse().role;
    match run(role) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("palaver: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(role: Role) -> Result<ExitCode, Box<dyn Error>> {
    if let Role::Openapi = role {
        std::io::stdout().write_all(ops::openapi().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let loaded = Settings::load()?;
    ops::log::start(&loaded.settings)?;
    for name in &loaded.ignored {
        tracing::warn!("{name} names no setting and is ignored");
    }
    match role {
        Role::Node => ops::node::run(loaded.settings).await?,
        Role::Migrate => ops::migrate(&loaded.settings).await?,
        Role::Doctor => return Ok(ops::doctor::run(&loaded.settings).await),
        Role::Floor { seconds, of } => ops::floor::run(&loaded.settings, &of, seconds).await?,
        Role::Openapi => {}
    }
    Ok(ExitCode::SUCCESS)
}
