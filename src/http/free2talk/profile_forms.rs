//! What clients of the family write about people.

use super::super::text::Text;
use crate::actions::account::ProfileForm;
use crate::domain::account::{Change, Written};
use poem_openapi::Object;
use poem_openapi::types::{Example, MaybeUndefined};

/// What somebody writes about themselves.
#[derive(Object)]
#[oai(example, rename_all = "camelCase", rename = "Free2TalkChangeProfile")]
pub(super) struct ProfileBody {
    /// The name that is shown; cut to 100 characters.
    display_name: MaybeUndefined<Text>,
    /// What the user says about themselves; cut to 500 characters.
    bio: MaybeUndefined<Text>,
    /// Address of a picture that lies elsewhere.
    avatar_url: MaybeUndefined<Text>,
    /// Languages spoken; those beyond 5 are dropped.
    native_languages: MaybeUndefined<Vec<Text>>,
    /// Languages learned; those beyond 10 are dropped.
    learning_languages: MaybeUndefined<Vec<Text>>,
    /// Those beyond 20 are dropped.
    interests: MaybeUndefined<Vec<Text>>,
    /// `public`, `friends` or `private`.
    privacy_level: MaybeUndefined<Text>,
}

/// A name.
#[derive(Object)]
#[oai(example, rename = "Free2TalkChooseUsername")]
pub(super) struct UsernameBody {
    /// 3 to 30 of `a-z`, `0-9` and `_`.
    pub(super) username: Option<Text>,
}

fn written<T, U>(field: MaybeUndefined<T>, read: impl FnOnce(T) -> U) -> Written<U> {
    match field {
        MaybeUndefined::Undefined => Change::Keep,
        MaybeUndefined::Null => Change::To(None),
        MaybeUndefined::Value(value) => Change::To(Some(read(value))),
    }
}

impl ProfileBody {
    pub(super) fn form(self) -> ProfileForm {
        let words = |words: Vec<Text>| words.into_iter().map(Text::into_inner).collect();
        ProfileForm {
            display_name: written(self.display_name, Text::into_inner),
            bio: written(self.bio, Text::into_inner),
            avatar_url: written(self.avatar_url, Text::into_inner),
            native_languages: written(self.native_languages, words),
            learning_languages: written(self.learning_languages, words),
            interests: written(self.interests, words),
            privacy: written(self.privacy_level, Text::into_inner),
        }
    }
}

impl Example for UsernameBody {
    fn example() -> Self {
        Self {
            username: Some("ann_1".into()),
        }
    }
}

impl Example for ProfileBody {
    fn example() -> Self {
        let words = |words: &[&str]| MaybeUndefined::Value(words.iter().map(|word| Text::from(*word)).collect());
        Self {
            display_name: MaybeUndefined::Value("Ann".into()),
            bio: MaybeUndefined::Value("I like mountains.".into()),
            avatar_url: MaybeUndefined::Undefined,
            native_languages: words(&["English"]),
            learning_languages: words(&["Spanish"]),
            interests: words(&["hiking"]),
            privacy_level: MaybeUndefined::Value("public".into()),
        }
    }
}
