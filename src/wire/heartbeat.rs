//! Heartbeats and connect timeouts of all connections, by one loop instead of a timer for each.

use super::connection::{Connection, End};
use super::dialogue::Dialogue;
use super::directory::Mail;
use super::engine::{Core, Engine};
use super::frame::Frame;
use crate::clock::Millis;
use crate::metrics::{self, Transport};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl<D: Dialogue> Engine<D> {
    /// Pings, and ends what does not answer; runs for ever.
    pub async fn heartbeat(self) {
        let core = self.0;
        let ping = Frame::packet("2");
        loop {
            tokio::time::sleep(tick(&core)).await;
            beat(&core, &ping);
            let (websockets, polling) = core.living.count();
            metrics::CONNECTIONS.set(Transport::Websocket, websockets as f64);
            metrics::CONNECTIONS.set(Transport::Polling, polling as f64);
        }
    }
}

/// Often enough that nothing is late by more than a tenth of the shorter time.
fn tick<D>(core: &Core<D>) -> Duration {
    let shortest = core
        .settings
        .ping_interval
        .min(core.settings.ping_timeout)
        .min(core.settings.connect_timeout);
    (shortest / 10).clamp(Duration::from_millis(10), Duration::from_secs(1))
}

fn beat<D: Dialogue>(core: &Core<D>, ping: &Frame) {
    let now = core.clock.steady();
    let unjoined = |connection: &Arc<Connection>| {
        if connection.is_probing() {
            return now >= connection.born + core.settings.upgrade_timeout;
        }
        D::JOINS && !connection.has_joined() && now >= connection.born + core.settings.connect_timeout
    };
    let due = core
        .living
        .select(|connection| Millis(connection.due.load(Ordering::Acquire)) <= now || unjoined(connection));
    for connection in due {
        if unjoined(&connection) {
            connection.end(End::Unjoined);
        } else if !connection.outbox.is_websocket() {
            // Its deadline may have been moved by another node: Redis knows.
            connection.due.store((now + tick(core)).0, Ordering::Release);
            if let Some(held) = core.directory.held(connection.sid()) {
                let _ = held.mail.try_send(Mail::Expire);
            }
        } else if connection.is_probing() {
            connection
                .due
                .store((now + core.settings.upgrade_timeout).0, Ordering::Release);
        } else if connection.pinged.swap(true, Ordering::AcqRel) {
            connection.end(End::PingTimeout);
        } else {
            connection
                .due
                .store((now + core.settings.ping_timeout).0, Ordering::Release);
            connection.note_ping();
            connection.send(std::slice::from_ref(ping));
        }
    }
}
