//! A small false server: it pairs people and passes their lines on, but for one whim.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

/// What it does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whim {
    None,
    /// Accepts every fourth line and passes it on to nobody; then ends the rooms, after so many lines.
    LosesAndEnds(usize),
    /// Says nothing to every fourth line.
    AnswersNot,
    Refuses,
    /// After so many lines it hangs up on everybody, once, and knows nobody any more.
    Forgets(usize),
    /// The partners of all are somebody else's people.
    PairsWithOthers,
}

/// Somebody, by the name that clients go by.
struct Person {
    line: TcpStream,
    partner: Option<String>,
}

#[derive(Default)]
struct Chat {
    people: HashMap<String, Person>,
    waits: Option<String>,
    rooms: usize,
    lines: usize,
    left: usize,
}

pub(crate) struct Server {
    pub(crate) url: String,
    chat: Arc<Mutex<Chat>>,
}

impl Server {
    pub(crate) fn start(whim: Whim) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let chat = Arc::new(Mutex::new(Chat::default()));
        let shared = chat.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let chat = shared.clone();
                // Whoever hangs up ends it.
                thread::spawn(move || serve(stream.ok()?, whim, &chat));
            }
        });
        Self { url, chat }
    }

    fn chat(&self) -> MutexGuard<'_, Chat> {
        self.chat.lock().unwrap()
    }

    /// Lines that came.
    pub(crate) fn lines(&self) -> usize {
        self.chat().lines
    }

    /// People who said that they leave.
    pub(crate) fn left(&self) -> usize {
        self.chat().left
    }
}

fn serve(mut line: TcpStream, whim: Whim, chat: &Mutex<Chat>) -> Option<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        line.read_exact(&mut byte).ok()?;
        request.push(byte[0]);
    }
    line.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").ok()?;
    say(&line, r#"0{"sid":"s","pingInterval":25000,"pingTimeout":20000}"#);
    let hello = hear(&mut line)?;
    let name = between(&hello, r#""guestId":""#)?.to_owned();
    chat.lock().unwrap().arrived(&name, line.try_clone().ok()?);
    say(&line, r#"40{"sid":"s"}"#);
    loop {
        let packet = hear(&mut line)?;
        chat.lock().unwrap().heard(&name, &packet, whim);
    }
}

impl Chat {
    fn arrived(&mut self, name: &str, line: TcpStream) {
        let partner = self.people.remove(name).and_then(|person| person.partner);
        self.people.insert(name.to_owned(), Person { line, partner });
    }

    fn tell(&self, name: &str, event: &str) {
        if let Some(person) = self.people.get(name) {
            say(&person.line, &format!("42{event}"));
        }
    }

    fn heard(&mut self, name: &str, packet: &str, whim: Whim) {
        if packet.contains("join_text_queue") {
            self.pair(name, whim);
        } else if packet.contains("send_text_message") {
            self.said(name, packet, whim);
        } else if packet.contains("leave_text_room") {
            self.left += 1;
            self.end_the_room_of(name);
        } else if packet.contains("attempt_text_reconnect") {
            let seated = self.people.get(name).is_some_and(|person| person.partner.is_some());
            match seated {
                true => self.tell(name, r#"["text_reconnected",{"messages":[]}]"#),
                false => self.tell(name, r#"["text_reconnect_failed",{}]"#),
            }
        }
    }

    fn pair(&mut self, name: &str, whim: Whim) {
        let partner = match whim {
            Whim::PairsWithOthers => Some("a stranger".to_owned()),
            _ => self.waits.take(),
        };
        let Some(partner) = partner else {
            self.waits = Some(name.to_owned());
            return;
        };
        self.rooms += 1;
        for (one, other) in [(name, &*partner), (&*partner, name)] {
            if let Some(person) = self.people.get_mut(one) {
                person.partner = Some(other.to_owned());
            }
            let event = format!(r#"["text_match_found",{{"roomId":"r{}"}}]"#, self.rooms);
            self.tell(one, &event);
        }
    }

    fn said(&mut self, name: &str, packet: &str, whim: Whim) {
        self.lines += 1;
        let number = packet.trim_start_matches("42").split('[').next().unwrap();
        let fourth = self.lines.is_multiple_of(4);
        let (accepts, answers, passes) = match whim {
            Whim::None | Whim::Forgets(_) | Whim::PairsWithOthers => (true, true, true),
            Whim::LosesAndEnds(_) => (true, true, !fourth),
            Whim::AnswersNot => (true, !fourth, true),
            Whim::Refuses => (false, true, false),
        };
        let partner = self.people.get(name).and_then(|person| person.partner.clone());
        let accepts = accepts && partner.is_some();
        if let Some(partner) = partner.filter(|_| passes) {
            let content = between(packet, r#""content":""#).unwrap();
            let message = format!(r#"{{"messageId":"m{}","content":"{content}"}}"#, self.lines);
            self.tell(&partner, &format!(r#"["text_message_received",{message}]"#));
        }
        if answers {
            let answer = if accepts {
                r#"{"messageId":"m"}"#
            } else {
                r#"{"error":"no"}"#
            };
            say(&self.people[name].line, &format!("43{number}[{answer}]"));
        }
        match whim {
            Whim::LosesAndEnds(after) if self.lines == after => {
                let all: Vec<_> = self.people.keys().cloned().collect();
                all.iter().for_each(|name| self.end_the_room_of(name));
            }
            Whim::Forgets(after) if self.lines == after => {
                for (_, person) in self.people.drain() {
                    // It may be gone.
                    let _ = person.line.shutdown(Shutdown::Both);
                }
            }
            _ => {}
        }
    }

    fn end_the_room_of(&mut self, name: &str) {
        let partner = self.people.get_mut(name).and_then(|person| person.partner.take());
        if let Some(partner) = partner {
            if let Some(person) = self.people.get_mut(&partner) {
                person.partner = None;
            }
            for name in [name, &partner] {
                self.tell(name, r#"["text_room_ended",{"reason":"over"}]"#);
            }
        }
    }
}

fn between<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split_once(key)?.1.split('"').next()
}

fn say(mut line: &TcpStream, packet: &str) {
    let mut frame = vec![0x81];
    match u8::try_from(packet.len()).ok().filter(|len| *len < 126) {
        Some(len) => frame.push(len),
        None => frame.extend([&[126][..], &(packet.len() as u16).to_be_bytes()].concat()),
    }
    frame.extend(packet.as_bytes());
    // Whoever has gone hears nothing.
    let _ = line.write_all(&frame);
}

/// The next packet; `None` when they hang up.
fn hear(line: &mut TcpStream) -> Option<String> {
    let mut head = [0; 2];
    line.read_exact(&mut head).ok()?;
    let mut long = [0; 2];
    let len = match head[1] & 0x7f {
        126 => {
            line.read_exact(&mut long).ok()?;
            usize::from(u16::from_be_bytes(long))
        }
        short => usize::from(short),
    };
    let mut mask = [0; 4];
    line.read_exact(&mut mask).ok()?;
    let mut text = vec![0; len];
    line.read_exact(&mut text).ok()?;
    text.iter_mut()
        .zip(mask.iter().cycle())
        .for_each(|(byte, mask)| *byte ^= mask);
    (head[0] == 0x81).then(|| String::from_utf8(text).ok()).flatten()
}
