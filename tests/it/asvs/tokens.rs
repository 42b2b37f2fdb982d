//! Self-contained tokens (V9): signed, changed, forged, of another time, key, algorithm or audience.

use super::{me, part, register};
use crate::harness::people::{Api, plan, text};
use crate::harness::world::JWT_SECRET;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::sign;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

const SOMEBODY_ELSE: &str = "a secret that is not one of ours";

/// An access token of somebody new.
async fn access(api: &Api) -> String {
    let session = register(api, "ann", "correct horse").await.done();
    text(&session["data"], "accessToken")
}

/// A token of these parts, signed as the header says where it can be.
fn forged(header: &Value, claims: &Value, secret: &str) -> String {
    let signed = [header, claims]
        .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
        .join(".");
    let algorithm = match header["alg"].as_str() {
        Some("HS384") => Algorithm::HS384,
        Some("HS512") => Algorithm::HS512,
        _ => Algorithm::HS256,
    };
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signature = sign(signed.as_bytes(), &key, algorithm).unwrap();
    format!("{signed}.{signature}")
}

/// The claims with some changed; null takes one away.
fn with(claims: &Value, changes: Value) -> Value {
    let mut changed = claims.clone();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(changed.as_object_mut().unwrap().remove(name)),
            value => changed[name] = value.clone(),
        }
    }
    changed
}

#[tokio::test]
async fn asvs_9_1_1_a_token_that_was_changed_proves_nothing() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let token = access(&api).await;
    let [head, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let longer = URL_SAFE_NO_PAD.encode(with(&part(&token, 1), json!({"exp": 4_000_000_000u64})).to_string());
    let other = with(&part(&token, 1), json!({"role": "admin"}));

    for changed in [
        format!("{head}.{longer}.{signature}"),
        format!("{head}.{claims}.{}", &signature[1..]),
        format!("{head}.{claims}.{}", "A".repeat(signature.len())),
        format!("{head}.{claims}."),
        format!("{head}.{claims}"),
        forged(&part(&token, 0), &other, SOMEBODY_ELSE),
        forged(&part(&token, 0), &other, ""),
    ] {
        assert_eq!(me(&api, &changed).await.refusal(), (401, "INVALID_TOKEN"), "{changed}");
    }
    me(&api, &token).await.done();
}

#[tokio::test]
async fn asvs_9_1_2_no_algorithm_but_ours_is_accepted_not_even_with_our_key() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let token = access(&api).await;
    let (header, claims) = (part(&token, 0), part(&token, 1));

    for algorithm in ["none", "None", "nOnE", "", "HS384", "HS512", "RS256", "ES256", "EdDSA"] {
        let header = with(&header, json!({"alg": algorithm}));
        let signed = forged(&header, &claims, JWT_SECRET);
        let (unsigned, _) = signed.rsplit_once('.').unwrap();
        for token in [&signed, &format!("{unsigned}.")] {
            assert_eq!(me(&api, token).await.refusal(), (401, "INVALID_TOKEN"), "{algorithm}");
        }
    }
    me(&api, &forged(&header, &claims, JWT_SECRET)).await.done();
}

#[tokio::test]
async fn asvs_9_1_3_a_token_neither_brings_nor_names_a_key_that_is_not_ours() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let token = access(&api).await;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let key = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(SOMEBODY_ELSE), "alg": "HS256"});

    for change in [
        json!({"jwk": key}),
        json!({"jku": format!("{}/openapi.json", world.url())}),
        json!({"x5u": "http://127.0.0.1:1/key.pem"}),
        json!({"kid": "no key of ours"}),
        json!({"kid": "../../../../dev/null"}),
        json!({"kid": "' or '1'='1"}),
        json!({"kid": null}),
    ] {
        let header = with(&header, change.clone());
        for secret in [SOMEBODY_ELSE, ""] {
            let refused = me(&api, &forged(&header, &claims, secret)).await;
            assert_eq!(refused.refusal(), (401, "INVALID_TOKEN"), "{change}");
        }
    }
}

#[tokio::test]
async fn asvs_9_2_1_a_token_is_good_within_its_time_only() {
    let world = plan().start().await;
    let api = Api::of(&world);
    let token = access(&api).await;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let now = claims["iat"].as_u64().unwrap();
    let told = async |change: Value| me(&api, &forged(&header, &with(&claims, change), JWT_SECRET)).await;

    for change in [
        json!({"exp": now - 60}),
        json!({"exp": 0}),
        json!({"exp": -1}),
        json!({"exp": null}),
        json!({"exp": "tomorrow"}),
        json!({"iat": now + 3600}),
        json!({"nbf": now + 3600}),
    ] {
        assert_eq!(told(change.clone()).await.refusal(), (401, "INVALID_TOKEN"), "{change}");
    }
    told(json!({"nbf": now, "exp": now + 3600})).await.done();
}

#[tokio::test]
async fn asvs_9_2_3_10_3_1_a_token_for_another_audience_is_refused() {
    let world = plan().set("PALAVER_JWT__AUDIENCE", "these people").start().await;
    let api = Api::of(&world);
    let token = access(&api).await;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let told = async |audience: Value| {
        let claims = with(&claims, json!({"aud": audience}));
        me(&api, &forged(&header, &claims, JWT_SECRET)).await
    };

    assert_eq!(claims["aud"], "these people");
    for other in [
        json!("other people"),
        json!("these"),
        json!(["other people"]),
        json!(""),
        json!(null),
    ] {
        assert_eq!(told(other.clone()).await.refusal(), (401, "INVALID_TOKEN"), "{other}");
    }
    told(json!(["other people", "these people"])).await.done();
}
