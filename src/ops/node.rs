//! A node from start to stop. [`start`] is the order in which things come to life, `run_loops` the list of every loop
//! with the reason for its place; [`RunningNode::drain`] is the same order backwards.

use super::loops::keeper::Kept;
use super::loops::lease::{self, Lease};
use super::loops::{counts, guests, inbox, journal, keeper, moved, offers, post, tokens};
use super::serve::{Serving, bind};
use super::supervise::Loops;
use super::upkeep;
use crate::actions::{Actions, Outside};
use crate::clock::Clock;
use crate::config::Settings;
use crate::coord::Coord;
use crate::coord::connect::{self, Opened};
use crate::domain::letter::MEDIA;
use crate::error::Fault;
use crate::http::{self, Connections, Front, Readiness};
use crate::metrics;
use crate::store::Store;
use crate::wire::hub::Hub;
use crate::wire::omegoo::Omegoo;
use crate::wire::{self, Engine, HttpLimits, Namespaces, NodeAcceptor};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Parts of a node that must be well before it is ready.
const PARTS: &[&str] = &[lease::PART];

/// How often a drain sends sockets away: often enough that no batch is a wave.
const SEND_AWAY_EVERY: Duration = Duration::from_millis(100);

/// A balancer that sends no request for so long has noticed that the node stops.
const UNASKED: Duration = Duration::from_secs(1);

/// Connections beside those that sockets may have: for requests, for whoever watches the node, and for an answer to those
/// who are refused.
const BESIDE_SOCKETS: usize = 100;

/// A node that serves. Dropping it ends its loops at once; connections that are open live on until their peers leave.
pub struct RunningNode {
    /// Where it serves HTTP and sockets.
    pub at: SocketAddr,
    /// Where it serves metrics, when that is elsewhere.
    pub metrics_at: Option<SocketAddr>,
    settings: Arc<Settings>,
    ready: Readiness,
    engine: Engine<Namespaces<Omegoo>>,
    coord: Coord,
    actions: Actions,
    store: Store,
    loops: Loops,
    serving: Vec<Serving>,
}

/// Runs a node until it is told to stop (SIGTERM, SIGINT or SIGHUP), then drains it. A second signal ends it at once.
pub async fn run(settings: Settings) -> Result<(), Fault> {
    let mut signals = signals().map_err(|error| Fault::new("wait for signals", error))?;
    let mut told_to_stop = async || {
        let any = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(any).await;
    };
    let node = tokio::select! {
        node = start(settings, Clock::system()) => node?,
        () = told_to_stop() => return Ok(()),
    };
    tokio::select! {
        () = node.loops.broken() => return Err(Fault::new("run the node", "a part of it ended")),
        () = told_to_stop() => {}
    }
    tokio::select! {
        () = node.drain() => tracing::info!("drained"),
        () = told_to_stop() => tracing::warn!("stopped while draining"),
    }
    Ok(())
}

/// What tells a node to stop. A terminal that closes does (SIGHUP), unless whoever started the node wants it to outlive
/// its terminal (`nohup`).
fn signals() -> std::io::Result<Vec<Signal>> {
    let mut kinds = vec![SignalKind::terminate(), SignalKind::interrupt()];
    if !metrics::ignores(SignalKind::hangup().as_raw_value()) {
        kinds.push(SignalKind::hangup());
    }
    kinds.into_iter().map(signal).collect()
}

/// Starts a node. With port 0 it takes free ports; several nodes can run in one process.
pub async fn start(settings: Settings, clock: Clock) -> Result<RunningNode, Fault> {
    metrics::install();
    let settings = Arc::new(settings);
    // Ports first: a port in use is found before anybody hears of this node.
    let (listener, at) = bind(settings.listen).await?;
    let metrics_listener = match settings.metrics_listen {
        Some(at) => Some(bind(at).await?),
        None => None,
    };
    // Postgres is not waited for: chats go on without it.
    let store = Store::open(&settings.postgres)?;
    // Nor is Redis: a node without it lives, is not ready, and says so.
    let opened = connect::open(&settings.redis, u64::from(settings.redis.inbox), &clock)?;
    let coord = opened.coord.clone();
    let ready = Readiness::waiting_for(PARTS);
    // Nor are those outside.
    let outside = Outside::open(&settings)?;
    let actions = Actions::new(coord.clone(), store.clone(), settings.clone()).with(outside);
    let hub = Hub::default();

    let limits = HttpLimits {
        connections: settings.sockets.max_connections as usize + BESIDE_SOCKETS,
        ..HttpLimits::default()
    };
    let (acceptor, streams) = NodeAcceptor::new(listener, limits);
    let wired = sockets(&settings);
    let dialect = Omegoo::new(actions.clone(), hub.clone());
    let engine = Engine::new(Namespaces::new(dialect.clone(), &wired), wired, streams, coord.clone());

    let loops = Loops::default();
    let parts = Parts {
        actions: actions.clone(),
        hub,
        dialect,
        ready: ready.clone(),
        engine: engine.clone(),
        store: store.clone(),
    };
    run_loops(&loops, opened, parts);

    // Serving comes last: whoever gets in finds everything running.
    let connections = Connections::new({
        let engine = engine.clone();
        move || engine.connections()
    });
    let front = Front {
        started: clock.now(),
        actions: actions.clone(),
        ready: ready.clone(),
        connections,
    };
    let app = http::app(&settings, front.clone(), wire::endpoint(&engine));
    let finish_within = settings.drain.finish_within;
    let mut serving = vec![Serving::start(acceptor, app, finish_within)];
    let mut metrics_at = None;
    if let Some((listener, at)) = metrics_listener {
        let (acceptor, _) = NodeAcceptor::new(listener, HttpLimits::default());
        serving.push(Serving::start(acceptor, http::metrics_app(front), finish_within));
        metrics_at = Some(at);
    }
    let id = coord.identity().now();
    tracing::info!(node.id = %id, "node {id} serves at {at}");
    Ok(RunningNode {
        at,
        metrics_at,
        settings,
        ready,
        engine,
        coord,
        actions,
        store,
        loops,
        serving,
    })
}

/// What the loops work with.
struct Parts {
    actions: Actions,
    hub: Hub,
    dialect: Omegoo,
    ready: Readiness,
    engine: Engine<Namespaces<Omegoo>>,
    store: Store,
}

/// Starts every loop of a node, in the order in which they need each other. What holds a place in a stream, or its end
/// of a channel, cannot be made anew: its end is the node's (`once`). Everything else is started again (`keep`).
fn run_loops(loops: &Loops, opened: Opened, parts: Parts) {
    let Parts {
        actions,
        hub,
        dialect,
        ready,
        engine,
        store,
    } = parts;
    let (settings, clock) = (actions.settings().clone(), actions.clock().clone());
    // Lanes carry every act to Redis: nothing below works before them.
    for lane in opened.lanes {
        loops.once("lane", lane.run());
    }
    // Inboxes before whoever causes notices.
    for inbox in opened.inboxes {
        let (actions, hub, engine) = (actions.clone(), hub.clone(), engine.clone());
        loops.once("inbox", inbox::run(inbox, actions, hub, engine));
    }
    let kept = Kept::none(usize::from(settings.redis.shards));
    let lease = Lease {
        actions: actions.clone(),
        hub: hub.clone(),
        dialect: dialect.clone(),
        engine: engine.clone(),
        kept: kept.clone(),
        ready,
    };
    // The lease makes this node known; until then Redis refuses whatever it asks.
    loops.once("lease", lease::run(lease));
    // From here on any order will do: what these do can be done by any node, at any time, twice.
    let claim = settings.lease.offer_claim;
    for reader in opened.offers {
        loops.once("offers", offers::run(reader, actions.clone(), claim));
    }
    loops.once("journal", journal::run(opened.journals, actions.clone(), kept.clone()));
    for medium in MEDIA {
        let (actions, kept) = (actions.clone(), kept.clone());
        let carrier = move || post::run(medium, actions.clone(), kept.clone(), post::EVERY);
        loops.keep("post", carrier);
    }
    for shard in actions.coord().keys().shards() {
        let (actions, kept, every) = (actions.clone(), kept.clone(), settings.queue.pair_every);
        let keeper = move || keeper::run(shard, actions.clone(), kept.clone(), every);
        loops.keep("keeper", keeper);
    }
    loops.keep("moved", move || moved::run(dialect.clone()));
    let (members, time, leeway) = (hub.clone(), clock.clone(), settings.jwt.leeway);
    loops.keep("tokens", move || tokens::run(members.clone(), time.clone(), leeway));
    loops.keep("counts", move || counts::run(hub.clone()));
    loops.keep("guests", move || guests::run(actions.clone()));
    loops.keep("heartbeat", move || engine.clone().heartbeat());
    loops.keep("fold metrics", upkeep::fold_metrics);
    let keeping = upkeep::Keeping {
        talks: settings.postgres.keep_for,
        archives: settings.accounts.archive_for,
    };
    loops.keep("forget", move || upkeep::forget(store.clone(), clock.clone(), keeping));
}

impl RunningNode {
    /// Stops without losing anything: no new traffic, sockets to other nodes, requests answered until no more come, the
    /// leases given back, then the loops, and last the connections they used.
    pub async fn drain(self) {
        tracing::info!("draining: not ready from now on");
        self.ready.drain();
        tokio::time::sleep(self.settings.drain.not_ready_for).await;
        self.engine.drain();
        self.send_sockets_away().await;
        self.wait_for_late_balancers().await;
        for serving in self.serving {
            serving.stop().await;
        }
        // A lease given back must not be missed and taken anew.
        self.loops.stop_one("lease").await;
        for shard in self.coord.keys().shards() {
            if let Err(fault) = self.coord.resign(shard).await {
                tracing::warn!(%fault, "a lease was not given back: it runs out by itself");
            }
        }
        self.loops.stop().await;
        guests::store(&self.actions).await;
        self.coord.close().await;
        self.store.close().await;
    }

    /// Tells all sockets to come back elsewhere, spread over the drain's time, and waits until they are gone and Redis
    /// knows it. Those it does not know of in time are found by whoever looks for them next.
    async fn send_sockets_away(&self) {
        let drain = &self.settings.drain;
        let batches = (drain.spread_over.as_millis() / SEND_AWAY_EVERY.as_millis()).max(1) as usize;
        let batch = self.engine.connections().div_ceil(batches).max(1);
        let gone = async {
            while self.engine.connections() > 0 {
                self.engine.send_away(batch);
                tokio::time::sleep(SEND_AWAY_EVERY).await;
            }
        };
        if tokio::time::timeout(drain.spread_over + drain.finish_within, gone)
            .await
            .is_err()
        {
            tracing::warn!(
                "{} connections were still open at the end of the drain",
                self.engine.connections()
            );
        }
    }

    /// A connection that a balancer opens while the listener closes is cut, and with it a polling client's session.
    async fn wait_for_late_balancers(&self) {
        let noticed = self.ready.unasked_for(UNASKED);
        if tokio::time::timeout(self.settings.drain.finish_within, noticed)
            .await
            .is_err()
        {
            tracing::warn!(
                "clients' requests still came at the end of the drain: drain.not_ready_for is too short for the balancer"
            );
        }
    }

    /// Whether the node is ready for traffic, and if not, why.
    pub fn why_not_ready(&self) -> Vec<String> {
        self.ready.why_not()
    }
}

/// What the socket layer is allowed, from the settings.
fn sockets(settings: &Settings) -> wire::Settings {
    let given = &settings.sockets;
    wire::Settings {
        ping_interval: given.ping_interval,
        ping_timeout: given.ping_timeout,
        connect_timeout: given.connect_timeout,
        upgrade_timeout: given.upgrade_timeout,
        body_timeout: settings.body_timeout,
        max_payload: given.max_payload,
        outbox: given.outbox,
        max_connections: given.max_connections as usize,
        packets_per_second: given.packets_per_second,
        packet_burst: given.packet_burst,
        origins: settings.origins.clone(),
        ..wire::Settings::default()
    }
}
