//! A connection while HTTP is spoken on it: deadlines for requests that come slowly and answers that nobody reads, and a
//! refusal for HTTP/2.

use super::lent::Loan;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// How a client begins that speaks HTTP/2 without asking whether we do, and what it is told.
const HTTP2: &[u8] = b"PRI * HTTP/2.0";
const NO_HTTP2: &[u8] = b"HTTP/1.1 505 HTTP Version Not Supported\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

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
    loan: Loan,
    phase: Phase,
    limits: HttpLimits,
    deadline: Pin<Box<Sleep>>,
    /// While the client does not take what is written: until when that is borne.
    unread: Option<Pin<Box<Sleep>>>,
    /// What must follow for this to be HTTP/2, while it may be.
    http2: Option<&'static [u8]>,
}

impl HttpStream {
    /// Nothing was read or written on it before.
    pub(super) fn new(loan: Loan, limits: HttpLimits) -> Self {
        Self {
            loan,
            phase: Phase::Idle,
            limits,
            deadline: Box::pin(tokio::time::sleep(limits.header)),
            unread: None,
            http2: Some(HTTP2),
        }
    }

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
        // Nothing was written before: there is room for the answer.
        self.http2.is_some_and(<[u8]>::is_empty) && self.loan.close_with(NO_HTTP2)
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

impl AsyncRead for HttpStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let Some(read) = self.loan.with(|tcp| tcp.poll_read(cx, buf)) else {
            return Poll::Ready(Ok(()));
        };
        if read.is_pending() && self.late(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let read = ready!(read);
        if read.is_err() || buf.filled().len() == before {
            self.loan.tell_gone();
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
        let wrote = self.loan.with(|tcp| tcp.poll_write_vectored(cx, bufs));
        let wrote = wrote.unwrap_or(Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())));
        self.wrote(cx, bufs, wrote)
    }

    /// Else the HTTP server copies every answer, and keeps the copy while a client does not read.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.loan.with(|tcp| tcp.poll_flush(cx));
        flushed.unwrap_or(Poll::Ready(Ok(())))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = self.loan.with(|tcp| tcp.poll_shutdown(cx));
        shut.unwrap_or(Poll::Ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::acceptor::NodeAcceptor;
    use crate::wire::lent::Streams;
    use poem::endpoint::make_sync;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

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
