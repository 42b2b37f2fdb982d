//! Tokens: signed statements of who somebody is. Access tokens are signed with the settings' secrets themselves, so that
//! other servers can share them; each other purpose has keys of its own, derived, so that none passes for another.
//!
//! A refresh token names its login and the generation it is good for, and is the same text however often it is written:
//! two tabs that refresh at once get one token.

use crate::clock::Millis;
use crate::config::{Jwt, Secret};
use crate::domain::account::{Account, Email, Phone};
use crate::ids::{FactId, LoginId, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be let in.
    Access,
    /// To be exchanged for new ones.
    Refresh,
}

/// Why a token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// Its time is over.
    Expired,
    /// It is not ours, of another purpose, changed, or from the future.
    Invalid,
}

/// What a token proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Who it was given to.
    pub user: UserId,
    /// For which login; none for a token of another server.
    pub login: Option<LoginId>,
    /// When it was given.
    pub issued: Option<Millis>,
    /// Until when it is good.
    pub until: Millis,
    /// Of a refresh token: which one it is.
    pub generation: i32,
}

/// What is written into a token, besides who.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    pub login: &'a LoginId,
    pub at: Millis,
    pub until: Millis,
}

#[derive(Serialize)]
struct Written<'a> {
    #[serde(rename = "userId")]
    user_id: &'a UserId,
    id: &'a UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    lid: &'a LoginId,
    typ: &'a str,
    #[serde(rename = "gen", skip_serializing_if = "Option::is_none")]
    generation: Option<i32>,
    iat: u64,
    exp: u64,
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

/// The claims that matter; the original servers wrote `userId`, some of their clients `id`, we both.
#[derive(Deserialize)]
struct Read {
    #[serde(rename = "userId")]
    user_id: Option<String>,
    id: Option<String>,
    lid: Option<String>,
    typ: Option<String>,
    #[serde(rename = "gen")]
    generation: Option<i32>,
    iat: Option<f64>,
    nbf: Option<f64>,
    exp: f64,
}

struct Key {
    kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// The keys of this installation.
pub struct Keyring {
    access: Vec<Key>,
    refresh: Vec<Key>,
    codes: Vec<[u8; 32]>,
    /// Telephones are kept under the first, and known by any.
    phones: Vec<[u8; 32]>,
    settings: Jwt,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys)", self.access.len())
    }
}

fn keyed(key: &[u8], parts: &[&str]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

/// Keys of what must be found again and not be read.
fn hiding(secrets: &[Secret]) -> Vec<[u8; 32]> {
    let key = |secret: &Secret| keyed(secret.reveal().as_bytes(), &["palaver codes"]);
    secrets.iter().map(key).collect()
}

impl Key {
    fn new(secret: &[u8]) -> Self {
        Self {
            kid: URL_SAFE_NO_PAD.encode(&keyed(secret, &["palaver kid"])[..6]),
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
        }
    }
}

impl Purpose {
    fn typ(self) -> &'static str {
        match self {
            Purpose::Access => "access",
            Purpose::Refresh => "refresh",
        }
    }
}

impl Keyring {
    /// The keys of `settings`: the first signs, all are accepted.
    pub fn new(settings: &Jwt) -> Self {
        let secrets = || settings.secrets.iter().map(|secret| secret.reveal().as_bytes());
        Self {
            access: secrets().map(Key::new).collect(),
            refresh: secrets()
                .map(|secret| Key::new(&keyed(secret, &["palaver refresh"])))
                .collect(),
            codes: hiding(&settings.secrets),
            phones: hiding(&settings.secrets),
            settings: settings.clone(),
        }
    }

    /// With secrets that telephones are kept under instead, and known by as well.
    pub fn with_phones(mut self, secrets: &[Secret]) -> Self {
        self.phones.splice(0..0, hiding(secrets));
        self
    }

    /// Whether there is a key to sign with.
    pub fn signs(&self) -> bool {
        !self.access.is_empty()
    }

    /// An access token of `account`; empty when there is no key, which is refused long before.
    pub fn access(&self, account: &Account, stamp: Stamp<'_>) -> String {
        let claims = Written {
            email: account.email.as_deref(),
            username: account.username.as_deref(),
            role: Some(account.tier().as_str()),
            ..self.claims(&account.id, Purpose::Access, stamp)
        };
        sign(self.access.first(), &claims)
    }

    /// The refresh token of a login's `generation`.
    pub fn refresh(&self, user: &UserId, generation: i32, stamp: Stamp<'_>) -> String {
        let claims = Written {
            generation: Some(generation),
            ..self.claims(user, Purpose::Refresh, stamp)
        };
        sign(self.refresh.first(), &claims)
    }

    fn claims<'a>(&'a self, user: &'a UserId, purpose: Purpose, stamp: Stamp<'a>) -> Written<'a> {
        Written {
            user_id: user,
            id: user,
            email: None,
            username: None,
            role: None,
            lid: stamp.login,
            typ: purpose.typ(),
            generation: None,
            iat: stamp.at.0 / 1000,
            exp: stamp.until.0 / 1000,
            iss: &self.settings.issuer,
            aud: self.settings.audience.as_deref(),
        }
    }

    /// What `token` proves at `now`.
    pub fn verify(&self, token: &str, purpose: Purpose, now: Millis) -> Result<Proof, Bad> {
        let keys = match purpose {
            Purpose::Access => &self.access,
            Purpose::Refresh => &self.refresh,
        };
        let kid = decode_header(token).map_err(|_| Bad::Invalid)?.kid;
        let named = |key: &&Key| Some(&key.kid) == kid.as_ref();
        // Another server that shares a secret may name its keys in its own way, or not at all.
        let known = keys.iter().any(|key| named(&key));
        let mut candidates = keys.iter().filter(|key| !known || named(key));
        let rules = self.rules();
        let claims = candidates.find_map(|key| decode::<Read>(token, &key.decoding, &rules).ok());
        self.judge(claims.ok_or(Bad::Invalid)?.claims, purpose, now)
    }

    /// What the library checks; times are judged by our clock, in [`Keyring::judge`].
    fn rules(&self) -> Validation {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.validate_exp = false;
        match &self.settings.audience {
            Some(audience) => {
                rules.set_audience(&[audience]);
                rules.set_required_spec_claims(&["exp", "aud"]);
            }
            None => rules.validate_aud = false,
        }
        rules
    }

    fn judge(&self, claims: Read, purpose: Purpose, now: Millis) -> Result<Proof, Bad> {
        let fits = match (purpose, claims.typ.as_deref()) {
            // Other servers' tokens do not say; they are for access.
            (Purpose::Access, None) => true,
            (purpose, typ) => typ == Some(purpose.typ()),
        };
        let (now, leeway) = (now.0 as f64 / 1000.0, self.settings.leeway.as_secs_f64());
        let from_the_future = |time: Option<f64>| time.is_some_and(|time| time > now + leeway);
        let user = claims.user_id.or(claims.id).and_then(|id| UserId::parse(&id));
        let login = match claims.lid {
            Some(lid) => Some(LoginId::parse_uuid(&lid).ok_or(Bad::Invalid)?),
            None => None,
        };
        match user {
            Some(_) if !fits || from_the_future(claims.iat) || from_the_future(claims.nbf) => Err(Bad::Invalid),
            Some(_) if now >= claims.exp + leeway => Err(Bad::Expired),
            Some(user) => Ok(Proof {
                user,
                login,
                issued: claims.iat.map(millis),
                until: millis(claims.exp),
                generation: claims.generation.unwrap_or(0),
            }),
            None => Err(Bad::Invalid),
        }
    }

    /// How a code sent to `email` is kept: whoever reads it in the database cannot find the six digits.
    pub fn code_hash(&self, email: &Email, code: &str) -> Option<String> {
        self.unreadable(&[email.as_str(), code])
    }

    /// How a telephone is kept, and then how it may have been kept before; nothing when there is no key.
    pub fn phone_hashes(&self, phone: &Phone) -> Vec<String> {
        let hash = |key: &[u8; 32]| URL_SAFE_NO_PAD.encode(keyed(key, &[phone.as_str()]));
        self.phones.iter().map(hash).collect()
    }

    /// How a code sent to `phone` is kept.
    pub fn phone_code_hash(&self, phone: &Phone, code: &str) -> Option<String> {
        self.unreadable(&[phone.as_str(), code])
    }

    /// The token of the link in `letter`: the same however often the letter is tried, known to nobody but its reader.
    pub fn reset_token(&self, letter: &FactId) -> Option<String> {
        let bytes = keyed(self.codes.first()?, &["palaver reset", &letter.to_string(), ""]);
        Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn unreadable(&self, parts: &[&str]) -> Option<String> {
        let key = self.codes.first()?;
        Some(URL_SAFE_NO_PAD.encode(keyed(key, parts)))
    }
}

fn sign(key: Option<&Key>, claims: &Written<'_>) -> String {
    let Some(key) = key else { return String::new() };
    let header = Header {
        kid: Some(key.kid.clone()),
        ..Header::new(Algorithm::HS256)
    };
    encode(&header, claims, &key.encoding).expect("claims of text and numbers can be written")
}

fn millis(seconds: f64) -> Millis {
    Millis((seconds * 1000.0) as u64)
}
