//! HTTP long polling as a browser does it: one connection waits with a GET, another one carries POSTs. From bytes to
//! packets and back; who dials is told when a connection is missing.

use super::http;
use super::stream::Stream;
use super::wire::{Lane, Piece};
use std::io;

/// What stands between the packets of a payload.
const SEPARATOR: u8 = 0x1e;

pub(crate) struct Polling {
    host: String,
    path: String,
    /// What the server calls the session; empty before it did.
    sid: String,
    get: Way,
    post: Way,
    /// Packets that wait for the POST that is under way.
    outgoing: Vec<u8>,
}

/// One of the two connections.
#[derive(Default)]
struct Way {
    stream: Option<Stream>,
    /// The request that has no answer yet.
    request: Option<Vec<u8>>,
    /// Where the answer that is being read ends.
    body_end: Option<usize>,
    last: bool,
    /// It carried a request before: the server may have closed it just as the next was sent.
    used: bool,
}

impl Way {
    /// Sends a request now, or once there is a connection. A connection that breaks is noticed when it is read from.
    fn ask(&mut self, request: Vec<u8>) {
        if let Some(stream) = &mut self.stream {
            let _ = stream.write(&request);
        }
        self.request = Some(request);
    }
}

impl Polling {
    pub(crate) fn new(host: &str, path: &str) -> Self {
        let path = format!("{path}?EIO=4&transport=polling");
        let mut get = Way::default();
        get.ask(http::get(host, &path));
        Self {
            host: host.to_owned(),
            path,
            sid: String::new(),
            get,
            post: Way::default(),
            outgoing: Vec::new(),
        }
    }

    fn way(&mut self, lane: Lane) -> &mut Way {
        match lane {
            Lane::Main => &mut self.get,
            Lane::Post => &mut self.post,
        }
    }

    pub(crate) fn stream(&mut self, lane: Lane) -> Option<&mut Stream> {
        self.way(lane).stream.as_mut()
    }

    /// The way that has a request and no connection.
    pub(crate) fn lacks(&self) -> Option<Lane> {
        let lacks = |way: &Way| way.request.is_some() && way.stream.is_none();
        match (lacks(&self.get), lacks(&self.post)) {
            (true, _) => Some(Lane::Main),
            (false, true) => Some(Lane::Post),
            (false, false) => None,
        }
    }

    pub(crate) fn give(&mut self, lane: Lane, mut stream: Stream) -> io::Result<()> {
        let way = self.way(lane);
        if let Some(request) = &way.request {
            stream.write(request)?;
        }
        (way.stream, way.used, way.last) = (Some(stream), false, false);
        Ok(())
    }

    /// The server said what it calls this session.
    pub(crate) fn opened(&mut self, sid: &str) {
        self.sid = sid.to_owned();
        self.path.push_str("&sid=");
        self.path.push_str(sid);
    }

    pub(crate) fn send(&mut self, packet: &[u8]) {
        if !self.outgoing.is_empty() {
            self.outgoing.push(SEPARATOR);
        }
        self.outgoing.extend_from_slice(packet);
        if self.post.request.is_none() {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.outgoing.is_empty() {
            let body = std::mem::take(&mut self.outgoing);
            self.post.ask(http::post(&self.host, &self.path, &body));
        }
    }

    /// The other side closed one of the connections. That is its right while nothing is asked of it.
    pub(crate) fn hung_up(&mut self, lane: Lane) -> Result<(), String> {
        let way = self.way(lane);
        way.stream = None;
        match way.request.is_none() || way.used {
            true => Ok(()),
            false => Err("the server hung up".to_owned()),
        }
    }

    /// Closes as a page does that is left.
    pub(crate) fn close(mut self) {
        if self.post.request.is_none() && self.post.stream.is_some() {
            self.outgoing.clear();
            self.send(b"41");
            self.outgoing = b"1".to_vec();
            self.flush();
        }
    }

    pub(crate) fn cut(self) {
        self.get
            .stream
            .into_iter()
            .chain(self.post.stream)
            .for_each(Stream::reset);
    }

    pub(crate) fn next(&mut self, lane: Lane, input: &[u8], from: usize) -> Result<Option<(Piece, usize)>, String> {
        let way = self.way(lane);
        let Some(end) = way.body_end else {
            let Some(answer) = http::answer(input, from)? else {
                return Ok(None);
            };
            if answer.status != 200 {
                let why = http::gist(&input[answer.body]);
                return Err(format!("answered {}: {why}", answer.status));
            }
            way.body_end = Some(answer.body.end);
            way.last = answer.last;
            let begin = match lane {
                Lane::Main => answer.body.start,
                // It says "ok".
                Lane::Post => answer.body.end,
            };
            return Ok(Some((Piece::Nothing, begin)));
        };
        if from >= end {
            self.answered(lane);
            return Ok(Some((Piece::Nothing, end)));
        }
        let text = &input[from..end];
        let length = memchr::memchr(SEPARATOR, text).unwrap_or(text.len());
        let next = (from + length + 1).min(end);
        Ok(Some((Piece::Packet(from..from + length), next)))
    }

    fn answered(&mut self, lane: Lane) {
        let way = self.way(lane);
        (way.request, way.body_end, way.used) = (None, None, true);
        if way.last {
            way.stream = None;
        }
        match lane {
            Lane::Main => self.get.ask(http::get(&self.host, &self.path)),
            Lane::Post => self.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(polling: &mut Polling, lane: Lane, input: &str) -> Vec<String> {
        let (mut at, mut found) = (0, Vec::new());
        while at < input.len() || polling.way(lane).body_end.is_some() {
            let (piece, next) = polling.next(lane, input.as_bytes(), at).unwrap().unwrap();
            if let Piece::Packet(range) = piece {
                found.push(input[range].to_owned());
            }
            at = next;
        }
        found
    }

    fn answer(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    fn asked(way: &Way) -> String {
        String::from_utf8(way.request.clone().unwrap()).unwrap()
    }

    #[test]
    fn an_answer_holds_packets_and_the_next_poll_follows() {
        let mut polling = Polling::new("h", "/socket.io/");
        assert_eq!(polling.lacks(), Some(Lane::Main));

        assert_eq!(pieces(&mut polling, Lane::Main, &answer("0{}\u{1e}2")), ["0{}", "2"]);
        polling.opened("s");
        assert_eq!(pieces(&mut polling, Lane::Main, &answer("40")), ["40"]);

        assert!(
            asked(&polling.get).contains("transport=polling&sid=s HTTP"),
            "the next poll"
        );
    }

    #[test]
    fn packets_wait_for_the_post_that_is_under_way() {
        let mut polling = Polling::new("h", "/socket.io/");
        polling.send(b"a");
        polling.send(b"b");
        polling.send(b"c");
        assert!(asked(&polling.post).ends_with("\r\n\r\na"));

        assert!(pieces(&mut polling, Lane::Post, &answer("ok")).is_empty());

        assert!(asked(&polling.post).ends_with("\r\n\r\nb\u{1e}c"));
        pieces(&mut polling, Lane::Post, &answer("ok"));
        assert!(polling.post.request.is_none());
    }

    #[test]
    fn a_server_may_close_what_is_not_in_use() {
        let mut polling = Polling::new("h", "/socket.io/");

        assert_eq!(polling.hung_up(Lane::Post), Ok(()));
        assert!(polling.hung_up(Lane::Main).is_err(), "the first request has no answer");
        pieces(&mut polling, Lane::Main, &answer("2"));
        assert_eq!(polling.hung_up(Lane::Main), Ok(()), "asked again over a new connection");
        assert_eq!(polling.lacks(), Some(Lane::Main));
    }

    #[test]
    fn an_error_ends_it() {
        let mut polling = Polling::new("h", "/socket.io/");

        let ended = polling.next(Lane::Main, b"HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\nno", 0);

        assert_eq!(ended.err().as_deref(), Some("answered 400: no"));
    }
}
