//! Socket.IO v5 without I/O: packets inside Engine.IO messages, and putting binary attachments back where they belong.
//!
//! A packet with attachments comes as one text message and then one binary message for each; [`Assembler`] holds the
//! one that is under way. Arguments keep their placeholders (`{"_placeholder":true,"num":0}`): the attachments travel
//! beside them, which is also the form in which they are sent on.

mod assembler;
mod encode;
mod packet;
#[cfg(test)]
mod tests;

pub use assembler::{Assembler, Bounds, Leftover};
pub use encode::{ack, connect, connect_error, disconnect, event, marked_event};
pub use packet::{Ack, AckId, Event, Packet};
