//! WebSocket readers, shared: a connection has one only while bytes of a frame are outstanding.
//!
//! The library's reader brings a buffer of 8 KiB. Making one for every message would also cut the heap into pieces that
//! nothing else fits; so readers that have done their work wait here for the next connection.

use super::stream::Gate;
use fastwebsockets::{Role, WebSocket};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Readers kept for later; more are at work at once only for moments.
const SPARE: usize = 32;

/// A frame larger than this has made the buffer larger than it is worth keeping.
const SMALL: usize = 4096;

/// The place where a reader finds the gate of the connection it works for.
#[derive(Clone, Default)]
struct Port(Arc<Mutex<Option<Gate>>>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A reader at work, or waiting for some.
pub(super) struct Reader {
    frames: WebSocket<Port>,
    port: Port,
    grown: bool,
}

/// Readers without work.
#[derive(Default)]
pub(super) struct Readers(Mutex<Vec<Reader>>);

impl Readers {
    /// A reader for `gate`, for frames of at most `max` bytes. Every frame is handed out, none is answered by the
    /// library.
    pub(super) fn begin(&self, gate: Gate, max: usize) -> Reader {
        let spare = lock(&self.0).pop();
        let reader = spare.unwrap_or_else(|| {
            let port = Port::default();
            let mut frames = WebSocket::after_handshake(port.clone(), Role::Server);
            frames.set_auto_close(false);
            frames.set_auto_pong(false);
            // Exclusive there, inclusive at the gate.
            frames.set_max_message_size(max + 1);
            Reader {
                frames,
                port,
                grown: false,
            }
        });
        *lock(&reader.port.0) = Some(gate);
        reader
    }

    /// Takes a reader back that has nothing of a frame outstanding, and gives its gate.
    pub(super) fn end(&self, reader: Reader) -> Option<Gate> {
        let gate = lock(&reader.port.0).take();
        let mut spare = lock(&self.0);
        if !reader.grown && spare.len() < SPARE {
            spare.push(reader);
        }
        gate
    }
}

impl Reader {
    /// The next frame, unmasked. Not to be called again when dropped halfway.
    pub(super) async fn read_frame(&mut self) -> Result<fastwebsockets::Frame<'_>, fastwebsockets::WebSocketError> {
        let frame = self.frames.read_frame().await?;
        self.grown |= frame.payload.len() > SMALL;
        Ok(frame)
    }
}

impl AsyncRead for Port {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match lock(&self.0).as_mut() {
            Some(gate) => gate.poll_read(cx, buf),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

/// Writing goes through the connection's outbox; the library asks for a writing half all the same.
impl AsyncWrite for Port {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
