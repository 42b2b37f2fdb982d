//! Floors under what a node does, for `./dev bench`: the least that it can cost, by the nodes' own code and nothing around
//! it. Not for operators.

mod account;
mod line;

use crate::config::Settings;
use crate::error::Fault;
use clap::Subcommand;

/// What is to be done alone.
#[derive(Subcommand, Debug)]
pub enum Floor {
    /// Say lines to Redis.
    Line,
    /// Compare a password with its hash, again and again.
    Password,
    /// Ask Postgres who somebody is, again and again.
    Read {
        /// An access token of somebody who is there.
        #[arg(long)]
        token: String,
    },
}

/// Does it for so many seconds, and prints what came of it.
pub async fn run(settings: &Settings, floor: &Floor, seconds: u64) -> Result<(), Fault> {
    match floor {
        Floor::Line => line::run(settings, seconds).await,
        Floor::Password => account::password(settings, seconds).await,
        Floor::Read { token } => account::read(settings, token, seconds).await,
    }
}
