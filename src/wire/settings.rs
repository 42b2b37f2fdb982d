//! What the sockets of a node are allowed, and how patient the node is with them.

use super::socketio::Bounds;
use std::time::Duration;

/// Limits and times of the socket layer. The defaults are what clients of the protocol expect.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A ping is sent this long after the last pong.
    pub ping_interval: Duration,
    /// A connection whose pong does not come within this ends.
    pub ping_timeout: Duration,
    /// A connection that has joined no namespace by then ends.
    pub connect_timeout: Duration,
    /// A WebSocket that wants to replace long-polling has this long to do it.
    pub upgrade_timeout: Duration,
    /// The body of a long-polling request that takes longer than this to arrive is not waited for.
    pub body_timeout: Duration,
    /// Largest message, and largest body of a long-polling request, in bytes. Told to clients.
    pub max_payload: usize,
    /// Packets in one long-polling request.
    pub max_packets: usize,
    /// Binary attachments of one packet.
    pub max_attachments: usize,
    /// Bytes that may wait for a client that does not read; beyond it the connection ends.
    pub outbox: usize,
    /// Connections of this node over all transports; one more is refused.
    pub max_connections: usize,
    /// Packets a client may send per second, sustained.
    pub packets_per_second: u32,
    /// Packets a client may send at once before that counts.
    pub packet_burst: u32,
    /// Events of ours on one socket whose acknowledgement is still to come.
    pub max_questions: usize,
    /// Origins that browsers may come from; `*` is any. Requests without an origin do not come from browsers.
    pub origins: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(45),
            upgrade_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            max_payload: 64 * 1024,
            max_packets: 128,
            max_attachments: 16,
            outbox: 256 * 1024,
            max_connections: 50_000,
            // Calls send bursts of connection candidates; chat itself is limited by the actions.
            packets_per_second: 50,
            packet_burst: 200,
            max_questions: 16,
            origins: vec!["*".to_owned()],
        }
    }
}

impl Settings {
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            attachments: self.max_attachments,
            bytes: self.max_payload,
        }
    }
}
