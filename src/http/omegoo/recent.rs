//! The last status summary, for a second: every open page asks for it again and again, and counting costs Redis far
//! more than answering costs us.

use crate::actions::status::Summary;
use crate::clock::Millis;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How old a summary may be; counts are published once a second as well.
const FRESH: Duration = Duration::from_secs(1);

/// At most one summary. Those who ask while it is being counted anew count for themselves.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Option<Summary>>);

impl Recent {
    /// The summary, while it is fresh.
    pub(super) fn get(&self, now: Millis) -> Option<Summary> {
        self.lock()
            .as_ref()
            .filter(|summary| now - summary.counted_at < FRESH)
            .cloned()
    }

    /// Keeps a summary for those who ask next.
    pub(super) fn put(&self, summary: &Summary) {
        *self.lock() = Some(summary.clone());
    }

    fn lock(&self) -> MutexGuard<'_, Option<Summary>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
