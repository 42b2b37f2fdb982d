//! As much of HTTP as long polling needs: requests as bytes, and where an answer ends.

use std::ops::Range;

/// Characters of an answer that are told.
const LONGEST_GIST: usize = 100;

/// An answer that is all there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Range<usize>,
    /// The server closes the connection after it.
    pub(crate) last: bool,
}

pub(crate) fn get(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n").into_bytes()
}

pub(crate) fn post(host: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The answer that begins at `from`; `None` while it is not all there.
pub(crate) fn answer(input: &[u8], from: usize) -> Result<Option<Answer>, String> {
    let Some(end) = memchr::memmem::find(&input[from..], b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&input[from..from + end]).map_err(|_| "no HTTP".to_owned())?;
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5)?.parse().ok());
    let status = status.ok_or_else(|| format!("no HTTP: {first}"))?;
    let (mut length, mut last) = (0, false);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().map_err(|_| format!("a body of length {value}"))?;
        } else if name.eq_ignore_ascii_case("connection") {
            last = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(format!(
                "a body in transfer encoding {value}, which this client does not read"
            ));
        }
    }
    let begin = from + end + 4;
    let body = begin..begin + length;
    Ok((input.len() >= body.end).then_some(Answer { status, body, last }))
}

/// What an answer that was not wanted says, in short: the first words of a text, nothing of a page.
pub(crate) fn gist(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let first = text.trim().lines().next().unwrap_or_default();
    match first.starts_with('<') {
        true => "a page".to_owned(),
        false => first.chars().take(LONGEST_GIST).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_once_it_is_all_there() {
        let input = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nokHTTP/1.1 400 No\r\n\r\n";
        let first = input.len() - 19;

        let whole = Answer {
            status: 200,
            body: first - 2..first,
            last: true,
        };
        assert_eq!(answer(input, 0), Ok(Some(whole)));
        for cut in 0..first {
            assert_eq!(answer(&input[..cut], 0), Ok(None));
        }
        let end = input.len();
        assert_eq!(
            answer(input, first),
            Ok(Some(Answer {
                status: 400,
                body: end..end,
                last: false
            }))
        );
    }

    #[test]
    fn what_this_client_cannot_read_is_said() {
        assert!(answer(b"SSH-2.0\r\n\r\n", 0).is_err());
        assert!(answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0).is_err());
        assert!(answer(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", 0).is_err());
    }

    #[test]
    fn a_gist_is_short_and_no_page() {
        assert_eq!(gist(b"{\"code\":1}\n"), r#"{"code":1}"#);
        assert_eq!(gist(b"  <!doctype html><p>No such file"), "a page");
        assert_eq!(gist(&[b'x'; 1000]).len(), LONGEST_GIST);
    }

    #[test]
    fn a_post_says_how_long_it_is() {
        let text = String::from_utf8(post("h:1", "/p", b"40{}")).unwrap();

        assert!(text.starts_with("POST /p HTTP/1.1\r\nHost: h:1\r\n"), "{text}");
        assert!(text.ends_with("Content-Length: 4\r\n\r\n40{}"), "{text}");
    }
}
