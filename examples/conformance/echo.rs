//! What is spoken at `/engine.io/`: every message comes back.

use palaver::wire::engineio::{Malformed, Message};
use palaver::wire::{Connection, Departure, Dialogue, Frame, Handover};
use std::sync::Arc;

pub(crate) struct Echo;

impl Dialogue for Echo {
    type Memory = ();

    const JOINS: bool = false;

    async fn message(&self, connection: &Arc<Connection>, (): &mut (), message: Message) -> Result<(), Malformed> {
        let frame = match message {
            Message::Text(text) => Frame::message(&text),
            Message::Binary(bytes) => Frame::binary(&bytes),
        };
        connection.send(&[frame]);
        Ok(())
    }

    async fn adopt(&self, connection: &Arc<Connection>, (): &mut (), handover: Handover) -> Result<(), Malformed> {
        for message in handover.leftover {
            self.message(connection, &mut (), message).await?;
        }
        Ok(())
    }

    async fn ended(&self, _: &Arc<Connection>, (): &mut (), _: Departure) -> Handover {
        Handover::default()
    }
}
