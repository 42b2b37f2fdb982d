//! Between two lives of the node Redis refuses whatever it asks: polling requests wait for the next one to begin. Refused,
//! they would cost their clients the connection.

use crate::coord::script::FENCED;
use crate::error::Fault;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// A node that finds Redis begins its life in less.
const BEGINS_WITHIN: Duration = Duration::from_secs(2);

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Life {
    begins: Notify,
    slept: AtomicBool,
}

impl Life {
    /// The life of before is over. Of a node that `slept` what it has read may be old.
    pub(super) fn ends(&self, slept: bool) {
        self.slept.store(slept, Ordering::Release);
    }

    /// Another one has begun.
    pub(super) fn begins(&self) {
        self.slept.store(false, Ordering::Release);
        self.begins.notify_waiters();
    }

    /// Asks Redis, and once more where the next life was to begin first.
    pub(super) async fn ask<T, F>(&self, ask: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let begins = self.begins.notified();
        match ask().await {
            Err(fault) if fault.why == FENCED => {
                let _ = tokio::time::timeout(BEGINS_WITHIN, begins).await;
                ask().await
            }
            answered => answered,
        }
    }

    /// The same for what a client wants to be done: its client may have gone elsewhere with the same while a node slept.
    pub(super) async fn ask_to_do<T, F>(&self, ask: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        match self.slept.load(Ordering::Acquire) {
            true => ask().await,
            false => self.ask(ask).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU8;

    /// Refused until asked for the second time; how often it was asked.
    async fn asked(life: &Life, to_do: bool) -> (bool, u8) {
        let times = AtomicU8::new(0);
        let ask = async || match times.fetch_add(1, Ordering::Relaxed) {
            0 => {
                life.begins.notify_waiters();
                Err(Fault::new("test", FENCED))
            }
            _ => Ok(()),
        };
        let answer = match to_do {
            true => life.ask_to_do(ask).await,
            false => life.ask(ask).await,
        };
        (answer.is_ok(), times.into_inner())
    }

    #[tokio::test]
    async fn what_may_be_old_is_not_done_and_everything_else_waits_for_the_next_life() {
        let life = Life::default();
        for to_do in [true, false] {
            assert_eq!(asked(&life, to_do).await, (true, 2));
        }
        life.ends(true);
        assert_eq!(asked(&life, true).await, (false, 1));
        assert_eq!(asked(&life, false).await, (true, 2));
        life.begins();
        assert_eq!(asked(&life, true).await, (true, 2));
    }
}
