//! The WebSocket handshake.

use super::engineio::Refused;
use super::lent::{Accepted, Streams};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use poem::http::{HeaderMap, Method, StatusCode, header};
use poem::{OnUpgrade, Request, Response};
use sha1::{Digest, Sha1};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// From RFC 6455, 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Between our answer and the stream being ours.
const SWITCH: Duration = Duration::from_secs(5);

/// More than this before our answer is not a client in a hurry.
const EARLY: u64 = 64 * 1024;

/// A request that may become a WebSocket.
pub(super) struct Offer {
    pub(super) answer: Response,
    upgrade: OnUpgrade,
    peer: SocketAddr,
}

fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case(token))
}

fn accept_key(headers: &HeaderMap) -> Option<String> {
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?.to_str().ok()?;
    if STANDARD.decode(key).ok()?.len() != 16 {
        return None;
    }
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(GUID);
    Some(STANDARD.encode(hash.finalize()))
}

impl Offer {
    /// Reads the handshake.
    pub(super) fn read(request: &Request) -> Result<Offer, Refused> {
        let headers = request.headers();
        let proper = request.method() == Method::GET
            && has_token(headers, header::CONNECTION, "upgrade")
            && has_token(headers, header::UPGRADE, "websocket")
            && headers
                .get(header::SEC_WEBSOCKET_VERSION)
                .is_some_and(|version| version == "13");
        if !proper {
            return Err(Refused::BadRequest);
        }
        let key = accept_key(headers).ok_or(Refused::BadRequest)?;
        let peer = request
            .remote_addr()
            .as_socket_addr()
            .copied()
            .ok_or(Refused::BadRequest)?;
        let upgrade = request.take_upgrade().map_err(|_| Refused::BadRequest)?;
        let answer = Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_ACCEPT, key)
            .finish();
        Ok(Offer { answer, upgrade, peer })
    }

    /// Splits the answer off, which must be sent before the switch can happen.
    pub(super) fn accept(self) -> (Response, Switch) {
        let switch = Switch {
            upgrade: self.upgrade,
            peer: self.peer,
        };
        (self.answer, switch)
    }
}

/// A handshake that was answered.
pub(super) struct Switch {
    upgrade: OnUpgrade,
    peer: SocketAddr,
}

impl Switch {
    /// Takes the naked stream over, with what was already read of it. `None` when the peer is gone or too slow.
    pub(super) async fn done(self, streams: &Streams) -> Option<(Accepted, Bytes)> {
        let upgraded = tokio::time::timeout(SWITCH, self.upgrade).await.ok()?.ok()?;
        let accepted = streams.take(self.peer)?;
        let mut early = Vec::new();
        // With the stream gone this reads only what the HTTP server holds.
        upgraded.take(EARLY).read_to_end(&mut early).await.ok()?;
        Some((accepted, Bytes::from(early)))
    }
}
