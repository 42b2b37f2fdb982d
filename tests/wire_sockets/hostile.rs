//! Peers that do not play by the rules: each is answered with the protocol's own word, and nobody else notices.

use crate::support::{Cluster, PATIENCE, calm};
use palaver::wire::Settings;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A WebSocket whose frames are made by hand; the opening packet is read.
async fn raw(cluster: &Cluster) -> TcpStream {
    let mut stream = TcpStream::connect(cluster.turn()).await.unwrap();
    let request = "GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\n\
        upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    while !read.ends_with(b"}") {
        read.push(stream.read_u8().await.unwrap());
    }
    let answer = String::from_utf8_lossy(&read);
    assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
    stream
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..126 => bytes.push(0x80 | len as u8),
        len @ 126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// All that comes until the end.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    // A reset after the close frame is an end too.
    let _ = read.expect("the connection ends in time");
    rest
}

/// Reads to the end; the code of the close frame that stands there.
async fn close_code(stream: &mut TcpStream) -> Option<u16> {
    let rest = rest(stream).await;
    let at = rest.iter().position(|byte| *byte == 0x88)?;
    Some(u16::from_be_bytes([*rest.get(at + 2)?, *rest.get(at + 3)?]))
}

#[tokio::test]
async fn frames_that_break_rfc_6455_are_answered_with_their_code() {
    let cluster = Cluster::start(1, calm()).await;
    let continued = [frame(0x01, &[b'4'; 40_000]), frame(0x80, &[b'x'; 40_000])].concat();
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("unmasked", vec![0x81, 0x02, b'4', b'a'], 1002),
        ("reserved bit", frame(0xc1, b"4a"), 1002),
        ("unknown opcode", frame(0x83, b"4a"), 1002),
        ("long ping", frame(0x89, &[0; 126]), 1002),
        ("fragmented ping", frame(0x09, b"a"), 1002),
        ("stray continuation", frame(0x80, b"4a"), 1002),
        (
            "message in a message",
            [frame(0x01, b"4a"), frame(0x81, b"4b")].concat(),
            1002,
        ),
        ("not text", frame(0x81, b"4\xff"), 1007),
        (
            "split text",
            [frame(0x01, b"4\xc3"), frame(0x80, b"\x28")].concat(),
            1007,
        ),
        ("too large", frame(0x82, &[0; 65_537]), 1009),
        (
            "announced too large",
            vec![0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
            1009,
        ),
        ("too large in pieces", continued, 1009),
        ("half a close code", frame(0x88, b"\x03"), 1002),
        (
            "close code that is no number of theirs",
            frame(0x88, &999u16.to_be_bytes()),
            1002,
        ),
        (
            "close code without a meaning",
            frame(0x88, &1004u16.to_be_bytes()),
            1002,
        ),
        ("close code for want of one", frame(0x88, &1005u16.to_be_bytes()), 1002),
        (
            "close code for want of a frame",
            frame(0x88, &1006u16.to_be_bytes()),
            1002,
        ),
        ("close code kept for later", frame(0x88, &2999u16.to_be_bytes()), 1002),
        ("close code out of range", frame(0x88, &5000u16.to_be_bytes()), 1002),
        ("close reason that is no text", frame(0x88, b"\x03\xe8\xff"), 1007),
    ];
    for (what, bytes, code) in cases {
        let mut stream = raw(&cluster).await;

        stream.write_all(&bytes).await.unwrap();

        assert_eq!(close_code(&mut stream).await, Some(code), "{what}");
    }
}

#[tokio::test]
async fn a_close_frame_is_answered_with_its_code_after_all_that_came_before_it() {
    let cluster = Cluster::start(1, calm()).await;
    let going = frame(0x88, b"\x03\xe9going away");
    let cases: Vec<(&str, Vec<u8>, &[u8])> = vec![
        ("without a code", frame(0x88, b""), b"\x88\x00"),
        ("normal", frame(0x88, &1000u16.to_be_bytes()), b"\x88\x02\x03\xe8"),
        ("with a reason", going.clone(), b"\x88\x02\x03\xe9"),
        (
            "of an app's own",
            frame(0x88, &4999u16.to_be_bytes()),
            b"\x88\x02\x13\x87",
        ),
        ("twice", [going.clone(), going.clone()].concat(), b"\x88\x02\x03\xe9"),
        (
            "within a message",
            [frame(0x01, b"4a"), going.clone()].concat(),
            b"\x88\x02\x03\xe9",
        ),
        (
            "after pings and a message",
            [frame(0x89, b"1"), frame(0x81, b"4a"), frame(0x89, b"2"), going].concat(),
            b"\x8a\x011\x81\x024a\x8a\x012\x88\x02\x03\xe9",
        ),
    ];
    for (what, bytes, answer) in cases {
        let mut stream = raw(&cluster).await;

        stream.write_all(&bytes).await.unwrap();

        assert_eq!(rest(&mut stream).await, answer, "{what}");
    }
}

#[tokio::test]
async fn fragments_and_pings_between_them_are_put_together() {
    let cluster = Cluster::start(1, calm()).await;
    let mut stream = raw(&cluster).await;
    let bytes = [
        frame(0x01, b"4h\xc3"),
        frame(0x89, b"?"),
        frame(0x00, b"\xa4"),
        frame(0x80, b"!"),
    ]
    .concat();

    // Byte by byte: every header is cut somewhere.
    for byte in bytes {
        stream.write_all(&[byte]).await.unwrap();
    }

    let mut answer = vec![0; 3 + 2 + 5];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"\x8a\x01?\x81\x054h\xc3\xa4!"[..].to_vec());
}

#[tokio::test]
async fn frames_sent_with_the_handshake_are_not_lost() {
    let cluster = Cluster::start(1, calm()).await;
    let mut stream = TcpStream::connect(cluster.turn()).await.unwrap();
    let mut request = b"GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\n\
        upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        .to_vec();
    request.extend(frame(0x81, b"4early"));
    stream.write_all(&request).await.unwrap();

    let mut read = Vec::new();
    while !read.ends_with(b"4early") {
        read.push(tokio::time::timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
}

#[tokio::test]
async fn a_reader_that_falls_behind_is_closed_and_its_neighbour_is_not() {
    let cluster = Cluster::start(
        1,
        Settings {
            packet_burst: 100_000,
            ..calm()
        },
    )
    .await;
    let mut slow = raw(&cluster).await;
    let mut neighbour = cluster.websocket("engine.io").await;
    let large = frame(0x82, &[7; 60_000]);

    // It sends and never reads: sooner or later its own echoes fill every buffer.
    let flood = async { while slow.write_all(&large).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, flood).await.expect("cut off in time");

    neighbour.send("4hello").await;
    assert_eq!(neighbour.text().await, "4hello");
    assert_eq!(cluster.nodes[0].echo.connections(), 1);
}

#[tokio::test]
async fn a_client_that_talks_too_fast_is_closed() {
    let settings = Settings {
        packet_burst: 20,
        packets_per_second: 1,
        ..calm()
    };
    let cluster = Cluster::start(2, settings).await;
    let mut stream = raw(&cluster).await;
    stream.write_all(&frame(0x81, b"4a").repeat(30)).await.unwrap();
    assert_eq!(close_code(&mut stream).await, Some(1008));

    let session = cluster.session("engine.io").await;
    session.post(["4a"; 30].join("\u{1e}")).await;
    let packets = session.packets(21).await;
    assert_eq!((packets.len(), packets[20].as_str()), (21, "1"));
}

#[tokio::test]
async fn a_full_node_refuses_sessions_and_goes_on() {
    let cluster = Cluster::start(
        1,
        Settings {
            max_connections: 1,
            ..calm()
        },
    )
    .await;
    let mut socket = cluster.websocket("engine.io").await;

    assert_eq!(cluster.dial("engine.io", "").await.err(), Some(503));
    assert_eq!(cluster.get("engine.io", "transport=polling").await.0, 503);
    socket.send("4a").await;
    assert_eq!(socket.text().await, "4a");
}

#[tokio::test]
async fn a_socket_whose_peer_is_gone_is_forgotten() {
    let cluster = Cluster::start(1, calm()).await;
    drop(raw(&cluster).await);

    tokio::time::timeout(PATIENCE, async {
        while cluster.nodes[0].echo.connections() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}
