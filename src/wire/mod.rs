//! Sockets: Engine.IO v4 and Socket.IO v5 over WebSocket and long-polling, for whatever runs on top ([`App`]).
//!
//! `engineio` and `socketio` are codecs without I/O. A *connection* is one Engine.IO session seen from the node that
//! holds its protocol state; a *socket* is one namespace of it; a *frame* is something to send, encoded once.
//! Nothing here knows of chat: the dialects (`omegoo`) sit beside this and implement [`App`].

pub mod engineio;
pub mod socketio;
