//! Frames of a WebSocket, as bytes: what a client writes and what it reads. Knows nothing of sockets and packets.

use std::ops::Range;

const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
/// Larger than anything a chat server sends; a length beyond is a broken stream.
const LONGEST: usize = 16 << 20;

/// What a server sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(Range<usize>),
    Binary,
    Close,
    Ping(Range<usize>),
    Pong,
}

/// The request that makes a WebSocket of a connection. The key is not a secret, and what the server makes of it is not
/// looked at: who answers 101 is a WebSocket server.
pub(crate) fn handshake(host: &str, path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cGFsYXZlci1sb2FkdGVzdA==\r\n\r\n"
    )
}

/// Appends a frame with a text.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &[u8], mask: u32) {
    push(out, TEXT, text, mask);
}

pub(crate) fn push_pong(out: &mut Vec<u8>, content: &[u8], mask: u32) {
    push(out, PONG, content, mask);
}

pub(crate) fn push_close(out: &mut Vec<u8>, mask: u32) {
    push(out, CLOSE, &1000_u16.to_be_bytes(), mask);
}

fn push(out: &mut Vec<u8>, opcode: u8, payload: &[u8], mask: u32) {
    out.push(0x80 | opcode);
    match payload.len() {
        short @ 0..126 => out.push(0x80 | short as u8),
        middle @ 126..0x1_0000 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    let mask = mask.to_ne_bytes();
    out.extend_from_slice(&mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// The frame that begins at `from`, and where it ends; `None` while it is not all there.
pub(crate) fn next(input: &[u8], from: usize) -> Result<Option<(Frame, usize)>, &'static str> {
    let Some(&[first, second]) = input.get(from..from + 2) else {
        return Ok(None);
    };
    let (more, begin) = match second & 0x7f {
        126 => (2, from + 4),
        127 => (8, from + 10),
        _ => (0, from + 2),
    };
    let Some(digits) = input.get(from + 2..from + 2 + more) else {
        return Ok(None);
    };
    let long = digits.iter().fold(0_usize, |len, byte| (len << 8) | usize::from(*byte));
    let len = if more == 0 { usize::from(second & 0x7f) } else { long };
    if len > LONGEST {
        return Err("a frame of more than 16 MiB");
    }
    if first & 0x80 == 0 || second & 0x80 != 0 {
        return Err("a fragmented or masked frame");
    }
    let end = begin + len;
    if input.len() < end {
        return Ok(None);
    }
    let frame = match first & 0x0f {
        TEXT => Frame::Text(begin..end),
        BINARY => Frame::Binary,
        CLOSE => Frame::Close,
        PING => Frame::Ping(begin..end),
        PONG => Frame::Pong,
        _ => return Err("a frame of unknown kind"),
    };
    Ok(Some((frame, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_masked_and_as_long_as_it_says() {
        for (len, head) in [(5, 2), (125, 2), (126, 4), (70_000, 10)] {
            let text: Vec<u8> = (0..len).map(|i| b'a' + (i % 26) as u8).collect();
            let mut out = Vec::new();
            push_text(&mut out, &text, u32::from_ne_bytes([1, 2, 3, 4]));

            assert_eq!(out.len(), head + 4 + len);
            assert_eq!((out[0], out[1] & 0x80), (0x81, 0x80));
            let unmasked: Vec<u8> = out[head + 4..]
                .iter()
                .zip([1, 2, 3, 4].iter().cycle())
                .map(|(b, m)| b ^ m)
                .collect();
            assert_eq!(unmasked, text);
        }
    }

    #[test]
    fn a_frame_is_read_once_it_is_all_there() {
        for len in [0, 5, 125, 126, 70_000] {
            let mut wire = vec![0x81];
            match len {
                0..126 => wire.push(len as u8),
                126..65_536 => wire.extend([126, (len >> 8) as u8, len as u8]),
                _ => wire.extend([127, 0, 0, 0, 0, 0, (len >> 16) as u8, (len >> 8) as u8, len as u8]),
            }
            let head = wire.len();
            wire.extend(std::iter::repeat_n(b'x', len));

            assert_eq!(next(&wire, 0), Ok(Some((Frame::Text(head..head + len), head + len))));
            for cut in 0..wire.len().min(200) {
                assert_eq!(next(&wire[..cut], 0), Ok(None));
            }
        }
    }

    #[test]
    fn two_frames_in_one_read_follow_each_other() {
        let wire = [0x89, 1, b'p', 0x88, 0];

        assert_eq!(next(&wire, 0), Ok(Some((Frame::Ping(2..3), 3))));
        assert_eq!(next(&wire, 3), Ok(Some((Frame::Close, 5))));
        assert_eq!(next(&wire, 5), Ok(None));
    }

    #[test]
    fn what_this_client_cannot_read_is_said() {
        assert!(next(&[0x01, 0], 0).is_err(), "a fragment");
        assert!(next(&[0x81, 0x80, 0, 0, 0, 0], 0).is_err(), "masked");
        assert!(next(&[0x81, 127, 1, 0, 0, 0, 0, 0, 0, 0], 0).is_err(), "absurdly long");
        assert!(next(&[0x83, 0], 0).is_err(), "reserved");
    }
}
