//! Thousands of Socket.IO clients in one thread. Each is a number ([`Who`]); what happens to it is told to whoever runs
//! the clients, between two waits. Knows nothing of chat.

pub(crate) mod packet;
mod poll;
mod session;
mod stream;
pub(crate) mod target;
mod websocket;
mod wire;

use crate::clock::{Clock, Nanos, SECOND};
use packet::{Event, Key, Packet};
use poll::{Poll, Ready};
use session::Session;
use std::io::Write;
use std::time::Duration;
use stream::{Found, Stream};
use target::{Sources, Target};
use wire::{Piece, Wire};

/// A client, counted from 0.
pub(crate) type Who = usize;

/// Most bytes that are read at once.
const READ: usize = 64 * 1024;
/// How often silent servers are looked for.
const LOOK: Nanos = 5 * SECOND;

/// What happens to a client.
#[derive(Debug)]
pub(crate) enum Happening<'a> {
    /// It is in the main namespace; `true` when the server recovered its session.
    Joined(bool),
    Heard(Event<'a>),
    /// The answer to what it asked with this number.
    Answered(u32, &'a [u8]),
    /// The connection is no more, though nobody here wanted that.
    Ended(String),
}

/// How the clients are to be.
pub(crate) struct Manner {
    pub(crate) targets: Vec<Target>,
    pub(crate) sources: Sources,
    /// Whether they want to be sent their own lines.
    pub(crate) echo: bool,
    /// A number of this run; clients of another run are other people.
    pub(crate) run: u64,
}

/// A connection under a client.
struct Link {
    wire: Wire,
    /// Tells events of this connection from those of its predecessor.
    life: u32,
    /// Bytes of a piece that is not all there.
    rest: Vec<u8>,
    heard_at: Nanos,
}

pub(crate) struct Client {
    pub(crate) clock: Clock,
    manner: Manner,
    poll: Poll,
    links: Vec<Option<Link>>,
    sessions: Vec<Session>,
    lives: u32,
    scratch: Vec<u8>,
    ready: Vec<Ready>,
    /// Where packets and frames are built.
    packet: Vec<u8>,
    frame: Vec<u8>,
    masks: u32,
    pid: Key,
    looked: Nanos,
}

impl Client {
    pub(crate) fn new(clock: Clock, manner: Manner, count: usize) -> Result<Self, String> {
        Ok(Self {
            clock,
            poll: Poll::new().map_err(|e| format!("epoll: {e}"))?,
            links: (0..count).map(|_| None).collect(),
            sessions: (0..count).map(|who| Session::new(manner.run, who)).collect(),
            manner,
            lives: 0,
            scratch: vec![0; READ],
            ready: Vec::new(),
            packet: Vec::new(),
            frame: Vec::new(),
            masks: 0x9e37_79b9,
            pid: Key::new(r#""pid":""#),
            looked: 0,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.links.len()
    }

    pub(crate) fn targets(&self) -> usize {
        self.manner.targets.len()
    }

    pub(crate) fn is_open(&self, who: Who) -> bool {
        self.links[who].is_some()
    }

    /// Begins to connect to a target, counting round; what comes of it is told later.
    pub(crate) fn open(&mut self, who: Who, target: usize) -> Result<(), String> {
        let target = &self.manner.targets[target % self.manner.targets.len()];
        self.lives = self.lives.wrapping_add(1);
        let told = |e: std::io::Error| format!("{}: {e}", target.host);
        let stream = Stream::dial(target.address, self.manner.sources.of(who)).map_err(told)?;
        let token = (u64::from(self.lives) << 32) | who as u64;
        self.poll.watch(&stream, token).map_err(told)?;
        self.links[who] = Some(Link {
            wire: Wire::open(stream, &target.host, &target.path).map_err(told)?,
            life: self.lives,
            rest: Vec::new(),
            heard_at: self.clock.now(),
        });
        Ok(())
    }

    /// Ends a connection without a word to the server.
    pub(crate) fn cut(&mut self, who: Who) {
        if let Some(link) = self.links[who].take() {
            link.wire.cut();
        }
    }

    /// Ends a connection as a page does that is left.
    pub(crate) fn close(&mut self, who: Who) {
        let mask = self.mask();
        if let Some(link) = self.links[who].take() {
            link.wire.close(mask);
        }
    }

    /// Sends an event with these arguments (JSON, separated by commas); asks for an answer if there is a number.
    /// Whether there is a connection to send it on.
    pub(crate) fn emit(&mut self, who: Who, ask: Option<u32>, name: &str, args: std::fmt::Arguments<'_>) -> bool {
        let mut packet = std::mem::take(&mut self.packet);
        packet.clear();
        packet.extend_from_slice(b"42");
        if let Some(ask) = ask {
            // Writing to memory cannot fail.
            let _ = write!(packet, "{ask}");
        }
        let _ = write!(packet, r#"["{name}"{args}]"#);
        let sent = self.send(who, &packet);
        self.packet = packet;
        sent
    }

    fn send(&mut self, who: Who, packet: &[u8]) -> bool {
        let mask = self.mask();
        let Some(link) = &mut self.links[who] else {
            return false;
        };
        // A connection that broke is told when it is next read from, which the kernel says at once.
        link.wire.send(&mut self.frame, packet, mask).is_ok()
    }

    /// Unpredictable enough: masks protect proxies from web pages, and this is none.
    fn mask(&mut self) -> u32 {
        self.masks ^= self.masks << 13;
        self.masks ^= self.masks >> 17;
        self.masks ^= self.masks << 5;
        self.masks
    }

    /// Waits until `until` at the longest, and tells what happened.
    pub(crate) fn turn(
        &mut self,
        until: Nanos,
        tell: &mut impl FnMut(&mut Client, Who, Happening<'_>),
    ) -> Result<(), String> {
        let patience = Duration::from_nanos(until.saturating_sub(self.clock.now()));
        let mut batch = std::mem::take(&mut self.ready);
        batch.clear();
        let waited = self.poll.wait(patience, &mut batch);
        waited.map_err(|e| format!("epoll: {e}"))?;
        for ready in &batch {
            let (who, life) = ((ready.token & 0xffff_ffff) as usize, (ready.token >> 32) as u32);
            if let Err(why) = self.attend(who, life, *ready, tell) {
                self.end(who, why, tell);
            }
        }
        self.ready = batch;
        self.look_for_silence(tell);
        Ok(())
    }

    fn end(&mut self, who: Who, why: String, tell: &mut impl FnMut(&mut Client, Who, Happening<'_>)) {
        self.links[who] = None;
        tell(self, who, Happening::Ended(why));
    }

    /// The connection of `who`, if it is still the one that is meant.
    fn link(&mut self, who: Who, life: u32) -> Option<&mut Link> {
        self.links[who].as_mut().filter(|link| link.life == life)
    }

    fn attend(
        &mut self,
        who: Who,
        life: u32,
        ready: Ready,
        tell: &mut impl FnMut(&mut Client, Who, Happening<'_>),
    ) -> Result<(), String> {
        let Some(link) = self.link(who, life) else {
            return Ok(());
        };
        if ready.write {
            link.wire.stream().writable().map_err(|e| e.to_string())?;
        }
        let mut more = ready.read;
        while more {
            let mut input = std::mem::take(&mut self.scratch);
            let read = self.read(who, life, &mut input, tell);
            self.scratch = input;
            more = read?;
        }
        Ok(())
    }

    /// Reads once and acts on what is complete; whether there may be more to read.
    fn read(
        &mut self,
        who: Who,
        life: u32,
        input: &mut Vec<u8>,
        tell: &mut impl FnMut(&mut Client, Who, Happening<'_>),
    ) -> Result<bool, String> {
        let now = self.clock.now();
        let Some(link) = self.link(who, life) else {
            return Ok(false);
        };
        let kept = link.rest.len();
        if input.len() < kept + READ / 4 {
            input.resize(kept + READ, 0);
        }
        input[..kept].copy_from_slice(&link.rest);
        link.rest.clear();
        let (found, more) = match link.wire.stream().read(&mut input[kept..]).map_err(|e| e.to_string())? {
            Found::Some(count) => (count, true),
            Found::All(count) => (count, false),
            Found::End => return Err("the server hung up".to_owned()),
        };
        link.heard_at = now;
        let input = &input[..kept + found];
        let mut at = 0;
        while let Some(link) = self.link(who, life) {
            let Some((piece, next)) = link.wire.next(input, at)? else {
                link.rest.extend_from_slice(&input[at..]);
                return Ok(more);
            };
            at = next;
            self.take(who, piece, input, tell)?;
        }
        Ok(false)
    }

    fn take(
        &mut self,
        who: Who,
        piece: Piece,
        input: &[u8],
        tell: &mut impl FnMut(&mut Client, Who, Happening<'_>),
    ) -> Result<(), String> {
        match piece {
            Piece::Nothing => Ok(()),
            Piece::Closed => Err("the server closed the connection".to_owned()),
            Piece::Ping(content) => {
                let mask = self.mask();
                match &mut self.links[who] {
                    Some(link) => link
                        .wire
                        .pong(&mut self.frame, &input[content], mask)
                        .map_err(|e| e.to_string()),
                    None => Ok(()),
                }
            }
            Piece::Packet(text) => self.receive(who, packet::read(&input[text]), tell),
        }
    }

    fn receive(
        &mut self,
        who: Who,
        packet: Packet<'_>,
        tell: &mut impl FnMut(&mut Client, Who, Happening<'_>),
    ) -> Result<(), String> {
        match packet {
            Packet::Open(session) => {
                self.sessions[who].silence = session::silence(session);
                let hello = format!("40{}", self.sessions[who].auth(self.manner.echo));
                self.send(who, hello.as_bytes());
            }
            Packet::Ping => {
                self.send(who, b"3");
            }
            Packet::Joined(welcome) => {
                let recovered = self.sessions[who].welcomed(welcome, &self.pid);
                tell(self, who, Happening::Joined(recovered));
            }
            Packet::Event(event) => {
                self.sessions[who].heard(&event);
                tell(self, who, Happening::Heard(event));
            }
            Packet::Ack(number, answer) => tell(self, who, Happening::Answered(number, answer)),
            Packet::Refused(why) => return Err(format!("not let in: {}", String::from_utf8_lossy(why))),
            Packet::Disconnected | Packet::Close => return Err("sent away by the server".to_owned()),
            Packet::Other => {}
        }
        Ok(())
    }

    /// Ends connections whose server has not pinged for longer than it promised.
    fn look_for_silence(&mut self, tell: &mut impl FnMut(&mut Client, Who, Happening<'_>)) {
        let now = self.clock.now();
        if now < self.looked + LOOK {
            return;
        }
        self.looked = now;
        for who in 0..self.links.len() {
            let silence = self.sessions[who].silence;
            let silent = |link: &Link| silence > 0 && now > link.heard_at + silence;
            if self.links[who].as_ref().is_some_and(silent) {
                self.end(who, "the server is silent".to_owned(), tell);
            }
        }
    }
}
