//! Signals about polling sessions, from this node's inboxes to whoever they are for. Nothing here waits.

use super::bearer::Bearer;
use super::connection::{Connection, End};
use super::dialogue::{Dialogue, Handover, Joined};
use super::directory::{Hand, Held, Mail};
use super::engine::{Core, Engine};
use super::engineio::{Message, Packet, decode_payload};
use super::holding;
use crate::coord::sessions::{Carried, Says, SessionSignal};
use crate::ids::SessionId;
use std::sync::Arc;
use tokio::sync::mpsc::error::TrySendError;

/// What a client brought along stands in the record under the name of no namespace: theirs begin with a slash. Nodes of
/// the release before find no socket in it and pass it over.
const BROUGHT: &str = "";

impl<D: Dialogue> Engine<D> {
    /// Takes a signal as the inbox had it (`Incoming::Signal`).
    pub fn signal(&self, payload: &str) {
        match SessionSignal::decode(payload) {
            Some(signal) => dispatch(&self.0, signal),
            None => tracing::error!("a signal about a session could not be read"),
        }
    }
}

fn dispatch<D: Dialogue>(core: &Arc<Core<D>>, signal: SessionSignal) {
    match signal {
        SessionSignal::Wake { token } => core.directory.wake(&token),
        SessionSignal::Push {
            sid,
            epoch,
            number,
            body,
        } => post(core, &sid, epoch, Mail::Push(number, body)),
        SessionSignal::Pong { sid, epoch } => post(core, &sid, epoch, Mail::Pong),
        SessionSignal::Adopt {
            sid,
            epoch,
            dead,
            joined,
        } => holding::adopt(core, sid, epoch, dead, joined),
        SessionSignal::Taken { sid, epoch } => taken(core, &sid, epoch),
        SessionSignal::Moved { sid, epoch } => tell(core, &sid, epoch, Mail::Moved),
        SessionSignal::Over { sid, epoch, why } => tell(core, &sid, epoch, Mail::Over(why)),
        SessionSignal::Routed { sid, entries } => {
            core.directory.hand(&sid, Hand::Packets(entries));
        }
        SessionSignal::Handed { sid, joined, leftover } => {
            core.directory.hand(&sid, Hand::Sockets(handover(joined, &leftover)));
        }
    }
}

fn deliver(held: &Held, mail: Mail) {
    if let Err(TrySendError::Full(_)) = held.mail.try_send(mail) {
        held.connection.end(End::TooFast);
    }
}

fn tell<D: Dialogue>(core: &Arc<Core<D>>, sid: &SessionId, epoch: u64, mail: Mail) {
    if let Some(held) = core.directory.held(sid).filter(|held| held.epoch == epoch) {
        deliver(&held, mail);
    }
}

/// At once, ahead of what was posted before: the next owner is given that too.
fn taken<D: Dialogue>(core: &Arc<Core<D>>, sid: &SessionId, epoch: u64) {
    if let Some(held) = core.directory.held(sid).filter(|held| held.epoch == epoch) {
        held.connection.end(End::Orphaned);
    }
}

/// A client that still posts to a session whose state is lost here must be told to begin anew. One that was given up goes
/// on with its next owner, who is given what was posted.
fn post<D: Dialogue>(core: &Arc<Core<D>>, sid: &SessionId, epoch: u64, mail: Mail) {
    match core.directory.held(sid) {
        Some(held) if held.epoch == epoch => deliver(&held, mail),
        Some(_) => {}
        None => holding::abandon(core, sid.clone(), Says::Owner(epoch), "forgotten"),
    }
}

/// What another holder gave, as the dialogue knows it.
pub(super) fn handover(joined: Vec<Carried>, leftover: &[String]) -> Handover {
    let (joined, brought): (Vec<_>, Vec<_>) = joined.into_iter().partition(|one| one.namespace != BROUGHT);
    let joined = joined.into_iter().map(|one| Joined {
        namespace: one.namespace,
        sid: one.sid,
        passport: one.passport,
        heard: one.heard,
    });
    Handover {
        joined: joined.collect(),
        leftover: messages(leftover),
        bearer: brought.first().map(|one| Bearer::carried(&one.passport)),
    }
}

/// The messages in bodies whose bounds were checked when they were posted.
fn messages(bodies: &[String]) -> Vec<Message> {
    let packets = bodies.iter().filter_map(|body| decode_payload(body, usize::MAX).ok());
    let message = |packet| match packet {
        Packet::Message(message) => Some(message),
        _ => None,
    };
    packets.flatten().filter_map(message).collect()
}

/// The same, the other way round.
pub(super) fn carried(handover: &Handover) -> (Vec<Carried>, Vec<String>) {
    let joined = recorded(&handover.joined, handover.bearer.as_ref());
    (joined, handover.leftover.iter().map(entry).collect())
}

/// A message as a body has it.
pub(super) fn entry(message: &Message) -> String {
    let mut entry = String::new();
    super::engineio::push_entry(&mut entry, message);
    entry
}

/// What the record must have of a connection.
pub(super) fn current(connection: &Connection) -> Vec<Carried> {
    recorded(&connection.joined(), connection.bearer().as_ref())
}

fn recorded(joined: &[Joined], bearer: Option<&Bearer>) -> Vec<Carried> {
    let brought = bearer.map(|bearer| Carried {
        namespace: BROUGHT.to_owned(),
        sid: String::new(),
        passport: bearer.reveal().to_owned(),
        heard: None,
    });
    joined.iter().map(carry).chain(brought).collect()
}

/// One namespace as the record has it.
fn carry(joined: &Joined) -> Carried {
    Carried {
        namespace: joined.namespace.clone(),
        sid: joined.sid.clone(),
        passport: joined.passport.clone(),
        heard: joined.heard,
    }
}
