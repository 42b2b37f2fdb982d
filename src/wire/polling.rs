//! Long-polling requests, any of which may land on any node: open, poll, post.

use super::bearer::Bearer;
use super::dialogue::Dialogue;
use super::engine::Core;
use super::engineio::{Packet, Refused, SEPARATOR, decode_payload};
use super::holding;
use crate::clock::Millis;
use crate::coord::sessions::{Polled, Says};
use crate::error::Fault;
use crate::ids::{SessionId, Ticket};
use crate::metrics::{self, Transport};
use poem::error::ReadBodyError;
use poem::http::{HeaderValue, header};
use poem::{Body, Response};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Notify;

/// How long a poll waits for the WebSocket that is about to replace it. A client that upgrades has either stopped
/// polling by then, or waits for exactly this answer.
const GIVE_WAY: Duration = Duration::from_millis(100);

/// Redis is away, or this node has lost its lease: the client should try again, maybe elsewhere.
fn unavailable(fault: Fault) -> Refused {
    tracing::warn!(%fault, "a polling request could not be served");
    Refused::Unavailable
}

fn text(body: String) -> Response {
    let mut response = Response::builder().body(body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=UTF-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A client begins.
pub(super) async fn open<D: Dialogue>(core: &Arc<Core<D>>, bearer: Option<Bearer>) -> Result<Response, Refused> {
    if core.draining.load(Ordering::Acquire) || core.living.len() >= core.settings.max_connections {
        return Err(Refused::Unavailable);
    }
    let sid = SessionId::fresh();
    core.coord.session_open(&sid, core.beat()).await.map_err(unavailable)?;
    metrics::CONNECTIONS_OPENED.one(Transport::Polling);
    let opening = core.opening(sid.as_str(), &["websocket"]);
    holding::open(core, sid, bearer);
    Ok(text(opening))
}

/// A client waits for packets.
pub(super) async fn poll<D: Dialogue>(
    core: &Arc<Core<D>>,
    sid: SessionId,
    peer: Option<SocketAddr>,
) -> Result<Response, Refused> {
    let waiting = Waiting::begin(core, sid);
    let answer = tokio::select! {
        answer = waiting.answer() => answer,
        () = core.streams.gone(peer) => return Err(Refused::UnknownSid),
    };
    waiting.end();
    answer
}

/// A poll under way. When its client goes away in the middle, the session ends: nobody can know what it has read.
struct Waiting<'c, D: Dialogue> {
    core: &'c Arc<Core<D>>,
    sid: SessionId,
    token: Ticket,
    woken: Arc<Notify>,
    answered: bool,
}

impl<'c, D: Dialogue> Waiting<'c, D> {
    fn begin(core: &'c Arc<Core<D>>, sid: SessionId) -> Self {
        let token = Ticket::fresh();
        let woken = core.directory.wait(token.as_str());
        Self {
            core,
            sid,
            token,
            woken,
            answered: false,
        }
    }

    fn end(mut self) {
        self.answered = true;
    }

    async fn answer(&self) -> Result<Response, Refused> {
        let (core, token) = (self.core, self.token.as_str());
        loop {
            match core
                .life
                .ask(|| core.coord.session_poll(&self.sid, token))
                .await
                .map_err(unavailable)?
            {
                Polled::Unknown => return Err(Refused::UnknownSid),
                Polled::Data(entries) => return Ok(text(entries.join(SEPARATOR.encode_utf8(&mut [0; 4])))),
                Polled::Wait(until) if !core.draining.load(Ordering::Acquire) => self.wait(until).await,
                Polled::Wait(_) => return self.give_way().await,
                Polled::Upgrading => {
                    let patience = core.clock.steady() + GIVE_WAY;
                    self.wait(patience).await;
                    return self.give_way().await;
                }
            }
        }
    }

    async fn wait(&self, until: Millis) {
        let left = until - self.core.clock.steady();
        // Woken or not, Redis is asked again.
        let _ = tokio::time::timeout(left, self.woken.notified()).await;
    }

    async fn give_way(&self) -> Result<Response, Refused> {
        let (core, token) = (self.core, self.token.as_str());
        let given_way = core.life.ask(|| core.coord.session_yield(&self.sid, token)).await;
        match given_way.map_err(unavailable)? {
            true => Ok(text("6".to_owned())),
            false => Err(Refused::UnknownSid),
        }
    }
}

impl<D: Dialogue> Drop for Waiting<'_, D> {
    fn drop(&mut self) {
        self.core.directory.unwait(self.token.as_str());
        if !self.answered {
            holding::abandon(self.core, self.sid.clone(), Says::Client, "aborted");
        }
    }
}

/// A client posts packets.
pub(super) async fn post<D: Dialogue>(core: &Arc<Core<D>>, sid: &SessionId, body: Body) -> Result<Response, Refused> {
    let settings = &core.settings;
    let read = tokio::time::timeout(settings.body_timeout, body.into_bytes_limit(settings.max_payload)).await;
    let bytes = match read {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(ReadBodyError::PayloadTooLarge)) => return Err(Refused::TooLarge),
        Ok(Err(_)) | Err(_) => return Err(Refused::BadRequest),
    };
    let read = std::str::from_utf8(&bytes).ok().and_then(|body| {
        let packets = decode_payload(body, core.settings.max_packets).ok()?;
        Some((body, packets))
    });
    match read {
        Some((body, packets)) if !packets.contains(&Packet::Probe) => take(core, sid, body, &packets).await,
        _ => {
            let was_there = core
                .coord
                .session_drop(sid, Says::Client, "malformed")
                .await
                .map_err(unavailable)?;
            Err(if was_there {
                Refused::BadRequest
            } else {
                Refused::UnknownSid
            })
        }
    }
}

async fn take<D: Dialogue>(
    core: &Core<D>,
    sid: &SessionId,
    body: &str,
    packets: &[Packet],
) -> Result<Response, Refused> {
    let coord = &core.coord;
    let mut known = true;
    if packets.contains(&Packet::Pong) {
        known &= core
            .life
            .ask(|| coord.session_pong(sid, core.beat()))
            .await
            .map_err(unavailable)?;
    }
    let closes = packets.contains(&Packet::Close);
    if packets.iter().any(|packet| matches!(packet, Packet::Message(_))) {
        known &= core
            .life
            .ask_to_do(|| coord.session_push(sid, body))
            .await
            .map_err(unavailable)?;
    } else if !closes && !packets.contains(&Packet::Pong) {
        // Nothing in it for anybody, but the client must hear whether its session lives.
        known &= core
            .life
            .ask(|| coord.session_push(sid, "6"))
            .await
            .map_err(unavailable)?;
    }
    if closes {
        known &= core
            .life
            .ask(|| coord.session_close(sid, Says::Client, "6", "client"))
            .await
            .map_err(unavailable)?;
    }
    if known {
        Ok(text("ok".to_owned()))
    } else {
        Err(Refused::UnknownSid)
    }
}
