//! Engine.IO's codec: what is read, what is refused, and that nothing makes it panic.

use super::*;
use bytes::Bytes;
use proptest::prelude::*;

fn text(content: &str) -> Packet {
    Packet::Message(Message::Text(content.to_owned()))
}

#[test]
fn a_payload_is_packets_between_record_separators() {
    let packets = decode_payload("4hello\u{1e}bAQIDBA==\u{1e}3", 16);

    let binary = Packet::Message(Message::Binary(Bytes::from_static(&[1, 2, 3, 4])));
    assert_eq!(packets, Ok(vec![text("hello"), binary, Packet::Pong]));
}

#[test]
fn what_only_a_server_says_is_malformed_from_a_client() {
    for bad in [
        "", "0{}", "2", "2x", "1x", "3probe", "5x", "6x", "7", "abc", "é", "\u{1e}",
    ] {
        assert!(Packet::decode(bad).is_err(), "{bad:?}");
        assert!(decode_payload(bad, 16).is_err(), "{bad:?}");
    }
}

#[test]
fn base64_without_padding_is_read_and_other_alphabets_are_not() {
    let one = Packet::Message(Message::Binary(Bytes::from_static(&[1])));

    assert_eq!(decode_payload("bAQ", 1), Ok(vec![one.clone()]));
    assert_eq!(decode_payload("bAQ==", 1), Ok(vec![one]));
    assert!(decode_payload("bA-_=", 1).is_err());
    assert!(decode_payload("b*", 1).is_err());
}

#[test]
fn a_payload_has_at_most_as_many_packets_as_allowed() {
    assert!(decode_payload("4\u{1e}4\u{1e}4", 3).is_ok());
    assert!(decode_payload("4\u{1e}4\u{1e}4\u{1e}4", 3).is_err());
}

#[test]
fn the_query_names_version_transport_and_session() {
    let sid = "abcdefghij0123456789";

    let query = Query::parse(&format!("t=x&EIO=4&transport=polling&sid={sid}&b64=1")).unwrap();

    assert_eq!(query.transport, Transport::Polling);
    assert_eq!(query.sid.unwrap().as_str(), sid);
    assert_eq!(Query::parse("EIO=4"), Err(Refused::UnknownTransport));
    assert_eq!(Query::parse("transport=abc&EIO=4"), Err(Refused::UnknownTransport));
    assert_eq!(
        Query::parse("transport=polling&EIO=3"),
        Err(Refused::UnsupportedVersion)
    );
    assert_eq!(
        Query::parse("transport=polling&EIO=4&sid=a%20b"),
        Err(Refused::UnknownSid)
    );
    assert_eq!(Query::parse("transport=polling&EIO=4&sid="), Err(Refused::UnknownSid));
}

proptest! {
    #[test]
    fn a_message_comes_back_as_it_went(content in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assume!(!content.contains(SEPARATOR));
        let messages = [Message::Text(content), Message::Binary(bytes.into())];
        let mut body = String::new();
        push_entry(&mut body, &messages[0]);
        body.push(SEPARATOR);
        push_entry(&mut body, &messages[1]);

        let packets = decode_payload(&body, 2).unwrap();

        prop_assert_eq!(packets, messages.map(Packet::Message).to_vec());
    }

    #[test]
    fn garbage_never_panics(body in any::<String>(), query in any::<String>()) {
        let _ = decode_payload(&body, 8);
        let _ = Query::parse(&query);
    }

    #[test]
    fn a_cut_or_bent_payload_never_panics(at in 0usize..40, with in any::<char>()) {
        let body = "4hello\u{1e}bAQIDBA==\u{1e}3\u{1e}2probe\u{1e}451-[]";
        let cut: String = body.chars().take(at).collect();
        let bent: String = body.chars().enumerate().map(|(i, c)| if i == at { with } else { c }).collect();
        let _ = decode_payload(&cut, 8);
        let _ = decode_payload(&bent, 8);
    }
}
