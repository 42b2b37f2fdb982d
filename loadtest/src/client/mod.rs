//! Thousands of Socket.IO clients in one thread. Each is a number ([`Who`]); what happens to it is told to whoever runs
//! the clients, between two waits. Knows nothing of chat.

pub(crate) mod calls;
pub(crate) mod http;
pub(crate) mod packet;
mod poll;
mod polling;
mod session;
mod stream;
pub(crate) mod target;
pub(crate) mod tls;
mod web;
mod websocket;
pub(crate) mod wire;

use crate::clock::{Clock, Nanos};
use packet::{Event, Key, Packet};
use poll::{Poll, Ready};
use session::Session;
use std::collections::VecDeque;
use std::io::Write;
use std::time::Duration;
use stream::Found;
use target::{Sources, Target};
use tls::Trust;
use wire::{Lane, Piece, Transport, Wire};

/// A client, counted from 0.
pub(crate) type Who = usize;

/// Most bytes that are read at once.
const READ: usize = 64 * 1024;

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
    /// Who may certify those that are encrypted.
    pub(crate) trust: Trust,
    pub(crate) sources: Sources,
    pub(crate) transport: Transport,
    /// Whether they want to be sent their own lines.
    pub(crate) echo: bool,
    /// A number of this run; clients of another run are other people.
    pub(crate) run: u64,
}

/// Who is told what happens.
type Tell<'a> = dyn FnMut(&mut Client, Who, Happening<'_>) + 'a;

/// A socket: the life of its connection, its lane, its client.
type At = (u32, Lane, Who);

/// A connection under a client.
struct Link {
    wire: Wire,
    target: usize,
    /// Which address of the target this is, and how many others were tried before it.
    address: usize,
    tried: usize,
    /// Which attempt of all this is; it may call several addresses.
    attempt: u32,
    /// Tells events of this connection from those of its predecessor.
    life: u32,
    /// The server has said something.
    heard: bool,
    joined: bool,
    /// Bytes of a piece that is not all there, per lane.
    rest: [Vec<u8>; 2],
    heard_at: Nanos,
}

/// How a socket is told from all others: the life of the connection, its lane, its client.
fn token(life: u32, lane: Lane, who: Who) -> u64 {
    (u64::from(life) << 32) | (u64::from(lane == Lane::Post) << 31) | who as u64
}

fn read_token(token: u64) -> At {
    let lane = if token & (1 << 31) == 0 { Lane::Main } else { Lane::Post };
    ((token >> 32) as u32, lane, (token & 0x7fff_ffff) as Who)
}

pub(crate) struct Client {
    pub(crate) clock: Clock,
    manner: Manner,
    poll: Poll,
    links: Vec<Option<Link>>,
    /// Attempts in the order they began, with when each is to have come to something.
    attempts: VecDeque<(Nanos, Who, u32)>,
    /// Which of the addresses of each target is called first: the one that answered last.
    preferred: Vec<usize>,
    sessions: Vec<Session>,
    lives: u32,
    scratch: Vec<u8>,
    ready: Vec<Ready>,
    /// Where packets and frames are built.
    packet: Vec<u8>,
    frame: Vec<u8>,
    masks: u32,
    pid: Key,
    sid: Key,
    looked: Nanos,
}

impl Client {
    pub(crate) fn new(clock: Clock, manner: Manner, count: usize) -> Result<Self, String> {
        Ok(Self {
            clock,
            poll: Poll::new().map_err(|e| format!("epoll: {e}"))?,
            links: (0..count).map(|_| None).collect(),
            attempts: VecDeque::new(),
            preferred: vec![0; manner.targets.len()],
            sessions: (0..count).map(|who| Session::new(manner.run, who)).collect(),
            manner,
            lives: 0,
            scratch: vec![0; READ],
            ready: Vec::new(),
            packet: Vec::new(),
            frame: Vec::new(),
            masks: 0x9e37_79b9,
            pid: Key::new(r#""pid":""#),
            sid: Key::new(r#""sid":""#),
            looked: 0,
        })
    }

    pub(crate) fn targets(&self) -> usize {
        self.manner.targets.len()
    }

    pub(crate) fn is_open(&self, who: Who) -> bool {
        self.links[who].is_some()
    }

    /// Ends a connection without a word to the server.
    pub(crate) fn cut(&mut self, who: Who) {
        if let Some(link) = self.links[who].take() {
            link.wire.cut();
        }
    }

    /// Ends a connection by nothing but the end of its stream.
    pub(crate) fn drop(&mut self, who: Who) {
        self.links[who] = None;
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
        link.wire.send(&mut self.frame, packet, mask);
        // A socket that cannot be dialled is told of like one that broke: by its silence.
        link.wire.lacks().is_none() || self.dial(who).is_ok()
    }

    /// Unpredictable enough: masks protect proxies from web pages, and this is none.
    fn mask(&mut self) -> u32 {
        self.masks ^= self.masks << 13;
        self.masks ^= self.masks >> 17;
        self.masks ^= self.masks << 5;
        self.masks
    }

    /// Waits until `until` at the longest, and tells what happened.
    pub(crate) fn turn(&mut self, until: Nanos, tell: &mut Tell<'_>) -> Result<(), String> {
        let patience = Duration::from_nanos(until.saturating_sub(self.clock.now()));
        let mut batch = std::mem::take(&mut self.ready);
        batch.clear();
        let waited = self.poll.wait(patience, &mut batch);
        waited.map_err(|e| format!("epoll: {e}"))?;
        for ready in &batch {
            let at = read_token(ready.token);
            if let Err(why) = self.attend(at, *ready, tell) {
                self.end(at.2, &why, tell);
            }
        }
        self.ready = batch;
        self.look_for_silence(tell);
        self.give_up(tell);
        Ok(())
    }

    /// The connection of `who`, if it is still the one that is meant.
    fn link(&mut self, who: Who, life: u32) -> Option<&mut Link> {
        self.links[who].as_mut().filter(|link| link.life == life)
    }

    fn attend(&mut self, at: At, ready: Ready, tell: &mut Tell<'_>) -> Result<(), String> {
        let (life, lane, who) = at;
        let Some(stream) = self.link(who, life).and_then(|link| link.wire.stream(lane)) else {
            return Ok(());
        };
        let written = match ready.write {
            true => stream.writable(),
            false => Ok(()),
        };
        written.or_else(|e| self.broke(at, &e.to_string()))?;
        let (mut more, mut last) = (ready.read, ready.last);
        while more || std::mem::take(&mut last) {
            let mut input = std::mem::take(&mut self.scratch);
            let read = self.read(at, &mut input, tell);
            self.scratch = input;
            more = read?;
        }
        match self.link(who, life).and_then(|link| link.wire.lacks()) {
            Some(_) => self.dial(who),
            None => Ok(()),
        }
    }

    /// A socket is of no use any more; an error if the connection is not either.
    fn broke(&mut self, (life, lane, who): At, why: &str) -> Result<(), String> {
        let Some(link) = self.link(who, life) else {
            return Ok(());
        };
        link.rest[lane as usize].clear();
        link.wire.hung_up(lane).map_err(|_| why.to_owned())
    }

    /// Reads once and acts on what is complete; whether there may be more to read.
    fn read(&mut self, at: At, input: &mut Vec<u8>, tell: &mut Tell<'_>) -> Result<bool, String> {
        let (life, lane, who) = at;
        let now = self.clock.now();
        let Some(link) = self.link(who, life) else {
            return Ok(false);
        };
        let rest = &mut link.rest[lane as usize];
        let kept = rest.len();
        if input.len() < kept + READ / 4 {
            input.resize(kept + READ, 0);
        }
        input[..kept].copy_from_slice(rest);
        rest.clear();
        let Some(stream) = link.wire.stream(lane) else {
            return Ok(false);
        };
        let (found, more) = match stream.read(&mut input[kept..]) {
            Ok(Found::Some(count)) => (count, true),
            Ok(Found::All(count)) => (count, false),
            Ok(Found::End) => return self.broke(at, "the server hung up").map(|()| false),
            Err(why) => return self.broke(at, &why.to_string()).map(|()| false),
        };
        link.heard |= found > 0;
        link.heard_at = now;
        let input = &input[..kept + found];
        let mut from = 0;
        while let Some(link) = self.link(who, life) {
            let Some((piece, next)) = link.wire.next(lane, input, from)? else {
                link.rest[lane as usize].extend_from_slice(&input[from..]);
                return Ok(more);
            };
            from = next;
            self.take(who, piece, input, tell)?;
        }
        Ok(false)
    }

    fn take(&mut self, who: Who, piece: Piece, input: &[u8], tell: &mut Tell<'_>) -> Result<(), String> {
        match piece {
            Piece::Nothing => Ok(()),
            Piece::Closed => Err("the server closed the connection".to_owned()),
            Piece::Ping(content) => {
                let mask = self.mask();
                if let Some(link) = &mut self.links[who] {
                    link.wire.pong(&input[content], mask);
                }
                Ok(())
            }
            Piece::Packet(text) => self.receive(who, packet::read(&input[text]), tell),
        }
    }

    fn receive(&mut self, who: Who, packet: Packet<'_>, tell: &mut Tell<'_>) -> Result<(), String> {
        match packet {
            Packet::Open(session) => {
                self.sessions[who].silence = session::silence(session);
                let sid = packet::string(session, &self.sid).map(String::from_utf8_lossy);
                if let (Some(sid), Some(link)) = (sid, &mut self.links[who]) {
                    link.wire.opened(&sid);
                }
                let hello = format!("40{}", self.sessions[who].auth(self.manner.echo));
                self.send(who, hello.as_bytes());
            }
            Packet::Ping => {
                self.send(who, b"3");
            }
            Packet::Joined(welcome) => {
                let recovered = self.sessions[who].welcomed(welcome, &self.pid);
                if let Some(link) = &mut self.links[who] {
                    link.joined = true;
                    self.preferred[link.target] = link.address;
                }
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
}

#[cfg(test)]
mod tests {
    use super::calls::CONNECT_WITHIN;
    use super::*;
    use crate::clock::SECOND;
    use std::io::Read;
    use std::net::TcpListener;

    fn client(targets: Vec<Target>) -> Client {
        let manner = Manner {
            targets,
            trust: Trust::in_nobody().unwrap(),
            sources: Sources::Any,
            transport: Transport::WebSocket,
            echo: false,
            run: 0,
        };
        Client::new(Clock::start(), manner, 1).unwrap()
    }

    fn listen() -> (TcpListener, Target) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        (listener, target)
    }

    /// One wait; why connections ended in it.
    fn turn(client: &mut Client) -> Vec<String> {
        let mut ended = Vec::new();
        let until = client.clock.now() + 10 * SECOND;
        let mut note = |_: &mut Client, _: Who, happening: Happening<'_>| {
            if let Happening::Ended(why) = happening {
                ended.push(why);
            }
        };
        client.turn(until, &mut note).unwrap();
        ended
    }

    #[test]
    fn a_server_that_hangs_up_with_its_last_words_is_heard_to_have_gone() {
        let (listener, target) = listen();
        let mut client = client(vec![target.clone()]);
        client.open(0, 0).unwrap();
        turn(&mut client);
        let (mut server, _) = listener.accept().unwrap();
        let _ = server.read(&mut [0; 1000]).unwrap();
        server.write_all(b"HTTP/1.1 101 Switching\r\n\r\n").unwrap();
        drop(server);

        assert_eq!(turn(&mut client), [format!("{}: the server hung up", target.host)]);
    }

    #[test]
    fn an_address_where_nobody_listens_is_passed_over_for_the_next() {
        let ((nobody, closed), (listener, mut target)) = (listen(), listen());
        drop(nobody);
        target.addresses.splice(0..0, closed.addresses);
        let mut client = client(vec![target]);

        client.open(0, 0).unwrap();

        while client.links[0].as_ref().unwrap().tried == 0 {
            assert!(turn(&mut client).is_empty(), "the attempt goes on");
        }
        listener.accept().unwrap();
    }

    #[test]
    fn who_gets_no_answer_in_time_is_told_which_server_gave_none() {
        let (_listener, target) = listen();
        let host = target.host.clone();
        let mut client = client(vec![target]);
        client.open(0, 0).unwrap();
        assert_eq!(
            client.attempts.front().unwrap().0 / SECOND,
            CONNECT_WITHIN,
            "from now on"
        );

        client.attempts.front_mut().unwrap().0 = 0;

        assert_eq!(turn(&mut client), [format!("{host}: no answer within 20 s")]);
        assert!(!client.is_open(0) && client.attempts.is_empty());
    }
}
