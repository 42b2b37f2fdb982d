//! Every number a node tells Prometheus: name, help text, unit and buckets, each declared once.
//!
//! Base units only (seconds, bytes). A label is a closed set (an enum, or words that the code itself wrote): no id, no
//! path with ids, nothing a client chose. Recording before [`install`] does nothing. What the process itself uses
//! (memory, CPU, files) is read when someone asks.

mod declare;
mod process;

pub use declare::{Counter, Gauge, Histogram, Label};
pub use process::{Memory, file_limit, ignores, memory};

use declare::{Declared, count, declare};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

/// From a tenth of a millisecond to ten seconds: work inside a node and trips to Redis.
const FAST: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
/// From 50 ms to ten minutes: what people wait for.
const HUMAN: &[f64] = &[
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0,
];
/// Actions in one script call; 64 is the most there can be.
const BATCH: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// How a connection reaches us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A WebSocket.
    Websocket,
    /// An Engine.IO long-polling session.
    Polling,
}

impl Label for Transport {
    fn text(self) -> &'static str {
        match self {
            Self::Websocket => "websocket",
            Self::Polling => "polling",
        }
    }
}

declare! {
    counters {
        /// Connections opened.
        CONNECTIONS_OPENED [transport] = "palaver_connections_opened_total";
        /// Connections refused because the node is full, drains, or does not like the origin.
        CONNECTIONS_REFUSED [reason] = "palaver_connections_refused_total";
        /// Connections closed because the client did not read what waited for it.
        SLOW_READERS_CLOSED [] = "palaver_slow_readers_closed_total";
        /// Polling sessions taken over by a WebSocket.
        UPGRADES [] = "palaver_upgrades_total";
        /// Sockets that another node took over from the node they were opened on, or that this node did.
        ADOPTIONS [outcome] = "palaver_adoptions_total";
        /// Connections closed because of what the client sent.
        PROTOCOL_ERRORS [error] = "palaver_protocol_errors_total";
        /// Events received from clients.
        EVENTS_RECEIVED [event] = "palaver_events_received_total";
        /// Events written to clients.
        EVENTS_SENT [event] = "palaver_events_sent_total";
        /// Commands refused by a rule.
        REFUSALS [code] = "palaver_refusals_total";
        /// Commands that failed because Redis, Postgres or a deadline did.
        FAULTS [op] = "palaver_faults_total";
        /// Attempts to come back to a held seat.
        RECONNECTS [outcome] = "palaver_reconnects_total";
        /// Sessions that clients came to take up again: whole, or why not.
        RECOVERIES [outcome] = "palaver_recoveries_total";
        /// Pairs offered to be seated.
        OFFERS [outcome] = "palaver_offers_total";
        /// Times an inbox had lost entries before they were read.
        INBOX_GAPS [] = "palaver_inbox_gaps_total";
        /// Times a server that took over had not heard of calls that were answered.
        CALLS_LOST [] = "palaver_calls_lost_total";
        /// Sockets told their state anew because notices were lost.
        RESYNCS [] = "palaver_resyncs_total";
        /// Rooms opened: pairs seated. What is open is this less what has ended.
        ROOMS_OPENED [kind] = "palaver_rooms_opened_total";
        /// Rooms ended.
        ROOMS_ENDED [reason] = "palaver_rooms_ended_total";
        /// Timers fired.
        TIMERS_FIRED [kind] = "palaver_timers_fired_total";
        /// Leases of nodes that ran out without being given back.
        NODES_REAPED [] = "palaver_nodes_reaped_total";
        /// Times this node lost its lease and came back under a new name.
        LEASES_LOST [] = "palaver_leases_lost_total";
        /// Facts written from the journal to Postgres.
        JOURNAL_STORED [kind] = "palaver_journal_stored_total";
        /// Attempts to send a letter.
        LETTERS [medium, outcome] = "palaver_letters_total";
        /// Runs of the password hash: to make one, or to compare what somebody came with, whether there was an account or not.
        PASSWORD_HASHES [work] = "palaver_password_hashes_total";
        /// Connections to Redis that were lost and opened again.
        REDIS_RECONNECTS [] = "palaver_redis_reconnects_total";
        /// Loops of the node that ended by a fault or a panic and were started again.
        LOOP_RESTARTS [loop_name as "loop"] = "palaver_loop_restarts_total";
        /// HTTP requests answered.
        HTTP_REQUESTS [route, method, status] = "palaver_http_requests_total";
    }
    gauges {
        /// Clients that wait to be let in.
        ARRIVALS_WAITING [] = "palaver_arrivals_waiting";
        /// Connections open on this node.
        CONNECTIONS [transport] = "palaver_connections";
        /// Sockets (namespaces of connections) on this node.
        SOCKETS [] = "palaver_sockets";
        /// People waiting for a partner, told by the keeper of the queue's shard.
        QUEUE_SEEKERS [queue] = "palaver_queue_seekers";
        /// Age of the oldest fact that Postgres does not have yet.
        JOURNAL_LAG [] = "palaver_journal_lag_seconds";
        /// Facts that Postgres does not have yet.
        JOURNAL_FACTS [] = "palaver_journal_facts";
        /// Shards that this node keeps.
        SHARDS_KEPT [] = "palaver_shards_kept";
        /// 1 when the node is ready for traffic, 0 when it is not or drains.
        READY [] = "palaver_ready";
        /// 1, with the version of the running build.
        BUILD_INFO [version] = "palaver_build_info";
    }
    histograms {
        /// Time from entering a queue to being paired.
        QUEUE_WAIT [queue] in HUMAN = "palaver_queue_wait_seconds";
        /// Time of one pairing run over a queue.
        PAIRING [queue] in FAST = "palaver_pairing_duration_seconds";
        /// Time from a change in Redis to its dispatch to sockets here.
        RELAY_LAG [] in FAST = "palaver_relay_lag_seconds";
        /// Time from sending a batch of actions to its answer.
        SCRIPT_DURATION [] in FAST = "palaver_script_duration_seconds";
        /// Actions in one script call.
        SCRIPT_BATCH [] in BATCH = "palaver_script_batch_actions";
        /// How late timers fired.
        TIMER_LATENESS [kind] in HUMAN = "palaver_timer_lateness_seconds";
        /// Time to answer an HTTP request; long polls are not counted here.
        HTTP_DURATION [route] in FAST = "palaver_http_request_duration_seconds";
        /// Time of one query to Postgres.
        QUERY_DURATION [query] in FAST = "palaver_query_duration_seconds";
    }
}

static INSTALLED: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Starts recording. A second call changes nothing (tests run several nodes in one process).
pub fn install() {
    INSTALLED.get_or_init(|| {
        let builder = ALL
            .iter()
            .fold(PrometheusBuilder::new(), |builder, one| match one.buckets {
                [] => builder,
                buckets => builder
                    .set_buckets_for_metric(Matcher::Full(one.name.to_owned()), buckets)
                    .expect("a declared histogram has buckets"),
            });
        // Somebody else's recorder (a test's) stays; then there is nothing of ours to render.
        let handle = builder.install_recorder().ok()?;
        ALL.iter().for_each(|one| one.describe());
        // Prometheus sees the first event only where it has seen that there was none.
        ALL.iter().for_each(|one| one.begin());
        for transport in [Transport::Websocket, Transport::Polling] {
            CONNECTIONS_OPENED.add(transport, 0);
        }
        BUILD_INFO.set(env!("CARGO_PKG_VERSION"), 1.0);
        Some(handle)
    });
}

/// The numbers in Prometheus's text form.
pub fn render() -> String {
    let handle = INSTALLED.get().and_then(Option::as_ref);
    let mut text = handle.map(PrometheusHandle::render).unwrap_or_default();
    text.push_str(&process::render());
    text
}

/// Folds recorded values into buckets. Until this runs (or someone renders), each recorded value takes memory, so a
/// node that nobody scrapes needs it every few seconds.
pub fn fold() {
    if let Some(handle) = INSTALLED.get().and_then(Option::as_ref) {
        handle.run_upkeep();
    }
}

#[cfg(test)]
mod tests;
