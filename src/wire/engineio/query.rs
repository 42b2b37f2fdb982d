//! What the URL of a request says: protocol version, transport, session.

use super::Refused;
use crate::ids::SessionId;

/// How a request wants to talk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    Polling,
    WebSocket,
}

/// The part of a request's query that matters. Unknown fields (cache busters and the like) are skipped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query {
    pub transport: Transport,
    /// The session that is continued; `None` opens one.
    pub sid: Option<SessionId>,
}

impl Query {
    /// Reads `transport`, `EIO` and `sid`. A field that comes twice counts the first time.
    pub fn parse(query: &str) -> Result<Query, Refused> {
        let field = |name: &str| {
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find_map(|(key, value)| (key == name).then_some(value))
        };
        let transport = match field("transport") {
            Some("polling") => Transport::Polling,
            Some("websocket") => Transport::WebSocket,
            _ => return Err(Refused::UnknownTransport),
        };
        if field("EIO") != Some("4") {
            return Err(Refused::UnsupportedVersion);
        }
        let sid = match field("sid") {
            None => None,
            Some(text) => Some(SessionId::parse(text).ok_or(Refused::UnknownSid)?),
        };
        Ok(Query { transport, sid })
    }
}
