//! What may be said: cleaning and measuring a line.

use crate::domain::refusal::Refusal;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

/// Removes every tag, and the whole content of those that are not for reading.
static PLAIN: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut builder = ammonia::Builder::empty();
    builder.clean_content_tags(HashSet::from(["script", "style"]));
    builder
});

/// A line as it will be stored and delivered: trimmed, without markup or control characters, at most `max_chars` long.
///
/// The length is that of the text as it came, before trimming: what the client counted is what the limit means.
pub fn clean(text: &str, max_chars: usize) -> Result<String, Refusal> {
    if text.chars().nth(max_chars).is_some() {
        return Err(Refusal::MessageTooLong { max_chars });
    }
    let text = without_controls(text);
    let plain = without_markup(text.trim());
    // Entities can stand for control characters.
    let text = without_controls(&plain);
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::InvalidMessage);
    }
    Ok(text.to_owned())
}

/// Text without control characters, but for line ends and tabs.
fn without_controls(text: &str) -> Cow<'_, str> {
    let is_dropped = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    match text.contains(is_dropped) {
        true => text.chars().filter(|c| !is_dropped(*c)).collect(),
        false => Cow::Borrowed(text),
    }
}

/// Text without tags. Clients show plain text, so what the cleaner escapes is turned back: `1 < 2 & 3` stays as it is.
fn without_markup(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '&']) {
        return Cow::Borrowed(text);
    }
    let cleaned = PLAIN.clean(text).to_string();
    Cow::Owned(unescape(&cleaned))
}

/// Undoes exactly what the cleaner's serializer escapes in text.
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", "\u{a0}")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_trimmed_and_loses_its_markup() {
        for (said, stored) in [
            ("  hello \n", "hello"),
            ("<b>bold</b> move", "bold move"),
            ("<script>alert(1)</script>hi", "hi"),
            ("<img src=x onerror=alert(1)>look", "look"),
            ("fish & chips < 5 > 3", "fish & chips < 5 > 3"),
            ("a\u{0}b\u{1f}c\u{7}", "abc"),
            ("two\nlines", "two\nlines"),
            ("a&#31;b&#x1f;c&#7;d&#10;e&amp;#31;", "abcd\ne&#31;"),
        ] {
            assert_eq!(clean(said, 1000).as_deref(), Ok(stored), "{said:?}");
        }
    }

    #[test]
    fn nothing_left_to_say_is_refused() {
        for said in [
            "",
            "   ",
            "\n\t",
            "<p></p>",
            "<script>alert(1)</script>",
            "\u{1f}",
            "&#31;",
        ] {
            assert_eq!(clean(said, 1000), Err(Refusal::InvalidMessage), "{said:?}");
        }
    }

    #[test]
    fn the_limit_counts_characters_as_they_came() {
        assert!(clean(&"é".repeat(1000), 1000).is_ok());
        assert_eq!(
            clean(&"é".repeat(1001), 1000),
            Err(Refusal::MessageTooLong { max_chars: 1000 })
        );
        assert_eq!(
            clean(&format!("{}a", " ".repeat(1000)), 1000),
            Err(Refusal::MessageTooLong { max_chars: 1000 })
        );
    }

    #[test]
    fn markup_hidden_behind_entities_is_shown_as_text_not_run() {
        // Clients set text, never HTML; what was written as an entity is what the other side reads.
        assert_eq!(clean("&lt;b&gt;", 1000).as_deref(), Ok("<b>"));
    }

    proptest! {
        #[test]
        fn cleaning_never_panics_and_never_lets_a_separator_through(
            said in "(\\PC|[\\x00-\\x7f]|&#[0-9]{1,3};|&#x[0-9a-f]{1,4};)*"
        ) {
            if let Ok(text) = clean(&said, 1000) {
                prop_assert!(text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t')));
                prop_assert!(!text.is_empty());
            }
        }
    }
}
