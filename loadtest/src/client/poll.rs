//! Waiting for many sockets at once, to the microsecond: an open-loop sender that wakes late measures its own lateness.

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use std::io;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// Sockets that are looked at between two looks at the clock.
const AT_ONCE: usize = 512;

pub(crate) struct Poll {
    epoll: OwnedFd,
    ready: Vec<epoll::Event>,
}

/// What a socket is ready for.
#[derive(Clone, Copy)]
pub(crate) struct Ready {
    pub(crate) token: u64,
    pub(crate) read: bool,
    pub(crate) write: bool,
    /// Nothing comes after what is there: no further edge will tell of the end.
    pub(crate) last: bool,
}

impl Poll {
    pub(crate) fn new() -> io::Result<Self> {
        // The kernel may else delay every wake-up by 50 us, to save some.
        rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
        Ok(Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            ready: Vec::with_capacity(AT_ONCE),
        })
    }

    /// Watches a socket until it is closed. Edges only: who is told must read or write until there is no more.
    pub(crate) fn watch(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        let edges = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        Ok(epoll::add(&self.epoll, socket, EventData::new_u64(token), edges)?)
    }

    /// Waits until something is ready, at most `patience`. What is ready is moved into `into`.
    pub(crate) fn wait(&mut self, patience: Duration, into: &mut Vec<Ready>) -> io::Result<()> {
        self.ready.clear();
        let patience = rustix::event::Timespec {
            tv_sec: patience.as_secs() as i64,
            tv_nsec: i64::from(patience.subsec_nanos()),
        };
        let room = rustix::buffer::spare_capacity(&mut self.ready);
        match epoll::wait(&self.epoll, room, Some(&patience)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(why) => return Err(why.into()),
        }
        let broken = EventFlags::ERR | EventFlags::HUP | EventFlags::RDHUP;
        into.extend(self.ready.iter().map(|event| {
            let flags = { event.flags };
            Ready {
                token: { event.data }.u64(),
                read: flags.intersects(EventFlags::IN | broken),
                write: flags.intersects(EventFlags::OUT | broken),
                last: flags.intersects(broken),
            }
        }));
        Ok(())
    }
}
