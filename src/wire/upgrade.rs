//! A WebSocket that replaces long-polling, on whichever node it lands: it claims the attempt, answers the probe, and at
//! packet `5` takes over: packets not yet fetched, then those the owner still routes here, then the sockets.

use super::connection::{Connection, End};
use super::dialogue::{Dialogue, Handover};
use super::directory::Hand;
use super::engine::Core;
use super::engineio::Refused;
use super::frame::Frame;
use super::handshake::Offer;
use super::signals;
use super::talk::Talk;
use super::websocket;
use crate::coord::sessions::{Moving, Probed, Upgraded};
use crate::ids::{SessionId, Ticket};
use crate::metrics;
use poem::{Request, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long the owner may take to hand over; after that it is as good as dead and the record counts.
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
        let moving = match self.core.coord.session_upgrade(&sid, claim.as_str()).await {
            Ok(Upgraded::Moving(moving)) => moving,
            Ok(Upgraded::Unknown) | Err(_) => {
                self.core.directory.taken(&sid);
                return Err(End::Malformed("no such session"));
            }
        };
        metrics::UPGRADES.one(());
        let handover = follow(&self.connection, moving, &mut handed).await;
        self.core.directory.taken(&sid);
        self.connection.settle(self.core.clock.steady(), &self.core.settings);
        let adopted = self.core.dialogue.adopt(&self.connection, &mut self.memory, handover);
        adopted.await.map_err(|bad| End::Malformed(bad.0))
    }
}

/// Sends what the session still had for its client, and waits for its sockets.
async fn follow(connection: &Arc<Connection>, moving: Moving, handed: &mut mpsc::Receiver<Hand>) -> Handover {
    send(connection, &moving.entries);
    let handover = if moving.handing {
        let given = tokio::time::timeout(HAND_OVER, given(connection, handed)).await;
        given.ok().flatten()
    } else {
        None
    };
    let mut handover = handover.unwrap_or_else(|| signals::handover(moving.joined, &[]));
    handover.leftover.extend(signals::messages(&moving.kept));
    handover
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
