//! Whether balancers should send us traffic, and if not, why, and whether they still do. Whoever runs a part of the node
//! says how that part is; nothing is asked from outside when a balancer asks us.

use crate::metrics;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Shared by everything that can make the node unready.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Once the node is going to stop: requests since then, which balancers would not have sent, had they known.
    draining: Option<u64>,
    /// Parts that are not well, with the reason.
    missing: BTreeMap<&'static str, String>,
}

impl Readiness {
    /// Not ready until each of `parts` has said that it is well.
    pub fn waiting_for(parts: &[&'static str]) -> Self {
        let missing = parts.iter().map(|part| (*part, "starting".to_owned())).collect();
        let ready = Self(Arc::new(Mutex::new(State {
            draining: None,
            missing,
        })));
        ready.tell();
        ready
    }

    /// A part is well.
    pub fn well(&self, part: &'static str) {
        self.lock().missing.remove(part);
        self.tell();
    }

    /// A part is not well. The reason is shown to whoever asks: no addresses, no names.
    pub fn unwell(&self, part: &'static str, why: &str) {
        self.lock().missing.insert(part, why.to_owned());
        self.tell();
    }

    /// The node is going to stop: not ready from now on, whatever its parts say.
    pub fn drain(&self) {
        self.lock().draining.get_or_insert(0);
        self.tell();
    }

    /// Whether the node is going to stop.
    pub fn drains(&self) -> bool {
        self.lock().draining.is_some()
    }

    /// A client's request came.
    pub fn asked(&self) {
        if let Some(late) = &mut self.lock().draining {
            *late += 1;
        }
    }

    /// How many came since the node is going to stop.
    pub fn late(&self) -> u64 {
        self.lock().draining.unwrap_or_default()
    }

    /// Waits until none has come for as long as `quiet`.
    pub async fn unasked_for(&self, quiet: Duration) {
        let mut before = None;
        while before != Some(self.late()) {
            before = Some(self.late());
            tokio::time::sleep(quiet).await;
        }
    }

    /// Why the node is not ready; empty when it is.
    pub fn why_not(&self) -> Vec<String> {
        let state = self.lock();
        let draining = state.draining.map(|_| "draining".to_owned());
        let missing = state.missing.iter().map(|(part, why)| format!("{part}: {why}"));
        draining.into_iter().chain(missing).collect()
    }

    fn tell(&self) {
        metrics::READY.set((), f64::from(u8::from(self.why_not().is_empty())));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stopwatch;

    #[test]
    fn a_node_is_ready_when_every_part_is_well_and_it_does_not_drain() {
        let ready = Readiness::waiting_for(&["redis", "lease"]);
        assert_eq!(ready.why_not(), ["lease: starting", "redis: starting"]);

        ready.well("redis");
        ready.well("lease");
        assert!(ready.why_not().is_empty());

        ready.unwell("redis", "no answer");
        assert_eq!(ready.why_not(), ["redis: no answer"]);

        ready.well("redis");
        ready.drain();
        assert_eq!(ready.why_not(), ["draining"]);
    }

    #[tokio::test]
    async fn a_draining_node_waits_until_balancers_have_noticed() {
        let ready = Readiness::waiting_for(&[]);
        ready.asked();
        assert_eq!(ready.late(), 0, "it does not drain");
        ready.drain();
        let (quiet, begun) = (Duration::from_millis(50), Stopwatch::start());

        tokio::join!(ready.unasked_for(quiet), async { ready.asked() });

        assert!(
            begun.elapsed() >= 2 * quiet,
            "asked while it waited, it waits once more"
        );
    }
}
