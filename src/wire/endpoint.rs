//! Engine.IO's one URL: what every request means.

use super::bearer::Bearer;
use super::dialogue::Dialogue;
use super::engine::{Core, Engine};
use super::engineio::{Query, Refused, Transport};
use super::{origin, polling, upgrade, websocket};
use crate::metrics;
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, Request, Response};
use std::sync::Arc;

/// The endpoint of an engine; nest it at `/socket.io/` or wherever its clients look.
pub fn endpoint<D: Dialogue>(engine: &Engine<D>) -> impl Endpoint<Output = Response> + use<D> {
    Entry(engine.0.clone())
}

struct Entry<D>(Arc<Core<D>>);

impl<D: Dialogue> Endpoint for Entry<D> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let origin = match origin::check(&request, &self.0.settings) {
            Ok(origin) => origin,
            Err(refused) => {
                metrics::CONNECTIONS_REFUSED.one("origin");
                return Ok(refusal(refused));
            }
        };
        let mut response = if request.method() == Method::OPTIONS {
            origin::preflight(&request)
        } else {
            answer(&self.0, request).await.unwrap_or_else(refusal)
        };
        origin::let_read(response.headers_mut(), origin);
        Ok(response)
    }
}

async fn answer<D: Dialogue>(core: &Arc<Core<D>>, request: Request) -> Result<Response, Refused> {
    let query = Query::parse(request.uri().query().unwrap_or(""))?;
    match (query.transport, query.sid, request.method().clone()) {
        (Transport::WebSocket, None, _) => websocket::open(core, &request),
        (Transport::WebSocket, Some(sid), _) => upgrade::open(core, sid, &request).await,
        (Transport::Polling, None, Method::GET) => polling::open(core, Bearer::of(request.headers())).await,
        (Transport::Polling, None, _) => Err(Refused::BadHandshakeMethod),
        (Transport::Polling, Some(sid), Method::GET) => {
            let peer = request.remote_addr().as_socket_addr().copied();
            polling::poll(core, sid, peer).await
        }
        (Transport::Polling, Some(sid), Method::POST) => polling::post(core, &sid, request.into_body()).await,
        (Transport::Polling, Some(_), _) => Err(Refused::BadRequest),
    }
}

/// The answer to a request that is turned away.
fn refusal(refused: Refused) -> Response {
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = Response::builder().status(status).body(refused.body());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
