//! How clients call targets: which of the addresses, for how long, and what it is called when a connection ends.

use super::stream::Stream;
use super::target::Target;
use super::wire::Wire;
use super::{Client, Happening, Link, Tell, Who, token};
use crate::clock::{Nanos, SECOND};

/// How often silent servers are looked for.
const LOOK: Nanos = 5 * SECOND;
/// Seconds within which an attempt must have come as far as the main namespace; the `timeout` of socket.io-client.
pub(crate) const CONNECT_WITHIN: u64 = 20;

impl Client {
    /// Begins to connect to a target, counting round; what comes of it is told later.
    pub(crate) fn open(&mut self, who: Who, target: usize) -> Result<(), String> {
        let target = target % self.manner.targets.len();
        let attempt = self.lives.wrapping_add(1);
        let until = self.clock.now() + CONNECT_WITHIN * SECOND;
        self.attempts.push_back((until, who, attempt));
        self.call(who, target, attempt, 0)
            .map_err(|why| self.of_target(target, &why))
    }

    /// Calls the first address of a target that can be dialled, of those that were not `tried`.
    fn call(&mut self, who: Who, target: usize, attempt: u32, mut tried: usize) -> Result<(), String> {
        loop {
            let Target {
                host, path, addresses, ..
            } = &self.manner.targets[target];
            let all = addresses.len();
            let address = (self.preferred[target] + tried) % all;
            self.lives = self.lives.wrapping_add(1);
            self.links[who] = Some(Link {
                wire: Wire::new(self.manner.transport, host, path),
                target,
                address,
                tried,
                attempt,
                life: self.lives,
                heard: false,
                joined: false,
                rest: Default::default(),
                heard_at: self.clock.now(),
            });
            let dialled = self.dial(who);
            tried += 1;
            if dialled.is_err() {
                self.links[who] = None;
            }
            if dialled.is_ok() || tried == all {
                return dialled;
            }
        }
    }

    /// What is told of a target, with its name.
    fn of_target(&self, target: usize, what: &str) -> String {
        format!("{}: {what}", self.manner.targets[target].host)
    }

    /// Dials the sockets that a connection lacks.
    pub(super) fn dial(&mut self, who: Who) -> Result<(), String> {
        let Some(link) = &mut self.links[who] else {
            return Ok(());
        };
        while let Some(lane) = link.wire.lacks() {
            let target = &self.manner.targets[link.target];
            let address = target.addresses[link.address];
            let told = |e: std::io::Error| e.to_string();
            let mut stream = Stream::dial(address, self.manner.sources.of(who, address)).map_err(told)?;
            if let Some(name) = &target.name {
                stream = stream.encrypted(self.manner.trust.greet(name).map_err(told)?);
            }
            self.poll.watch(&stream, token(link.life, lane, who)).map_err(told)?;
            link.wire.give(lane, stream).map_err(told)?;
        }
        Ok(())
    }

    /// A connection is no more; another address of a target that said nothing at all may be better.
    pub(super) fn end(&mut self, who: Who, why: &str, tell: &mut Tell<'_>) {
        let Some(link) = self.links[who].take() else {
            return;
        };
        let more = !link.heard && link.tried + 1 < self.manner.targets[link.target].addresses.len();
        if !more || self.call(who, link.target, link.attempt, link.tried + 1).is_err() {
            let why = self.of_target(link.target, why);
            tell(self, who, Happening::Ended(why));
        }
    }

    /// Ends connections whose server has not pinged for longer than it promised.
    pub(super) fn look_for_silence(&mut self, tell: &mut Tell<'_>) {
        let now = self.clock.now();
        if now < self.looked + LOOK {
            return;
        }
        self.looked = now;
        for who in 0..self.links.len() {
            let silence = self.sessions[who].silence;
            let silent = |link: &Link| silence > 0 && now > link.heard_at + silence;
            if self.links[who].as_ref().is_some_and(silent) {
                self.end(who, "the server is silent", tell);
            }
        }
    }

    /// Ends attempts to connect that have come to nothing in time; the next one calls another address.
    pub(super) fn give_up(&mut self, tell: &mut Tell<'_>) {
        let now = self.clock.now();
        while let Some((_, who, attempt)) = self.attempts.front().copied().filter(|(until, ..)| *until <= now) {
            self.attempts.pop_front();
            let waits = self.links[who].take_if(|link| link.attempt == attempt && !link.joined);
            if let Some(link) = waits {
                self.preferred[link.target] = link.address + 1;
                let why = format!("no answer within {CONNECT_WITHIN} s");
                let why = self.of_target(link.target, &why);
                tell(self, who, Happening::Ended(why));
            }
        }
    }
}
