//! Named loops that never end by themselves. One that does, by a panic or a mistake, is logged, counted and started
//! again after a wait; where it holds what cannot be made anew, its end is the node's.

use crate::clock::Stopwatch;
use crate::metrics;
use futures_util::FutureExt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// First wait before a loop is started again; it doubles with each time that follows soon.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// Longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A loop that ran this long was well: the next wait is the first again.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// Everything that runs in a node; dropping it ends it all at once.
#[derive(Clone, Default)]
pub(super) struct Loops(Arc<Inner>);

#[derive(Default)]
struct Inner {
    running: Mutex<Vec<Running>>,
    broken: Arc<Notify>,
}

impl Drop for Inner {
    /// Nothing runs on behind the back of whoever forgot to stop it.
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        running.iter().for_each(|running| running.task.abort());
    }
}

struct Running {
    name: &'static str,
    task: JoinHandle<()>,
}

impl Loops {
    /// Runs what `make` makes, and makes it again whenever it ends.
    pub(super) fn keep<F>(&self, name: &'static str, mut make: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        metrics::LOOP_RESTARTS.add(name, 0);
        self.spawn(name, async move {
            let mut wait = Duration::ZERO;
            loop {
                let watch = Stopwatch::start();
                let ended = AssertUnwindSafe(make()).catch_unwind().await;
                let how = if ended.is_ok() { "ended" } else { "panicked" };
                tracing::error!(loop_name = name, "the {name} loop {how} and is started again");
                metrics::LOOP_RESTARTS.one(name);
                wait = next_wait(wait, watch.elapsed());
                tokio::time::sleep(wait).await;
            }
        });
    }

    /// Runs something that cannot be made again. When it ends while the node runs, the node is broken.
    pub(super) fn once(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let broken = self.0.broken.clone();
        self.spawn(name, async move {
            let ended = AssertUnwindSafe(task).catch_unwind().await;
            let how = if ended.is_ok() { "ended" } else { "panicked" };
            tracing::error!(loop_name = name, "{name} {how}: the node cannot go on");
            broken.notify_one();
        });
    }

    /// Waits until something ended that cannot be made again.
    pub(super) async fn broken(&self) {
        self.0.broken.notified().await;
    }

    /// Ends what is called `name`, before the rest.
    pub(super) async fn stop_one(&self, name: &str) {
        let ended = self
            .lock()
            .extract_if(.., |running| running.name == name)
            .collect::<Vec<_>>();
        for Running { task, .. } in ended {
            task.abort();
            // An aborted task ends with an error.
            let _ = task.await;
        }
    }

    /// Ends everything, the last started first. What waits for an answer at that moment never gets it.
    pub(super) async fn stop(&self) {
        let running = std::mem::take(&mut *self.lock());
        for Running { name, task } in running.into_iter().rev() {
            task.abort();
            // Aborted tasks end with an error; one that had ended by itself was logged then.
            if task.await.is_ok() {
                tracing::debug!(loop_name = name, "{name} had ended before");
            }
        }
    }

    fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let task = tokio::spawn(task);
        self.lock().push(Running { name, task });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Running>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to wait before a loop that ran for `ran` is started again, after a wait of `last` the time before.
fn next_wait(last: Duration, ran: Duration) -> Duration {
    match ran > WELL_AFTER {
        true => FIRST_WAIT,
        false => (last * 2).clamp(FIRST_WAIT, LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    #[tokio::test]
    async fn a_loop_that_ends_or_panics_is_started_again_later_every_time() {
        let loops = Loops::default();
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut starts = 0;
        loops.keep("test", move || {
            starts += 1;
            let (tell, start) = (tell.clone(), starts);
            async move {
                tell.send(start).unwrap();
                match start {
                    1 => panic!("a bug"),
                    3 => std::future::pending().await,
                    _ => {}
                }
            }
        });
        for start in 1..=3 {
            assert_eq!(told.recv().await, Some(start));
        }

        loops.stop().await;
        assert_eq!(told.recv().await, None, "the loop is gone with all that it held");
    }

    #[test]
    fn waits_double_up_to_a_bound_and_begin_again_after_a_good_run() {
        let mut wait = Duration::ZERO;
        let mut waits = Vec::new();
        for _ in 0..9 {
            wait = next_wait(wait, Duration::ZERO);
            waits.push(wait.as_millis());
        }

        assert_eq!(waits, [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(next_wait(wait, Duration::from_secs(61)), FIRST_WAIT);
    }

    #[tokio::test]
    async fn the_end_of_what_cannot_be_made_again_breaks_the_node() {
        let loops = Loops::default();
        loops.once("test", async { panic!("a bug") });

        loops.broken().await;

        loops.stop().await;
    }
}
