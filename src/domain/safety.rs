//! Reports: what somebody can be reported for, and what a report may say.

/// What a participant did wrong (the document's four types).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Bullying, threats, abuse.
    Harassment,
    /// Advertising, repetition.
    Spam,
    /// Sexual content, hate speech.
    Inappropriate,
    /// Anything else.
    Other,
}

impl Violation {
    /// All of them.
    pub const ALL: [Violation; 4] = [
        Violation::Harassment,
        Violation::Spam,
        Violation::Inappropriate,
        Violation::Other,
    ];

    /// As clients send it and as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Violation::Harassment => "harassment",
            Violation::Spam => "spam",
            Violation::Inappropriate => "inappropriate",
            Violation::Other => "other",
        }
    }

    /// Reads what [`Violation::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.as_str() == text)
    }
}

/// Longest description kept with a report, in characters; the rest is cut, not refused: a report must not fail for it.
pub const DESCRIPTION_CHARS: usize = 2000;

/// A description as it is stored: cut to size, without control characters.
pub fn description(text: &str) -> String {
    let plain = text.trim().chars().filter(|c| !c.is_control() || *c == '\n');
    plain.take(DESCRIPTION_CHARS).collect()
}
