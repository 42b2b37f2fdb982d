//! A server that behaves as the public test suites of engine.io and socket.io expect, on Palaver's own sockets.
//!
//! `cargo run --example conformance -- --port 3000 --ping-interval 300 --ping-timeout 200 --connect-timeout 1000`

mod echo;
mod suite;

use clap::Parser;
use palaver::clock::Clock;
use palaver::wire::{Engine, HttpLimits, Namespaces, NodeAcceptor, Settings, endpoint};
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
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", options.port)).await?;
    println!("listening on {}", listener.local_addr()?);
    let (acceptor, streams) = NodeAcceptor::new(listener, HttpLimits::default());
    let clock = Clock::system();
    let bare = Engine::new(echo::Echo, settings.clone(), streams.clone(), clock.clone());
    let namespaces = Namespaces::new(suite::Suite, &settings);
    let full = Engine::new(namespaces, settings, streams, clock);
    tokio::spawn(bare.clone().heartbeat());
    tokio::spawn(full.clone().heartbeat());
    let routes = Route::new()
        .nest("/engine.io/", endpoint(&bare))
        .nest("/socket.io/", endpoint(&full));
    Server::new_with_acceptor(acceptor).run(routes).await?;
    Ok(())
}
