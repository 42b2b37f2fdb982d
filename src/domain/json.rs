//! JSON as clients write it. JavaScript cuts strings within characters (`'😀'.slice(0, 1)`), and `JSON.stringify` writes
//! the half that is left as an escape (`\ud83d`): that is JSON, but no text. It is read as U+FFFD, as browsers do it.

use serde::de::DeserializeOwned;

/// Bytes of an escape of one UTF-16 unit.
const ESCAPE: usize = 6;

/// Reads `text`. It is looked through for half characters only when it cannot be read.
pub fn read<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_str(text).or_else(|error| match without_halves(text) {
        Some(whole) => serde_json::from_slice(&whole),
        None => Err(error),
    })
}

/// `text` with the escape of U+FFFD in place of every half; none when there is no half in it.
fn without_halves(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    let mut whole: Option<Vec<u8>> = None;
    let mut at = 0;
    // Beyond the end is only what follows a backslash at the end, and that is no JSON.
    while let Some(next) = text.get(at..)?.iter().position(|byte| *byte == b'\\') {
        at += next;
        at += match (unit(text, at), unit(text, at + ESCAPE)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 2 * ESCAPE,
            (Some(0xd800..0xe000), _) => {
                let whole = whole.get_or_insert_with(|| text.to_vec());
                whole[at..at + ESCAPE].copy_from_slice(br"\ufffd");
                ESCAPE
            }
            // A backslash that is escaped itself begins nothing.
            _ => 2,
        };
    }
    whole
}

/// The unit whose escape is at `at`.
fn unit(text: &[u8], at: usize) -> Option<u16> {
    let digits = text.get(at..at + ESCAPE)?.strip_prefix(br"\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn half_a_character_is_one_that_is_unknown() {
        for (text, value) in [
            (r#""party \ud83d""#, json!("party \u{fffd}")),
            (r#""\uDE00!""#, json!("\u{fffd}!")),
            (r#""\ud83d\u0041""#, json!("\u{fffd}A")),
            (r#""\ud83d\n""#, json!("\u{fffd}\n")),
            (r#""\ud83d\ud83d\ude00\ude00""#, json!("\u{fffd}😀\u{fffd}")),
            (r#""\\ud83d \\\ud83d""#, json!("\\ud83d \\\u{fffd}")),
            (r#"{"\ud83d":["é\ude00"]}"#, json!({"\u{fffd}": ["é\u{fffd}"]})),
        ] {
            assert_eq!(read::<Value>(text).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_none_with_half_a_character_either() {
        for text in [
            r#""\ud83d"#,
            r#"["\ud83d",]"#,
            r#""\ud83""#,
            r#""\ud83d\""#,
            r#""\u+d83""#,
            r#""\ud83é""#,
            r"\ud83d",
            "\"\\",
            "",
        ] {
            assert!(read::<Value>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_units_are_read_as_browsers_read_them(
            units in proptest::collection::vec(prop_oneof![any::<u16>(), 0xd7fe..0xe002_u16], 0..8),
        ) {
            let escapes: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();

            let read: String = read(&format!("\"{escapes}\"")).unwrap();

            prop_assert_eq!(read, String::from_utf16_lossy(&units));
        }

        #[test]
        fn garbage_never_panics(text in "[\\\\u8dé\"]{0,40}") {
            let _ = read::<Value>(&text);
        }
    }
}
