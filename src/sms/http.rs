//! A provider with an HTTP interface. Address, headers and body are templates in which `{to}`, `{text}` and `{secret}`
//! stand for the number, the message and the key; each is escaped for where it stands. Only the settings say which host is
//! asked, and redirects are not followed.

use super::{Attempt, Provider};
use crate::config::{self, Secret};
use crate::domain::letter::Carried;
use crate::error::Fault;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode, Url};
use std::fmt::Write;

/// What a provider is asked with.
pub(super) struct HttpProvider {
    client: Client,
    method: Method,
    url: Secret,
    headers: HeaderMap,
    body: Option<String>,
    json: bool,
    secret: String,
}

impl HttpProvider {
    pub(super) fn open(settings: &config::Sms) -> Result<Self, Fault> {
        let wrong = |what: &str| Fault::new("read sms settings", what);
        let secret = settings.secret.as_ref().map_or("", Secret::reveal).to_owned();
        let mut headers = HeaderMap::new();
        for line in &settings.headers {
            let (name, value) = line
                .reveal()
                .split_once(':')
                .ok_or_else(|| wrong("sms.headers: name: value"))?;
            let name: HeaderName = name.trim().parse().map_err(|_| wrong("sms.headers: a name is wrong"))?;
            let value = value.trim().replace("{secret}", &secret);
            let mut value = HeaderValue::try_from(value).map_err(|_| wrong("sms.headers: a value is wrong"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let json = kind.is_some_and(|kind| kind.contains("json"));
        if kind.is_none() {
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            );
        }
        let url = settings.url.clone().ok_or_else(|| wrong("sms.url is not set"))?;
        Url::parse(url.reveal()).map_err(|_| wrong("sms.url is no URL"))?;
        let client = Client::builder()
            .timeout(settings.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Fault::new("make the SMS client", error))?;
        Ok(Self {
            client,
            method: settings.method.parse().map_err(|_| wrong("sms.method is no method"))?,
            url,
            headers,
            body: settings.body.clone(),
            json,
            secret,
        })
    }

    async fn ask(&self, to: &str, text: &str) -> Carried {
        let fill = |template: &str, escape: fn(&str) -> String| {
            let filled = [("{to}", to), ("{text}", text), ("{secret}", &self.secret)];
            fill(template, filled.map(|(name, value)| (name, escape(value))))
        };
        let Ok(url) = Url::parse(&fill(self.url.reveal(), percent)) else {
            return Carried::Refused("sms.url is no URL".into());
        };
        let mut request = self
            .client
            .request(self.method.clone(), url)
            .headers(self.headers.clone());
        if let Some(body) = &self.body {
            request = request.body(fill(body, if self.json { quoted } else { percent }));
        }
        match request.send().await {
            Ok(response) => judge(response.status()),
            Err(error) if error.is_timeout() => Carried::NotNow("no answer within sms.timeout".into()),
            Err(_) => Carried::NotNow("the provider cannot be reached".into()),
        }
    }
}

impl Provider for HttpProvider {
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Attempt<'a> {
        Box::pin(self.ask(to, text))
    }
}

/// 400 and 422 are about this message; other refusals (who we are, how much we send) are the operator's to mend.
fn judge(status: StatusCode) -> Carried {
    let why = format!("the provider said {}", status.as_u16());
    match status {
        status if status.is_success() => Carried::Sent,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Carried::Refused(why),
        _ => Carried::NotNow(why),
    }
}

/// Fills a template in one pass: what is filled in is not looked at again.
fn fill(template: &str, values: [(&str, String); 3]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = values.iter().find(|(name, _)| rest.starts_with(name));
        let (written, taken) = found.map_or(("{", 1), |(name, value)| (value.as_str(), name.len()));
        out.push_str(written);
        rest = &rest[taken..];
    }
    out + rest
}

/// For addresses and forms.
fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => _ = write!(out, "%{byte:02X}"),
        }
    }
    out
}

/// For the inside of a JSON string.
fn quoted(text: &str) -> String {
    let whole = serde_json::Value::from(text).to_string();
    whole[1..whole.len() - 1].to_owned()
}
