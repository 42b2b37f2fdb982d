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

/// What Socket.IO tells clients that want into a namespace which is not there.
const NOT_THERE: &str = "Invalid namespace";

/// An app behind Socket.IO.
pub struct Namespaces<A> {
    app: A,
    bounds: Bounds,
}

impl<A: App> Namespaces<A> {
    /// `settings` are those of the engine it is given to.
    pub fn new(app: A, settings: &super::settings::Settings) -> Self {
        Self {
            app,
            bounds: settings.bounds(),
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
        if !self.app.has(namespace) {
            refuse(connection, namespace, &ConnectError::new(NOT_THERE));
            return Ok(());
        }
        if connection.socket(namespace).is_some() {
            return Err(Malformed("namespace joined twice"));
        }
        let socket = Socket::joining(SocketId::fresh(), namespace, connection.clone());
        match self.app.connect(&socket, auth).await {
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
                    refuse(connection, namespace, &error);
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

fn refuse(connection: &Connection, namespace: &str, error: &ConnectError) {
    let text = socketio::connect_error(namespace, &error.message, error.data.as_ref());
    connection.send(&[Frame::message(&text)]);
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
            if !self.app.has(&joined.namespace) {
                // It was there at the holder of before, of another release.
                connection.send(&[Frame::message(&socketio::disconnect(&joined.namespace))]);
                continue;
            }
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

#[cfg(test)]
mod tests {
    use super::super::app::Welcome;
    use super::super::dialogue::Joined;
    use super::super::outbox::Outbox;
    use super::super::settings::Settings;
    use super::*;
    use crate::clock::Millis;
    use crate::domain::recovery::Bookmark;
    use crate::ids::SessionId;

    /// Has one namespace, where nothing happens.
    struct Quiet;

    impl App for Quiet {
        fn has(&self, namespace: &str) -> bool {
            namespace == "/here"
        }

        async fn connect(&self, _: &Arc<Socket>, _: Map<String, Value>) -> Result<Welcome, ConnectError> {
            Ok(Welcome::default())
        }

        async fn adopt(&self, socket: &Arc<Socket>, _: Passport, _: Option<Bookmark>) {
            assert_eq!(socket.namespace(), "/here");
        }

        async fn event(&self, _: &Arc<Socket>, _: Inbound) {}

        async fn disconnect(&self, _: &Arc<Socket>, _: Departure) {}
    }

    #[tokio::test]
    async fn a_socket_whose_namespace_is_not_there_is_let_go_when_its_session_comes_from_elsewhere() {
        let settings = Settings::default();
        let connection = Connection::new(SessionId::fresh(), Outbox::gathering(1024), Millis(0), &settings);
        let joined = ["/here", "/there"].map(|namespace| Joined {
            namespace: namespace.to_owned(),
            sid: SocketId::fresh().to_string(),
            passport: "p".to_owned(),
            heard: None,
        });
        let handover = Handover {
            joined: joined.to_vec(),
            ..Handover::default()
        };

        let namespaces = Namespaces::new(Quiet, &settings);
        let adopted = namespaces.adopt(&connection, &mut Assembler::default(), handover).await;

        assert_eq!(adopted, Ok(()));
        assert_eq!(connection.joined(), joined[..1]);
        assert_eq!(connection.outbox.drain(9).0, [Frame::message("1/there,")]);
    }
}
