//! The body of a long-polling request: packets between record separators, binary ones as base64.

use super::{Malformed, Message, Packet};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

/// Stands between two packets of one payload.
pub const SEPARATOR: char = '\x1e';

/// Clients pad, but not all of them always did.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads the body of a POST: at most `max_packets` packets, at least one.
pub fn decode_payload(body: &str, max_packets: usize) -> Result<Vec<Packet>, Malformed> {
    let mut packets = Vec::new();
    for entry in body.split(SEPARATOR) {
        if packets.len() == max_packets {
            return Err(Malformed("too many packets in one payload"));
        }
        packets.push(decode_entry(entry)?);
    }
    Ok(packets)
}

fn decode_entry(entry: &str) -> Result<Packet, Malformed> {
    let Some(encoded) = entry.strip_prefix('b') else {
        return Packet::decode(entry);
    };
    let bytes = BASE64.decode(encoded).map_err(|_| Malformed("bad base64"))?;
    Ok(Packet::Message(Message::Binary(Bytes::from(bytes))))
}

/// Writes a message's content as an entry of a payload, with its type: the form in which answers to polls are kept.
pub fn push_entry(entry: &mut String, message: &Message) {
    match message {
        Message::Text(text) => {
            entry.push('4');
            entry.push_str(text);
        }
        Message::Binary(bytes) => {
            entry.push('b');
            BASE64.encode_string(bytes, entry);
        }
    }
}
