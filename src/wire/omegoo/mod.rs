//! The Omegoo API over sockets: a table from its packets to commands (`decode`), a table from events to its packets
//! (`encode`), and what each command answers to the socket that sent it (`perform`).

mod decode;
mod encode;
mod handshake;
mod perform;
mod resync;
mod sessions;
#[cfg(test)]
mod tests;

pub use encode::{encode, wants};
pub use handshake::{Bookmarks, Echo, Wishes};

use self::handshake::Hello;
use super::admission::Doors;
use super::hub::{Doing, Hub};
use super::member::Member;
use super::moved::Moved;
use super::{App, ConnectError, Departure, End, Inbound, Passport, Socket, Welcome};
use crate::actions::connect::{Arrival, Came, Parting};
use crate::actions::{Actions, Denied};
use crate::coord::script::FENCED;
use crate::coord::users::Session;
use crate::domain::event::Event;
use crate::domain::recovery::Bookmark;
use crate::domain::room::Offset;
use crate::error::Fault;
use crate::ids::RoomId;
use crate::metrics;
use futures_util::StreamExt;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Wait before a departure is told to Redis again, when Redis was away.
const DEPART_AGAIN: Duration = Duration::from_secs(1);

/// Sockets that moved looked after at once.
const LOOKED_AFTER_AT_ONCE: usize = 64;

/// The dialect on a node.
#[derive(Clone, Debug)]
pub struct Omegoo {
    actions: Actions,
    hub: Hub,
    doors: Doors,
    moved: Moved,
}

impl Omegoo {
    /// Speaks for `actions` to the sockets in `hub`.
    pub fn new(actions: Actions, hub: Hub) -> Self {
        let sockets = &actions.settings().sockets;
        let shards = actions.settings().redis.shards;
        let doors = Doors::new(shards, sockets.arrivals_at_once, sockets.arrivals_waiting);
        Self {
            actions,
            hub,
            doors,
            moved: Moved::default(),
        }
    }

    /// From now on notices reach the socket: before Redis knows of it, so that none is missed.
    fn enroll(&self, socket: &Arc<Socket>, hello: Hello) -> Arc<Member> {
        self.enroll_member(self.arriving(socket, hello))
    }

    /// The same for one who has yet to prove to be who takes up the session.
    fn enroll_unproven(&self, socket: &Arc<Socket>, hello: Hello) -> Arc<Member> {
        self.enroll_member(self.arriving(socket, hello).unproven())
    }

    fn arriving(&self, socket: &Arc<Socket>, hello: Hello) -> Member {
        let (now, unnoticed) = (self.actions.clock().steady(), self.actions.unnoticed());
        hello.member(socket.clone(), now, unnoticed)
    }

    fn enroll_member(&self, member: Member) -> Arc<Member> {
        let member = Arc::new(member);
        self.hub.enroll(member.clone());
        member
    }

    /// Makes a user of an enrolled socket, whose client may take up `session`; none leaves what is known of that.
    async fn admit(&self, member: &Arc<Member>, session: Option<&Session>) -> Result<Came, Denied> {
        let came = self.arrive(member, session).await?;
        self.settle_in(member, &came);
        Ok(came)
    }

    /// The same, but nothing is told yet.
    async fn arrive(&self, member: &Member, session: Option<&Session>) -> Result<Came, Denied> {
        let (user, sid) = (&member.who.user, member.socket.sid());
        match self.actions.arrive(user, sid, session).await {
            Ok(came) => Ok(came),
            Err(denied) => Err(self.turn_away(member, denied).await),
        }
    }

    /// Lets a client in; one whose login has ended is let out again. It is asked when the socket is the user's already: an
    /// end from after that comes as a notice.
    async fn receive_while_it_holds(&self, socket: &Arc<Socket>, auth: &Map<String, Value>) -> Result<Welcome, Denied> {
        let welcome = self.receive(socket, auth).await?;
        if let Some(member) = self.hub.member(socket.sid()) {
            self.keep_while_it_holds(&member).await?;
        }
        Ok(welcome)
    }

    async fn keep_while_it_holds(&self, member: &Member) -> Result<(), Denied> {
        match self.actions.must_still_hold(&member.who).await {
            Ok(()) => Ok(()),
            Err(denied) => {
                self.hub.strike(member.socket.sid());
                self.depart(member, Departure::Clean).await;
                Err(denied)
            }
        }
    }

    /// The socket could not be made a user's. When Redis failed, it may have come halfway.
    async fn turn_away(&self, member: &Member, denied: Denied) -> Denied {
        self.hub.strike(member.socket.sid());
        if let Denied::Failed(_) = denied {
            // Its client comes back anew: waiting for Redis to hear of this must not keep it.
            member.socket.connection().end(End::Drained);
            self.depart(member, Departure::Lost).await;
        }
        denied
    }

    /// Whoever has come sits in this room.
    fn found_in(&self, member: &Member, room: RoomId) {
        metrics::RECONNECTS.one("seated");
        self.hub.set_doing(&member.who.user, Doing::Seated(room));
    }

    fn settle_in(&self, member: &Member, came: &Came) {
        let user = &member.who.user;
        match &came.arrival {
            Arrival::Idle | Arrival::Opening => member.settle(&came.missed, None),
            Arrival::Seeking(queue) => {
                self.hub.set_doing(user, Doing::Seeking(*queue));
                member.settle(&came.missed, None);
            }
            Arrival::Seated { room, last, .. } => {
                self.found_in(member, *room);
                member.settle(&came.missed, Some((*room, *last)));
            }
            Arrival::Ended(room, ending) => {
                metrics::RECONNECTS.one("ended");
                let event = Event::Ended {
                    room: *room,
                    offset: None,
                    ending: ending.clone(),
                    at: self.actions.clock().now(),
                };
                member.say(&event);
                // Of this room nothing more is told.
                member.settle(&came.missed, Some((*room, Offset::LAST)));
            }
        }
    }

    /// Sockets that moved a while ago, and that no node took, are gone. Of whom Redis cannot be told now it is told another
    /// time: others may live on a shard that answers.
    pub async fn look_after_the_moved(&self) {
        let now = self.actions.clock().steady();
        let each = self.moved.due(now).into_iter().map(|member| async move {
            // It may have come back; where another node has it this does nothing.
            let is_back = self.hub.member(member.socket.sid()).is_some();
            if !is_back && !self.is_told_of(&member, Departure::Lost).await {
                self.moved.note_again(member, now);
            }
        });
        futures_util::stream::iter(each)
            .buffer_unordered(LOOKED_AFTER_AT_ONCE)
            .collect::<()>()
            .await;
    }

    /// Tells Redis that a socket is gone, for as long as it takes: nobody else knows.
    async fn depart(&self, member: &Member, departure: Departure) {
        while !self.is_told_of(member, departure).await {
            tokio::time::sleep(DEPART_AGAIN).await;
        }
    }

    /// Tells Redis once; whether that is all. A node whose lease was taken stops trying, its sockets are taken care of by
    /// others.
    async fn is_told_of(&self, member: &Member, departure: Departure) -> bool {
        let since = member.may_have_missed(departure);
        let parting = match departure {
            Departure::Clean => Parting::Goodbye,
            Departure::Lost | Departure::Drained | Departure::Moved => Parting::Break,
        };
        let (user, sid) = (&member.who.user, member.socket.sid());
        match self.actions.depart(user, sid, since, parting).await {
            Ok(()) => true,
            Err(fault) if fault.why == FENCED => true,
            Err(fault) => {
                failed(&fault);
                false
            }
        }
    }
}

impl App for Omegoo {
    fn has(&self, namespace: &str) -> bool {
        namespace == "/"
    }

    async fn connect(&self, socket: &Arc<Socket>, auth: Map<String, Value>) -> Result<Welcome, ConnectError> {
        let auth = handshake::with_token(auth, socket.connection().bearer());
        match self.receive_while_it_holds(socket, &auth).await {
            Ok(welcome) => Ok(welcome),
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

    async fn adopt(&self, socket: &Arc<Socket>, passport: Passport, heard: Option<Bookmark>) {
        let admitted = match (handshake::from_passport(&passport), heard) {
            (Some(hello), Some(heard)) => self.go_on(&self.enroll(socket, hello), heard).await,
            (Some(hello), None) => self.admit(&self.enroll(socket, hello), None).await.map(|came| {
                // Its client comes back and is sent the state.
                if !came.whole {
                    socket.connection().end(End::Cut);
                }
            }),
            (None, _) => Err(Fault::new("passport", "unreadable").into()),
        };
        let admitted = match (admitted, self.hub.member(socket.sid())) {
            (Ok(()), Some(member)) => self.keep_while_it_holds(&member).await,
            (admitted, _) => admitted,
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
            Departure::Moved => {
                // Whoever goes on with it has it by the time at which its client would count as dead.
                let look_at = self.actions.clock().steady() + self.actions.patience();
                self.moved.note(member, look_at);
            }
            Departure::Clean | Departure::Lost | Departure::Drained => self.depart(&member, departure).await,
        }
    }
}

/// A fault became an answer: the one place where it is logged and counted.
fn failed(fault: &Fault) {
    metrics::FAULTS.one(fault.op);
    tracing::error!(fault.op, fault.why, "{} failed", fault.op);
}
