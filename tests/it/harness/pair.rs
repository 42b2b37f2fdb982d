//! Two people in a room: how scenarios begin, and how they show that all is well.

use super::client::Client;
use super::stage::{JWT_SECRET, Stage};
use palaver::ids::UserId;
use serde_json::{Value, json};

/// Two people in a room.
pub struct Pair {
    pub ann: Client,
    pub bob: Client,
    pub room: String,
    /// Their user ids.
    pub ann_id: String,
    pub bob_id: String,
}

/// An id, as it is kept, in the form in which people are told it.
pub fn shown(id: &str) -> String {
    UserId::parse(id).unwrap().shown().to_owned()
}

impl Pair {
    /// Seats two people who are looking for nobody yet.
    pub async fn seat(mut ann: Client, mut bob: Client) -> Self {
        ann.emit("join_text_queue", &[]);
        ann.expect("text_queue_joined").await;
        bob.emit("join_text_queue", &[]);
        let to_ann = ann.hear("text_match_found").await;
        let to_bob = bob.hear("text_match_found").await;
        bob.forget();
        ann.forget();
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        assert_eq!(to_ann["roomId"], to_bob["roomId"]);
        Self {
            ann,
            bob,
            room: word(&to_ann["roomId"]),
            ann_id: word(&to_bob["partnerId"]),
            bob_id: word(&to_ann["partnerId"]),
        }
    }

    /// Each hears the other, and nothing else came before.
    pub async fn chats(&mut self) {
        relays(&self.ann, &mut self.bob).await;
        relays(&self.bob, &mut self.ann).await;
    }
}

/// What one says, the other hears next.
pub async fn relays(from: &Client, to: &mut Client) {
    let text = format!("{:08x}", rand::random::<u32>());
    say(from, &text);
    assert_eq!(to.hear("text_message_received").await["content"], json!(text));
}

/// Two guests of the original web app in a room, on different nodes where there are two.
pub async fn pair(stage: &Stage) -> Pair {
    Pair::seat(stage.guest(0).await, stage.guest(1).await).await
}

/// Says a line.
pub fn say(client: &Client, text: &str) {
    client.emit("send_text_message", &[json!({ "content": text })]);
}

/// A token for a registered user.
pub fn token(user: &str) -> String {
    let claims = json!({ "userId": user, "exp": 4_000_000_000u64 });
    let key = jsonwebtoken::EncodingKey::from_secret(JWT_SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

/// A deed beside which two who mind their own business on the same nodes chat on.
pub async fn beside(stage: &mut Stage, deed: impl AsyncFnOnce(&Stage)) {
    let mut neighbours = pair(stage).await;
    deed(stage).await;
    neighbours.chats().await;
}
