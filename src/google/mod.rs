//! Who somebody is, as Google says it: from an id token, whose signature is checked against Google's published keys, or
//! from an access token, which Google itself is asked about. A token that was given to another application proves nothing
//! here, nor does an e-mail address that Google has not verified.
//!
//! Where to ask stands in the settings alone; redirects are not followed, and every question has an end.

mod keys;

use crate::clock::Millis;
use crate::config;
use crate::error::Fault;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use keys::{Found, Keys};
use reqwest::{Client, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Longest token that is looked at; Google's have about 1,200 characters.
const LONGEST_TOKEN: usize = 8 * 1024;

/// Largest answer that is read.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Clocks differ.
const LEEWAY: Duration = Duration::from_secs(30);

/// Somebody whom Google knows, with an address that it has verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Who it is, for ever.
    pub sub: String,
    /// The verified e-mail address.
    pub email: String,
    /// What they are called.
    pub name: Option<String>,
    /// Address of a picture.
    pub picture: Option<String>,
}

impl fmt::Debug for Person {
    /// Without who it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(of Google)")
    }
}

/// Why a token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// No client id is set: nobody comes by Google here.
    Off,
    /// The token is forged, over, or somebody else's.
    Rejected,
    /// It names no e-mail address.
    NoEmail,
    /// It names one that Google has not verified.
    EmailNotVerified,
}

/// Asks Google. Cloning shares the keys it knows.
#[derive(Clone)]
pub struct Google(Arc<Inner>);

struct Inner {
    settings: config::Google,
    /// None where nobody comes by Google.
    client: Option<Client>,
    keys: Keys,
}

impl fmt::Debug for Google {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Google")
    }
}

/// What an id token or Google says of somebody.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    email: Option<String>,
    #[serde(default, deserialize_with = "yes")]
    email_verified: bool,
    name: Option<String>,
    picture: Option<String>,
}

/// What an id token says of itself.
#[derive(Deserialize)]
struct Times {
    exp: u64,
    #[serde(default)]
    iat: u64,
    #[serde(default)]
    nbf: u64,
}

#[derive(Deserialize)]
struct IdToken {
    #[serde(flatten)]
    claims: Claims,
    #[serde(flatten)]
    times: Times,
}

/// What Google says of an access token.
#[derive(Deserialize)]
struct TokenInfo {
    aud: String,
    sub: Option<String>,
}

/// Google says `true` in one answer and `"true"` in another.
fn yes<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(value == true || value == "true")
}

type Proof = Result<Result<Person, Unproven>, Fault>;

impl Google {
    /// By these settings. Connects when it is first asked.
    pub fn open(settings: &config::Google) -> Result<Self, Fault> {
        let client = match settings.client_ids.is_empty() {
            true => None,
            false => Some(client(settings.timeout)?),
        };
        Ok(Self(Arc::new(Inner {
            settings: settings.clone(),
            client,
            keys: Keys::default(),
        })))
    }

    /// Who an id token was given to.
    pub async fn id_token(&self, token: &str, now: Millis) -> Proof {
        let client = match self.worth_asking(token) {
            Ok(client) => client,
            Err(why) => return Ok(Err(why)),
        };
        let header = decode_header(token)
            .ok()
            .filter(|header| header.alg == Algorithm::RS256);
        let Some(kid) = header.and_then(|header| header.kid) else {
            return Ok(Err(Unproven::Rejected));
        };
        let key = match self.key(client, &kid, now).await? {
            Found::Key(key) => key,
            Found::Unknown => return Ok(Err(Unproven::Rejected)),
        };
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&self.0.settings.client_ids);
        validation.set_issuer(&self.0.settings.issuers);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // By our clock, below.
        validation.validate_exp = false;
        let Ok(read) = decode::<IdToken>(token, &key, &validation) else {
            return Ok(Err(Unproven::Rejected));
        };
        let IdToken { claims, times } = read.claims;
        Ok(if good_at(&times, now) {
            person(claims)
        } else {
            Err(Unproven::Rejected)
        })
    }

    /// Who an access token was given to, if it was given to our application.
    pub async fn access_token(&self, token: &str) -> Proof {
        let client = match self.worth_asking(token) {
            Ok(client) => client,
            Err(why) => return Ok(Err(why)),
        };
        let settings = &self.0.settings;
        let question = client.get(&settings.tokeninfo_url).query(&[("access_token", token)]);
        let Some(info) = answer::<TokenInfo>(question, "ask Google about a token").await? else {
            return Ok(Err(Unproven::Rejected));
        };
        if !settings.client_ids.contains(&info.aud) {
            return Ok(Err(Unproven::Rejected));
        }
        let question = client.get(&settings.userinfo_url).bearer_auth(token);
        let Some(claims) = answer::<Claims>(question, "ask Google about a user").await? else {
            return Ok(Err(Unproven::Rejected));
        };
        Ok(match info.sub.is_none_or(|sub| sub == claims.sub) {
            true => person(claims),
            false => Err(Unproven::Rejected),
        })
    }

    fn worth_asking(&self, token: &str) -> Result<&Client, Unproven> {
        let client = self.0.client.as_ref().ok_or(Unproven::Off)?;
        let fits = (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|c| c.is_ascii_graphic());
        if fits { Ok(client) } else { Err(Unproven::Rejected) }
    }

    async fn key(&self, client: &Client, kid: &str, now: Millis) -> Result<Found, Fault> {
        let Inner { settings, keys, .. } = &*self.0;
        keys.find(kid, now, || async {
            let response = client.get(&settings.jwks_url).send().await;
            let response = response.map_err(|error| fault(keys::OP, &error))?;
            match response.status() {
                StatusCode::OK => {}
                status => return Err(Fault::new(keys::OP, format!("the answer is {}", status.as_u16()))),
            }
            let lives = keys::lifetime(response.headers());
            let body = body(response, keys::OP).await?;
            Ok((body, lives))
        })
        .await
    }
}

fn client(timeout: Duration) -> Result<Client, Fault> {
    Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| Fault::new("make the client for Google", error))
}

fn good_at(times: &Times, now: Millis) -> bool {
    let (late, early) = ((now - LEEWAY).0 / 1000, (now + LEEWAY).0 / 1000);
    times.exp > late && times.iat <= early && times.nbf <= early
}

fn person(claims: Claims) -> Result<Person, Unproven> {
    let email = claims
        .email
        .filter(|email| !email.is_empty())
        .ok_or(Unproven::NoEmail)?;
    match (claims.email_verified, claims.sub.is_empty()) {
        (_, true) => Err(Unproven::Rejected),
        (false, _) => Err(Unproven::EmailNotVerified),
        (true, false) => Ok(Person {
            sub: claims.sub,
            email,
            name: claims.name,
            picture: claims.picture,
        }),
    }
}

/// An answer that is read as JSON; `None` when the token is refused or the answer says too little.
async fn answer<T: DeserializeOwned>(question: reqwest::RequestBuilder, op: &'static str) -> Result<Option<T>, Fault> {
    let response = question.send().await.map_err(|error| fault(op, &error))?;
    match response.status() {
        StatusCode::OK => Ok(serde_json::from_slice(&body(response, op).await?).ok()),
        // Google has used each of them for a token that is not good.
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Ok(None),
        status => Err(Fault::new(op, format!("the answer is {}", status.as_u16()))),
    }
}

async fn body(mut response: Response, op: &'static str) -> Result<Vec<u8>, Fault> {
    let mut whole = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| fault(op, &error))? {
        if whole.len() + part.len() > LARGEST_ANSWER {
            return Err(Fault::new(op, "the answer is too large"));
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole)
}

/// Without the address, which may hold a token.
fn fault(op: &'static str, error: &reqwest::Error) -> Fault {
    let why = match (error.is_timeout(), error.is_connect()) {
        (true, _) => "no answer within google.timeout",
        (_, true) => "it cannot be reached",
        _ => "the conversation broke off",
    };
    Fault::new(op, why)
}

#[cfg(test)]
mod tests;
