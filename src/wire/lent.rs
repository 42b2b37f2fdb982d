//! Streams of connections on which HTTP is spoken. Until a connection becomes a WebSocket its stream belongs to the HTTP
//! server, which wraps it several times; it can be taken back naked ([`Streams::take`]), so that frames are written to it
//! directly.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// A naked stream and its place among the allowed connections.
#[derive(Debug)]
pub struct Accepted {
    pub tcp: TcpStream,
    pub(super) place: Place,
}

#[cfg(test)]
impl Accepted {
    /// One that counts for nobody.
    pub(super) fn alone(tcp: TcpStream) -> Self {
        let place = Place(Arc::new(AtomicUsize::new(1)));
        Self { tcp, place }
    }
}

/// One of the allowed connections.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream while the HTTP server has it.
#[derive(Debug)]
struct Lent {
    stream: Mutex<Option<Accepted>>,
    /// The peer has gone, or says nothing more.
    gone: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The streams that the HTTP server holds right now, by the peer's address.
#[derive(Clone, Default, Debug)]
pub struct Streams {
    lent: Arc<Mutex<HashMap<SocketAddr, Arc<Lent>>>>,
    open: Arc<AtomicUsize>,
}

impl Streams {
    /// Lends a stream to the HTTP server, unless `most` connections are open.
    pub(super) fn lend(&self, tcp: TcpStream, peer: SocketAddr, most: usize) -> Option<Loan> {
        let place = Place(self.open.clone());
        if self.open.fetch_add(1, Ordering::Relaxed) >= most {
            return None;
        }
        let lent = Arc::new(Lent {
            stream: Mutex::new(Some(Accepted { tcp, place })),
            gone: Notify::new(),
        });
        lock(&self.lent).insert(peer, lent.clone());
        let streams = self.clone();
        Some(Loan { lent, peer, streams })
    }

    /// Takes the naked stream from under the HTTP server, which then reads an end of file.
    pub fn take(&self, peer: SocketAddr) -> Option<Accepted> {
        let lent = lock(&self.lent).remove(&peer)?;
        lock(&lent.stream).take()
    }

    /// Returns when the peer has gone: the HTTP server answers a request to its end, whoever is there to read it.
    pub async fn gone(&self, peer: Option<SocketAddr>) {
        let lent = peer.and_then(|peer| lock(&self.lent).get(&peer).cloned());
        match lent {
            Some(lent) => lent.gone.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Open connections.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

/// The HTTP server's side of a lent stream.
#[derive(Debug)]
pub(super) struct Loan {
    lent: Arc<Lent>,
    peer: SocketAddr,
    streams: Streams,
}

impl Loan {
    /// Uses the stream; none when it was taken back.
    pub(super) fn with<T>(&self, using: impl FnOnce(Pin<&mut TcpStream>) -> T) -> Option<T> {
        lock(&self.lent.stream)
            .as_mut()
            .map(|accepted| using(Pin::new(&mut accepted.tcp)))
    }

    /// Closes the stream, after `last`; false when it was taken back.
    pub(super) fn close_with(&self, last: &[u8]) -> bool {
        let accepted = lock(&self.lent.stream).take();
        // Whoever does not take it at once does without.
        accepted.map(|accepted| accepted.tcp.try_write(last)).is_some()
    }

    /// Tells [`Streams::gone`] that the peer has gone, or says nothing more.
    pub(super) fn tell_gone(&self) {
        self.lent.gone.notify_one();
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let mut all = lock(&self.streams.lent);
        // The peer's address may be another connection's by now.
        if all.get(&self.peer).is_some_and(|lent| Arc::ptr_eq(lent, &self.lent)) {
            all.remove(&self.peer);
        }
    }
}
