//! One act, as it waits for its call.

use bytes::Bytes;
use std::fmt::Write as _;
use std::fmt::{self, Display};

/// Words one after the other in one piece of memory: a call has hundreds of them.
#[derive(Default)]
pub(super) struct Words {
    text: String,
    ends: Vec<usize>,
}

impl Words {
    /// With room for a line of usual length and what goes with it.
    fn with_room() -> Self {
        Self {
            text: String::with_capacity(512),
            ends: Vec::with_capacity(16),
        }
    }

    pub(super) fn add(&mut self, word: impl Display) {
        // Writing to a string does not fail.
        let _ = write!(self.text, "{word}");
        self.ends.push(self.text.len());
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(from, to)| &self.text[*from..*to])
    }

    /// The words, sharing their memory.
    pub(super) fn split<T: From<Bytes>>(self) -> Vec<T> {
        let text = Bytes::from(self.text);
        let starts = std::iter::once(&0).chain(&self.ends);
        let words = starts.zip(&self.ends).map(|(from, to)| text.slice(*from..*to));
        words.map(T::from).collect()
    }
}

/// One act: a named script with its keys and arguments.
pub struct Act {
    pub(super) name: &'static str,
    words: Words,
    keys: usize,
    /// The word that promised somebody something which must not be lost with a server.
    pub(super) promise: Option<&'static str>,
}

impl fmt::Debug for Act {
    /// Without the words: people's lines are among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Act({})", self.name)
    }
}

impl Act {
    /// An act of the script `name` (the file's stem).
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            words: Words::with_room(),
            keys: 0,
            promise: None,
        }
    }

    /// Answered with `word`, it is repeated should a server that takes over not know of it.
    pub fn promising(mut self, word: &'static str) -> Self {
        self.promise = Some(word);
        self
    }

    /// Adds the next of KEYS. They come before the arguments.
    pub fn key(mut self, key: impl Display) -> Self {
        debug_assert_eq!(self.keys, self.words.ends.len(), "keys come first");
        self.words.add(key);
        self.keys += 1;
        self
    }

    /// Adds the next of ARGV.
    pub fn arg(mut self, arg: impl Display) -> Self {
        self.words.add(arg);
        self
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.words.iter().take(self.keys)
    }

    pub(super) fn args(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(self.keys)
    }

    pub(super) fn count(&self) -> (usize, usize) {
        (self.keys, self.words.ends.len() - self.keys)
    }
}
