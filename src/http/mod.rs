//! HTTP beside the sockets: health, status, metrics, the API description, and the page.
//!
//! A request passes, from outside in: security headers, counting, origins, the error envelope, the body's bounds; then a
//! handler, which extracts, calls one action, and replies. Rules live in `actions`; sockets are not known here, only
//! handed through.

mod arrival;
mod assets;
mod auth;
mod body;
pub mod callers;
mod came_from;
mod describe;
mod dress;
mod free2talk;
mod iso;
mod omegoo;
mod origins;
mod pictures;
mod problem;
mod ready;
mod reply;
mod routes;
mod text;

pub use describe::spec;
pub use ready::Readiness;

use crate::actions::Actions;
use crate::clock::Millis;
use crate::config::Settings;
use crate::metrics;
use arrival::Bounds;
use origins::Origins;
use poem::endpoint::BoxEndpoint;
use poem::http::header;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Request, Response, Route, get, handler};
use std::sync::Arc;

/// What handlers answer from.
#[derive(Debug, Clone)]
pub struct Front {
    /// When this node started.
    pub started: Millis,
    /// The way to act.
    pub actions: Actions,
    /// Whether balancers should send traffic.
    pub ready: Readiness,
    /// How many connections are open here.
    pub connections: Connections,
}

/// Asks whoever holds the connections how many are open.
#[derive(Clone)]
pub struct Connections(Arc<dyn Fn() -> usize + Send + Sync>);

impl Connections {
    /// Asks `count`.
    pub fn new(count: impl Fn() -> usize + Send + Sync + 'static) -> Self {
        Self(Arc::new(count))
    }

    /// How many are open now.
    pub fn open(&self) -> usize {
        (self.0)()
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connections({})", self.open())
    }
}

/// Where the paths of the Free2Talk family begin.
const FREE2TALK: &str = "/api/v1/";

/// Everything a node serves on its main listener. `sockets` gets every request under `sockets.path`, untouched but for
/// the security headers: it answers for its own origins, errors and limits.
pub fn app<S>(settings: &Settings, front: Front, sockets: S) -> impl Endpoint<Output = Response> + 'static
where
    S: IntoEndpoint,
    S::Endpoint: 'static,
{
    // Mounted path by path: a service nested at the root would swallow `/`, which is the page's.
    let ready = front.ready.clone();
    let pictures = pictures::Pictures(front.clone());
    let shown = front.actions.files().origin();
    let rooms = Arc::new(free2talk::endpoint(front.clone()).map_to_response().boxed());
    let chat = Arc::new(omegoo::endpoint(front).map_to_response().boxed());
    let paths = describe::paths()
        .into_iter()
        .map(|(path, _)| path.replace('{', ":").replace('}', ""));
    let routes = paths.fold(Route::new(), |routes, path| {
        let family = if path.starts_with(FREE2TALK) { &rooms } else { &chat };
        routes.at(path, family.clone())
    });
    let routes = routes
        .at("/openapi.json", get(describe::SpecFile))
        .at("/docs", get(describe::Docs))
        .at("/", get(assets::Asset::index(shown.as_deref())))
        .at("/favicon.ico", get(assets::Asset::icon()))
        .at("/page/*path", get(assets::Page))
        .at("/files/avatars/:name", pictures);
    let routes = match settings.metrics_listen {
        None => routes.at("/metrics", get(tell_metrics)),
        Some(_) => routes,
    };
    let proxies = settings.trusted_proxies;
    let routes = routes
        .map_to_response()
        .around(move |endpoint, request| callers::known(endpoint, request, proxies));
    let bounds = Bounds {
        size: settings.max_body,
        time: settings.body_timeout,
    };
    let all = Split {
        path: settings.sockets.path.clone(),
        sockets: sockets.map_to_response().boxed(),
        rest: dress::inner(routes, Origins::new(&settings.origins), bounds).boxed(),
    };
    dress::closing(dress::outer(all), ready)
}

/// Gives sockets what is under their path. No route of the library's: it refuses paths that are not UTF-8 in its own words.
struct Split {
    path: String,
    sockets: BoxEndpoint<'static>,
    rest: BoxEndpoint<'static>,
}

impl Endpoint for Split {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let at = request.uri().path();
        match at.starts_with(&self.path) || at == self.path.trim_end_matches('/') {
            true => self.sockets.call(request).await,
            false => self.rest.call(request).await,
        }
    }
}

/// What a node serves on `metrics_listen`, where visitors do not come: also whether it lives, so that nobody takes it for
/// dead because all connections on its main listener are taken.
pub fn metrics_app(front: Front) -> impl Endpoint<Output = Response> + 'static {
    let probes = Arc::new(omegoo::endpoint(front).map_to_response().boxed());
    let routes = Route::new()
        .at("/metrics", get(tell_metrics))
        .at("/live", probes.clone())
        .at("/ready", probes);
    dress::outer(routes.map_to_response())
}

#[handler]
fn tell_metrics() -> Response {
    // The version of the text format that Prometheus asks for.
    Response::builder()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .body(metrics::render())
}

#[cfg(test)]
mod dress_tests;
#[cfg(test)]
mod page_tests;
#[cfg(test)]
pub(crate) mod redis;
#[cfg(test)]
mod tests;
