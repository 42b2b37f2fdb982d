//! Sockets from outside: the behaviours of Engine.IO and Socket.IO, on one node and on two where every request lands on
//! the other one, and what hostile peers get.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../../examples/conformance/echo.rs"]
mod echo;
mod hostile;
#[path = "../../examples/conformance/node.rs"]
mod node;
mod polling;
mod socketio;
#[path = "../../examples/conformance/suite.rs"]
mod suite;
mod support;
mod upgrade;
mod websocket;
