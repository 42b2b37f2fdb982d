//! A connection to one server that is watched: when nothing was heard on it for as long as a command may take, it has died
//! without a word (a firewall forgot it, a host is gone), and is made anew, once for all who wait on it.
//!
//! Being made anew costs whoever is on the connection an attempt. If everybody who was not answered asked for it, a server
//! that comes back after a silence would see one connection after the other and have no time to answer on any.

use crate::clock::Stopwatch;
use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long somebody whose command was not answered waits for a new connection; it is made in any case.
const NEW_CONNECTION: Duration = Duration::from_millis(500);

/// A client that finds its server by itself.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) client: Client,
    /// Runs since the server was last heard, or a new connection was made.
    quiet: Mutex<Stopwatch>,
    /// Whether a new connection is being made.
    renewing: AtomicBool,
}

impl Watched {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            quiet: Mutex::new(Stopwatch::start()),
            renewing: AtomicBool::new(false),
        }
    }

    /// Runs a command that is harmless to repeat.
    pub(super) async fn run<T, F>(self: &Arc<Self>, command: impl Fn(Client) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let asked = Stopwatch::start();
        let answer = command(self.client.clone()).await;
        match answer.as_ref().map_err(Error::kind) {
            Err(ErrorKind::Timeout) if self.is_silent_since(asked) => self.renew().await,
            Err(ErrorKind::Timeout | ErrorKind::IO | ErrorKind::Canceled) => {}
            Ok(_) | Err(_) => self.hear(),
        }
        answer
    }

    fn hear(&self) {
        *self.quiet.lock().unwrap_or_else(PoisonError::into_inner) = Stopwatch::start();
    }

    fn is_silent_since(&self, asked: Stopwatch) -> bool {
        let quiet = *self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        quiet.elapsed() >= asked.elapsed()
    }

    async fn renew(self: &Arc<Self>) {
        if self.renewing.swap(true, Ordering::AcqRel) {
            return;
        }
        let watched = self.clone();
        let renewing = tokio::spawn(async move {
            // It fails when the client is closed.
            let _ = watched.client.force_reconnection().await;
            watched.hear();
            watched.renewing.store(false, Ordering::Release);
        });
        let _ = tokio::time::timeout(NEW_CONNECTION, renewing).await;
    }
}
