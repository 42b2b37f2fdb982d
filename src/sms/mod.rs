//! Short messages to telephones. A provider is whoever takes them: `http` asks any provider that has an HTTP interface,
//! by templates from the settings; the one for developers writes the code into the log.

mod http;

use crate::config;
use crate::domain::letter::{Carried, Letter, Says};
use crate::error::Fault;
use http::HttpProvider;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// An attempt under way.
pub type Attempt<'a> = Pin<Box<dyn Future<Output = Carried> + Send + 'a>>;

/// Somebody who takes short messages.
pub trait Provider: Send + Sync {
    /// Tries to send `text` to the telephone `to`, within a bounded time.
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Attempt<'a>;
}

/// Sends short messages.
#[derive(Clone)]
pub struct Texter(Arc<dyn Provider>);

impl fmt::Debug for Texter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Texter")
    }
}

impl Texter {
    /// By the provider of the settings.
    pub fn open(settings: &config::Sms) -> Result<Self, Fault> {
        let provider: Arc<dyn Provider> = match &settings.url {
            None => Arc::new(Nobody),
            Some(url) if url.reveal() == "log" => Arc::new(Log),
            Some(_) => Arc::new(HttpProvider::open(settings)?),
        };
        Ok(Self(provider))
    }

    /// Tries to send a letter. Only digits and a leading `+` are a telephone.
    pub async fn send(&self, letter: &Letter) -> Carried {
        if !is_telephone(&letter.to) {
            return Carried::Refused("the number is none".into());
        }
        self.0.send(&letter.to, &word(letter)).await
    }
}

fn is_telephone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (5..=15).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit())
}

/// In the letters of the smallest alphabet, and short: each 160 cost as much again.
fn word(letter: &Letter) -> String {
    let minutes = letter.says.worth_for().as_secs() / 60;
    match letter.says {
        Says::Code | Says::PhoneCode => format!(
            "{} is your code. It is good for {minutes} minutes. Tell it nobody.",
            letter.carries
        ),
        Says::Reset => format!("Choose a new password: {}", letter.carries),
        Says::Welcome => "Your account is ready.".into(),
        Says::PasswordChanged => "Your password was changed. If it was not you, ask for a new one at once.".into(),
    }
}

/// For those who develop: the message is in the log and nowhere else.
struct Log;

impl Provider for Log {
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Attempt<'a> {
        let end = &to[to.len().saturating_sub(2)..];
        tracing::info!("SMS to the telephone that ends with {end}: {text}");
        Box::pin(std::future::ready(Carried::Sent))
    }
}

/// No provider is set.
struct Nobody;

impl Provider for Nobody {
    fn send<'a>(&'a self, _: &'a str, _: &'a str) -> Attempt<'a> {
        Box::pin(std::future::ready(Carried::Refused("sms.url is not set".into())))
    }
}

#[cfg(test)]
mod tests;
