//! A TCP connection that never blocks: what it does not take at once waits here. It may be encrypted; `tls` knows how.

use super::tls::Tls;
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// Bytes that may wait for a server that does not read; a load has no use for more.
const LONGEST_WAIT: usize = 1 << 20;

pub(crate) struct Stream {
    socket: TcpStream,
    connected: bool,
    /// What the kernel is to be given; encrypted, if anything is.
    waiting: Vec<u8>,
    tls: Option<Box<Tls>>,
}

/// What a read found.
pub(crate) enum Found {
    /// So many bytes, and perhaps more.
    Some(usize),
    /// So many bytes and no more for now.
    All(usize),
    End,
}

impl Stream {
    /// Begins to connect, from a port of `source` if there is one.
    pub(crate) fn dial(to: SocketAddr, source: Option<IpAddr>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(source) = source {
            socket.bind(&SockAddr::from(SocketAddr::new(source, 0)))?;
        }
        match socket.connect(&SockAddr::from(to)) {
            Err(why) if why.raw_os_error() != Some(Errno::INPROGRESS.raw_os_error()) => return Err(why),
            _ => {}
        }
        Ok(Self {
            socket: socket.into(),
            connected: false,
            waiting: Vec::new(),
            tls: None,
        })
    }

    /// The same, encrypted from its first byte on.
    pub(crate) fn encrypted(mut self, mut tls: Tls) -> Self {
        tls.bound(LONGEST_WAIT);
        tls.pour(&mut self.waiting);
        self.tls = Some(Box::new(tls));
        self
    }

    /// The kernel says that it may be written to: connected, if it was not; and what waits goes out.
    pub(crate) fn writable(&mut self) -> io::Result<()> {
        if let Some(why) = self.socket.take_error()? {
            return Err(why);
        }
        self.connected = true;
        self.flush()
    }

    /// Writes now, or as soon as it can be.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            // What is encrypted cannot be left out again: it is refused before.
            within_bounds(self.waiting.len() + bytes.len())?;
            tls.write(bytes, &mut self.waiting)?;
            return self.flush();
        }
        let taken = match self.waiting.is_empty() {
            true => self.give(bytes)?,
            false => 0,
        };
        within_bounds(self.waiting.len() + bytes.len() - taken)?;
        self.waiting.extend_from_slice(&bytes[taken..]);
        Ok(())
    }

    /// Gives the kernel what waits.
    fn flush(&mut self) -> io::Result<()> {
        let taken = self.give(&self.waiting)?;
        match taken == self.waiting.len() {
            // Thousands of connections keep no memory for what they may write later.
            true => self.waiting = Vec::new(),
            false => drop(self.waiting.drain(..taken)),
        }
        Ok(())
    }

    /// How many of these bytes the kernel takes.
    fn give(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut taken = 0;
        while self.connected && taken < bytes.len() {
            match (&self.socket).write(&bytes[taken..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => taken += count,
                Err(why) if why.kind() == ErrorKind::WouldBlock => break,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
        }
        Ok(taken)
    }

    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<Found> {
        loop {
            let read = match &mut self.tls {
                None => self.socket.read(into),
                Some(tls) => {
                    let read = tls.read(&mut self.socket, into, &mut self.waiting);
                    // The handshake may have gone on, and no edge tells of that. A connection that breaks is noticed
                    // when it is read from.
                    let _ = self.flush();
                    read
                }
            };
            return match read {
                Ok(0) => Ok(Found::End),
                // The kernel had less than was asked for: there is no more, and an edge will tell of what comes. What
                // was decrypted says nothing of the kernel.
                Ok(count) if count < into.len() && self.tls.is_none() => Ok(Found::All(count)),
                Ok(count) => Ok(Found::Some(count)),
                Err(why) if why.kind() == ErrorKind::WouldBlock => Ok(Found::All(0)),
                Err(why) if why.kind() == ErrorKind::Interrupted => continue,
                Err(why) => Err(why),
            };
        }
    }

    /// Closes without a word: the other side sees a reset, as when a device dies or a network is cut.
    pub(crate) fn reset(mut self) {
        self.tls = None;
        // Should it fail the connection is closed properly, which is a milder cut.
        let _ = socket2::SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }
}

/// The end of an encrypted stream is said within it; whoever only sees the connection end takes it for broken.
impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.end(&mut self.waiting);
            let _ = self.flush();
        }
    }
}

fn within_bounds(waiting: usize) -> io::Result<()> {
    match waiting > LONGEST_WAIT {
        true => Err(io::Error::other("the server does not read")),
        false => Ok(()),
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::super::poll::Poll;
    use super::super::tls::tests::{greet, serve};
    use super::*;
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread;

    /// More than the kernel takes of what nobody reads, as small as its buffers are here.
    const LONG: usize = 900_000;
    const SMALL_BUFFER: usize = 64 * 1024;
    const PATIENCE: Duration = Duration::from_secs(15);

    /// Where to dial, and what comes of that.
    fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let small = socket2::SockRef::from(&listener).set_recv_buffer_size(SMALL_BUFFER);
        small.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn text(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i % 251) as u8).collect()
    }

    /// One client, which waits for its socket as all do.
    struct Caller {
        stream: Stream,
        poll: Poll,
        heard: Vec<u8>,
        ended: bool,
    }

    impl Caller {
        fn of(stream: Stream) -> Self {
            let small = socket2::SockRef::from(&stream).set_send_buffer_size(SMALL_BUFFER);
            small.unwrap();
            let poll = Poll::new().unwrap();
            poll.watch(&stream, 0).unwrap();
            Self {
                stream,
                poll,
                heard: Vec::new(),
                ended: false,
            }
        }

        fn until(&mut self, enough: impl Fn(&Self) -> bool) {
            while !enough(self) {
                let mut ready = Vec::new();
                self.poll.wait(PATIENCE, &mut ready).unwrap();
                assert!(!ready.is_empty(), "nothing happens any more");
                if ready.iter().any(|ready| ready.write) {
                    self.stream.writable().unwrap();
                }
                while ready.iter().any(|ready| ready.read) && self.read() {}
            }
        }

        /// Whether there may be more.
        fn read(&mut self) -> bool {
            let mut into = [0; 1000];
            let (count, more) = match self.stream.read(&mut into).unwrap() {
                Found::Some(count) => (count, true),
                Found::All(count) => (count, false),
                Found::End => {
                    self.ended = true;
                    (0, false)
                }
            };
            self.heard.extend_from_slice(&into[..count]);
            more
        }
    }

    /// Hears a greeting and answers it, then hears nothing until it is told to go on.
    fn hear_late(mut line: impl Read + Write, go_on: &Receiver<()>) {
        let mut heard = [0; 5];
        line.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");
        line.write_all(b"go").unwrap();
        line.flush().unwrap();
        go_on.recv().unwrap();
        let mut heard = vec![0; LONG];
        line.read_exact(&mut heard).unwrap();
        assert!(heard == text(LONG));
        line.write_all(&heard).unwrap();
        line.flush().unwrap();
    }

    fn talk(stream: Stream, server: thread::JoinHandle<()>, go_on: impl FnOnce()) {
        let mut caller = Caller::of(stream);
        caller.stream.write(b"hello").unwrap();
        caller.until(|caller| caller.heard == b"go");
        caller.heard.clear();

        caller.stream.write(&text(LONG)).unwrap();
        assert!(!caller.stream.waiting.is_empty(), "the kernel takes it all");
        assert!(caller.stream.write(&text(LONG)).is_err(), "more waits than it is worth");
        go_on();
        caller.until(|caller| caller.heard.len() == LONG);

        assert!(caller.heard == text(LONG));
        assert!(caller.stream.waiting.is_empty());
        server.join().unwrap();
    }

    #[test]
    fn what_is_written_early_or_in_bulk_goes_out_as_soon_as_it_can() {
        let ((listener, address), (tell, go_on)) = (listen(), channel());
        let server = thread::spawn(move || hear_late(listener.accept().unwrap().0, &go_on));
        let stream = Stream::dial(address, None).unwrap();
        talk(stream, server, || tell.send(()).unwrap());

        let ((listener, address), (tell, go_on)) = (listen(), channel());
        let server = thread::spawn(move || hear_late(serve(listener.accept().unwrap().0), &go_on));
        let stream = Stream::dial(address, None).unwrap().encrypted(greet());
        talk(stream, server, || tell.send(()).unwrap());
    }

    /// A caller that has heard what its server said first.
    fn greeted(address: SocketAddr) -> Caller {
        let mut caller = Caller::of(Stream::dial(address, None).unwrap().encrypted(greet()));
        caller.until(|caller| caller.heard == b"go");
        caller
    }

    #[test]
    fn an_encrypted_stream_that_is_dropped_ends_and_one_that_is_reset_breaks() {
        let (listener, address) = listen();
        let server = thread::spawn(move || {
            let ends = || {
                let mut line = serve(listener.accept().unwrap().0);
                line.write_all(b"go").unwrap();
                line.read(&mut [0]).map_err(|why| why.kind())
            };
            [ends(), ends()]
        });

        drop(greeted(address).stream);
        greeted(address).stream.reset();

        assert_eq!(server.join().unwrap(), [Ok(0), Err(ErrorKind::ConnectionReset)]);
    }

    #[test]
    fn an_encrypted_stream_is_over_whether_its_server_says_so_or_not() {
        for says_so in [true, false] {
            let (listener, address) = listen();
            let server = thread::spawn(move || {
                let mut line = serve(listener.accept().unwrap().0);
                line.write_all(b"go").unwrap();
                if says_so {
                    line.conn.send_close_notify();
                    line.flush().unwrap();
                }
            });

            greeted(address).until(|caller| caller.ended);
            server.join().unwrap();
        }
    }
}
