//! E-mail. Letters are worded in `wording`; here they are made into messages and given to a mail server (or, where people
//! develop, laid into a folder). The only place that names `lettre`.

mod wording;

use crate::config;
use crate::domain::letter::{Carried, Letter};
use crate::error::Fault;
use lettre::address::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::response::{Category, Severity};
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long a connection to the server is kept for further mails.
const KEPT_IDLE: Duration = Duration::from_secs(30);

/// Connections of this node to the server at once.
const CONNECTIONS: u32 = 4;

/// Sends mails. Cloning shares its connections.
#[derive(Clone)]
pub struct Mailer(Arc<Inner>);

struct Inner {
    way: Way,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    timeout: Duration,
}

enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(AsyncFileTransport<Tokio1Executor>),
    /// No server is set.
    None,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.way {
            Way::Smtp(_) => "Mailer(smtp)",
            Way::Folder(_) => "Mailer(folder)",
            Way::None => "Mailer(none)",
        })
    }
}

impl Mailer {
    /// A mailer by these settings. Connects when it has something to send.
    pub fn open(settings: &config::Mail) -> Result<Self, Fault> {
        let mailbox = |text: &str| {
            let parsed = text.parse::<Mailbox>();
            parsed.map_err(|_| {
                Fault::new(
                    "read mail settings",
                    "mail.from and mail.reply_to are addresses, as in: Name <name@host>",
                )
            })
        };
        Ok(Self(Arc::new(Inner {
            way: way(settings)?,
            from: mailbox(&settings.from)?,
            reply_to: settings.reply_to.as_deref().map(mailbox).transpose()?,
            timeout: settings.timeout,
        })))
    }

    /// Tries to send a letter, within the time that the settings give.
    pub async fn send(&self, letter: &Letter) -> Carried {
        let message = match self.message(letter) {
            Ok(message) => message,
            Err(why) => return Carried::Refused(why),
        };
        let sending = async {
            match &self.0.way {
                Way::Smtp(server) => server
                    .send(message)
                    .await
                    .map_or_else(|error| judge(&error), |_| Carried::Sent),
                Way::Folder(folder) => match folder.send(message).await {
                    Ok(_) => Carried::Sent,
                    Err(_) => Carried::NotNow("the folder cannot be written".into()),
                },
                Way::None => Carried::Refused("mail.url is not set".into()),
            }
        };
        let late = || Carried::NotNow("no answer within mail.timeout".into());
        tokio::time::timeout(self.0.timeout, sending)
            .await
            .unwrap_or_else(|_| late())
    }

    fn message(&self, letter: &Letter) -> Result<Message, String> {
        // An address is taken apart and put together again: nothing in it can begin another header.
        let to: Address = letter.to.parse().map_err(|_| "the address is none")?;
        let product = self.0.from.name.as_deref().unwrap_or("Palaver");
        let worded = wording::word(letter, product);
        let host = self.0.from.email.domain();
        let mut message = Message::builder()
            .from(self.0.from.clone())
            .to(Mailbox::new(None, to))
            .subject(worded.subject)
            // A letter that is sent twice can be known by this.
            .message_id(Some(format!("<{}@{host}>", letter.id)))
            // Nobody's holiday note is wanted back.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".into(),
            ));
        if let Some(reply_to) = &self.0.reply_to {
            message = message.reply_to(reply_to.clone());
        }
        message
            .multipart(MultiPart::alternative_plain_html(worded.text, worded.html))
            .map_err(|_| "the message could not be made".into())
    }
}

fn way(settings: &config::Mail) -> Result<Way, Fault> {
    let Some(url) = &settings.url else {
        return Ok(Way::None);
    };
    if let Some(folder) = url.reveal().strip_prefix("file:") {
        std::fs::create_dir_all(folder).map_err(|error| Fault::new("make the folder of mail.url", error))?;
        return Ok(Way::Folder(AsyncFileTransport::new(folder)));
    }
    // The URL may hold a password: the error must not repeat it.
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.reveal())
        .map_err(|_| Fault::new("read mail.url", "it is not an SMTP URL"))?;
    let pool = lettre::transport::smtp::PoolConfig::new()
        .max_size(CONNECTIONS)
        .idle_timeout(KEPT_IDLE);
    Ok(Way::Smtp(
        builder.timeout(Some(settings.timeout)).pool_config(pool).build(),
    ))
}

/// Whether to try again. What a server says may repeat the address, so only its code is told.
fn judge(error: &lettre::transport::smtp::Error) -> Carried {
    let Some(code) = error.status() else {
        let why = match (error.is_timeout(), error.is_tls()) {
            (true, _) => "the server is silent",
            (_, true) => "the connection cannot be encrypted",
            _ => "the server cannot be reached or does not speak SMTP",
        };
        return Carried::NotNow(why.into());
    };
    let why = format!("the server said {code}");
    // 55x is about this mail. Other refusals (who we are, what we say) are the operator's to mend.
    match (code.severity, code.category) {
        (Severity::PermanentNegativeCompletion, Category::MailSystem) => Carried::Refused(why),
        _ => Carried::NotNow(why),
    }
}

#[cfg(test)]
mod tests;
