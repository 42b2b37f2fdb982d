//! Who somebody is, from what a handshake brought.

use super::Actions;
use crate::config::Jwt;
use crate::domain::account::{Identity, Standing};
use crate::ids::UserId;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;

/// The claims that matter here; the original servers wrote `userId`, some of their clients `id`.
#[derive(Deserialize)]
struct Claims {
    #[serde(alias = "id")]
    #[serde(rename = "userId")]
    user_id: String,
}

impl Actions {
    /// The strongest identity that holds: a valid token, else a device's guest id, else somebody new.
    pub fn identify(&self, token: Option<&str>, guest: Option<&str>) -> Identity {
        let registered = token.and_then(|token| user_of_token(token, &self.settings.jwt));
        let known = || guest.and_then(UserId::guest);
        match (registered, known) {
            (Some(user), _) => Identity {
                user,
                standing: Standing::Registered,
            },
            (None, known) => match known() {
                Some(user) => Identity {
                    user,
                    standing: Standing::Guest,
                },
                None => Identity {
                    user: UserId::passing(self.now().0),
                    standing: Standing::Passing,
                },
            },
        }
    }
}

/// The user of a token that one of our keys signed and that is valid now.
fn user_of_token(token: &str, settings: &Jwt) -> Option<UserId> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = settings.leeway.as_secs();
    validation.validate_nbf = true;
    match &settings.audience {
        Some(audience) => validation.set_audience(&[audience]),
        None => validation.validate_aud = false,
    }
    settings.secrets.iter().find_map(|secret| {
        let key = DecodingKey::from_secret(secret.reveal().as_bytes());
        let claims = decode::<Claims>(token, &key, &validation).ok()?.claims;
        UserId::parse(&claims.user_id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Secret, Settings};
    use jsonwebtoken::{EncodingKey, Header, encode};
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
        user_of_token(token, &jwt()).map(|u| u.to_string())
    }

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
}
