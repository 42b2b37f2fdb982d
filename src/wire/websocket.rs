//! Sessions that begin as a WebSocket: nothing of them is in Redis.

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
use crate::ids::SessionId;
use poem::{Request, Response};
use std::sync::Arc;

/// Answers the handshake and leaves the rest to the connection's own task.
pub(super) fn open<D: Dialogue>(core: &Arc<Core<D>>, request: &Request) -> Result<Response, Refused> {
    let (answer, switch) = Offer::read(request)?.accept();
    tokio::spawn(begin(core.clone(), switch));
    Ok(answer)
}

async fn begin<D: Dialogue>(core: Arc<Core<D>>, switch: Switch) {
    let Some((accepted, early)) = Box::pin(switch.done(&core.streams)).await else {
        return;
    };
    let (gate, stream) = Gate::new(accepted, early, core.settings.max_payload);
    let now = core.clock.steady();
    let outbox = Outbox::over(stream.clone(), core.settings.outbox);
    let connection = Connection::new(SessionId::fresh(), outbox, now, &core.settings);
    core.living.add(&connection);
    let opening = core.opening(connection.sid().as_str(), &[]);
    connection.send(&[Frame::packet(&opening)]);
    let talk = Talk {
        pace: Pace::new(now, &core.settings),
        memory: D::Memory::default(),
        core: core.clone(),
        connection,
        stream,
    };
    talk.run(gate, Messages::new(core.settings.max_payload)).await;
}
