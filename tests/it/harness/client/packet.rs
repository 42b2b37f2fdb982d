//! Socket.IO v5 packets as a client reads and writes them. Written apart from the server's codec on purpose: a mistake
//! in one must not hide the same mistake in the other.

use serde_json::Value;

/// An event, an ack or an answer to CONNECT, as it came.
#[derive(Debug, Clone, PartialEq)]
pub enum Packet {
    /// `0`: the namespace took us, with our `sid`.
    Connected(Value),
    /// `1`: the server ended this namespace.
    Disconnected,
    /// `2` and `5`
    Event(Event),
    /// `3` and `6`: the answer to our event with that id.
    Ack(u64, Vec<Value>),
    /// `4`: the namespace refused us.
    Refused(Value),
}

/// An event that a server sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its arguments; what is binary stands here as `{"_placeholder":true,"num":n}`.
    pub args: Vec<Value>,
    /// The offset of connection state recovery, which comes as the last argument.
    pub mark: Option<String>,
    /// Set when the server wants an ack.
    pub ack: Option<u64>,
    /// How many binary frames follow, and once they came: they.
    pub announced: usize,
    pub binary: Vec<Vec<u8>>,
}

/// Reads the text after the Engine.IO `4`; panics with the text when a client could not.
pub fn read(text: &str) -> Packet {
    let kind = text.chars().next().unwrap_or_else(|| panic!("an empty packet"));
    let mut rest = &text[1..];
    let mut announced = 0;
    if matches!(kind, '5' | '6') {
        let (count, after) = rest.split_once('-').unwrap_or_else(|| panic!("no attachments: {text}"));
        announced = count.parse().unwrap_or_else(|_| panic!("bad attachments: {text}"));
        rest = after;
    }
    if rest.starts_with('/') {
        rest = rest.split_once(',').map_or("", |(_, after)| after);
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (id, body) = rest.split_at(digits);
    let id = id.parse::<u64>().ok();
    let body = match body {
        "" => Value::Null,
        json => serde_json::from_str(json).unwrap_or_else(|_| panic!("not JSON: {text}")),
    };
    match kind {
        '0' => Packet::Connected(body),
        '1' => Packet::Disconnected,
        '2' | '5' => Packet::Event(event(list(body, text), id, announced)),
        '3' | '6' => Packet::Ack(
            id.unwrap_or_else(|| panic!("an ack without id: {text}")),
            list(body, text),
        ),
        '4' => Packet::Refused(body),
        _ => panic!("no such packet type: {text}"),
    }
}

fn event(mut args: Vec<Value>, ack: Option<u64>, announced: usize) -> Event {
    // socket.io-client takes a string that comes last for an offset, whatever it is, and the name for an argument.
    let mark = args.last().and_then(Value::as_str).map(str::to_owned);
    if let Some(mark) = &mark {
        assert!(mark.contains('/'), "no offset comes last: {args:?}");
        args.pop();
    }
    let name = args.remove(0).as_str().expect("an event's name is a string").to_owned();
    Event {
        name,
        args,
        mark,
        ack,
        announced,
        binary: Vec::new(),
    }
}

fn list(body: Value, text: &str) -> Vec<Value> {
    match body {
        Value::Array(list) => list,
        _ => panic!("not a list: {text}"),
    }
}

/// `/custom,` or nothing for the main namespace.
fn place(namespace: &str) -> String {
    if namespace == "/" {
        String::new()
    } else {
        format!("{namespace},")
    }
}

/// The CONNECT packet, with the Engine.IO `4`.
pub fn connect(namespace: &str, auth: Option<&Value>) -> String {
    let auth = auth.map(Value::to_string).unwrap_or_default();
    format!("40{}{auth}", place(namespace))
}

/// An event, with the Engine.IO `4`; `id` asks for an ack.
pub fn emit(namespace: &str, id: Option<u64>, name: &str, args: &[Value]) -> String {
    let mut list = vec![Value::from(name)];
    list.extend_from_slice(args);
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    format!("42{}{id}{}", place(namespace), Value::Array(list))
}

/// The answer to an event that wanted one.
pub fn ack(namespace: &str, id: u64, args: &[Value]) -> String {
    format!("43{}{id}{}", place(namespace), Value::Array(args.to_vec()))
}

/// A clean goodbye.
pub fn disconnect(namespace: &str) -> String {
    format!("41{}", place(namespace))
}
