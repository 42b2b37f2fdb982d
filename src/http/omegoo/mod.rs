//! The Omegoo family of the API: what is served, under which names, with which words. Its paths begin at the root
//! (`/keepalive`, `/health`), so the whole family is one service mounted there.

mod auth;
mod forms;
mod guest;
mod guest_shapes;
mod passwords;
mod people;
mod phones;
mod profiles;
mod recent;
mod shapes;
mod user;
mod user_forms;

use super::Front;
use super::iso::iso;
use crate::metrics;
use auth::Auth;
use guest::Guests;
use passwords::Passwords;
use phones::Phones;
use poem::web::Data;
use poem::{Endpoint, EndpointExt};
use poem_openapi::payload::Json;
use poem_openapi::{LicenseObject, OpenApi, OpenApiService, Tags};
use recent::Recent;
use shapes::{Health, KeepAlive, Live, Memory, Readied, ReadyAnswer, StatusAnswer, StatusSummary};
use std::sync::Arc;
use user::User;

/// Chapters of the description.
#[derive(Tags)]
enum Chapter {
    /// For balancers, orchestrators, and clients that want to know whether anybody is there.
    Infrastructure,
    /// What a status page shows.
    Status,
}

/// The family's handlers.
pub(super) struct Omegoo;

/// The family's routes, answering from `front`.
pub(super) fn endpoint(front: Front) -> impl Endpoint {
    service().data(front).data(Arc::new(Recent::default()))
}

/// The family's description and routes; the latter expect a [`Front`] among the request's data.
pub(super) fn service() -> OpenApiService<(Omegoo, Auth, Passwords, Phones, User, Guests), ()> {
    OpenApiService::new((Omegoo, Auth, Passwords, Phones, User, Guests), "Palaver", env!("CARGO_PKG_VERSION"))
        .description(
            "Talking to strangers: anonymous one-to-one chat, and voice rooms.\n\nErrors are JSON `{success:false, error, \
             message, code?}` with a fitting status. Chat itself runs over Socket.IO at `/socket.io/`; the page at `/` is \
             its reference client.",
        )
        .license(LicenseObject::new("MIT OR Apache-2.0"))
        .server("/")
}

#[OpenApi]
impl Omegoo {
    /// Is anybody there?
    ///
    /// Clients fetch this before they dial, to wake a sleeping server. It asks nothing of Redis or Postgres.
    #[oai(
        path = "/keepalive",
        method = "get",
        operation_id = "keepAlive",
        tag = "Chapter::Infrastructure"
    )]
    async fn keep_alive(&self, front: Data<&Front>) -> Json<KeepAlive> {
        let now = front.actions.clock().now();
        Json(KeepAlive {
            alive: true,
            timestamp: iso(now),
            uptime: (now - front.started).as_secs(),
        })
    }

    /// What this node uses
    ///
    /// The same as `/api/health`. It describes the process that answers; whether that process should get traffic is
    /// said by `/ready`.
    #[oai(
        path = "/health",
        method = "get",
        operation_id = "health",
        tag = "Chapter::Infrastructure"
    )]
    async fn health(&self, front: Data<&Front>) -> Json<Health> {
        Json(health(&front))
    }

    /// What this node uses
    ///
    /// The same as `/health`.
    #[oai(
        path = "/api/health",
        method = "get",
        operation_id = "apiHealth",
        tag = "Chapter::Infrastructure"
    )]
    async fn api_health(&self, front: Data<&Front>) -> Json<Health> {
        Json(health(&front))
    }

    /// Is the process alive?
    ///
    /// Asks nothing of Redis or Postgres: a restart would not mend them.
    #[oai(
        path = "/live",
        method = "get",
        operation_id = "live",
        tag = "Chapter::Infrastructure"
    )]
    async fn live(&self) -> Json<Live> {
        Json(Live { alive: true })
    }

    /// Should this node get traffic?
    ///
    /// 503 with the reasons while the node starts, drains, or has lost Redis.
    #[oai(
        path = "/ready",
        method = "get",
        operation_id = "ready",
        tag = "Chapter::Infrastructure"
    )]
    async fn ready(&self, front: Data<&Front>) -> ReadyAnswer {
        let because = front.ready.why_not();
        match because.is_empty() {
            true => ReadyAnswer::Ready(Json(Readied { ready: true, because })),
            false => ReadyAnswer::NotReady(Json(Readied { ready: false, because })),
        }
    }

    /// How busy is the service?
    ///
    /// Numbers over all nodes: who is online, in which mode, and how many arrived in each of the last 30 minutes.
    #[oai(
        path = "/api/status/summary",
        method = "get",
        operation_id = "statusSummary",
        tag = "Chapter::Status"
    )]
    async fn status_summary(&self, front: Data<&Front>, recent: Data<&Arc<Recent>>) -> StatusAnswer {
        if let Some(summary) = recent.get(front.actions.clock().now()) {
            return StatusAnswer::Summary(Json(StatusSummary::new(&front, &summary)));
        }
        match front.actions.summary().await {
            Ok(summary) => {
                recent.put(&summary);
                StatusAnswer::Summary(Json(StatusSummary::new(&front, &summary)))
            }
            Err(fault) => StatusAnswer::failed(&fault),
        }
    }
}

fn health(front: &Front) -> Health {
    let now = front.actions.clock().now();
    let memory = metrics::memory();
    Health {
        status: "OK".to_owned(),
        timestamp: iso(now),
        uptime: (now - front.started).as_secs(),
        memory: Memory {
            rss: memory.resident,
            heap_total: memory.private,
            heap_used: memory.private,
            external: memory.file_backed,
            array_buffers: 0,
        },
        connections: front.connections.open() as u64,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
