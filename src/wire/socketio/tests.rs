//! Socket.IO's codec: what is read, what is refused, what is written, and that nothing makes it panic.

use super::*;
use crate::wire::engineio::{Malformed, Message};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

const BOUNDS: Bounds = Bounds {
    attachments: 4,
    bytes: 100,
};

fn read(text: &str) -> Result<Option<Packet>, Malformed> {
    Assembler::default().take(Message::Text(text.to_owned()), BOUNDS)
}

fn event(namespace: &str, name: &str, args: Vec<Value>, ack: Option<u64>) -> Packet {
    Packet::Event {
        namespace: namespace.to_owned(),
        event: Event {
            name: name.to_owned(),
            args,
            attachments: Vec::new(),
            ack: ack.map(AckId),
        },
    }
}

#[test]
fn a_connect_has_an_object_or_nothing() {
    let auth = json!({"token": "123"}).as_object().unwrap().clone();
    let expected = Packet::Connect {
        namespace: "/custom".into(),
        auth,
    };

    assert_eq!(read(r#"0/custom?a=b,{"token":"123"}"#), Ok(Some(expected)));
    assert!(read("0").is_ok() && read("0/custom").is_ok() && read("0/custom,").is_ok());
    for bad in ["0[]", "0null", "0\"a\"", "01{}", "0{", "0/custom,[]"] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_event_has_a_name_arguments_and_maybe_a_question() {
    assert_eq!(
        read(r#"2["message",1,"2",{"3":[true]}]"#),
        Ok(Some(event(
            "/",
            "message",
            vec![json!(1), json!("2"), json!({"3": [true]})],
            None
        )))
    );
    assert_eq!(read(r#"2/a,45[7]"#), Ok(Some(event("/a", "7", vec![], Some(45)))));
}

#[test]
fn half_a_character_in_a_payload_is_no_reason_to_break_with_a_client() {
    let auth = json!({"name": "\u{fffd}"}).as_object().unwrap().clone();
    let connect = Packet::Connect {
        namespace: "/".into(),
        auth,
    };
    let line = json!({"content": "party \u{fffd}", "\u{fffd}": "😀"});

    assert_eq!(read(r#"0{"name":"\udE00"}"#), Ok(Some(connect)));
    assert_eq!(
        read(r#"2["say",{"content":"party \ud83d","\ud83d":"\ud83d\ude00"}]"#),
        Ok(Some(event("/", "say", vec![line], None)))
    );
    assert!(
        read(r#"2["say","\ud83d"#).is_err(),
        "what is no JSON is none with it either"
    );
}

#[test]
fn an_event_without_a_proper_name_is_malformed() {
    for bad in [
        "2",
        "2[]",
        "2{}",
        "2[null]",
        "2[[]]",
        "2[true]",
        "2[\"connect\"]",
        "2[\"disconnecting\"]",
        "2abc",
        "2[\"a\"]x",
        "29999999999999999[\"a\"]",
        "299999999999999999999999[\"a\"]",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_acknowledgement_needs_an_id_and_an_array() {
    let ack = Ack {
        id: AckId(0),
        args: vec![json!(1)],
        attachments: vec![],
    };

    assert_eq!(
        read("30[1]"),
        Ok(Some(Packet::Ack {
            namespace: "/".into(),
            ack
        }))
    );
    for bad in ["3[1]", "31", "31{}", "4{}", "1x", "17", "7", "é", ""] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn attachments_come_after_their_packet() {
    let mut assembler = Assembler::default();
    let head = r#"52-/a,7["b",{"_placeholder":true,"num":0},{"x":[{"_placeholder":true,"num":1}]}]"#;

    assert_eq!(assembler.take(Message::Text(head.into()), BOUNDS), Ok(None));
    assert_eq!(
        assembler.take(Message::Binary(Bytes::from_static(b"1")), BOUNDS),
        Ok(None)
    );
    let packet = assembler
        .take(Message::Binary(Bytes::from_static(b"2")), BOUNDS)
        .unwrap();

    let Some(Packet::Event { namespace, event }) = packet else {
        panic!("{packet:?}");
    };
    assert_eq!(
        (namespace.as_str(), event.name.as_str(), event.ack),
        ("/a", "b", Some(AckId(7)))
    );
    assert_eq!(event.attachments, [Bytes::from_static(b"1"), Bytes::from_static(b"2")]);
}

#[test]
fn attachments_are_bounded_in_number_and_size_and_must_be_meant() {
    let hold = |text: &str| {
        let mut assembler = Assembler::default();
        assembler
            .take(Message::Text(text.to_owned()), BOUNDS)
            .map(|_| assembler)
    };

    assert!(hold(r#"55-["a"]"#).is_err());
    assert!(hold(r#"599999999999-["a"]"#).is_err());
    assert!(hold(r#"5-["a"]"#).is_err());
    assert!(hold(r#"51-["a",{"_placeholder":true,"num":1}]"#).is_err());
    assert!(hold(r#"51-["a",{"_placeholder":true,"num":-1}]"#).is_err());
    assert!(hold(r#"2["a",{"_placeholder":true,"num":0}]"#).is_err());
    let large = Message::Binary(Bytes::from(vec![0; 101]));
    assert!(hold(r#"51-["a"]"#).unwrap().take(large, BOUNDS).is_err());
    let text = Message::Text("2[\"a\"]".into());
    assert!(hold(r#"51-["a"]"#).unwrap().take(text, BOUNDS).is_err());
    let stray = Message::Binary(Bytes::new());
    assert!(Assembler::default().take(stray, BOUNDS).is_err());
}

#[test]
fn a_half_received_packet_can_be_finished_elsewhere() {
    let mut here = Assembler::default();
    here.take(Message::Text(r#"52-["a"]"#.into()), BOUNDS).unwrap();
    here.take(Message::Binary(Bytes::from_static(b"1")), BOUNDS).unwrap();

    let mut there = Assembler::default();
    for message in here.leave().0 {
        assert_eq!(there.take(message, BOUNDS), Ok(None));
    }
    let packet = there.take(Message::Binary(Bytes::from_static(b"2")), BOUNDS).unwrap();

    assert!(matches!(packet, Some(Packet::Event { event, .. }) if event.attachments.len() == 2));
    assert_eq!(here.leave(), Leftover::default());
}

#[test]
fn deep_json_is_malformed_not_a_stack_overflow() {
    let deep = format!("2[\"a\",{}{}]", "[".repeat(5_000), "]".repeat(5_000));

    assert!(read(&deep).is_err());
}

#[test]
fn packets_of_the_server_read_as_the_protocol_has_them() {
    assert_eq!(connect("/", "x", None), r#"0{"sid":"x"}"#);
    assert_eq!(connect("/custom", "x", None), r#"0/custom,{"sid":"x"}"#);
    assert_eq!(connect("/", "x", Some("p")), r#"0{"pid":"p","sid":"x"}"#);
    assert_eq!(marked_event("/", "a", &1, "o"), r#"2["a",1,"o"]"#);
    assert_eq!(
        connect_error("/random", "Invalid namespace", None),
        r#"4/random,{"message":"Invalid namespace"}"#
    );
    assert_eq!(
        connect_error("/", "no", Some(&json!({"a": 1}))),
        r#"4{"data":{"a":1},"message":"no"}"#
    );
    assert_eq!(disconnect("/"), "1");
    assert_eq!(super::event("/", "auth", &[json!({})], 0, None), r#"2["auth",{}]"#);
    assert_eq!(
        super::event("/a", "b", &[json!(1)], 2, Some(AckId(3))),
        r#"52-/a,3["b",1]"#
    );
    assert_eq!(ack("/", AckId(456), &[json!(1), json!("2")], 0), r#"3456[1,"2"]"#);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,10}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,5}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn an_event_comes_back_as_it_went(
        name in "[a-z:_]{3,20}x",
        args in proptest::collection::vec(any_json(), 0..4),
        id in proptest::option::of(0u64..1 << 53),
    ) {
        let text = super::event("/some", &name, &args, 0, id.map(AckId));

        prop_assert_eq!(read(&text), Ok(Some(event("/some", &name, args, id))));
    }

    #[test]
    fn garbage_never_panics(text in any::<String>(), kind in "[0-7]", bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = read(&text);
        let mut assembler = Assembler::default();
        let _ = assembler.take(Message::Text(format!("{kind}{text}")), BOUNDS);
        let _ = assembler.take(Message::Binary(bytes.into()), BOUNDS);
    }

    #[test]
    fn a_cut_or_bent_packet_never_panics(at in 0usize..80, with in any::<char>()) {
        let whole = r#"52-/a?q=1,77["b",{"_placeholder":true,"num":0},{"x":[{"_placeholder":true,"num":1}]}]"#;
        let cut: String = whole.chars().take(at).collect();
        let bent: String = whole.chars().enumerate().map(|(i, c)| if i == at { with } else { c }).collect();
        let _ = read(&cut);
        let _ = read(&bent);
    }
}
