//! Engine.IO v4 without I/O: packets, the payload of a long-polling request, the handshake's query and its refusals.
//!
//! Strict where the protocol is: what a client may not send is [`Malformed`], and the connection that sent it ends.
//! Nothing is allocated because a peer announced it, only because the bytes are there and within the caps.

mod packet;
mod payload;
mod query;
mod refusal;
#[cfg(test)]
mod tests;

pub use packet::{Message, Packet};
pub use payload::{SEPARATOR, decode_payload, push_entry};
pub use query::{Query, Transport};
pub use refusal::Refused;

/// The peer broke the protocol; the text says how, for the log and the close frame, and never quotes the peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed(pub &'static str);
