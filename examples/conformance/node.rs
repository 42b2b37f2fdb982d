//! One node: sockets that share a Redis with other nodes, and the loops that keep it alive.

use palaver::clock::Clock;
use palaver::config;
use palaver::coord::Coord;
use palaver::coord::connect::{Opened, open};
use palaver::coord::inbox::{InboxReader, Incoming};
use palaver::error::Fault;
use palaver::ids::{NodeId, Shard};
use palaver::wire::{Dialogue, Engine, Settings, Streams};
use std::time::Duration;

/// Entries an inbox may hold.
const INBOX_CAP: u64 = 100_000;

/// How long a node counts as alive after it last said so.
const LEASE: Duration = Duration::from_secs(3);

/// The Redis that nodes share, for one dialogue.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) url: String,
    pub(crate) prefix: String,
    pub(crate) shards: u8,
}

impl Shared {
    fn settings(&self, dialogue: &str) -> config::Redis {
        config::Redis {
            url: config::Secret::new(&self.url),
            prefix: format!("{}-{dialogue}", self.prefix),
            shards: self.shards,
            command_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            reconnect_max_wait: Duration::from_secs(1),
            ..config::Settings::default().redis
        }
    }

    /// Starts a node's sockets for one dialogue; its keys are apart from those of the others.
    pub(crate) async fn engine<D: Dialogue>(
        &self,
        name: &str,
        dialogue: D,
        settings: Settings,
        streams: Streams,
    ) -> Result<Engine<D>, Fault> {
        let opened = open(&self.settings(name), INBOX_CAP, &Clock::system())?;
        let Opened {
            coord, lanes, inboxes, ..
        } = opened;
        for lane in lanes {
            tokio::spawn(lane.run());
        }
        let engine = Engine::new(dialogue, settings, streams, coord.clone());
        for inbox in inboxes {
            let epoch = coord.register(inbox.shard(), coord.clock().steady() + LEASE).await?;
            tokio::spawn(live(coord.clone(), inbox.shard(), epoch));
            tokio::spawn(listen(engine.clone(), inbox));
        }
        tokio::spawn(engine.clone().heartbeat());
        Ok(engine)
    }
}

async fn live(coord: Coord, shard: Shard, epoch: String) {
    loop {
        let until = coord.clock().steady() + LEASE;
        if let Err(fault) = coord.renew(shard, until, &epoch).await {
            eprintln!("{fault}");
        }
        tokio::time::sleep(LEASE / 3).await;
    }
}

async fn listen<D: Dialogue>(engine: Engine<D>, mut inbox: InboxReader) {
    loop {
        let give = |one: Incoming, _: &NodeId| {
            if let Incoming::Signal(payload) = one {
                engine.signal(&payload);
            }
        };
        match inbox.next(Duration::from_secs(1), give).await {
            Ok(_) => {}
            Err(fault) => {
                eprintln!("{fault}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
