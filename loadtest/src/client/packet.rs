//! Packets of Engine.IO and Socket.IO as text, by looking only where something must be known: a load that parses each
//! line into a tree costs more than the server it loads.

use memchr::memmem;

/// A packet from the server, for the main namespace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// The session, as JSON.
    Open(&'a [u8]),
    Ping,
    /// The end of the session.
    Close,
    /// The answer to CONNECT, as JSON.
    Joined(&'a [u8]),
    /// The answer to a CONNECT that is not let in.
    Refused(&'a [u8]),
    /// The server takes the socket out of the namespace.
    Disconnected,
    Event(Event<'a>),
    /// The answer to the event that asked with this number, as a JSON list.
    Ack(u32, &'a [u8]),
    /// What a load has no use for.
    Other,
}

/// An event: a JSON list of its name and its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event<'a>(&'a [u8]);

pub(crate) fn read(text: &[u8]) -> Packet<'_> {
    match text {
        [b'0', session @ ..] => Packet::Open(session),
        [b'1', ..] => Packet::Close,
        [b'2', ..] => Packet::Ping,
        [b'4', b'0', welcome @ ..] => Packet::Joined(welcome),
        [b'4', b'1', ..] => Packet::Disconnected,
        [b'4', b'2', event @ ..] => Packet::Event(Event(number(event).1)),
        [b'4', b'3', answer @ ..] => match number(answer) {
            (Some(id), answer) => Packet::Ack(id, answer),
            (None, _) => Packet::Other,
        },
        [b'4', b'4', why @ ..] => Packet::Refused(why),
        _ => Packet::Other,
    }
}

/// The digits at the beginning, and what follows them.
pub(crate) fn number(text: &[u8]) -> (Option<u32>, &[u8]) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = text[..digits].iter().try_fold(0_u32, |value, digit| {
        value.checked_mul(10)?.checked_add(u32::from(digit - b'0'))
    });
    (value.filter(|_| digits > 0), &text[digits..])
}

impl<'a> Event<'a> {
    pub(crate) fn name(&self) -> &'a [u8] {
        let Some(rest) = self.0.strip_prefix(b"[\"") else {
            return b"";
        };
        &rest[..memchr::memchr(b'"', rest).unwrap_or(0)]
    }

    /// Name and arguments, as JSON.
    pub(crate) fn json(&self) -> &'a [u8] {
        self.0
    }

    /// The last argument if it is a string: what a recovering client gives as its offset.
    pub(crate) fn offset(&self) -> Option<&'a str> {
        let text = self.0.strip_suffix(b"\"]")?;
        let mut end = text.len();
        let open = loop {
            let quote = memchr::memrchr(b'"', &text[..end])?;
            if quote == 0 || text[quote - 1] != b'\\' {
                break quote;
            }
            end = quote;
        };
        // The name is a string too, but no argument.
        let is_argument = open.checked_sub(1).is_some_and(|before| text[before] == b',');
        std::str::from_utf8(&text[open + 1..]).ok().filter(|_| is_argument)
    }
}

/// The first string that stands under `"key":"` in JSON without spaces, as Node and Rust write it. Escapes are left as
/// they are.
pub(crate) fn string<'a>(json: &'a [u8], key: &Key) -> Option<&'a [u8]> {
    strings(json, key).next()
}

/// All strings under a key, in order, each with where it ends.
pub(crate) fn strings<'a>(json: &'a [u8], key: &Key) -> impl Iterator<Item = &'a [u8]> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let begin = from + key.0.find(&json[from..])? + key.0.needle().len();
        let mut end = begin;
        loop {
            end += memchr::memchr2(b'"', b'\\', &json[end..])?;
            if json[end] == b'"' {
                break;
            }
            end = (end + 2).min(json.len());
        }
        from = end;
        Some(&json[begin..end])
    })
}

/// A key to look for.
pub(crate) struct Key(memmem::Finder<'static>);

impl Key {
    /// `needle` is the key as it stands before its value: `"content":"`.
    pub(crate) fn new(needle: &'static str) -> Self {
        Self(memmem::Finder::new(needle))
    }

    pub(crate) fn is_in(&self, json: &[u8]) -> bool {
        self.0.find(json).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_packet_is_known_by_its_first_letters() {
        for (text, packet) in [
            (r#"0{"sid":"x"}"#, Packet::Open(br#"{"sid":"x"}"#)),
            ("2", Packet::Ping),
            ("1", Packet::Close),
            (r#"40{"sid":"y"}"#, Packet::Joined(br#"{"sid":"y"}"#)),
            ("41", Packet::Disconnected),
            (r#"44{"message":"no"}"#, Packet::Refused(br#"{"message":"no"}"#)),
            (r#"42["a",1]"#, Packet::Event(Event(br#"["a",1]"#))),
            (r#"427["a",1]"#, Packet::Event(Event(br#"["a",1]"#))),
            (r#"4312[{}]"#, Packet::Ack(12, b"[{}]")),
            ("43[]", Packet::Other),
            ("6", Packet::Other),
            ("", Packet::Other),
        ] {
            assert_eq!(read(text.as_bytes()), packet, "{text}");
        }
    }

    #[test]
    fn an_event_has_a_name_and_maybe_an_offset() {
        for (json, name, offset) in [
            (r#"["a"]"#, "a", None),
            (r#"["a","b"]"#, "a", Some("b")),
            (r#"["a",{"b":"c"}]"#, "a", None),
            (r#"["a",{"b":"c"},"17-0"]"#, "a", Some("17-0")),
            (r#"["a",["b","c"]]"#, "a", None),
            (r#"["a",{"b":["c","d"]}]"#, "a", None),
            (r#"["a","\"b\""]"#, "a", Some(r#"\"b\""#)),
            ("nonsense", "", None),
        ] {
            let event = Event(json.as_bytes());
            assert_eq!((event.name(), event.offset()), (name.as_bytes(), offset), "{json}");
        }
    }

    #[test]
    fn strings_are_found_by_their_key() {
        let json = br#"["e",{"x":"content","content":"a \"b\" \\","y":1,"z":{"content":"c"}}]"#;
        let key = Key::new(r#""content":""#);

        let found: Vec<_> = strings(json, &key).collect();

        assert_eq!(found, [&br#"a \"b\" \\"#[..], b"c"]);
        assert_eq!(string(json, &Key::new(r#""y":""#)), None, "no string");
        assert_eq!(string(br#"{"content":"open"#, &key), None, "not closed");
    }
}
