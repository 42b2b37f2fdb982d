//! What people and time can make happen, one verb group per file. Actions join the rules (`domain`) with what the nodes
//! agree on (`coord`) and what is kept (`store`). They know users, sockets' ids and rooms; nothing of packets or HTTP.
//!
//! A line: `say`. Accounts: `account`. A pair: `seek` -> `keep` (pairing) -> `seat`. Coming and going: `connect`.
//! Everything that a timer does: `due`.

pub mod account;
pub mod connect;
pub mod due;
pub mod identify;
pub mod keep;
pub mod limits;
mod outside;
pub mod picture;
pub mod post;
pub mod presence;
pub mod recover;
pub mod remember;
pub mod room;
pub mod safety;
#[cfg(test)]
mod saga_tests;
pub mod say;
pub mod seat;
#[cfg(test)]
mod seat_tests;
pub mod seek;
pub mod status;

use crate::clock::{Clock, Millis};
use crate::config::Settings;
use crate::coord::Coord;
use crate::coord::rooms::EndRules;
use crate::domain::account::No;
use crate::domain::refusal::Refusal;
use crate::error::Fault;
use crate::store::Store;
use account::Visits;
use account::hashing::Hasher;
use account::tokens::Keyring;
pub use outside::Outside;
use post::Bells;
use std::sync::Arc;
use std::time::Duration;

/// How long the node that ended a room may take to let its people go before a timer does.
const LET_GO_WITHIN: Duration = Duration::from_secs(2);

/// How long a room may stand opened without being announced before it is swept away: far longer than a node needs, and
/// than another needs to take over the offer of a node that died.
const OPENING: Duration = Duration::from_secs(30);

/// How often the place of a seeker in the queue is made sure of.
const SEEK_CHECK: Duration = Duration::from_secs(5);

/// Client message ids remembered per participant: more than anybody can send while a client retries one.
pub const CLIENT_IDS: usize = 64;

/// The way to act.
#[derive(Clone, Debug)]
pub struct Actions {
    coord: Coord,
    store: Store,
    settings: Arc<Settings>,
    outside: Outside,
    keyring: Arc<Keyring>,
    hasher: Arc<Hasher>,
    bells: Arc<Bells>,
    visits: Arc<Visits>,
}

/// Why an action was not done.
#[derive(Clone, Debug)]
pub enum Denied {
    /// A rule said no.
    Refused(Refusal),
    /// The world failed.
    Failed(Fault),
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Denied::Refused(refusal)
    }
}

impl From<No> for Denied {
    fn from(no: No) -> Self {
        Denied::Refused(no.into())
    }
}

impl From<Fault> for Denied {
    fn from(fault: Fault) -> Self {
        Denied::Failed(fault)
    }
}

impl Actions {
    /// Actions over `coord` and `store`, by `settings`.
    pub fn new(coord: Coord, store: Store, settings: Arc<Settings>) -> Self {
        Self {
            keyring: Arc::new(Keyring::new(&settings.jwt).with_phones(&settings.accounts.phone_secrets)),
            hasher: Arc::new(Hasher::new(&settings.accounts)),
            visits: Arc::default(),
            coord,
            store,
            settings,
            outside: Outside::default(),
            bells: Arc::default(),
        }
    }

    /// With the ways to others that these settings give.
    pub fn with(self, outside: Outside) -> Self {
        Self { outside, ..self }
    }

    /// What the nodes agree on.
    pub fn coord(&self) -> &Coord {
        &self.coord
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        self.coord.clock()
    }

    fn now(&self) -> Millis {
        self.clock().now()
    }

    /// Since when a connection can have brought nothing without anybody having noticed, in the time of Redis's streams: it
    /// is noticed late, told late when its node is cut off, and what it was sent when it came may be as old as the
    /// connection before it and the hold of the seat.
    pub fn unnoticed(&self) -> Millis {
        self.clock().steady() - (self.patience() * 2 + self.settings.chat.seat_hold + self.settings.lease.node_for)
    }

    /// How long a connection can be dead before it is noticed.
    pub fn patience(&self) -> Duration {
        self.settings.sockets.ping_interval + self.settings.sockets.ping_timeout
    }

    fn end_rules(&self) -> EndRules {
        EndRules {
            // Whoever takes up a session must still be able to hear how the room ended.
            tombstone: self.settings.chat.tombstone.max(self.remembered_for()),
            release_at: self.now() + LET_GO_WITHIN,
        }
    }
}
