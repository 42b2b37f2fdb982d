//! Who a connection is to the server, over all its lives: the name it goes by and where it may resume.

use super::packet::{self, Event, Key};
use crate::clock::{Nanos, SECOND};
use memchr::memmem;

/// One client's memory. It outlives the connection.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// A device of the original web app: 64 hexadecimal digits; the same person after each return.
    guest: String,
    /// What the server calls the session that may be recovered, if it offers that.
    pid: Option<String>,
    offset: String,
    /// How long the server may be silent.
    pub(crate) silence: Nanos,
}

impl Session {
    pub(crate) fn new(run: u64, connection: usize) -> Self {
        Self {
            guest: (0..4)
                .map(|part| format!("{:016x}", scatter(run ^ scatter(connection as u64 * 4 + part))))
                .collect(),
            ..Self::default()
        }
    }

    /// The payload of CONNECT, as socket.io-client sends it: with pid and offset when there is something to recover.
    pub(crate) fn auth(&self, echo: bool) -> String {
        let mut auth = format!(r#"{{"guestId":"{}","echo":{echo}"#, self.guest);
        if let Some(pid) = &self.pid {
            auth.push_str(&format!(r#","pid":"{pid}""#));
            if !self.offset.is_empty() {
                auth.push_str(&format!(r#","offset":"{}""#, self.offset));
            }
        }
        auth.push('}');
        auth
    }

    /// Reads the answer to CONNECT; whether it goes on with the session that was asked for.
    pub(crate) fn welcomed(&mut self, welcome: &[u8], pid: &Key) -> bool {
        let pid = packet::string(welcome, pid).and_then(|pid| std::str::from_utf8(pid).ok());
        let recovered = pid.is_some() && pid == self.pid.as_deref();
        if !recovered {
            self.pid = pid.map(str::to_owned);
            self.offset.clear();
        }
        recovered
    }

    /// Remembers how far it has come.
    pub(crate) fn heard(&mut self, event: &Event<'_>) {
        if self.pid.is_some()
            && let Some(offset) = event.offset()
        {
            self.offset.clear();
            self.offset.push_str(offset);
        }
    }
}

/// SplitMix64: servers may look at any part of an identity only, so each part must tell people apart.
fn scatter(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// How long the server may be silent, by its own words in the opening packet: 45 s if it says nothing.
pub(crate) fn silence(opening: &[u8]) -> Nanos {
    let millis = |key: &str| {
        let begin = memmem::find(opening, key.as_bytes())? + key.len();
        packet::number(&opening[begin..]).0
    };
    let (interval, timeout) = (millis(r#""pingInterval":"#), millis(r#""pingTimeout":"#));
    let sum = interval
        .zip(timeout)
        .map(|(interval, timeout)| u64::from(interval) + u64::from(timeout));
    sum.map_or(45 * SECOND, |sum| sum * (SECOND / 1000))
}

#[cfg(test)]
mod tests {
    use super::super::packet::{Packet, read};
    use super::*;

    fn hear(session: &mut Session, text: &str) {
        let Packet::Event(event) = read(text.as_bytes()) else {
            panic!("no event")
        };
        session.heard(&event);
    }

    #[test]
    fn who_comes_back_gives_pid_and_offset_if_the_server_offered_them() {
        let pid = Key::new(r#""pid":""#);
        let mut session = Session::new(0xabc, 5);
        assert!(!session.welcomed(br#"{"sid":"s"}"#, &pid));
        hear(&mut session, r#"42["a",{},"1-0"]"#);
        assert!(!session.auth(false).contains("offset"));

        assert!(!session.welcomed(br#"{"sid":"s","pid":"p"}"#, &pid));
        assert!(session.auth(false).ends_with(r#","echo":false,"pid":"p"}"#));
        hear(&mut session, r#"42["a",{},"1-0"]"#);
        hear(&mut session, r#"42["b",{}]"#);
        assert!(session.auth(false).ends_with(r#","pid":"p","offset":"1-0"}"#));

        assert!(session.welcomed(br#"{"sid":"t","pid":"p"}"#, &pid), "recovered");
        assert!(session.auth(false).contains("1-0"));
        assert!(!session.welcomed(br#"{"sid":"t","pid":"q"}"#, &pid), "another session");
        assert!(!session.auth(false).contains("1-0"));
    }

    #[test]
    fn a_server_says_how_long_it_may_be_silent() {
        assert_eq!(
            silence(br#"{"sid":"x","pingInterval":100,"pingTimeout":200}"#),
            300_000_000
        );
        assert_eq!(silence(b"{}"), 45 * SECOND);
    }
}
