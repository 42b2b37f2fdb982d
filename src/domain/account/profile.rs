//! What somebody may write about themselves: each field with its bounds, read once here. What is too long is cut where the
//! contract cuts (shown name, bio, how many languages); what cannot be shown, or is no such thing, is refused.

use super::fields::is_unseen;
use super::{Name, No, Privacy};

/// Longest shown name.
const NAME: usize = Name::MOST;
/// Longest text about oneself.
const BIO: usize = 500;
/// Most languages spoken.
const NATIVE: usize = 5;
/// Most languages learned.
const LEARNED: usize = 10;
/// Most interests.
const INTERESTS: usize = 20;
/// Longest name of a language or an interest.
pub const WORD: usize = 50;
/// Longest address of a picture.
pub const URL: usize = 2048;

/// What becomes of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays.
    Keep,
    /// It is this from now on.
    To(T),
}

/// What a client wrote into a field: absent, null, or something.
pub type Written<T> = Change<Option<T>>;

/// What becomes of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileChange {
    pub display_name: Change<Option<String>>,
    pub bio: Change<Option<String>>,
    pub avatar_url: Change<Option<String>>,
    pub native_languages: Change<Vec<String>>,
    pub learning_languages: Change<Vec<String>>,
    pub interests: Change<Vec<String>>,
    pub privacy: Change<Privacy>,
}

impl<T> Change<T> {
    /// What it is to be, if it changes.
    pub fn new_value(&self) -> Option<&T> {
        match self {
            Change::Keep => None,
            Change::To(value) => Some(value),
        }
    }

    fn map<U>(self, read: impl FnOnce(T) -> Result<U, No>) -> Result<Change<U>, No> {
        match self {
            Change::Keep => Ok(Change::Keep),
            Change::To(value) => read(value).map(Change::To),
        }
    }
}

impl Default for ProfileChange {
    fn default() -> Self {
        Self {
            display_name: Change::Keep,
            bio: Change::Keep,
            avatar_url: Change::Keep,
            native_languages: Change::Keep,
            learning_languages: Change::Keep,
            interests: Change::Keep,
            privacy: Change::Keep,
        }
    }
}

impl ProfileChange {
    /// With the shown name: cut to its length, none when nothing is left.
    pub fn display_name(mut self, text: Written<String>) -> Result<Self, No> {
        self.display_name = text.map(|text| match text {
            Some(text) => Ok(Name::parse(cut(text.trim(), NAME).trim())?.map(|name| name.as_str().to_owned())),
            None => Ok(None),
        })?;
        Ok(self)
    }

    /// With the text about oneself: cut to its length, none when nothing is left. It may have lines.
    pub fn bio(mut self, text: Written<String>) -> Result<Self, No> {
        self.bio = text.map(|text| {
            let text = text.unwrap_or_default();
            let text = cut(text.trim(), BIO).trim();
            match text.chars().any(|c| is_unseen(c) && !matches!(c, '\n' | '\r' | '\t')) {
                true => Err(No::Invalid {
                    field: "bio",
                    why: "Your text has characters that cannot be shown",
                }),
                false => Ok((!text.is_empty()).then(|| text.to_owned())),
            }
        })?;
        Ok(self)
    }

    /// With a picture that lies elsewhere. It is shown, never fetched by us.
    pub fn avatar_url(mut self, url: Written<String>) -> Result<Self, No> {
        self.avatar_url = url.map(|url| match url {
            Some(url) if !is_web_address(&url) => Err(No::Invalid {
                field: "avatarUrl",
                why: "The address of the picture must begin with https:// or http://",
            }),
            url => Ok(url),
        })?;
        Ok(self)
    }

    /// With the languages spoken; those beyond five are dropped.
    pub fn native_languages(mut self, words: Written<Vec<String>>) -> Result<Self, No> {
        self.native_languages = words.map(|words| list(words, NATIVE, "nativeLanguages"))?;
        Ok(self)
    }

    /// With the languages learned; those beyond ten are dropped.
    pub fn learning_languages(mut self, words: Written<Vec<String>>) -> Result<Self, No> {
        self.learning_languages = words.map(|words| list(words, LEARNED, "learningLanguages"))?;
        Ok(self)
    }

    /// With the interests; those beyond twenty are dropped.
    pub fn interests(mut self, words: Written<Vec<String>>) -> Result<Self, No> {
        self.interests = words.map(|words| list(words, INTERESTS, "interests"))?;
        Ok(self)
    }

    /// With who is shown it; public when it is null.
    pub fn privacy(mut self, word: Written<String>) -> Result<Self, No> {
        self.privacy = word.map(|word| match word {
            None => Ok(Privacy::Public),
            Some(word) => Privacy::parse(&word).ok_or(No::Invalid {
                field: "privacyLevel",
                why: "The privacy level must be public, friends or private",
            }),
        })?;
        Ok(self)
    }
}

fn cut(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

fn is_web_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = url.len() <= URL && url.bytes().all(|c| c.is_ascii_graphic() && !b"\"'<>\\`".contains(&c));
    plain && rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['))
}

/// Words that people chose from a list or wrote: without those that come twice (in whatever case), cut to `most`.
pub(super) fn list(words: Option<Vec<String>>, most: usize, field: &'static str) -> Result<Vec<String>, No> {
    let mut kept: Vec<String> = Vec::new();
    for word in words.unwrap_or_default() {
        let word = word.trim();
        let fits = (1..=WORD).contains(&word.chars().count()) && !word.chars().any(is_unseen);
        if !fits {
            return Err(No::Invalid {
                field,
                why: "Each entry must have 1 to 50 visible characters",
            });
        }
        let known = kept.iter().any(|one| one.to_lowercase() == word.to_lowercase());
        if !known && kept.len() < most {
            kept.push(word.to_owned());
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> ProfileChange {
        ProfileChange::default()
    }

    fn text(text: &str) -> Written<String> {
        Change::To(Some(text.to_owned()))
    }

    fn words(words: &[&str]) -> Written<Vec<String>> {
        Change::To(Some(words.iter().map(|word| (*word).to_owned()).collect()))
    }

    #[test]
    fn what_is_absent_stays_and_what_is_null_goes() {
        assert_eq!(none().bio(Change::Keep).unwrap(), none());
        let gone = none()
            .display_name(Change::To(None))
            .and_then(|change| change.bio(Change::To(None)))
            .and_then(|change| change.avatar_url(Change::To(None)))
            .and_then(|change| change.native_languages(Change::To(None)))
            .and_then(|change| change.privacy(Change::To(None)))
            .unwrap();
        assert_eq!(
            gone,
            ProfileChange {
                display_name: Change::To(None),
                bio: Change::To(None),
                avatar_url: Change::To(None),
                native_languages: Change::To(vec![]),
                privacy: Change::To(Privacy::Public),
                ..none()
            }
        );
    }

    #[test]
    fn names_and_texts_are_cut_to_their_length_and_refused_when_they_hide() {
        let name = |length| none().display_name(text(&"山".repeat(length))).unwrap().display_name;
        assert_eq!(name(100), text(&"山".repeat(100)));
        assert_eq!(name(101), text(&"山".repeat(100)));
        let bio = |length| none().bio(text(&"é".repeat(length))).unwrap().bio;
        assert_eq!(bio(500), text(&"é".repeat(500)));
        assert_eq!(bio(501), text(&"é".repeat(500)));
        assert_eq!(none().bio(text(" \n ")).unwrap().bio, Change::To(None));
        assert_eq!(none().bio(text("two\nlines")).unwrap().bio, text("two\nlines"));
        assert!(none().bio(text("a\u{202e}b")).is_err() && none().bio(text("a\0b")).is_err());
        assert!(none().display_name(text("a\u{200b}b")).is_err());
    }

    #[test]
    fn languages_are_cut_to_so_many_and_each_has_two_sides() {
        let many: Vec<String> = (0..12).map(|i| format!("language {i}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let count = |change: Change<Vec<String>>| change.new_value().unwrap().len();
        assert_eq!(
            count(none().native_languages(words(&many)).unwrap().native_languages),
            5
        );
        assert_eq!(
            count(none().learning_languages(words(&many)).unwrap().learning_languages),
            10
        );
        assert_eq!(
            none()
                .native_languages(words(&["English", "ENGLISH", " French "]))
                .unwrap()
                .native_languages,
            Change::To(vec!["English".to_owned(), "French".to_owned()])
        );
        for (length, good) in [(0, false), (1, true), (50, true), (51, false)] {
            assert_eq!(
                none().interests(words(&[&"山".repeat(length)])).is_ok(),
                good,
                "{length}"
            );
        }
    }

    #[test]
    fn a_picture_elsewhere_has_an_address_of_the_web() {
        for (url, good) in [
            ("https://cdn.example/a.png", true),
            ("http://[::1]/a.png", true),
            ("https://", false),
            ("javascript:alert(1)", false),
            ("data:image/png;base64,AA", false),
            ("//cdn.example/a.png", false),
            ("https://cdn.example/a b", false),
            ("https://cdn.example/\"onerror=", false),
        ] {
            assert_eq!(none().avatar_url(text(url)).is_ok(), good, "{url}");
        }
        for (length, good) in [(URL, true), (URL + 1, false)] {
            let url = format!("https://a/{}", "b".repeat(length - 10));
            assert_eq!(none().avatar_url(text(&url)).is_ok(), good, "{length}");
        }
    }

    #[test]
    fn a_privacy_level_is_one_of_three() {
        assert_eq!(
            none().privacy(text("private")).unwrap().privacy,
            Change::To(Privacy::Private)
        );
        assert!(none().privacy(text("secret")).is_err());
    }
}
