//! Accepting TCP connections: no Nagle, a cap, patience with failing `accept`.

use super::http_stream::{HttpLimits, HttpStream};
use super::lent::Streams;
use poem::http::uri::Scheme;
use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// After a failing `accept` (too many open files, usually): trying again at once would only burn the processor.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Gives connections to the HTTP server.
pub struct NodeAcceptor {
    listener: TcpListener,
    streams: Streams,
    limits: HttpLimits,
}

impl NodeAcceptor {
    /// Accepts from `listener`; the streams can be taken back through the second value.
    pub fn new(listener: TcpListener, limits: HttpLimits) -> (NodeAcceptor, Streams) {
        let streams = Streams::default();
        let acceptor = NodeAcceptor {
            listener,
            streams: streams.clone(),
            limits,
        };
        (acceptor, streams)
    }

    fn admit(&self, tcp: TcpStream, peer: SocketAddr) -> Option<HttpStream> {
        // A peer that is gone already is noticed at its first read.
        let _ = tcp.set_nodelay(true);
        let loan = self.streams.lend(tcp, peer, self.limits.connections)?;
        Some(HttpStream::new(loan, self.limits))
    }
}

impl Acceptor for NodeAcceptor {
    type Io = HttpStream;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.listener
            .local_addr()
            .map(|addr| LocalAddr(addr.into()))
            .into_iter()
            .collect()
    }

    async fn accept(&mut self) -> io::Result<(HttpStream, LocalAddr, RemoteAddr, Scheme)> {
        loop {
            let (tcp, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(BACK_OFF).await;
                    continue;
                }
            };
            let Ok(local) = tcp.local_addr() else { continue };
            if let Some(stream) = self.admit(tcp, peer) {
                return Ok((stream, LocalAddr(local.into()), RemoteAddr(peer.into()), Scheme::HTTP));
            }
        }
    }
}
