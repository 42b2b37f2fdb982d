//! The bytes of one WebSocket: the naked TCP stream, and the gate that every incoming byte passes.
//!
//! The WebSocket library accepts unmasked frames and over-long control frames from clients, and keeps a read buffer of
//! 8 KiB for life. The gate follows the frame headers as the bytes go by: it stops what RFC 6455 forbids, and it
//! knows when nothing of a frame is outstanding, so that an idle connection needs no buffer at all.

use super::lent::{Accepted, Place};
use bytes::{Buf, Bytes};
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// What is taken from the kernel to see whether there is anything: most messages whole.
const FIRST: usize = 1024;

/// The naked stream, shared by the task that reads and everyone who writes.
#[derive(Debug)]
pub(super) struct Stream {
    tcp: OwnedWriteHalf,
    _place: Place,
    /// Frames that have passed the gate completely, wrapping.
    whole: AtomicU32,
    /// Part of a frame has passed.
    inside: AtomicBool,
}

impl Stream {
    /// Writes what the kernel takes at once.
    pub(super) fn try_write(&self, pieces: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match pieces {
            [one] => self.tcp.try_write(one),
            many => self.tcp.try_write_vectored(many),
        }
    }

    /// Waits until the kernel takes more.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.tcp.writable().await
    }

    /// Nothing more is read: a pending read ends as if the peer had gone.
    pub(super) fn halt(&self) {
        let _ = socket2::SockRef::from(self.tcp.as_ref()).shutdown(std::net::Shutdown::Read);
    }

    /// Whether the reader that has read `frames` frames has something to wait for right now.
    pub(super) fn unread(&self, frames: u32) -> bool {
        self.inside.load(Ordering::Relaxed) || self.whole.load(Ordering::Relaxed) != frames
    }
}

/// Why the gate lets nothing more through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Violation {
    Unmasked,
    LongControl,
    TooLarge,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Violation::Unmasked => "unmasked frame",
            Violation::LongControl => "control frame too long",
            Violation::TooLarge => "frame too large",
        })
    }
}

impl std::error::Error for Violation {}

/// Follows frame headers through a stream of bytes cut anywhere.
#[derive(Debug)]
struct Headers {
    max: u64,
    have: u8,
    bytes: [u8; 14],
    body: u64,
}

impl Headers {
    fn new(max: usize) -> Self {
        Self {
            max: max as u64,
            have: 0,
            bytes: [0; 14],
            body: 0,
        }
    }

    /// Lets `bytes` pass; how many frames ended in them.
    fn pass(&mut self, mut bytes: &[u8]) -> Result<u32, Violation> {
        let mut ended = 0;
        while !bytes.is_empty() {
            if self.body > 0 {
                let part = (bytes.len() as u64).min(self.body);
                self.body -= part;
                bytes = &bytes[part as usize..];
                ended += u32::from(self.body == 0);
                continue;
            }
            self.bytes[usize::from(self.have)] = bytes[0];
            self.have += 1;
            bytes = &bytes[1..];
            if self.have >= 2 && self.have == 2 + self.extra() + 4 {
                self.have = 0;
                self.body = self.announced()?;
                ended += u32::from(self.body == 0);
            } else if self.have == 2 && self.bytes[1] & 0x80 == 0 {
                return Err(Violation::Unmasked);
            }
        }
        Ok(ended)
    }

    fn extra(&self) -> u8 {
        match self.bytes[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    fn announced(&self) -> Result<u64, Violation> {
        let len = match self.extra() {
            0 => u64::from(self.bytes[1] & 0x7f),
            extra => self.bytes[2..2 + usize::from(extra)]
                .iter()
                .fold(0, |len, byte| len << 8 | u64::from(*byte)),
        };
        if self.bytes[0] & 0x08 != 0 && len > 125 {
            return Err(Violation::LongControl);
        }
        if len > self.max {
            return Err(Violation::TooLarge);
        }
        Ok(len)
    }

    fn inside(&self) -> bool {
        self.have > 0 || self.body > 0
    }
}

/// The reading end.
pub(super) struct Gate {
    tcp: OwnedReadHalf,
    stream: Arc<Stream>,
    /// What was read but has not passed: by the HTTP server, or to see whether there is anything.
    early: Bytes,
    headers: Headers,
}

impl Gate {
    /// A gate for frames of at most `max` bytes.
    pub(super) fn new(accepted: Accepted, early: Bytes, max: usize) -> (Gate, Arc<Stream>) {
        let Accepted { tcp, place } = accepted;
        let (read, write) = tcp.into_split();
        let stream = Arc::new(Stream {
            tcp: write,
            _place: place,
            whole: AtomicU32::new(0),
            inside: AtomicBool::new(false),
        });
        let gate = Gate {
            tcp: read,
            stream: stream.clone(),
            early,
            headers: Headers::new(max),
        };
        (gate, stream)
    }

    /// Waits until something has come, and takes it: that the kernel says so is not enough, it may be wrong.
    pub(super) async fn readable(&mut self) -> io::Result<()> {
        if self.early.is_empty() {
            self.early = poll_fn(|cx| self.poll_first(cx)).await?;
        }
        Ok(())
    }

    fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let mut first = [MaybeUninit::uninit(); FIRST];
        let mut first = ReadBuf::uninit(&mut first);
        // Polled and not tried: a read that leaves room tells the runtime that there is no more, which saves asking.
        ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut first))?;
        Poll::Ready(match first.filled() {
            [] => Err(io::ErrorKind::UnexpectedEof.into()),
            bytes => Ok(Bytes::copy_from_slice(bytes)),
        })
    }

    fn passed(&mut self, bytes: &[u8]) -> io::Result<()> {
        let ended = self
            .headers
            .pass(bytes)
            .map_err(|violation| io::Error::new(io::ErrorKind::InvalidData, violation))?;
        self.stream.whole.fetch_add(ended, Ordering::Relaxed);
        self.stream.inside.store(self.headers.inside(), Ordering::Relaxed);
        Ok(())
    }

    /// Reads what is there and lets it pass.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if self.early.is_empty() {
            ready!(Pin::new(&mut self.tcp).poll_read(cx, buf))?;
        } else {
            let part = self.early.len().min(buf.remaining());
            buf.put_slice(&self.early[..part]);
            self.early.advance(part);
        }
        Poll::Ready(self.passed(&buf.filled()[before..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A masked client frame of `len` zero bytes.
    fn frame(opcode: u8, len: usize) -> Vec<u8> {
        let mut bytes = vec![0x80 | opcode];
        match len {
            0..126 => bytes.push(0x80 | len as u8),
            126..65_536 => {
                bytes.push(0x80 | 126);
                bytes.extend((len as u16).to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend((len as u64).to_be_bytes());
            }
        }
        bytes.extend([0; 4]);
        bytes.extend(vec![0; len]);
        bytes
    }

    #[test]
    fn the_gate_stops_what_clients_may_not_send() {
        let pass = |bytes: &[u8]| Headers::new(1000).pass(bytes);

        assert_eq!(
            pass(&[0x81, 0x05, b'h', b'e', b'l', b'l', b'o']),
            Err(Violation::Unmasked)
        );
        assert_eq!(pass(&frame(0x9, 126)), Err(Violation::LongControl));
        assert_eq!(pass(&frame(0x1, 1001)), Err(Violation::TooLarge));
        assert_eq!(
            pass(&[0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]),
            Err(Violation::TooLarge)
        );
        assert_eq!(pass(&frame(0x1, 1000)), Ok(1));
    }

    proptest! {
        #[test]
        fn frames_are_counted_however_the_bytes_are_cut(
            lens in proptest::collection::vec(0usize..70_000, 1..6),
            cut in 1usize..5_000,
        ) {
            let bytes: Vec<u8> = lens.iter().flat_map(|len| frame(0x2, *len)).collect();
            let mut headers = Headers::new(70_000);

            let ended: u32 = bytes.chunks(cut).map(|chunk| headers.pass(chunk).unwrap()).sum();

            prop_assert_eq!(ended as usize, lens.len());
            prop_assert!(!headers.inside());
        }

        #[test]
        fn garbage_never_panics_the_gate(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Headers::new(100).pass(&bytes);
        }
    }
}
