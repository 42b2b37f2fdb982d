//! A WebSocket that replaces long-polling, on whichever node it lands: it claims the attempt, answers the probe, and at
//! packet `5` takes over: packets not yet fetched, then those the owner still routes here, then the sockets.

use super::connection::{Connection, End};
use super::dialogue::{Dialogue, Handover};
use super::directory::Hand;
use super::engine::Core;
use super::engineio::Refused;
use super::frame::Frame;
use super::handshake::Offer;
use super::talk::Talk;
use super::websocket;
use crate::coord::sessions::{Probed, Upgraded};
use crate::ids::{SessionId, Ticket};
use crate::metrics;
use poem::{Request, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long the owner may take to hand over; after that it is as good as dead and what its record has is taken.
const HAND_OVER: Duration = Duration::from_secs(3);

/// Answers the handshake of a WebSocket that names a session.
pub(super) async fn open<D: Dialogue>(
    core: &Arc<Core<D>>,
    sid: SessionId,
    request: &Request,
) -> Result<Response, Refused> {
    let offer = Offer::read(request)?;
    let claim = Ticket::fresh();
    let patience = core.settings.upgrade_timeout;
    match core.coord.session_probe(&sid, claim.as_str(), patience).await {
        Ok(Probed::Probing) => {
            let (answer, switch) = offer.accept();
            websocket::replace(core, switch, sid, claim);
            Ok(answer)
        }
        Ok(Probed::Busy) => {
            // Clients expect a handshake and then the end of it, not a refusal.
            let (answer, switch) = offer.accept();
            websocket::turn_away(core, switch);
            Ok(answer)
        }
        Ok(Probed::Unknown) => Err(Refused::UnknownSid),
        Err(_) => Err(Refused::Unavailable),
    }
}

/// The attempt is over without success.
pub(super) async fn give_up<D: Dialogue>(core: &Core<D>, sid: &SessionId, claim: &Ticket) {
    if let Err(fault) = core.coord.session_unprobe(sid, claim.as_str()).await {
        tracing::warn!(%fault, "a failed upgrade could not be noted; it ends by itself");
    }
}

impl<D: Dialogue> Talk<D> {
    /// The client has said that from now on only this WebSocket counts.
    pub(super) async fn take_over(&mut self, claim: &Ticket) -> Result<(), End> {
        let sid = self.connection.sid().clone();
        let mut handed = self.core.directory.take(&sid);
        let entries = match self.core.coord.session_upgrade(&sid, claim.as_str()).await {
            Ok(Upgraded::Moving(entries)) => entries,
            Ok(Upgraded::Unknown) | Err(_) => {
                self.core.directory.taken(&sid);
                return Err(End::Malformed("no such session"));
            }
        };
        metrics::UPGRADES.one(());
        send(&self.connection, &entries);
        let handover = follow(&self.core, &self.connection, &mut handed).await;
        self.core.directory.taken(&sid);
        self.connection.settle(self.core.clock.steady(), &self.core.settings);
        // Nothing came: its client has to come back anew.
        let handover = handover.ok_or(End::Drained)?;
        let adopted = self.core.dialogue.adopt(&self.connection, &mut self.memory, handover);
        adopted.await.map_err(|bad| End::Malformed(bad.0))
    }
}

/// Waits for the sockets, and takes them from an owner that does not hand them over.
async fn follow<D: Dialogue>(
    core: &Core<D>,
    connection: &Arc<Connection>,
    handed: &mut mpsc::Receiver<Hand>,
) -> Option<Handover> {
    if let Ok(given) = tokio::time::timeout(HAND_OVER, given(connection, handed)).await {
        return given;
    }
    match core.life.ask(|| core.coord.session_take(connection.sid())).await {
        Ok(true) => {}
        Ok(false) => return None,
        Err(fault) => {
            tracing::warn!(%fault, "a session that moved could not be taken from its owner");
            return None;
        }
    }
    let taken = tokio::time::timeout(HAND_OVER, given(connection, handed)).await;
    taken.ok().flatten()
}

/// What the owner of before still sends, and then gives.
async fn given(connection: &Arc<Connection>, handed: &mut mpsc::Receiver<Hand>) -> Option<Handover> {
    loop {
        match handed.recv().await? {
            Hand::Packets(entries) => send(connection, &entries),
            Hand::Sockets(handover) => return Some(handover),
        }
    }
}

fn send(connection: &Arc<Connection>, entries: &[String]) {
    for entry in entries {
        match Frame::from_entry(entry) {
            // A ping that no poll has fetched is not one for the new heartbeat.
            Some(frame) if entry != "2" => {
                connection.send(&[frame]);
            }
            _ => {}
        }
    }
}
