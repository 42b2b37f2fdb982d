//! Socket.IO over a connection: namespaces joined and left, events and answers handed to the [`App`].

use super::app::{App, ConnectError, Departure, Inbound, Passport};
use super::connection::Connection;
use super::dialogue::{Dialogue, Handover};
use super::engineio::{Malformed, Message};
use super::frame::Frame;
use super::socket::Socket;
use super::socketio::{self, Ack, Assembler, Bounds, Event, Packet};
use crate::ids::SocketId;
use serde_json::{Map, Value};
use std::sync::Arc;

/// An app behind Socket.IO.
pub struct Namespaces<A> {
    app: A,
    bounds: Bounds,
    max: usize,
}

impl<A: App> Namespaces<A> {
    /// `settings` are those of the engine it is given to.
    pub fn new(app: A, settings: &super::settings::Settings) -> Self {
        Self {
            app,
            bounds: settings.bounds(),
            max: settings.max_namespaces,
        }
    }

    /// The app.
    pub fn app(&self) -> &A {
        &self.app
    }

    async fn packet(&self, connection: &Arc<Connection>, packet: Packet) -> Result<(), Malformed> {
        match packet {
            // Boxed: this needs more room than an event, and those are many at a time.
            Packet::Connect { namespace, auth } => Box::pin(self.connect(connection, &namespace, auth)).await,
            Packet::Disconnect { namespace } => {
                if let Some(socket) = connection.part(&namespace) {
                    socket.leave();
                    Box::pin(self.app.disconnect(&socket, Departure::Clean)).await;
                }
                Ok(())
            }
            Packet::Event { namespace, event } => self.event(connection, &namespace, event).await,
            Packet::Ack { namespace, ack } => acknowledged(connection, &namespace, ack),
        }
    }

    async fn connect(
        &self,
        connection: &Arc<Connection>,
        namespace: &str,
        auth: Map<String, Value>,
    ) -> Result<(), Malformed> {
        if connection.socket(namespace).is_some() {
            return Err(Malformed("namespace joined twice"));
        }
        let socket = Socket::joining(SocketId::fresh(), namespace, connection.clone());
        let answer = if connection.namespaces() < self.max {
            self.app.connect(&socket, auth).await
        } else {
            Err(ConnectError::new("Too many namespaces"))
        };
        match answer {
            Ok(welcome) => {
                socket.keep_passport(welcome.passport);
                socket.begins_after(welcome.heard);
                connection.join(socket.clone());
                let sid = welcome.known_as.as_ref().unwrap_or(socket.sid());
                let text = socketio::connect(namespace, sid.as_str(), welcome.pid.as_deref());
                socket.open(&[Frame::message(&text)]);
            }
            Err(error) => {
                socket.leave();
                // A refusal is final to clients; one whose connection is over comes back anyway.
                if !connection.is_over() {
                    let text = socketio::connect_error(namespace, &error.message, error.data.as_ref());
                    connection.send(&[Frame::message(&text)]);
                }
            }
        }
        Ok(())
    }

    async fn event(&self, connection: &Arc<Connection>, namespace: &str, event: Event) -> Result<(), Malformed> {
        let Some(socket) = known(connection, namespace)? else {
            return Ok(());
        };
        let inbound = Inbound {
            name: event.name,
            args: event.args,
            attachments: event.attachments,
            ack: event.ack,
        };
        self.app.event(&socket, inbound).await;
        Ok(())
    }
}

/// The socket of a namespace. What comes for one that was just left by us is late, not wrong; but a client that has
/// never joined anything has nothing to say.
fn known(connection: &Arc<Connection>, namespace: &str) -> Result<Option<Arc<Socket>>, Malformed> {
    let socket = connection.socket(namespace);
    if socket.is_none() && !connection.has_joined() {
        return Err(Malformed("packet before connect"));
    }
    Ok(socket)
}

fn acknowledged(connection: &Arc<Connection>, namespace: &str, ack: Ack) -> Result<(), Malformed> {
    if let Some(socket) = known(connection, namespace)? {
        socket.answered(ack);
    }
    Ok(())
}

impl<A: App> Dialogue for Namespaces<A> {
    type Memory = Assembler;

    const JOINS: bool = true;

    async fn message(
        &self,
        connection: &Arc<Connection>,
        memory: &mut Assembler,
        message: Message,
    ) -> Result<(), Malformed> {
        match memory.take(message, self.bounds)? {
            Some(packet) => self.packet(connection, packet).await,
            None => Ok(()),
        }
    }

    async fn adopt(
        &self,
        connection: &Arc<Connection>,
        memory: &mut Assembler,
        handover: Handover,
    ) -> Result<(), Malformed> {
        handover.bearer.into_iter().for_each(|bearer| connection.bring(bearer));
        for joined in handover.joined {
            let Some(sid) = SocketId::parse(&joined.sid) else {
                continue;
            };
            let socket = Socket::joining(sid, &joined.namespace, connection.clone());
            let passport = Passport(joined.passport);
            socket.keep_passport(passport.clone());
            socket.begins_after(joined.heard);
            connection.join(socket.clone());
            socket.open(&[]);
            self.app.adopt(&socket, passport, joined.heard).await;
        }
        for message in handover.leftover {
            self.message(connection, memory, message).await?;
        }
        Ok(())
    }

    async fn ended(&self, connection: &Arc<Connection>, memory: &mut Assembler, departure: Departure) -> Handover {
        let sockets = connection.empty();
        let handover = Handover {
            joined: sockets.iter().map(|socket| socket.joined()).collect(),
            leftover: memory.leave().0,
            bearer: connection.bearer(),
        };
        for socket in sockets {
            socket.leave();
            self.app.disconnect(&socket, departure).await;
        }
        handover
    }
}
