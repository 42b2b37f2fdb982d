//! Connections that do nothing but answer pings.

use crate::process::resident_kib;
use crate::socket::Socket;
use clap::Args;
use futures_util::StreamExt;
use std::time::Duration;

/// Connections opened at once: more than a node needs to be busy, less than a listen queue holds.
const AT_ONCE: usize = 64;

#[derive(Args)]
pub(crate) struct Options {
    /// Where the nodes are, `http://host:port`, separated by commas.
    #[arg(long, value_delimiter = ',', required = true)]
    targets: Vec<String>,
    /// How many connections in all.
    #[arg(long, default_value_t = 2000)]
    connections: usize,
    /// Processes to look at, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pids: Vec<u32>,
    /// Seconds between the last connection and the look.
    #[arg(long, default_value_t = 3)]
    rest: u64,
}

pub(crate) async fn run(options: Options) -> Result<(), String> {
    let before = resident(&options.pids)?;
    let targets = options.targets.iter().cycle().take(options.connections);
    let opened: Vec<_> = futures_util::stream::iter(targets.map(|target| Socket::open(target)))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let refused = opened.iter().filter(|socket| socket.is_err()).count();
    let open: Vec<_> = opened.into_iter().flatten().collect();
    let count = open.len();
    let held: Vec<_> = open
        .into_iter()
        .map(|mut socket| tokio::spawn(async move { while socket.hear().await.is_ok() {} }))
        .collect();
    tokio::time::sleep(Duration::from_secs(options.rest)).await;
    let lost = held.iter().filter(|task| task.is_finished()).count();
    println!("{count} connections open, {refused} refused, {lost} lost");
    let after = resident(&options.pids)?;
    for ((pid, before), after) in options.pids.iter().zip(before).zip(after) {
        let share = count as f64 / options.pids.len() as f64;
        let each = (after as f64 - before as f64) / share;
        println!("process {pid}: {before} KiB before, {after} KiB after, {each:.2} KiB per connection");
    }
    match refused + lost {
        0 => Ok(()),
        _ => Err("not every connection was accepted and kept".to_owned()),
    }
}

fn resident(pids: &[u32]) -> Result<Vec<u64>, String> {
    pids.iter().map(|pid| resident_kib(*pid)).collect()
}
