//! What runs on top of the sockets: the chat dialects, and the conformance server.

use super::socket::Socket;
use super::socketio::AckId;
use crate::domain::recovery::Bookmark;
use crate::ids::SocketId;
use bytes::Bytes;
use serde_json::{Map, Value};
use std::future::Future;
use std::sync::Arc;

/// Something a client said on a socket.
#[derive(Clone, PartialEq, Debug)]
pub struct Inbound {
    pub name: String,
    /// Placeholders (`{"_placeholder":true,"num":0}`) stand for `attachments`.
    pub args: Vec<Value>,
    pub attachments: Vec<Bytes>,
    /// Set when the client wants an answer: give it with [`Socket::ack`].
    pub ack: Option<AckId>,
}

/// What another node must know to go on with a socket; opaque text of the app, without control characters.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Passport(pub String);

/// A CONNECT accepted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Welcome {
    /// For the next holder of the socket.
    pub passport: Passport,
    /// What the client brings when it comes back after a break (`pid`), if it may take up its session then.
    pub pid: Option<String>,
    /// Up to where the client had heard when it came.
    pub heard: Option<Bookmark>,
    /// The id that the client knows the socket by, when it took up a session; else it is the socket's own.
    pub known_as: Option<SocketId>,
}

/// A CONNECT turned down.
#[derive(Clone, PartialEq, Debug)]
pub struct ConnectError {
    pub message: String,
    pub data: Option<Value>,
}

impl ConnectError {
    /// Without data.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            data: None,
        }
    }
}

/// Why a socket is no longer on this node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Departure {
    /// The client said goodbye, or we did.
    Clean,
    /// It was cut off; it may come back.
    Lost,
    /// It goes on, on another connection of the same client, maybe on another node: `adopt` follows there.
    Moved,
    /// This node is stopping; it will come back elsewhere.
    Drained,
}

/// What the sockets talk to. Calls for one connection come one after the other, never at once; `disconnect` comes
/// exactly once for every socket that was connected or adopted here, unless the app itself ended it with
/// [`Socket::disconnect`].
pub trait App: Send + Sync + 'static {
    /// Whether there is a namespace of this name. Sockets of others are never heard of.
    fn has(&self, namespace: &str) -> bool;

    /// A client wants into `socket`'s namespace. What is emitted before this returns is sent after the protocol's
    /// own answer.
    fn connect(
        &self,
        socket: &Arc<Socket>,
        auth: Map<String, Value>,
    ) -> impl Future<Output = Result<Welcome, ConnectError>> + Send;

    /// A socket that was elsewhere goes on here; the client has noticed nothing, and `heard` so much, if that is known.
    fn adopt(
        &self,
        socket: &Arc<Socket>,
        passport: Passport,
        heard: Option<Bookmark>,
    ) -> impl Future<Output = ()> + Send;

    /// The client said something.
    fn event(&self, socket: &Arc<Socket>, inbound: Inbound) -> impl Future<Output = ()> + Send;

    /// The socket is no longer here.
    fn disconnect(&self, socket: &Arc<Socket>, departure: Departure) -> impl Future<Output = ()> + Send;
}
