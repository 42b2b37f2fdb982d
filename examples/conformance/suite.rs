//! What is spoken at `/socket.io/`: namespaces `/` and `/custom`, `auth` on connect, messages back, acknowledgements.

use palaver::domain::recovery::Bookmark;
use palaver::wire::{App, ConnectError, Departure, Frame, Inbound, Passport, Socket, Welcome};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// The suite listens for one message at a time and misses the second of two that arrive in one segment, as ours would:
/// both are written before a client can wake up.
const APART: Duration = Duration::from_millis(10);

pub(crate) struct Suite;

impl App for Suite {
    fn has(&self, namespace: &str) -> bool {
        matches!(namespace, "/" | "/custom")
    }

    async fn connect(&self, socket: &Arc<Socket>, auth: Map<String, Value>) -> Result<Welcome, ConnectError> {
        let frame = Frame::event(socket.namespace(), "auth", &auth);
        let socket = socket.clone();
        tokio::spawn(async move {
            tokio::time::sleep(APART).await;
            socket.emit(&frame);
        });
        Ok(Welcome::default())
    }

    async fn adopt(&self, _: &Arc<Socket>, _: Passport, _: Option<Bookmark>) {}

    async fn event(&self, socket: &Arc<Socket>, inbound: Inbound) {
        match (inbound.name.as_str(), inbound.ack) {
            ("message", _) => {
                let frames = Frame::event_of(socket.namespace(), "message-back", &inbound.args, &inbound.attachments);
                socket.emit_all(&frames);
            }
            ("message-with-ack", Some(id)) => socket.ack(id, &inbound.args, &inbound.attachments),
            _ => {}
        }
    }

    async fn disconnect(&self, _: &Arc<Socket>, _: Departure) {}
}
