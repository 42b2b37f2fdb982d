//! The engine: what a node needs to speak one dialogue over all its connections.

use super::app::Departure;
use super::connection::{Connection, End};
use super::dialogue::{Dialogue, Handover};
use super::directory::Directory;
use super::lent::Streams;
use super::life::Life;
use super::living::Living;
use super::readers::Readers;
use super::settings::Settings;
use crate::clock::Clock;
use crate::coord::Coord;
use crate::coord::sessions::Beat;
use crate::metrics;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A node's sockets for one dialogue. Cloning shares it.
pub struct Engine<D>(pub(super) Arc<Core<D>>);

impl<D> Clone for Engine<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// What every connection of an engine shares.
pub(super) struct Core<D> {
    pub(super) dialogue: D,
    pub(super) settings: Settings,
    pub(super) streams: Streams,
    pub(super) clock: Clock,
    pub(super) life: Life,
    pub(super) living: Living,
    pub(super) coord: Coord,
    pub(super) directory: Directory,
    pub(super) draining: AtomicBool,
    pub(super) readers: Readers,
}

impl<D: Dialogue> Engine<D> {
    /// `streams` are those of the acceptor that serves the endpoint.
    pub fn new(dialogue: D, settings: Settings, streams: Streams, coord: Coord) -> Self {
        Self(Arc::new(Core {
            dialogue,
            settings,
            streams,
            clock: coord.clock().clone(),
            life: Life::default(),
            living: Living::default(),
            coord,
            directory: Directory::default(),
            draining: AtomicBool::new(false),
            readers: Readers::default(),
        }))
    }

    /// Connections on this node.
    pub fn connections(&self) -> usize {
        self.0.living.len()
    }

    /// The dialogue.
    pub fn dialogue(&self) -> &D {
        &self.0.dialogue
    }

    /// Begins a drain: no session is opened here any more, and waiting polls are answered so that the next ones land
    /// elsewhere.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
        self.0.coord.identity().leave();
        self.0.directory.wake_all();
    }

    /// Sends up to `count` connections away for a drain; how many there were. Their clients reconnect elsewhere.
    pub fn send_away(&self, count: usize) -> usize {
        self.0.living.end_some(count, End::Drained)
    }
}

impl<D: Dialogue> Core<D> {
    /// Heartbeat deadlines of a polling session.
    pub(super) fn beat(&self) -> Beat {
        Beat {
            ping: self.settings.ping_interval,
            dead: self.settings.ping_interval + self.settings.ping_timeout,
        }
    }

    /// The packet that opens a session.
    pub(super) fn opening(&self, sid: &str, upgrades: &[&str]) -> String {
        let settings = &self.settings;
        let opening = json!({
            "sid": sid,
            "upgrades": upgrades,
            "pingInterval": settings.ping_interval.as_millis() as u64,
            "pingTimeout": settings.ping_timeout.as_millis() as u64,
            "maxPayload": settings.max_payload,
        });
        format!("0{opening}")
    }

    /// A connection is over: the dialogue is told. The caller forgets it when all is said, so that a drain which sees no
    /// connection left knows that every departure has been dealt with.
    pub(super) async fn over(&self, connection: &Arc<Connection>, memory: &mut D::Memory, end: End) -> Handover {
        count_end(end);
        let departure: Departure = end.departure();
        self.dialogue.ended(connection, memory, departure).await
    }
}

/// Counts the ends that an operator wants to see.
fn count_end(end: End) {
    match end {
        End::SlowReader => metrics::SLOW_READERS_CLOSED.one(()),
        End::Malformed(_) | End::TooLarge | End::NotText | End::TooFast | End::Unjoined => {
            metrics::PROTOCOL_ERRORS.one(end.reason());
        }
        End::ClientClosed
        | End::Closed(_)
        | End::Cut
        | End::PingTimeout
        | End::Dismissed
        | End::Expired
        | End::Drained
        | End::Busy(_)
        | End::Moved
        | End::Orphaned => {}
    }
}
