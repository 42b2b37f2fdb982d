//! Tokens: what they prove, to whom, and until when.

use super::tokens::{Bad, Keyring, Purpose, Stamp};
use crate::clock::Millis;
use crate::config::{Jwt, Secret, Settings};
use crate::domain::account::{Account, Email, Phone, sample};
use crate::ids::{LoginId, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, decode_header, encode};
use serde_json::{Value, json};

const SECRET: &str = "a secret of the tests, long enough";

fn jwt() -> Jwt {
    Jwt {
        secrets: vec![Secret::new("another secret of the tests"), Secret::new(SECRET)],
        ..Settings::default().jwt
    }
}

fn token(claims: Value, algorithm: Algorithm, secret: &str) -> String {
    encode(
        &Header::new(algorithm),
        &claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
    .unwrap()
}

fn user(token: &str) -> Option<String> {
    let proof = Keyring::new(&jwt()).verify(token, Purpose::Access, NOW);
    proof.ok().map(|proof| proof.user.to_string())
}

const NOW: Millis = Millis(1_700_000_000_000);
const LATER: u64 = 4_000_000_000;

#[test]
fn a_token_signed_by_one_of_our_keys_names_its_user() {
    let named = token(json!({"userId": "user-7", "exp": LATER}), Algorithm::HS256, SECRET);
    let old_name = token(json!({"id": "user-8", "exp": LATER}), Algorithm::HS256, SECRET);

    assert_eq!(user(&named).as_deref(), Some("user-7"));
    assert_eq!(user(&old_name).as_deref(), Some("user-8"));
}

#[test]
fn a_token_that_is_forged_expired_or_of_another_algorithm_names_nobody() {
    for bad in [
        "dev-guest-token".to_owned(),
        token(
            json!({"userId": "user-7", "exp": LATER}),
            Algorithm::HS256,
            "not one of our secrets",
        ),
        token(
            json!({"userId": "user-7", "exp": 1_000_000_000}),
            Algorithm::HS256,
            SECRET,
        ),
        token(json!({"userId": "user-7"}), Algorithm::HS256, SECRET),
        token(json!({"userId": "user-7", "exp": LATER}), Algorithm::HS512, SECRET),
        token(json!({"userId": "bad id {s0}", "exp": LATER}), Algorithm::HS256, SECRET),
        // {"alg":"none"} {"userId":"user-7","exp":4000000000}
        "eyJhbGciOiJub25lIn0.eyJ1c2VySWQiOiJ1c2VyLTciLCJleHAiOjQwMDAwMDAwMDB9.".to_owned(),
    ] {
        assert_eq!(user(&bad), None, "{bad}");
    }
}

fn account() -> Account {
    Account {
        id: UserId::registered(),
        ..sample::account()
    }
}

fn payload(token: &str) -> Value {
    let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&part).unwrap()
}

const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

#[test]
fn our_own_tokens_name_the_user_the_login_and_their_purpose() {
    let settings = Jwt {
        audience: Some("people".into()),
        ..jwt()
    };
    let (keyring, account, login) = (Keyring::new(&settings), account(), LoginId::fresh());
    let stamp = Stamp {
        login: &login,
        at: NOW,
        until: NOW + MINUTE,
    };

    let token = keyring.access(&account, stamp);
    let proof = keyring.verify(&token, Purpose::Access, NOW).unwrap();

    assert_eq!(
        (&proof.user, proof.login.as_ref(), proof.issued, proof.until),
        (&account.id, Some(&login), Some(NOW), NOW + MINUTE)
    );
    let id = account.id.as_str();
    assert_eq!(
        payload(&token),
        json!({
            "userId": id, "id": id, "email": "ann@gmail.com", "username": "ann", "role": "verified", "lid": login,
            "typ": "access", "iat": 1_700_000_000, "exp": 1_700_000_060, "iss": "palaver", "aud": "people",
        })
    );
    assert!(decode_header(&token).unwrap().kid.is_some());
    let other = Keyring::new(&Jwt {
        audience: Some("others".into()),
        ..jwt()
    });
    assert_eq!(
        other.verify(&token, Purpose::Access, NOW),
        Err(Bad::Invalid),
        "v9.2.3 for another audience"
    );
    let silent = Keyring::new(&jwt()).access(&account, stamp);
    assert_eq!(
        keyring.verify(&silent, Purpose::Access, NOW),
        Err(Bad::Invalid),
        "for no audience"
    );
}

#[test]
fn asvs_9_2_2_a_refresh_token_is_no_access_token_and_the_other_way_round() {
    let (keyring, account, login) = (Keyring::new(&jwt()), account(), LoginId::fresh());
    let stamp = Stamp {
        login: &login,
        at: NOW,
        until: NOW + MINUTE,
    };
    let (access, refresh) = (keyring.access(&account, stamp), keyring.refresh(&account.id, 3, stamp));

    assert_eq!(keyring.verify(&refresh, Purpose::Access, NOW), Err(Bad::Invalid));
    assert_eq!(keyring.verify(&access, Purpose::Refresh, NOW), Err(Bad::Invalid));
    assert_eq!(keyring.verify(&refresh, Purpose::Refresh, NOW).unwrap().generation, 3);
    assert_eq!(
        keyring.refresh(&account.id, 3, stamp),
        refresh,
        "written twice it is the same"
    );
    let posing = token(
        json!({"userId": "user-7", "exp": LATER, "typ": "refresh"}),
        Algorithm::HS256,
        SECRET,
    );
    assert_eq!(
        user(&posing),
        None,
        "signed with the key of access tokens, and not for access"
    );
}

#[test]
fn asvs_9_2_1_a_token_holds_from_its_time_to_its_end() {
    let keyring = Keyring::new(&jwt());
    let at = |claims: Value, now| {
        let token = token(claims, Algorithm::HS256, SECRET);
        keyring
            .verify(&token, Purpose::Access, now)
            .map(|proof| proof.user.to_string())
    };
    let (start, end) = (NOW.0 / 1000, NOW.0 / 1000 + 60);
    let claims = json!({"userId": "user-7", "iat": start, "exp": end});

    assert!(at(claims.clone(), NOW).is_ok());
    assert!(at(claims.clone(), NOW + MINUTE).is_ok(), "within the leeway");
    assert_eq!(at(claims.clone(), NOW + MINUTE * 2), Err(Bad::Expired));
    assert_eq!(at(claims, NOW - MINUTE), Err(Bad::Invalid), "from the future");
    assert_eq!(
        at(json!({"userId": "user-7", "nbf": end, "exp": LATER}), NOW),
        Err(Bad::Invalid),
        "not yet"
    );
    assert_eq!(
        at(json!({"userId": "user-7", "lid": "no uuid", "exp": LATER}), NOW),
        Err(Bad::Invalid)
    );
}

#[test]
fn a_new_first_key_signs_and_the_old_ones_tokens_go_on() {
    let (account, login) = (account(), LoginId::fresh());
    let stamp = Stamp {
        login: &login,
        at: NOW,
        until: NOW + MINUTE,
    };
    let old = Keyring::new(&Jwt {
        secrets: vec![Secret::new(SECRET)],
        ..jwt()
    });
    let (before, new) = (old.access(&account, stamp), Keyring::new(&jwt()));

    assert!(new.verify(&before, Purpose::Access, NOW).is_ok());
    assert!(
        new.verify(&old.refresh(&account.id, 0, stamp), Purpose::Refresh, NOW)
            .is_ok()
    );
    assert_eq!(
        old.verify(&new.access(&account, stamp), Purpose::Access, NOW),
        Err(Bad::Invalid)
    );
}

#[test]
fn a_code_is_kept_under_a_key_and_for_its_address() {
    let (keyring, other) = (
        Keyring::new(&jwt()),
        Keyring::new(&Jwt {
            secrets: vec![Secret::new(SECRET)],
            ..jwt()
        }),
    );
    let hash =
        |keyring: &Keyring, email: &str, code: &str| keyring.code_hash(&Email::parse(email).unwrap(), code).unwrap();

    let kept = hash(&keyring, "ann@example.org", "123456");

    assert_eq!(hash(&keyring, "ANN@example.org", "123456"), kept);
    assert_ne!(hash(&keyring, "bob@example.org", "123456"), kept);
    assert_ne!(hash(&other, "ann@example.org", "123456"), kept);
    assert_eq!(
        Keyring::new(&Settings::default().jwt).code_hash(&Email::parse("a@b.c").unwrap(), "1"),
        None
    );
}

#[test]
fn a_telephone_is_known_whichever_secret_it_was_kept_under() {
    let phone = Phone::parse("+1234567890").unwrap();
    let keyring = |secrets: &[&str], phones: &[&str]| {
        let listed = |texts: &[&str]| texts.iter().map(|text| Secret::new(*text)).collect::<Vec<_>>();
        let secrets = listed(secrets);
        Keyring::new(&Jwt { secrets, ..jwt() }).with_phones(&listed(phones))
    };
    let hashes = |secrets, phones| keyring(secrets, phones).phone_hashes(&phone);

    let kept = hashes(&["one"], &[]).remove(0);

    assert_eq!(hashes(&["two", "one"], &[])[1], kept, "while the secret is known");
    assert_eq!(
        hashes(&["two"], &["one"]),
        [kept, hashes(&["two"], &[]).remove(0)],
        "when it is dropped"
    );
    assert!(hashes(&[], &[]).is_empty());
}
