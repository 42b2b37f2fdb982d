//! The family's JSON, field by field as clients read it.

use super::{Front, iso};
use crate::actions::status::Summary;
use crate::clock::Millis;
use crate::error::Fault;
use crate::metrics;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object};

/// Somebody is there.
#[derive(Object)]
#[oai(example)]
pub(super) struct KeepAlive {
    /// Always true.
    pub(super) alive: bool,
    /// The service's time, ISO 8601.
    pub(super) timestamp: String,
    /// Seconds since this node started.
    pub(super) uptime: u64,
}

/// What this node uses.
#[derive(Object)]
#[oai(example)]
pub(super) struct Health {
    /// Always `OK`: a node that is not well says so at `/ready`.
    pub(super) status: String,
    /// The service's time, ISO 8601.
    pub(super) timestamp: String,
    /// Seconds since this node started.
    pub(super) uptime: u64,
    /// Memory in bytes.
    pub(super) memory: Memory,
    /// Connections open on this node.
    pub(super) connections: u64,
    /// The version of this build.
    pub(super) version: String,
}

/// Memory in bytes, under the names that monitors of the original server read. There is no garbage-collected heap
/// here: what the kernel knows stands in for it.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct Memory {
    /// In RAM.
    pub(super) rss: u64,
    /// Of that, private to the process: heap, stacks, static data.
    pub(super) heap_total: u64,
    /// The same as `heapTotal`: the allocator does not tell what of it is free.
    pub(super) heap_used: u64,
    /// Of `rss`, backed by files or shared: mostly the program's own code.
    pub(super) external: u64,
    /// Always 0.
    pub(super) array_buffers: u64,
}

/// The process is alive.
#[derive(Object)]
pub(super) struct Live {
    /// Always true.
    pub(super) alive: bool,
}

/// Whether this node should get traffic.
#[derive(Object)]
#[oai(example)]
pub(super) struct Readied {
    /// Whether it should.
    pub(super) ready: bool,
    /// Why not; empty when it should.
    pub(super) because: Vec<String>,
}

/// Ready or not.
#[derive(ApiResponse)]
pub(super) enum ReadyAnswer {
    /// Send traffic.
    #[oai(status = 200)]
    Ready(Json<Readied>),
    /// Do not send traffic.
    #[oai(status = 503)]
    NotReady(Json<Readied>),
}

/// Something went wrong.
#[derive(Object)]
#[oai(example)]
pub(super) struct Failure {
    /// Always false.
    pub(super) success: bool,
    /// What went wrong, for people.
    pub(super) error: String,
    /// What went wrong, for programs, where one needs to know.
    #[oai(skip_serializing_if_is_none)]
    pub(super) code: Option<String>,
}

/// The summary, or why there is none.
#[derive(ApiResponse)]
pub(super) enum StatusAnswer {
    /// The summary.
    #[oai(status = 200)]
    Summary(Json<StatusSummary>),
    /// The numbers cannot be had now; try again.
    #[oai(status = 503)]
    Unavailable(
        Json<Failure>,
        /// Seconds to wait before asking again.
        #[oai(header = "Retry-After")]
        u32,
    ),
}

/// The summary in its envelope.
#[derive(Object)]
pub(super) struct StatusSummary {
    /// Always true.
    pub(super) success: bool,
    /// The numbers.
    pub(super) summary: Numbers,
}

/// How busy the service is.
#[derive(Object)]
#[oai(rename_all = "camelCase", example)]
pub(super) struct Numbers {
    /// Seconds since the node that answers started.
    uptime_seconds: u64,
    /// The service's time, ISO 8601.
    server_time: String,
    /// People online.
    connected_users: u64,
    /// People by what they are doing (not only those who wait).
    queue: Modes,
    /// An incident that is going on; none is known to this release.
    active_incident: Option<Incident>,
    /// An incident that is planned; none is known to this release.
    upcoming_incident: Option<Incident>,
    /// When these numbers were counted, ISO 8601.
    last_updated: String,
    /// People who arrived, minute by minute, the newest last; 30 entries.
    realtime_users: Vec<Minute>,
}

/// People by mode.
#[derive(Object)]
struct Modes {
    /// In text chat.
    text: u64,
    /// In voice chat.
    audio: u64,
    /// In video chat.
    video: u64,
    /// The sum of the three.
    total: u64,
}

/// People who arrived in one minute.
#[derive(Object)]
struct Minute {
    /// When the minute began, ISO 8601.
    minute: String,
    /// How many arrived.
    entries: u64,
}

/// Something that keeps the service from being well.
#[derive(Object)]
struct Incident {
    /// What, for people.
    message: String,
}

impl StatusSummary {
    pub(super) fn new(front: &Front, summary: &Summary) -> Self {
        let now = front.actions.clock().now();
        let arrivals = summary.arrivals.iter();
        let minute = |(at, entries): &(Millis, u64)| Minute {
            minute: iso(*at),
            entries: *entries,
        };
        Self {
            success: true,
            summary: Numbers {
                uptime_seconds: (now - front.started).as_secs(),
                server_time: iso(now),
                connected_users: summary.online,
                queue: Modes {
                    text: summary.text,
                    audio: summary.audio,
                    video: summary.video,
                    total: summary.text + summary.audio + summary.video,
                },
                active_incident: None,
                upcoming_incident: None,
                last_updated: iso(summary.counted_at),
                realtime_users: arrivals.map(minute).collect(),
            },
        }
    }
}

impl StatusAnswer {
    /// The numbers cannot be had now.
    pub(super) fn failed(fault: &Fault) -> Self {
        metrics::FAULTS.one(fault.op);
        tracing::error!(op = fault.op, "the status summary failed: {fault}");
        let error = "status temporarily unavailable".to_owned();
        Self::Unavailable(
            Json(Failure {
                success: false,
                error,
                code: Some("UNAVAILABLE".to_owned()),
            }),
            2,
        )
    }
}

/// A time for examples: 1 May 2025, noon.
const EXAMPLE: Millis = Millis(1_746_100_800_000);

impl poem_openapi::types::Example for KeepAlive {
    fn example() -> Self {
        Self {
            alive: true,
            timestamp: iso(EXAMPLE),
            uptime: 86_400,
        }
    }
}

impl poem_openapi::types::Example for Health {
    fn example() -> Self {
        let memory = Memory {
            rss: 25_165_824,
            heap_total: 14_680_064,
            heap_used: 14_680_064,
            external: 10_485_760,
            array_buffers: 0,
        };
        Self {
            status: "OK".to_owned(),
            timestamp: iso(EXAMPLE),
            uptime: 86_400,
            memory,
            connections: 1250,
            version: "1.0.0".to_owned(),
        }
    }
}

impl poem_openapi::types::Example for Readied {
    fn example() -> Self {
        Self {
            ready: false,
            because: vec!["redis: no answer".to_owned()],
        }
    }
}

impl poem_openapi::types::Example for Failure {
    fn example() -> Self {
        Self {
            success: false,
            error: "status temporarily unavailable".to_owned(),
            code: Some("UNAVAILABLE".to_owned()),
        }
    }
}

impl poem_openapi::types::Example for Numbers {
    fn example() -> Self {
        Self {
            uptime_seconds: 86_400,
            server_time: iso(EXAMPLE),
            connected_users: 12,
            queue: Modes {
                text: 6,
                audio: 2,
                video: 0,
                total: 8,
            },
            active_incident: None,
            upcoming_incident: None,
            last_updated: iso(EXAMPLE),
            realtime_users: vec![Minute {
                minute: iso(EXAMPLE),
                entries: 3,
            }],
        }
    }
}
