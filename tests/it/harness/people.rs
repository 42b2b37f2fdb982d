//! People with accounts: the HTTP API as a client calls it, through the balancer, so that any node may answer.

use super::world::{JWT_SECRET, Plan, World};
use palaver::actions::account::tokens::Keyring;
use palaver::config;
use palaver::domain::account::{Email, Phone};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

/// The API of a world.
pub struct Api {
    base: String,
    database: String,
    http: reqwest::Client,
}

/// An answer.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Told {
    /// Status and code of a refusal.
    pub fn refusal(&self) -> (u16, &str) {
        assert_eq!(self.body["success"], json!(false), "{self:?}");
        assert_eq!(self.body["error"], self.body["message"], "both families read it");
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    /// The body of a success.
    pub fn done(self) -> Value {
        assert!(self.status < 300, "{self:?}");
        assert_eq!(self.body["success"], json!(true));
        self.body
    }

    /// The value of a cookie that is set.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all("set-cookie").iter();
        let mut found = lines.filter_map(|line| line.to_str().unwrap().strip_prefix(&format!("{name}=")));
        found.next().map(|rest| rest.split(';').next().unwrap().to_owned())
    }
}

/// A world in which hashing passwords costs little, and addresses, which all are the same here, are not limited.
pub fn plan() -> Plan {
    World::new()
        .set("PALAVER_LIMITS__PER_IP", "0")
        .set("PALAVER_ACCOUNTS__HASH_MEMORY", "64KiB")
        .set("PALAVER_ACCOUNTS__HASH_PASSES", "1")
}

impl Api {
    /// The API of `world`.
    pub fn of(world: &World) -> Self {
        Self {
            base: world.url(),
            database: world.postgres_url(),
            http: reqwest::Client::new(),
        }
    }

    /// Asks, with headers.
    pub async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Told {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: no JSON: {text}"));
        Told { status, headers, body }
    }

    pub async fn post(&self, path: &str, body: Value) -> Told {
        self.ask(Method::POST, path, &[], Some(body)).await
    }

    /// With an access token.
    pub async fn get_as(&self, token: &str, path: &str) -> Told {
        let bearer = format!("Bearer {token}");
        self.ask(Method::GET, path, &[("authorization", &bearer)], None).await
    }

    /// With an access token.
    pub async fn post_as(&self, token: &str, path: &str, body: Value) -> Told {
        let bearer = format!("Bearer {token}");
        self.ask(Method::POST, path, &[("authorization", &bearer)], Some(body))
            .await
    }

    /// With an access token.
    pub async fn ask_as(&self, method: Method, token: &str, path: &str, body: Option<Value>) -> Told {
        let bearer = format!("Bearer {token}");
        self.ask(method, path, &[("authorization", &bearer)], body).await
    }

    /// Every one of these operations under `root` refuses nobody, a bad token, and the owner of `token` once banned.
    pub async fn each_asks_who(&self, token: &str, root: &str, all: &[(Method, &str)]) {
        let ask = async |method: &Method, what: &str, headers: &[(&str, &str)]| {
            let body = (method != Method::GET && method != Method::DELETE).then(|| json!({}));
            self.ask(method.clone(), &format!("{root}/{what}"), headers, body).await
        };
        for (method, what) in all {
            assert_eq!(ask(method, what, &[]).await.refusal(), (401, "TOKEN_MISSING"), "{what}");
            let bad = ask(method, what, &[("authorization", "Bearer x")]).await;
            assert_eq!(bad.refusal(), (401, "INVALID_TOKEN"), "{what}");
            assert_eq!(bad.body["errorCode"], json!(2001));
        }
        self.sql("update users set status = 'banned'").await;
        let bearer = format!("Bearer {token}");
        for (method, what) in all {
            let banned = ask(method, what, &[("authorization", &bearer)]).await;
            assert_eq!(banned.refusal(), (403, "USER_BANNED"), "{what}");
        }
    }

    /// Reads one value from the database, as text.
    pub async fn sql_value(&self, statement: &str) -> Option<String> {
        let mut database = PgConnection::connect(&self.database).await.unwrap();
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        sqlx::query_scalar(statement).fetch_one(&mut database).await.unwrap()
    }

    /// Uploads a file in a form's field.
    pub async fn upload(&self, token: &str, path: &str, field: &str, file: &[u8]) -> Told {
        let head = format!("--line\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"a.png\"\r\n\r\n");
        let body = [head.as_bytes(), file, b"\r\n--line--\r\n"].concat();
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(token);
        let request = request.header("content-type", "multipart/form-data; boundary=line");
        let answer = request.body(body).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.json().await.unwrap();
        Told { status, headers, body }
    }

    /// Status and size of what lies at a path.
    pub async fn fetch(&self, path: &str) -> (u16, usize) {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap().len())
    }

    /// Runs a statement in the database.
    pub async fn sql(&self, statement: &str) {
        let mut database = PgConnection::connect(&self.database).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
            .execute(&mut database)
            .await
            .unwrap();
    }

    /// Makes `code` the one that was sent to an address: most tests read no mail.
    pub async fn send_code(&self, email: &str, code: &str) {
        let hash = keyring().code_hash(&Email::parse(email).unwrap(), code).unwrap();
        self.sql(&format!(
            "update sign_ups set code_hash = '{hash}' where email = '{email}'"
        ))
        .await;
    }

    /// Makes `code` the one that was sent to a telephone.
    pub async fn send_phone_code(&self, phone: &str, code: &str) {
        let (keyring, phone) = (keyring(), Phone::parse(phone).unwrap());
        let (number, hash) = (
            keyring.phone_hashes(&phone).remove(0),
            keyring.phone_code_hash(&phone, code).unwrap(),
        );
        self.sql(&format!(
            "update phone_codes set code_hash = '{hash}' where phone_hash = '{number}'"
        ))
        .await;
    }

    /// Signs somebody up in the Omegoo API: `<name>@gmail.com`, password `secret-<name>`; the answer to the code.
    pub async fn sign_up(&self, name: &str) -> Value {
        let email = format!("{name}@gmail.com");
        let form = json!({"email": email, "username": name, "password": format!("secret-{name}"), "gender": "female"});
        self.post("/api/auth/register", form).await.done();
        self.send_code(&email, "424242").await;
        self.post("/api/auth/verify-otp", json!({"email": email, "otp": "424242"}))
            .await
            .done()
    }
}

/// The keys of a world's nodes.
fn keyring() -> Keyring {
    Keyring::new(&config::Jwt {
        secrets: vec![config::Secret::new(JWT_SECRET)],
        ..config::Settings::default().jwt
    })
}

/// A text field of an answer.
pub fn text(body: &Value, field: &str) -> String {
    body[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} in {body}"))
        .to_owned()
}

/// A token of another server that shares the world's secret.
pub fn foreign_token(user: &str) -> String {
    let claims = json!({ "userId": user, "exp": 4_000_000_000u64 });
    let key = jsonwebtoken::EncodingKey::from_secret(JWT_SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}
