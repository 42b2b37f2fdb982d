//! Serving HTTP on a listener until told to stop.

use crate::error::Fault;
use poem::listener::Acceptor;
use poem::{Endpoint, Response, Server};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A server that can be stopped.
pub(super) struct Serving {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Takes a listener's address now, so that a port in use is known before anything else is started.
pub(super) async fn bind(at: SocketAddr) -> Result<(TcpListener, SocketAddr), Fault> {
    let listener = TcpListener::bind(at)
        .await
        .map_err(|error| Fault::new("listen", format!("{at}: {error}")))?;
    let at = listener.local_addr().map_err(|error| Fault::new("listen", error))?;
    Ok((listener, at))
}

impl Serving {
    /// Serves what `acceptor` accepts. After the stop, requests that are being answered have `finish_within`.
    pub(super) fn start<A, E>(acceptor: A, endpoint: E, finish_within: Duration) -> Self
    where
        A: Acceptor + 'static,
        E: Endpoint<Output = Response> + 'static,
    {
        let (stop, mut stopped) = watch::channel(false);
        let signal = async move {
            // The sender is dropped only with this server.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let server = Server::new_with_acceptor(acceptor);
        let task = tokio::spawn(async move {
            if let Err(error) = server
                .run_with_graceful_shutdown(endpoint, signal, Some(finish_within))
                .await
            {
                tracing::error!("serving HTTP ended: {error}");
            }
        });
        Self { stop, task }
    }

    /// Accepts nothing more and waits for what is being answered.
    pub(super) async fn stop(self) {
        self.stop.send_replace(true);
        // A panic of the server was logged by the runtime; there is nothing left to stop then.
        let _ = self.task.await;
    }
}
