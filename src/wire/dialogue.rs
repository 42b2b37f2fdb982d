//! The seam between Engine.IO and what is spoken over it: Socket.IO ([`super::namespaces`]), or a bare echo in the
//! conformance server.

use super::app::Departure;
use super::bearer::Bearer;
use super::connection::Connection;
use super::engineio::{Malformed, Message};
use crate::domain::recovery::Bookmark;
use std::future::Future;
use std::sync::Arc;

/// A namespace that was joined, as the next holder of the session must know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Joined {
    pub namespace: String,
    pub sid: String,
    pub passport: String,
    /// Up to where its client has heard, if that is known.
    pub heard: Option<Bookmark>,
}

/// What one holder of a session gives the next.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Handover {
    pub joined: Vec<Joined>,
    /// Messages that were not dealt with, or belong to a packet that is only half here; they come after `joined`.
    pub leftover: Vec<Message>,
    /// What its client brought along, if it has joined nothing yet.
    pub bearer: Option<Bearer>,
}

/// What is spoken over connections.
pub trait Dialogue: Send + Sync + 'static {
    /// What the one who listens to a connection remembers between messages.
    type Memory: Default + Send + 'static;

    /// Whether a connection that joins nothing must end.
    const JOINS: bool;

    /// The next message.
    fn message(
        &self,
        connection: &Arc<Connection>,
        memory: &mut Self::Memory,
        message: Message,
    ) -> impl Future<Output = Result<(), Malformed>> + Send;

    /// Goes on with a session that was elsewhere.
    fn adopt(
        &self,
        connection: &Arc<Connection>,
        memory: &mut Self::Memory,
        handover: Handover,
    ) -> impl Future<Output = Result<(), Malformed>> + Send;

    /// The connection is over here; what the next holder must know, if there is one.
    fn ended(
        &self,
        connection: &Arc<Connection>,
        memory: &mut Self::Memory,
        departure: Departure,
    ) -> impl Future<Output = Handover> + Send;
}
