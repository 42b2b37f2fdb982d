//! Whether balancers should send us traffic, and if not, why. Whoever runs a part of the node says how that part is;
//! nothing is asked from outside when a balancer asks us.

use crate::metrics;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Shared by everything that can make the node unready.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    draining: bool,
    /// Parts that are not well, with the reason.
    missing: BTreeMap<&'static str, String>,
}

impl Readiness {
    /// Not ready until each of `parts` has said that it is well.
    pub fn waiting_for(parts: &[&'static str]) -> Self {
        let missing = parts.iter().map(|part| (*part, "starting".to_owned())).collect();
        let ready = Self(Arc::new(Mutex::new(State {
            draining: false,
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
        self.lock().draining = true;
        self.tell();
    }

    /// Whether the node is going to stop.
    pub fn drains(&self) -> bool {
        self.lock().draining
    }

    /// Why the node is not ready; empty when it is.
    pub fn why_not(&self) -> Vec<String> {
        let state = self.lock();
        let draining = state.draining.then(|| "draining".to_owned());
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
}
