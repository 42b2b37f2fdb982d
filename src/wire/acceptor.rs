//! Accepting TCP connections: no Nagle, a cap, patience with failing `accept`, and deadlines for slow requests.
//!
//! Until a connection becomes a WebSocket its stream belongs to the HTTP server, which wraps it several times. The
//! wrapper here can give the naked stream back ([`Streams::take`]), so that frames are written to it directly.

use poem::http::uri::Scheme;
use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};
use std::collections::HashMap;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

/// How a client begins that speaks HTTP/2 without asking whether we do, and what it is told.
const HTTP2: &[u8] = b"PRI * HTTP/2.0";
const NO_HTTP2: &[u8] = b"HTTP/1.1 505 HTTP Version Not Supported\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// After a failing `accept` (too many open files, usually): trying again at once would only burn the processor.
const BACK_OFF: Duration = Duration::from_millis(100);

/// What the HTTP server writes before the answer, alone, to a client that waits with the body until it is told to go on
/// (`Expect: 100-continue`).
const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What connections may cost before they are sockets.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Open TCP connections, WebSockets among them. One more is closed at once, without an answer.
    pub connections: usize,
    /// From the first byte of a request to the end of its header.
    pub header: Duration,
    /// Between two requests of one connection.
    pub idle: Duration,
    /// Between two bytes of an answer, for a client that does not read.
    pub unread: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 50_000,
            header: Duration::from_secs(10),
            // Longer than balancers keep idle connections to us, so that they close first.
            idle: Duration::from_secs(90),
            unread: Duration::from_secs(30),
        }
    }
}

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

type Slot = Arc<Lent>;

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
    slots: Arc<Mutex<HashMap<SocketAddr, Slot>>>,
    open: Arc<AtomicUsize>,
}

impl Streams {
    /// Takes the naked stream from under the HTTP server, which then reads an end of file.
    pub fn take(&self, peer: SocketAddr) -> Option<Accepted> {
        let slot = lock(&self.slots).remove(&peer)?;
        lock(&slot.stream).take()
    }

    /// Returns when the peer has gone: the HTTP server answers a request to its end, whoever is there to read it.
    pub async fn gone(&self, peer: Option<SocketAddr>) {
        let slot = peer.and_then(|peer| lock(&self.slots).get(&peer).cloned());
        match slot {
            Some(slot) => slot.gone.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Open connections.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

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
        let open = &self.streams.open;
        let place = Place(open.clone());
        if open.fetch_add(1, Ordering::Relaxed) >= self.limits.connections {
            return None;
        }
        // A peer that is gone already is noticed at its first read.
        let _ = tcp.set_nodelay(true);
        let slot: Slot = Arc::new(Lent {
            stream: Mutex::new(Some(Accepted { tcp, place })),
            gone: Notify::new(),
        });
        lock(&self.streams.slots).insert(peer, slot.clone());
        Some(HttpStream {
            slot,
            peer,
            streams: self.streams.clone(),
            phase: Phase::Idle,
            limits: self.limits,
            deadline: Box::pin(tokio::time::sleep(self.limits.header)),
            unread: None,
            http2: Some(HTTP2),
        })
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

/// Where a connection is in its request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing of the next request has come.
    Idle,
    /// Its header is coming; how many bytes of the blank line at its end were seen last.
    Header(u8),
    /// It is being answered, however long that takes.
    Answering,
}

impl Phase {
    /// The phase after `bytes` more have come.
    fn after(self, bytes: &[u8]) -> Phase {
        let mut seen = match self {
            Phase::Idle => 0,
            Phase::Header(seen) => seen,
            Phase::Answering => return Phase::Answering,
        };
        for byte in bytes {
            seen = match (byte, seen) {
                (b'\n', 1 | 3) => seen + 1,
                (b'\r', 0 | 2) => seen + 1,
                (b'\r', _) => 1,
                _ => 0,
            };
            if seen == 4 {
                return Phase::Answering;
            }
        }
        Phase::Header(seen)
    }
}

/// A connection while HTTP is spoken on it.
pub struct HttpStream {
    slot: Slot,
    peer: SocketAddr,
    streams: Streams,
    phase: Phase,
    limits: HttpLimits,
    deadline: Pin<Box<Sleep>>,
    /// While the client does not take what is written: until when that is borne.
    unread: Option<Pin<Box<Sleep>>>,
    /// What must follow for this to be HTTP/2, while it may be.
    http2: Option<&'static [u8]>,
}

impl HttpStream {
    fn late(&mut self, cx: &mut Context<'_>) -> bool {
        self.phase != Phase::Answering && self.deadline.as_mut().poll(cx).is_ready()
    }

    fn heard(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.phase == Phase::Idle {
            self.deadline.as_mut().reset(Instant::now() + self.limits.header);
        }
        self.phase = self.phase.after(bytes);
    }

    /// Tells a client that speaks HTTP/2 that we do not, and gives it up. `bytes` have come.
    fn refuses(&mut self, bytes: &[u8]) -> bool {
        let Some(next) = self.http2 else { return false };
        let both = next.len().min(bytes.len());
        self.http2 = (bytes[..both] == next[..both]).then_some(&next[both..]);
        let refused = self.http2.is_some_and(<[u8]>::is_empty);
        if refused && let Some(accepted) = lock(&self.slot.stream).take() {
            // Nothing was written before: there is room for it.
            let _ = accepted.tcp.try_write(NO_HTTP2);
        }
        refused
    }

    /// What comes of a write: an error when the client has taken nothing for too long.
    fn wrote(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
        wrote: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if wrote.is_pending() {
            let patience = self.limits.unread;
            let unread = self
                .unread
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
            ready!(unread.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.unread = None;
        let answers = !bufs.iter().flat_map(|part| part.iter()).eq(GO_ON);
        if answers && !matches!(self.phase, Phase::Header(_)) {
            self.phase = Phase::Idle;
            self.deadline.as_mut().reset(Instant::now() + self.limits.idle);
            // Nobody may read before the client says something: only what was polled wakes us.
            let _ = self.deadline.as_mut().poll(cx);
        }
        wrote
    }
}

impl Drop for HttpStream {
    fn drop(&mut self) {
        let mut slots = lock(&self.streams.slots);
        if slots.get(&self.peer).is_some_and(|slot| Arc::ptr_eq(slot, &self.slot)) {
            slots.remove(&self.peer);
        }
    }
}

impl AsyncRead for HttpStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = match lock(&self.slot.stream).as_mut() {
            Some(accepted) => Pin::new(&mut accepted.tcp).poll_read(cx, buf),
            None => return Poll::Ready(Ok(())),
        };
        if read.is_pending() && self.late(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let read = ready!(read);
        if read.is_err() || buf.filled().len() == before {
            self.slot.gone.notify_one();
        }
        read?;
        let bytes = &buf.filled()[before..];
        if self.refuses(bytes) {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        }
        self.heard(bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for HttpStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = match lock(&self.slot.stream).as_mut() {
            Some(accepted) => Pin::new(&mut accepted.tcp).poll_write_vectored(cx, bufs),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        };
        self.wrote(cx, bufs, wrote)
    }

    /// Else the HTTP server copies every answer, and keeps the copy while a client does not read.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match lock(&self.slot.stream).as_mut() {
            Some(accepted) => Pin::new(&mut accepted.tcp).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match lock(&self.slot.stream).as_mut() {
            Some(accepted) => Pin::new(&mut accepted.tcp).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::endpoint::make_sync;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Long enough for anything that must happen.
    const PATIENCE: Duration = Duration::from_secs(10);

    const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

    /// A server that answers every request with so many bytes.
    async fn serve(limits: HttpLimits, size: usize) -> (SocketAddr, Streams) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (acceptor, streams) = NodeAcceptor::new(listener, limits);
        let answer = make_sync(move |_| vec![b'.'; size]);
        tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(answer));
        (at, streams)
    }

    /// Reads until `end` has come.
    async fn read_to(client: &mut TcpStream, end: &[u8]) -> Vec<u8> {
        let mut read = Vec::new();
        while !read.ends_with(end) {
            let byte = tokio::time::timeout(PATIENCE, client.read_u8()).await;
            read.push(byte.expect("it comes in time").unwrap());
        }
        read
    }

    /// All that comes until the connection ends.
    async fn rest(client: &mut TcpStream) -> Vec<u8> {
        let mut read = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, client.read_to_end(&mut read)).await;
        // A reset is an end too.
        let _ = ended.expect("the connection ends in time");
        read
    }

    #[tokio::test]
    async fn a_connection_that_falls_silent_ends_after_however_many_answers() {
        let limits = HttpLimits {
            idle: Duration::from_secs(1),
            ..HttpLimits::default()
        };
        let (at, streams) = serve(limits, 1).await;

        for asked in 1..=3 {
            let mut client = TcpStream::connect(at).await.unwrap();
            for _ in 0..asked {
                client.write_all(ASK).await.unwrap();
                read_to(&mut client, b"\r\n\r\n.").await;
            }

            assert_eq!(rest(&mut client).await, b"", "after {asked}");
        }
        assert_eq!(streams.open(), 0);
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_of_its_answer_is_given_up() {
        let limits = HttpLimits {
            unread: Duration::from_millis(200),
            ..HttpLimits::default()
        };
        let (at, streams) = serve(limits, 32 << 20).await;
        let mut client = TcpStream::connect(at).await.unwrap();
        client.write_all(ASK).await.unwrap();
        read_to(&mut client, b"\r\n\r\n").await;
        assert_eq!(streams.open(), 1);

        let given_up = async {
            while streams.open() > 0 {
                tokio::task::yield_now().await;
            }
        };

        tokio::time::timeout(PATIENCE, given_up).await.expect("in time");
    }

    #[tokio::test]
    async fn a_client_that_reads_slowly_gets_all_of_its_answer() {
        let patience = Duration::from_secs(3);
        let limits = HttpLimits {
            idle: patience,
            unread: patience,
            ..HttpLimits::default()
        };
        let (at, _) = serve(limits, 32 << 20).await;
        let mut client = TcpStream::connect(at).await.unwrap();
        client.write_all(ASK).await.unwrap();
        read_to(&mut client, b"\r\n\r\n").await;

        let mut part = vec![0; 2 << 20];
        for _ in 0..16 {
            tokio::time::sleep(patience / 10).await;
            client.read_exact(&mut part).await.unwrap();
        }
    }

    #[tokio::test]
    async fn http2_is_refused_at_once_however_its_beginning_is_cut() {
        let (at, _) = serve(HttpLimits::default(), 1).await;

        for (begins, cut) in [
            (&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"[..], 64),
            (b"PRI * HTTP/2.0", 1),
        ] {
            let mut client = TcpStream::connect(at).await.unwrap();
            client.set_nodelay(true).unwrap();
            for part in begins.chunks(cut) {
                client.write_all(part).await.unwrap();
            }
            assert_eq!(
                rest(&mut client).await,
                b"HTTP/1.1 505 HTTP Version Not Supported\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            );
        }
        let mut client = TcpStream::connect(at).await.unwrap();
        client.write_all(b"PRI").await.unwrap();
        client.write_all(b"NT / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        assert!(read_to(&mut client, b"\r\n\r\n.").await.starts_with(b"HTTP/1.1 200 "));
    }

    #[test]
    fn a_header_ends_at_its_blank_line_however_it_is_cut() {
        let whole = Phase::Idle.after(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        let cut = Phase::Idle.after(b"GET / HTTP/1.1\r\n\r").after(b"\n");

        assert!(whole == Phase::Answering && cut == Phase::Answering);
        assert!(Phase::Idle.after(b"GET / HTTP/1.1\r\nhost: a\r\n").after(b"a\r\n\r") == Phase::Header(3));
    }

    /// How long a header may take here. What is sent in one piece takes no time.
    const HEADER: Duration = Duration::from_millis(50);

    /// Nothing comes, neither an answer nor the end, for longer than a header may take.
    async fn is_left_alone(stream: &mut TcpStream) {
        let next = tokio::time::timeout(4 * HEADER, stream.read_u8()).await;
        assert!(next.is_err(), "{next:?}");
    }

    #[tokio::test]
    async fn a_body_that_was_asked_for_may_take_its_time_and_the_next_header_may_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let header = b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n";
        client.write_all(header).await.unwrap();
        let limits = HttpLimits {
            header: HEADER,
            ..HttpLimits::default()
        };
        let (acceptor, _) = NodeAcceptor::new(listener, limits);
        let repeat = poem::endpoint::make(async |request: poem::Request| {
            Ok::<_, poem::Error>(request.into_body().into_string().await?)
        });
        tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(repeat));

        read_to(&mut client, GO_ON).await;
        client.write_all(b"bo").await.unwrap();
        is_left_alone(&mut client).await;
        client.write_all(b"dy").await.unwrap();

        read_to(&mut client, b"body").await;
        is_left_alone(&mut client).await;
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n").await.unwrap();
        let rest = tokio::time::timeout(Duration::from_secs(5), client.read_u8()).await;
        assert!(rest.expect("it is cut off in time").is_err());
    }
}
