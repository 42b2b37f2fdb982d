//! Google's keys, kept as long as it says. They change every few days, and the next ones are published before they are
//! used; a token that names a key which is not there is looked up once more, but not for every forged one.

use crate::clock::Millis;
use crate::error::Fault;
use jsonwebtoken::DecodingKey;
use reqwest::header::{CACHE_CONTROL, HeaderMap};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// What is being done when keys are asked for.
pub(super) const OP: &str = "ask for Google's keys";

/// Keys that are looked at; Google has two or three.
const MOST: usize = 16;

/// How long after an answer an unknown key may ask again.
const AFTER_ANSWER: Duration = Duration::from_secs(60);

/// How long after a fault anybody may.
const AFTER_FAULT: Duration = Duration::from_secs(5);

/// How long keys are still used when there are no newer ones to be had.
const STALE_FOR: Duration = Duration::from_secs(24 * 3600);

/// How long an answer is good, whatever it says.
const LIFE: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(24 * 3600)];

/// The same, when it says nothing.
const USUAL_LIFE: Duration = Duration::from_secs(3600);

/// Smallest modulus: RFC 7518, 3.3.
const MODULUS_BYTES: usize = 256;

/// What came of looking for a key.
pub(super) enum Found {
    Key(Arc<DecodingKey>),
    /// Google has no such key.
    Unknown,
}

/// Keys by their ids.
#[derive(Default)]
pub(super) struct Keys {
    known: RwLock<Known>,
    /// One asks, the others wait for what it hears.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default, Clone)]
struct Known {
    keys: HashMap<String, Arc<DecodingKey>>,
    good_until: Millis,
    not_again_before: Millis,
}

impl Keys {
    /// The key `kid`, from what is known or from what `ask` hears: a body and how long it is good.
    pub(super) async fn find<F>(&self, kid: &str, now: Millis, ask: impl FnOnce() -> F) -> Result<Found, Fault>
    where
        F: Future<Output = Result<(Vec<u8>, Duration), Fault>>,
    {
        if let Some(key) = self.good(kid, now) {
            return Ok(Found::Key(key));
        }
        let asking = self.asking.lock().await;
        // Somebody else may have heard meanwhile.
        if let Some(key) = self.good(kid, now) {
            return Ok(Found::Key(key));
        }
        let before = self.known();
        let stale = before
            .keys
            .get(kid)
            .filter(|_| now < before.good_until + STALE_FOR)
            .cloned();
        let failed = if now < before.not_again_before {
            None
        } else {
            let heard = ask().await.and_then(|(body, lives)| Ok((read(&body)?, lives)));
            self.hear(heard, now).err()
        };
        drop(asking);
        let after = self.known();
        match (self.good(kid, now), failed) {
            (Some(key), _) => Ok(Found::Key(key)),
            (None, None) if now < after.good_until => Ok(Found::Unknown),
            (None, failed) => match stale {
                Some(key) => Ok(Found::Key(key)),
                None => Err(failed.unwrap_or_else(|| Fault::new(OP, "it failed a moment ago"))),
            },
        }
    }

    /// Keeps what was heard, and when to ask again at the earliest.
    fn hear(
        &self,
        heard: Result<(HashMap<String, Arc<DecodingKey>>, Duration), Fault>,
        now: Millis,
    ) -> Result<(), Fault> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match heard {
            Ok((keys, lives)) => {
                *known = Known {
                    keys,
                    good_until: now + lives,
                    not_again_before: now + AFTER_ANSWER,
                };
                Ok(())
            }
            Err(fault) => {
                known.not_again_before = now + AFTER_FAULT;
                Err(fault)
            }
        }
    }

    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn good(&self, kid: &str, now: Millis) -> Option<Arc<DecodingKey>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.keys.get(kid).filter(|_| now < known.good_until).cloned()
    }
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<serde_json::Value>,
}

/// As far as we can use it: other kinds of keys may stand beside it.
#[derive(Deserialize)]
struct RsaKey {
    kid: String,
    kty: String,
    n: String,
    e: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
}

fn read(body: &[u8]) -> Result<HashMap<String, Arc<DecodingKey>>, Fault> {
    let published: Published = serde_json::from_slice(body).map_err(|_| Fault::new(OP, "the answer holds no keys"))?;
    let keys = published.keys.into_iter().take(MOST);
    let keys: HashMap<_, _> = keys
        .filter_map(|key| usable(serde_json::from_value(key).ok()?))
        .collect();
    match keys.is_empty() {
        true => Err(Fault::new(OP, "the answer holds no key that we can use")),
        false => Ok(keys),
    }
}

fn usable(key: RsaKey) -> Option<(String, Arc<DecodingKey>)> {
    let is_ours = key.kty == "RSA"
        && key.alg.is_none_or(|alg| alg == "RS256")
        && key.purpose.is_none_or(|purpose| purpose == "sig")
        // In base64, without padding.
        && key.n.len() >= (MODULUS_BYTES * 4).div_ceil(3);
    let decoding = DecodingKey::from_rsa_components(&key.n, &key.e).ok()?;
    is_ours.then(|| (key.kid, Arc::new(decoding)))
}

/// How long an answer says that it is good.
pub(super) fn lifetime(headers: &HeaderMap) -> Duration {
    let told = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut words = told.flat_map(|value| value.split(',')).map(str::trim);
    let age = words.find_map(|word| word.strip_prefix("max-age=")?.parse().ok());
    let [least, most] = LIFE;
    age.map_or(USUAL_LIFE, Duration::from_secs).clamp(least, most)
}
