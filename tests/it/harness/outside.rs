//! Others that nodes need for accounts, on this machine: a folder where mails are laid, and a Google that signs tokens.

use super::world::Plan;
use super::{PATIENCE, holds_within};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Mails as they are laid into a folder.
pub struct Mails(tempfile::TempDir);

impl Mails {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The world whose mails these are.
    pub fn of(&self, plan: Plan) -> Plan {
        plan.set("PALAVER_MAIL__URL", format!("file:{}", self.0.path().display()))
    }

    /// The mails to `address` once there are `count` of them with `about` in them, in no order; as text.
    pub async fn to(&self, address: &str, about: &str, count: usize) -> Vec<String> {
        let mut found = Vec::new();
        holds_within(PATIENCE, async || {
            found = self.now(address, about);
            found.len() >= count
        })
        .await;
        assert_eq!(found.len(), count, "mails to {address} about {about}: {found:?}");
        found
    }

    fn now(&self, address: &str, about: &str) -> Vec<String> {
        let files = std::fs::read_dir(self.0.path()).unwrap();
        // A file may be half written.
        let texts = files.filter_map(|file| std::fs::read_to_string(file.unwrap().path()).ok());
        let plain = texts.map(|text| text.replace("=\r\n", "").replace("=3D", "="));
        plain
            .filter(|text| {
                text.contains(&format!("To: {address}\r\n")) && text.contains(about) && text.ends_with("--\r\n")
            })
            .collect()
    }
}

/// What in a text begins with `before`, up to the first character that is none of a token.
pub fn after(text: &str, before: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{before} in {text}"));
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}

const CLIENT: &str = "ours.apps.example";
const KID: &str = "key-1";

/// A Google of our own.
pub struct Google {
    at: std::net::SocketAddr,
    key: EncodingKey,
}

impl Google {
    /// Serves its keys, and knows the access tokens that [`Google::access_token`] makes.
    pub async fn start() -> Self {
        let rsa = RsaPrivateKey::new(&mut OsRng, 2048).unwrap();
        let part = |part: &rsa::BigUint| URL_SAFE_NO_PAD.encode(part.to_bytes_be());
        let keys = json!({"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": KID, "n": part(rsa.n()), "e": part(rsa.e())}]});
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, keys));
        Self {
            at,
            key: EncodingKey::from_rsa_der(rsa.to_pkcs1_der().unwrap().as_bytes()),
        }
    }

    /// The world that asks it.
    pub fn of(&self, plan: Plan) -> Plan {
        plan.set("PALAVER_GOOGLE__CLIENT_IDS", CLIENT)
            .set("PALAVER_GOOGLE__JWKS_URL", format!("http://{}/keys", self.at))
            .set("PALAVER_GOOGLE__TOKENINFO_URL", format!("http://{}/tokeninfo", self.at))
            .set("PALAVER_GOOGLE__USERINFO_URL", format!("http://{}/userinfo", self.at))
    }

    /// A token of Google's button for somebody, with other claims.
    pub fn id_token(&self, address: &str, change: Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut claims = person(address);
        claims["iss"] = json!("https://accounts.google.com");
        claims["aud"] = json!(CLIENT);
        claims["iat"] = json!(now - 10);
        claims["exp"] = json!(now + 600);
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let header = Header {
            kid: Some(KID.into()),
            ..Header::new(Algorithm::RS256)
        };
        encode(&header, &claims, &self.key).unwrap()
    }

    /// An access token of somebody.
    pub fn access_token(address: &str) -> String {
        format!("access.{address}")
    }
}

fn person(address: &str) -> Value {
    json!({"sub": format!("sub-{address}"), "email": address, "email_verified": true, "name": "Somebody", "picture": "https://pictures.example/p"})
}

async fn serve(listener: TcpListener, keys: Value) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(b"\r\n\r\n") && stream.read_buf(&mut heard).await.unwrap() > 0 {}
        let request = String::from_utf8(heard).unwrap();
        let address = request
            .split_once("access.")
            .map(|(_, rest)| rest.split([' ', '\r']).next().unwrap().replace("%40", "@"));
        let body = match (
            request.starts_with("GET /keys"),
            request.starts_with("GET /tokeninfo"),
            address,
        ) {
            (true, ..) => keys.clone(),
            (_, true, Some(address)) => json!({"aud": CLIENT, "sub": format!("sub-{address}")}),
            (_, _, Some(address)) => person(&address),
            _ => Value::Null,
        };
        let (status, body) = (if body.is_null() { 400 } else { 200 }, body.to_string());
        let answer = format!(
            "HTTP/1.1 {status} So\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}
