//! A Google of our own on this machine: keys, tokens that they signed, and answers about access tokens.

use super::*;
use crate::config::Settings;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header, encode};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{RsaPrivateKey, rand_core::OsRng};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const NOW: Millis = Millis(1_700_000_000_000);
const OURS: &str = "ours.apps.example";

struct Key {
    kid: &'static str,
    rsa: RsaPrivateKey,
}

impl Key {
    fn new(kid: &'static str) -> Self {
        let rsa = RsaPrivateKey::new(&mut OsRng, 2048).unwrap();
        Self { kid, rsa }
    }

    fn published(&self) -> Value {
        let part = |part: &rsa::BigUint| URL_SAFE_NO_PAD.encode(part.to_bytes_be());
        json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid, "n": part(self.rsa.n()), "e": part(self.rsa.e())})
    }

    fn sign_as(&self, algorithm: Algorithm, kid: Option<&str>, claims: &Value) -> String {
        let header = Header {
            kid: kid.map(str::to_owned),
            ..Header::new(algorithm)
        };
        let key = EncodingKey::from_rsa_der(self.rsa.to_pkcs1_der().unwrap().as_bytes());
        encode(&header, claims, &key).unwrap()
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_as(Algorithm::RS256, Some(self.kid), claims)
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://accounts.google.com", "aud": OURS, "sub": "117", "email": "ann@example.org", "email_verified": true,
        "name": "Ann", "picture": "https://pictures.example/ann", "iat": 1_699_999_990, "exp": 1_700_003_600,
    })
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

/// Answers by path; what it was asked.
#[derive(Clone, Default)]
struct World(Arc<Mutex<(Answers, Vec<String>)>>);

/// Status, headers and body, by path.
type Answers = HashMap<String, (u16, String, String)>;

impl World {
    fn answers(&self, path: &str, status: u16, headers: &str, body: impl ToString) {
        let answer = (status, headers.to_owned(), body.to_string());
        self.0.lock().unwrap().0.insert(path.to_owned(), answer);
    }

    fn publishes(&self, keys: &[&Key]) {
        let keys: Vec<_> = keys.iter().map(|key| key.published()).collect();
        self.answers(
            "/keys",
            200,
            "cache-control: public, max-age=600\r\n",
            json!({"keys": keys}),
        );
    }

    /// How often a path was asked for.
    fn asked(&self, path: &str) -> usize {
        self.0
            .lock()
            .unwrap()
            .1
            .iter()
            .filter(|line| line.contains(path))
            .count()
    }

    fn answer(&self, request: String) -> String {
        let path = request.split(' ').nth(1).unwrap().split('?').next().unwrap().to_owned();
        let mut inner = self.0.lock().unwrap();
        inner.1.push(request);
        let (status, headers, body) = inner
            .0
            .get(&path)
            .cloned()
            .unwrap_or((404, String::new(), String::new()));
        format!(
            "HTTP/1.1 {status} So\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    async fn serve(self, listener: TcpListener) {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = Vec::new();
            while !heard.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut heard).await.unwrap();
            }
            let answer = self.answer(String::from_utf8(heard).unwrap());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}

async fn google() -> (World, Google) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let world = World::default();
    tokio::spawn(world.clone().serve(listener));
    let settings = config::Google {
        client_ids: vec!["another.of.ours".into(), OURS.into()],
        jwks_url: format!("http://{at}/keys"),
        tokeninfo_url: format!("http://{at}/tokeninfo"),
        userinfo_url: format!("http://{at}/userinfo"),
        ..Settings::default().google
    };
    (world, Google::open(&settings).unwrap())
}

fn after(seconds: u64) -> Millis {
    NOW + Duration::from_secs(seconds)
}

#[tokio::test]
async fn an_id_token_is_believed_only_when_all_of_it_is_right() {
    let (world, google) = google().await;
    let (key, forger) = (Key::new("k1"), Key::new("k1"));
    world.publishes(&[&key]);

    let ann = google.id_token(&key.sign(&claims()), NOW).await.unwrap().unwrap();

    let expected = Person {
        sub: "117".into(),
        email: "ann@example.org".into(),
        name: Some("Ann".into()),
        picture: Some("https://pictures.example/ann".into()),
    };
    assert!(ann == expected);
    let good = [
        with("aud", json!([OURS, "x"])),
        with("iss", json!("accounts.google.com")),
        with("email_verified", json!("true")),
    ];
    for claims in good {
        assert!(
            google.id_token(&key.sign(&claims), NOW).await.unwrap().is_ok(),
            "{claims}"
        );
    }
    let symmetric = encode(
        &Header {
            kid: Some("k1".into()),
            ..Header::new(Algorithm::HS256)
        },
        &claims(),
        &EncodingKey::from_secret(key.published()["n"].as_str().unwrap().as_bytes()),
    );
    let unsigned = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"k1"}"#),
        URL_SAFE_NO_PAD.encode(claims().to_string())
    );
    let bad = [
        forger.sign(&claims()),
        key.sign_as(Algorithm::RS512, Some("k1"), &claims()),
        key.sign_as(Algorithm::RS256, None, &claims()),
        symmetric.unwrap(),
        unsigned,
        key.sign(&with("aud", json!("theirs.apps.example"))),
        key.sign(&without("aud")),
        key.sign(&with("iss", json!("https://accounts.google.com.evil.example"))),
        key.sign(&without("iss")),
        key.sign(&with("exp", json!(1_699_999_900))),
        key.sign(&without("exp")),
        key.sign(&with("exp", json!("never"))),
        key.sign(&with("iat", json!(1_700_000_100))),
        key.sign(&with("nbf", json!(1_700_000_100))),
        key.sign(&without("sub")),
        key.sign(&with("sub", json!(""))),
        "a.b.c".into(),
        String::new(),
        "x".repeat(LONGEST_TOKEN + 1),
    ];
    for token in bad {
        assert_eq!(
            google.id_token(&token, NOW).await.unwrap().unwrap_err(),
            Unproven::Rejected,
            "{token}"
        );
    }
    let email = async |claims: Value| google.id_token(&key.sign(&claims), NOW).await.unwrap().unwrap_err();
    assert_eq!(email(without("email")).await, Unproven::NoEmail);
    assert_eq!(email(without("email_verified")).await, Unproven::EmailNotVerified);
    assert_eq!(
        email(with("email_verified", json!(false))).await,
        Unproven::EmailNotVerified
    );
    assert_eq!(world.asked("/keys"), 1, "the keys were kept");
}

#[tokio::test]
async fn keys_are_kept_as_long_as_they_are_good_and_a_new_one_is_looked_up_but_not_for_every_forgery() {
    let (world, google) = google().await;
    let (old, new) = (Key::new("old"), Key::new("new"));
    world.publishes(&[&old]);
    let forged = new.sign_as(Algorithm::RS256, Some("nobody"), &claims());
    let works = async |key: &Key, at: Millis| google.id_token(&key.sign(&claims()), at).await.unwrap().is_ok();
    assert!(works(&old, NOW).await);
    for _ in 0..20 {
        assert!(google.id_token(&forged, after(30)).await.unwrap().is_err());
    }
    assert_eq!(world.asked("/keys"), 1);

    world.publishes(&[&old, &new]);

    assert!(works(&new, after(61)).await);
    assert_eq!(world.asked("/keys"), 2);
    assert!(works(&old, after(660)).await && works(&new, after(660)).await);
    assert_eq!(world.asked("/keys"), 2, "ten minutes, it said");
    world.publishes(&[&new]);
    assert!(works(&new, after(662)).await && !works(&old, after(662)).await);
    assert_eq!(world.asked("/keys"), 3);

    world.answers("/keys", 500, "", "");
    assert!(
        works(&new, after(1300)).await,
        "old keys are better than nobody logging in"
    );
    assert!(works(&new, after(1301)).await);
    assert_eq!(world.asked("/keys"), 4, "and it is not asked at every login");
    let late = after(1262 + 24 * 3600);
    assert!(
        google
            .id_token(&new.sign(&with("exp", json!(1_800_000_000))), late)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn many_logins_at_once_ask_for_the_keys_once() {
    let (world, google) = google().await;
    let key = Key::new("k1");
    world.publishes(&[&key]);
    let token = key.sign(&claims());

    let told = futures_util::future::join_all((0..30).map(|_| google.id_token(&token, NOW))).await;

    assert!(told.into_iter().all(|one| one.unwrap().is_ok()));
    assert_eq!(world.asked("/keys"), 1);
}

#[tokio::test]
async fn answers_that_are_no_keys_are_faults_and_never_a_proof() {
    let token = Key::new("k1").sign(&claims());
    let many = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(LARGEST_ANSWER));
    let small = json!({"keys": [{"kty": "RSA", "kid": "k1", "n": "AQAB", "e": "AQAB"}, {"kty": "EC", "kid": "k1"}, 7]});
    for (status, body) in [
        (200, "<html>".to_owned()),
        (200, r#"{"keys":[]}"#.to_owned()),
        (200, small.to_string()),
        (200, many),
        (302, String::new()),
        (404, String::new()),
    ] {
        let (world, google) = google().await;
        world.answers("/keys", status, "location: http://127.0.0.1:1/\r\n", body);

        assert_eq!(google.id_token(&token, NOW).await.unwrap_err().op, keys::OP);
    }
}

#[tokio::test]
async fn an_access_token_is_believed_when_google_says_it_is_ours() {
    let (world, google) = google().await;
    let ours = json!({"aud": OURS, "sub": "117", "email_verified": "true"});
    let ann = json!({"sub": "117", "email": "ann@example.org", "email_verified": true, "name": "Ann"});
    world.answers("/tokeninfo", 200, "", &ours);
    world.answers("/userinfo", 200, "", &ann);

    let person = google.access_token("ya29.token").await.unwrap().unwrap();

    assert_eq!((person.sub.as_str(), person.email.as_str()), ("117", "ann@example.org"));
    assert_eq!(
        (
            world.asked("access_token=ya29.token"),
            world.asked("Bearer ya29.token") + world.asked("bearer ya29.token")
        ),
        (1, 1)
    );
    let said = async |info: Value, user: Value, status: u16| {
        world.answers("/tokeninfo", status, "", info);
        world.answers("/userinfo", 200, "", user);
        google.access_token("ya29.token").await.map(|proof| proof.map(|_| ()))
    };
    let rejected = |proof: Result<Result<(), Unproven>, Fault>| assert_eq!(proof.unwrap(), Err(Unproven::Rejected));
    rejected(said(json!({"aud": "theirs", "azp": OURS, "sub": "117"}), ann.clone(), 200).await);
    rejected(said(json!({"aud": OURS, "sub": "118"}), ann.clone(), 200).await);
    rejected(said(json!({"error": "invalid_token"}), ann.clone(), 400).await);
    rejected(said(json!([]), ann.clone(), 200).await);
    rejected(said(ours.clone(), json!("nobody"), 200).await);
    rejected(google.access_token("two words").await.map(|proof| proof.map(|_| ())));
    rejected(
        google
            .access_token("line\r\nHost: x")
            .await
            .map(|proof| proof.map(|_| ())),
    );
    let unverified = json!({"sub": "117", "email": "ann@example.org", "email_verified": false});
    assert_eq!(
        said(ours.clone(), unverified, 200).await.unwrap(),
        Err(Unproven::EmailNotVerified)
    );
    assert_eq!(
        said(ours.clone(), json!({"sub": "117"}), 200).await.unwrap(),
        Err(Unproven::NoEmail)
    );
    assert!(
        said(ours.clone(), ann, 503).await.is_err(),
        "that is Google's fault, not the token's"
    );
}

#[tokio::test]
async fn without_a_client_id_nobody_comes_by_google_and_a_silent_google_is_not_waited_for() {
    let off = Google::open(&Settings::default().google).unwrap();
    assert_eq!(off.id_token("a.b.c", NOW).await.unwrap().unwrap_err(), Unproven::Off);
    assert_eq!(off.access_token("token").await.unwrap().unwrap_err(), Unproven::Off);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = config::Google {
        client_ids: vec![OURS.into()],
        tokeninfo_url: format!("http://{}/", silent.local_addr().unwrap()),
        timeout: Duration::from_millis(100),
        ..Settings::default().google
    };

    let fault = Google::open(&settings)
        .unwrap()
        .access_token("token")
        .await
        .unwrap_err();

    assert_eq!(fault.why, "no answer within google.timeout");
}
