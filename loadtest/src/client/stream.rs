//! A TCP connection that never blocks: what it does not take at once waits here.

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
    waiting: Vec<u8>,
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
        })
    }

    /// The kernel says that it may be written to: connected, if it was not; and what waits goes out.
    pub(crate) fn writable(&mut self) -> io::Result<()> {
        if let Some(why) = self.socket.take_error()? {
            return Err(why);
        }
        self.connected = true;
        if !self.waiting.is_empty() {
            let waiting = std::mem::take(&mut self.waiting);
            self.write(&waiting)?;
        }
        Ok(())
    }

    /// Writes now, or as soon as it can be.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut taken = 0;
        while self.connected && self.waiting.is_empty() && taken < bytes.len() {
            match self.socket.write(&bytes[taken..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => taken += count,
                Err(why) if why.kind() == ErrorKind::WouldBlock => break,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
        }
        if self.waiting.len() + bytes.len() - taken > LONGEST_WAIT {
            return Err(io::Error::other("the server does not read"));
        }
        self.waiting.extend_from_slice(&bytes[taken..]);
        Ok(())
    }

    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<Found> {
        loop {
            return match self.socket.read(into) {
                Ok(0) => Ok(Found::End),
                // The kernel had less than was asked for: there is no more, and an edge will tell of what comes.
                Ok(count) if count < into.len() => Ok(Found::All(count)),
                Ok(count) => Ok(Found::Some(count)),
                Err(why) if why.kind() == ErrorKind::WouldBlock => Ok(Found::All(0)),
                Err(why) if why.kind() == ErrorKind::Interrupted => continue,
                Err(why) => Err(why),
            };
        }
    }

    /// Closes without a word: the other side sees a reset, as when a device dies or a network is cut.
    pub(crate) fn reset(self) {
        // Should it fail the connection is closed properly, which is a milder cut.
        let _ = socket2::SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
