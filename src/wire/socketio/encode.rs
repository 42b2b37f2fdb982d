//! Packets that a server sends, as the text of an Engine.IO message.

use super::AckId;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;
use std::io;

/// A namespace as it stands in a packet: nothing for the main one.
fn put_namespace(text: &mut String, namespace: &str) {
    if namespace != "/" {
        text.push_str(namespace);
        text.push(',');
    }
}

/// Room for a line of usual length and what stands around it.
const USUAL: usize = 320;

/// Where JSON is written: it comes in pieces that are text each.
struct Json<'a>(&'a mut String);

impl io::Write for Json<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.0.push_str(std::str::from_utf8(piece).map_err(io::Error::other)?);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn put_json(text: &mut String, value: &impl Serialize) {
    serde_json::to_writer(Json(text), value).expect("values of ours have string keys and no failing impls");
}

/// The answer to a CONNECT: the socket's id, and what its client brings to take up the session after a break.
pub fn connect(namespace: &str, sid: &str, pid: Option<&str>) -> String {
    let mut text = String::from("0");
    put_namespace(&mut text, namespace);
    match pid {
        Some(pid) => put_json(&mut text, &serde_json::json!({ "sid": sid, "pid": pid })),
        None => put_json(&mut text, &serde_json::json!({ "sid": sid })),
    }
    text
}

/// A CONNECT turned down, with what the client may show or act on.
pub fn connect_error(namespace: &str, message: &str, data: Option<&Value>) -> String {
    let mut text = String::from("4");
    put_namespace(&mut text, namespace);
    match data {
        Some(data) => put_json(&mut text, &serde_json::json!({ "message": message, "data": data })),
        None => put_json(&mut text, &serde_json::json!({ "message": message })),
    }
    text
}

/// The server leaves a namespace.
pub fn disconnect(namespace: &str) -> String {
    let mut text = String::from("1");
    put_namespace(&mut text, namespace);
    text
}

/// An event with one argument list, already an array of JSON after the name. `attachments` is how many follow.
pub fn event(namespace: &str, name: &str, args: &[impl Serialize], attachments: usize, ack: Option<AckId>) -> String {
    let mut text = String::with_capacity(USUAL);
    put_head(&mut text, ('2', '5'), namespace, attachments, ack);
    text.push('[');
    put_json(&mut text, &name);
    for arg in args {
        text.push(',');
        put_json(&mut text, arg);
    }
    text.push(']');
    text
}

/// An event with one argument and the offset that connection state recovery wants as the last one.
pub fn marked_event(namespace: &str, name: &str, payload: &impl Serialize, offset: &str) -> String {
    let mut text = event(namespace, name, &[payload], 0, None);
    text.pop();
    text.push(',');
    put_json(&mut text, &offset);
    text.push(']');
    text
}

/// The answer to an event that asked for one.
pub fn ack(namespace: &str, id: AckId, args: &[impl Serialize], attachments: usize) -> String {
    let mut text = String::with_capacity(USUAL / 2);
    put_head(&mut text, ('3', '6'), namespace, attachments, Some(id));
    put_json(&mut text, &args);
    text
}

fn put_head(text: &mut String, kinds: (char, char), namespace: &str, attachments: usize, ack: Option<AckId>) {
    if attachments == 0 {
        text.push(kinds.0);
    } else {
        let _ = write!(text, "{}{attachments}-", kinds.1);
    }
    put_namespace(text, namespace);
    if let Some(AckId(id)) = ack {
        let _ = write!(text, "{id}");
    }
}
