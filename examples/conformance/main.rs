//! A server that behaves as the public test suites of engine.io and socket.io expect, on Palaver's own sockets.
//! Several of them that share a Redis are one server.
//!
//! `cargo run --example conformance -- --port 3000 --ping-interval 300 --ping-timeout 200 --connect-timeout 1000`

mod echo;
mod node;
mod private;
mod suite;

use clap::Parser;
use node::Shared;
use palaver::wire::{HttpLimits, Namespaces, NodeAcceptor, Settings, endpoint};
use poem::{Route, Server};
use std::time::Duration;

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Milliseconds, as all times here.
    #[arg(long, default_value_t = 25_000)]
    ping_interval: u64,
    #[arg(long, default_value_t = 20_000)]
    ping_timeout: u64,
    #[arg(long, default_value_t = 45_000)]
    connect_timeout: u64,
    /// Where polling sessions live; the servers that name the same are one. Without it the server starts one of its own.
    #[arg(long)]
    redis: Option<String>,
    /// First part of every key.
    #[arg(long, default_value = "conformance")]
    prefix: String,
    /// Shards that keys are spread over.
    #[arg(long, default_value_t = 1)]
    shards: u8,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let settings = Settings {
        ping_interval: Duration::from_millis(options.ping_interval),
        ping_timeout: Duration::from_millis(options.ping_timeout),
        connect_timeout: Duration::from_millis(options.connect_timeout),
        max_payload: 1_000_000,
        outbox: 4_000_000,
        ..Settings::default()
    };
    // Kept to the end: it dies with us.
    let (_own, url) = match options.redis {
        Some(url) => (None, url),
        None => {
            let (child, url) = private::redis()?;
            (Some(child), url)
        }
    };
    let shared = Shared {
        url,
        prefix: options.prefix,
        shards: options.shards,
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", options.port)).await?;
    let address = listener.local_addr()?;
    let (acceptor, streams) = NodeAcceptor::new(listener, HttpLimits::default());
    let bare = shared
        .engine("echo", echo::Echo, settings.clone(), streams.clone())
        .await?;
    let namespaces = Namespaces::new(suite::Suite, &settings);
    let full = shared.engine("suite", namespaces, settings, streams).await?;
    let routes = Route::new()
        .nest("/engine.io/", endpoint(&bare))
        .nest("/socket.io/", endpoint(&full));
    println!("listening on {address}");
    Server::new_with_acceptor(acceptor).run(routes).await?;
    Ok(())
}
