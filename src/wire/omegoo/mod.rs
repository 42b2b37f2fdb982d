//! The Omegoo API over sockets: a table from its packets to commands (`decode`), a table from events to its packets
//! (`encode`), and what each command answers to the socket that sent it (`perform`).

mod decode;
mod encode;
mod handshake;
mod perform;
mod resync;
#[cfg(test)]
mod tests;

pub use encode::{encode, wants};
pub use handshake::Echo;

use super::hub::{Doing, Hub};
use super::member::Member;
use super::{App, ConnectError, Departure, End, Inbound, Passport, Socket};
use crate::actions::connect::Arrival;
use crate::actions::{Actions, Denied};
use crate::coord::script::FENCED;
use crate::domain::event::Event;
use crate::error::Fault;
use crate::metrics;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Wait before a departure is told to Redis again, when Redis was away.
const DEPART_AGAIN: Duration = Duration::from_secs(1);

/// The dialect on a node.
#[derive(Clone, Debug)]
pub struct Omegoo {
    actions: Actions,
    hub: Hub,
}

impl Omegoo {
    /// Speaks for `actions` to the sockets in `hub`.
    pub fn new(actions: Actions, hub: Hub) -> Self {
        Self { actions, hub }
    }

    /// Makes a user of the socket. Notices reach it from before Redis knows of it, so that none is missed.
    async fn admit(&self, member: Arc<Member>) -> Result<(), Denied> {
        let (user, sid) = (member.who.user.clone(), member.socket.sid().clone());
        self.hub.enroll(member.clone());
        match self.actions.arrive(&user, &sid).await {
            Ok(arrival) => {
                self.settle_in(&member, arrival);
                Ok(())
            }
            Err(denied) => {
                self.hub.strike(&sid);
                Err(denied)
            }
        }
    }

    fn settle_in(&self, member: &Member, arrival: Arrival) {
        let user = &member.who.user;
        match arrival {
            Arrival::Idle => member.settle_without_room(None),
            Arrival::Seeking(queue) => {
                self.hub.set_doing(user, Doing::Seeking(queue));
                member.settle_without_room(None);
            }
            Arrival::Seated { room, last, .. } => {
                metrics::RECONNECTS.one("seated");
                self.hub.set_doing(user, Doing::Seated(room));
                member.settle_in_room(room, last);
            }
            Arrival::Ended(room, ending) => {
                metrics::RECONNECTS.one("ended");
                let event = Event::Ended {
                    room,
                    ending,
                    at: self.actions.clock().now(),
                };
                member.socket.emit_all(&encode(&event, user));
                member.settle_without_room(Some(room));
            }
        }
    }

    /// Tells Redis that a socket is gone, for as long as it takes: nobody else knows. A node whose lease was taken stops
    /// trying, its sockets are taken care of by others.
    async fn depart(&self, member: &Member, departure: Departure) {
        let since = member.may_have_missed(departure);
        loop {
            match self.actions.depart(&member.who.user, member.socket.sid(), since).await {
                Ok(()) => return,
                Err(fault) if fault.why == FENCED => return,
                Err(fault) => {
                    failed(&fault);
                    tokio::time::sleep(DEPART_AGAIN).await;
                }
            }
        }
    }
}

impl App for Omegoo {
    async fn connect(&self, socket: &Arc<Socket>, auth: Map<String, Value>) -> Result<Passport, ConnectError> {
        let hello = handshake::read(&auth, &self.actions);
        let passport = hello.passport();
        let member = hello.member(socket.clone(), self.actions.clock().steady());
        let user = member.who.user.clone();
        match self.admit(Arc::new(member)).await {
            Ok(()) => {
                let counts = Event::Counted(self.hub.counts());
                socket.emit_all(&encode(&counts, &user));
                Ok(passport)
            }
            Err(Denied::Refused(refusal)) => {
                metrics::REFUSALS.one(refusal.code());
                Err(ConnectError {
                    message: refusal.to_string(),
                    data: Some(json!({ "code": refusal.code() })),
                })
            }
            Err(Denied::Failed(fault)) => {
                failed(&fault);
                // A refused CONNECT is final to clients; a closed connection makes them try again.
                socket.connection().end(End::Drained);
                Err(ConnectError::new("Temporarily unavailable"))
            }
        }
    }

    async fn adopt(&self, socket: &Arc<Socket>, passport: Passport) {
        let admitted = match handshake::from_passport(&passport) {
            Some(hello) => {
                let member = hello.member(socket.clone(), self.actions.clock().steady());
                self.admit(Arc::new(member)).await
            }
            None => Err(Fault::new("passport", "unreadable").into()),
        };
        metrics::ADOPTIONS.one(if admitted.is_ok() { "taken" } else { "refused" });
        if let Err(denied) = admitted {
            if let Denied::Failed(fault) = &denied {
                failed(fault);
            }
            socket.connection().end(End::Drained);
        }
    }

    async fn event(&self, socket: &Arc<Socket>, inbound: Inbound) {
        // Gone only while the node begins a new life and could not bring this socket along.
        let Some(member) = self.hub.member(socket.sid()) else {
            return;
        };
        self.perform(&member, inbound).await;
    }

    async fn disconnect(&self, socket: &Arc<Socket>, departure: Departure) {
        let Some(member) = self.hub.strike(socket.sid()) else {
            return;
        };
        match departure {
            Departure::Moved => {}
            Departure::Clean | Departure::Lost | Departure::Drained => self.depart(&member, departure).await,
        }
    }
}

/// A fault became an answer: the one place where it is logged and counted.
fn failed(fault: &Fault) {
    metrics::FAULTS.one(fault.op);
    tracing::error!(fault.op, fault.why, "{} failed", fault.op);
}
