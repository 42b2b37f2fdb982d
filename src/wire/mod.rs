//! Sockets: Engine.IO v4 and Socket.IO v5 over WebSocket and long-polling, for whatever runs on top ([`App`]).
//!
//! `engineio` and `socketio` are codecs without I/O. A *connection* is one Engine.IO session seen from the node that
//! holds its protocol state; a *socket* is one namespace of it; a *frame* is something to send, encoded once.
//! Nothing here knows of chat: the dialects (`omegoo`) sit beside this and implement [`App`].
//!
//! From the wire inwards: [`NodeAcceptor`] gives TCP connections to the HTTP server; [`endpoint`] reads what a request
//! wants; `handshake` turns one into a WebSocket; `talk` is that connection's task; [`Dialogue`] is the seam to what
//! is spoken, for us [`Namespaces`] (Socket.IO) with an [`App`] behind it. Outwards: [`Socket::emit`] to the
//! connection's outbox, which writes to the kernel at once.

mod acceptor;
pub mod admission;
mod app;
mod bearer;
mod connection;
pub mod dialect;
mod dialogue;
mod directory;
mod endpoint;
mod engine;
pub mod engineio;
mod frame;
mod handshake;
mod heartbeat;
mod holding;
mod http_stream;
pub mod hub;
#[cfg(test)]
mod hub_tests;
mod lent;
mod life;
mod living;
mod marks;
pub mod member;
#[cfg(test)]
mod member_tests;
mod messages;
mod moved;
mod namespaces;
pub mod omegoo;
mod origin;
mod orphans;
mod outbox;
mod pace;
mod polling;
mod readers;
mod settings;
mod signals;
mod socket;
pub mod socketio;
mod stream;
mod talk;
#[cfg(test)]
mod testing;
mod upgrade;
mod websocket;

pub use acceptor::NodeAcceptor;
pub use app::{App, ConnectError, Departure, Inbound, Passport, Welcome};
pub use bearer::Bearer;
pub use connection::{Connection, End};
pub use dialogue::{Dialogue, Handover, Joined};
pub use endpoint::endpoint;
pub use engine::Engine;
pub use frame::Frame;
pub use http_stream::HttpLimits;
pub use lent::Streams;
pub use namespaces::Namespaces;
pub use orphans::Orphan;
pub use settings::Settings;
pub use socket::{Socket, Unasked};
