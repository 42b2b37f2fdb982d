//! The only place that asks what time it is.
//!
//! Time is the machine's monotonic clock plus an offset to Redis's clock, corrected while the node runs: nodes agree
//! on "now" to within a round trip, and a jump of one machine's wall clock moves nothing.
//! Product time (`now`) can be shifted by tests; `steady` cannot, because leases and heartbeats of running nodes
//! must not expire when a test skips half an hour.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Unix time in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

impl Add<Duration> for Millis {
    type Output = Millis;
    fn add(self, later: Duration) -> Millis {
        Millis(self.0.saturating_add(later.as_millis() as u64))
    }
}

impl Sub<Millis> for Millis {
    type Output = Duration;
    /// How long `earlier` is past; zero when it is not.
    fn sub(self, earlier: Millis) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Sub<Duration> for Millis {
    type Output = Millis;
    fn sub(self, sooner: Duration) -> Millis {
        Millis(self.0.saturating_sub(sooner.as_millis() as u64))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

/// A clock shared by everything in one node (and, in tests, by several nodes).
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None`: time passes only when a test says so.
    started: Option<Instant>,
    /// Unix milliseconds at `started`, by the machine's own clock.
    origin: u64,
    /// What Redis's clock is ahead of ours, in milliseconds.
    redis_ahead: AtomicI64,
    /// What a test has moved product time by, in milliseconds.
    shift: AtomicI64,
}

impl Clock {
    /// A clock that starts at the machine's wall clock.
    pub fn system() -> Self {
        let origin = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_millis() as u64);
        Self::beginning(Millis(origin), Some(Instant::now()))
    }

    /// A clock for tests that stands at `at` until it is moved, whatever Redis says.
    pub fn stopped(at: Millis) -> Self {
        Self::beginning(at, None)
    }

    fn beginning(origin: Millis, started: Option<Instant>) -> Self {
        Self(Arc::new(Inner {
            started,
            origin: origin.0,
            redis_ahead: AtomicI64::new(0),
            shift: AtomicI64::new(0),
        }))
    }

    /// By this machine alone.
    fn ours(&self) -> u64 {
        let elapsed = self.0.started.map_or(0, |s| s.elapsed().as_millis() as u64);
        self.0.origin + elapsed
    }

    /// Product time: windows, timers, limits, timestamps that people see.
    pub fn now(&self) -> Millis {
        let shift = self.0.shift.load(Ordering::Relaxed);
        Millis(self.steady().0.saturating_add_signed(shift))
    }

    /// Time of the machinery: leases, heartbeats, deadlines of transports. No test moves it.
    pub fn steady(&self) -> Millis {
        let ahead = self.0.redis_ahead.load(Ordering::Relaxed);
        Millis(self.ours().saturating_add_signed(ahead))
    }

    /// Takes over Redis's time: `at` is what Redis said, halfway through a round trip of `took`.
    pub fn agree(&self, at: Millis, took: Duration) {
        if self.0.started.is_none() {
            return;
        }
        let theirs = at.0 + took.as_millis() as u64 / 2;
        let ahead = theirs as i64 - self.ours() as i64;
        self.0.redis_ahead.store(ahead, Ordering::Relaxed);
    }

    /// Moves product time forward, for tests.
    pub fn advance(&self, by: Duration) {
        self.0.shift.fetch_add(by.as_millis() as i64, Ordering::Relaxed);
    }
}

/// Measures how long something took.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_moves_product_time_but_not_the_machinery() {
        let clock = Clock::system();
        let before = (clock.now(), clock.steady());

        clock.advance(Duration::from_secs(60));

        assert!(clock.now() - before.0 >= Duration::from_secs(60));
        assert!(clock.steady() - before.1 < Duration::from_secs(30));
    }

    #[test]
    fn redis_time_wins_over_the_machines() {
        let clock = Clock::system();

        clock.agree(Millis(1_000_000), Duration::from_millis(10));

        let now = clock.now();
        assert!((1_000_005..1_020_000).contains(&now.0), "{now:?}");
    }
}
