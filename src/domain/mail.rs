//! Mails that people are sent: what they are about, not how they read.

use crate::clock::Millis;

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKind {
    /// A code that proves the address.
    Otp,
    /// A link to a new password.
    Reset,
    /// The account is there.
    Welcome,
}

/// A mail to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// To whom; an address that was judged (`domain::account::Email`).
    pub to: String,
    pub kind: MailKind,
    /// What its reader is called; may be empty.
    pub name: String,
    /// The code or the link; empty where there is none.
    pub code_or_link: String,
    pub at: Millis,
}

impl std::fmt::Debug for Mail {
    /// Without the address, the name and the code.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mail({:?})", self.kind)
    }
}

impl MailKind {
    /// As the journal has it.
    pub fn as_str(self) -> &'static str {
        match self {
            MailKind::Otp => "otp",
            MailKind::Reset => "reset",
            MailKind::Welcome => "welcome",
        }
    }

    /// Reads what [`MailKind::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        [MailKind::Otp, MailKind::Reset, MailKind::Welcome]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}
