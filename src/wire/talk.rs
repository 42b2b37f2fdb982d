//! The task of a WebSocket connection: it reads, and writes what the kernel did not take at once.
//!
//! While nothing comes, nothing is held for reading; a buffer exists from the first byte of a frame to the last.

use super::connection::{Connection, End};
use super::dialogue::Dialogue;
use super::engine::Core;
use super::engineio::{Message, Packet};
use super::frame::Frame;
use super::messages::{Heard, Messages, failed};
use super::pace::Pace;
use super::stream::{Gate, Stream};
use super::upgrade;
use crate::ids::Ticket;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// How long the last frames may take to a peer that is still reading.
const FAREWELL: Duration = Duration::from_secs(2);

/// One WebSocket's listening side.
pub(super) struct Talk<D: Dialogue> {
    pub(super) core: Arc<Core<D>>,
    pub(super) connection: Arc<Connection>,
    pub(super) stream: Arc<Stream>,
    pub(super) memory: D::Memory,
    pub(super) pace: Pace,
    /// What is read through; none while a reader has it.
    pub(super) gate: Option<Gate>,
    pub(super) messages: Messages,
    /// Frames that were read, wrapping.
    pub(super) frames: u32,
    /// The attempt of a WebSocket that has not yet replaced long-polling.
    pub(super) claim: Option<Ticket>,
}

impl<D: Dialogue> Talk<D> {
    /// Runs the connection to its end and tells the dialogue. Boxed: arguments of a task take their room twice in it, for
    /// life.
    pub(super) async fn run(mut self: Box<Self>) {
        let connection = self.connection.clone();
        let stream = self.stream.clone();
        {
            let mut listening = pin!(self.listen());
            let heard = tokio::select! {
                end = &mut listening => Some(end),
                () = write(&connection) => None,
            };
            match heard {
                Some(end) => connection.end(end),
                None => {
                    // What the app is doing for this client right now is finished, not torn off.
                    stream.halt();
                    listening.await;
                }
            }
        }
        let end = connection.over().unwrap_or(End::Cut);
        Box::pin(self.finish(end)).await;
    }

    async fn finish(mut self: Box<Self>, end: End) {
        // The app is told before the client is: whoever comes back at once must find the old place given up. With Redis
        // away that may take long, and the client is not kept waiting for it.
        let mut departing = Box::pin(async {
            match &self.claim {
                Some(claim) => upgrade::give_up(&self.core, self.connection.sid(), claim).await,
                None => drop(self.core.over(&self.connection, &mut self.memory, end).await),
            }
        });
        let departed = tokio::time::timeout(FAREWELL, &mut departing).await.is_ok();
        if let Some(last) = end.frame() {
            self.connection.outbox.send_last(last);
            let _ = tokio::time::timeout(FAREWELL, flush(&self.connection)).await;
        }
        if !departed {
            departing.await;
        }
        // Last, so that a drain which sees no connection left knows that all of this has been done.
        self.core.living.remove(&self.connection);
    }

    async fn listen(&mut self) -> End {
        while let Some(gate) = &mut self.gate {
            if gate.readable().await.is_err() {
                return End::Cut;
            }
            if let Err(end) = Box::pin(self.burst()).await {
                return end;
            }
        }
        End::Cut
    }

    /// Reads until nothing of a frame is outstanding.
    async fn burst(&mut self) -> Result<(), End> {
        let Some(gate) = self.gate.take() else {
            return Err(End::Cut);
        };
        let mut reader = self.core.readers.begin(gate, self.core.settings.max_payload);
        loop {
            let frame = reader.read_frame().await.map_err(|error| failed(&error))?;
            self.frames = self.frames.wrapping_add(1);
            let heard = self.messages.take(&frame);
            drop(frame);
            if !self.stream.unread(self.frames) {
                // Given back before anything is awaited: the fewer there are, the likelier is theirs the memory at hand.
                self.gate = self.core.readers.end(reader);
                return self.go_through(heard).await;
            }
            self.go_through(heard).await?;
        }
    }

    /// Hears, and goes on unless that was the end.
    async fn go_through(&mut self, heard: Heard) -> Result<(), End> {
        self.hear(heard).await?;
        match self.connection.is_over() {
            true => Err(End::Cut),
            false => Ok(()),
        }
    }

    async fn hear(&mut self, heard: Heard) -> Result<(), End> {
        if !self.pace.take(self.core.clock.steady(), &self.core.settings) {
            return Err(End::TooFast);
        }
        let message = match heard {
            Heard::Text(text) => match Packet::decode(&text).map_err(|bad| End::Malformed(bad.0))? {
                packet if self.claim.is_some() => return self.probed(&packet).await,
                Packet::Message(message) => message,
                Packet::Pong => {
                    let now = self.core.clock.steady();
                    self.connection.note_pong(now, &self.core.settings);
                    return Ok(());
                }
                Packet::Close => return Err(End::ClientClosed),
                Packet::Probe => return Err(End::Malformed("probe outside of an upgrade")),
                Packet::Upgrade | Packet::Noop => return Ok(()),
            },
            Heard::Binary(_) if self.claim.is_some() => return Err(End::Malformed("message before the upgrade")),
            Heard::Binary(bytes) => Message::Binary(bytes),
            Heard::Reply(frame) => {
                self.connection.send(&[frame]);
                return Ok(());
            }
            Heard::Nothing => return Ok(()),
            Heard::Over(end) => return Err(end),
        };
        let told = self.core.dialogue.message(&self.connection, &mut self.memory, message);
        // Boxed: it is there for the length of one message, not for the life of the connection.
        Box::pin(told).await.map_err(|bad| End::Malformed(bad.0))
    }
}

impl<D: Dialogue> Talk<D> {
    /// A packet before the upgrade is done.
    async fn probed(&mut self, packet: &Packet) -> Result<(), End> {
        match (packet, self.claim.take()) {
            (Packet::Upgrade, Some(claim)) => {
                let taken = Box::pin(self.take_over(&claim)).await;
                if taken.is_err() {
                    self.claim = Some(claim);
                }
                taken
            }
            (Packet::Probe, claim) => {
                self.claim = claim;
                self.connection.send(&[Frame::packet("3probe")]);
                Ok(())
            }
            (Packet::Noop, claim) => {
                self.claim = claim;
                Ok(())
            }
            (_, claim) => {
                self.claim = claim;
                Err(End::Malformed("not a packet of an upgrade"))
            }
        }
    }
}

/// Writes what waits, until the connection is over.
async fn write(connection: &Connection) {
    let outbox = &connection.outbox;
    while !connection.is_over() {
        match outbox.pump() {
            Ok(true) => outbox.wake.notified().await,
            Ok(false) => tokio::select! {
                ready = outbox.writable() => if ready.is_err() { connection.end(End::Cut) },
                () = outbox.wake.notified() => {}
            },
            Err(_) => connection.end(End::Cut),
        }
    }
}

async fn flush(connection: &Connection) {
    let outbox = &connection.outbox;
    while let Ok(false) = outbox.pump() {
        if outbox.writable().await.is_err() {
            return;
        }
    }
}
