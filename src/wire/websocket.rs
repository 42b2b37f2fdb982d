//! Sessions that begin as a WebSocket: nothing of them is in Redis.

use super::bearer::Bearer;
use super::connection::Connection;
use super::dialogue::Dialogue;
use super::engine::Core;
use super::engineio::Refused;
use super::frame::Frame;
use super::handshake::{Offer, Switch};
use super::messages::Messages;
use super::outbox::Outbox;
use super::pace::Pace;
use super::stream::Gate;
use super::talk::Talk;
use super::upgrade;
use crate::ids::{SessionId, Ticket};
use crate::metrics::{self, Transport};
use poem::{Request, Response};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Answers the handshake and leaves the rest to the connection's own task.
pub(super) fn open<D: Dialogue>(core: &Arc<Core<D>>, request: &Request) -> Result<Response, Refused> {
    if core.draining.load(Ordering::Acquire) || core.living.len() >= core.settings.max_connections {
        return Err(Refused::Unavailable);
    }
    let (answer, switch) = Offer::read(request)?.accept();
    tokio::spawn(begin(core.clone(), switch, Bearer::of(request.headers())));
    Ok(answer)
}

async fn begin<D: Dialogue>(core: Arc<Core<D>>, switch: Switch, bearer: Option<Bearer>) {
    let Some(talk) = Box::pin(set_up(&core, switch, SessionId::fresh(), None)).await else {
        return;
    };
    bearer.into_iter().for_each(|bearer| talk.connection.bring(bearer));
    metrics::CONNECTIONS_OPENED.one(Transport::Websocket);
    let opening = core.opening(talk.connection.sid().as_str(), &[]);
    talk.connection.send(&[Frame::packet(&opening)]);
    // A task of its own: this one has room for the handshake, and that room would stay for life.
    tokio::spawn(talk.run());
}

/// The same for one that wants to replace long-polling by right of `claim`.
pub(super) fn replace<D: Dialogue>(core: &Arc<Core<D>>, switch: Switch, sid: SessionId, claim: Ticket) {
    tokio::spawn(begin_upgrade(core.clone(), switch, sid, claim));
}

/// Ends a WebSocket that has nothing to take over.
pub(super) fn turn_away<D: Dialogue>(core: &Arc<Core<D>>, switch: Switch) {
    tokio::spawn(refuse(core.clone(), switch));
}

async fn begin_upgrade<D: Dialogue>(core: Arc<Core<D>>, switch: Switch, sid: SessionId, claim: Ticket) {
    match Box::pin(set_up(&core, switch, sid.clone(), Some(claim.clone()))).await {
        Some(talk) => drop(tokio::spawn(talk.run())),
        None => Box::pin(upgrade::give_up(&core, &sid, &claim)).await,
    }
}

async fn refuse<D: Dialogue>(core: Arc<Core<D>>, switch: Switch) {
    if let Some((accepted, _)) = switch.done(&core.streams).await {
        let last = Frame::close(1008, "session taken");
        // So few bytes fit into an empty send buffer, or the peer is gone.
        let _ = accepted.tcp.try_write(last.wire());
    }
}

async fn set_up<D: Dialogue>(
    core: &Arc<Core<D>>,
    switch: Switch,
    sid: SessionId,
    claim: Option<Ticket>,
) -> Option<Box<Talk<D>>> {
    let (accepted, early) = switch.done(&core.streams).await?;
    let (gate, stream) = Gate::new(accepted, early, core.settings.max_payload);
    let now = core.clock.steady();
    let outbox = Outbox::over(stream.clone(), core.settings.outbox);
    let connection = Connection::new(sid, outbox, now, &core.settings);
    if claim.is_some() {
        connection.probe();
    }
    core.living.add(&connection);
    Some(Box::new(Talk {
        pace: Pace::new(now, &core.settings),
        memory: D::Memory::default(),
        core: core.clone(),
        connection,
        stream,
        gate: Some(gate),
        messages: Messages::new(core.settings.max_payload),
        frames: 0,
        claim,
    }))
}
