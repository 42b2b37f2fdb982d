//! Reporting a partner (contract 2.5, 3.3; the document's moderation flow).

use crate::harness::eventually;
use crate::harness::pair::{Pair, pair, relays, say, shown};
use crate::harness::stage::{everywhere, with};
use serde_json::{Value, json};
use sqlx::{Connection, Row};

fn report(two: &Pair, violation: &str) -> Value {
    json!({ "reportedUserId": two.bob_id, "violationType": violation, "description": "was rude" })
}

#[tokio::test]
async fn a_report_ends_the_room_for_both_and_is_confirmed_to_the_reporter() {
    everywhere(async |stage| {
        for violation in ["harassment", "spam", "inappropriate", "other"] {
            let mut two = pair(stage).await;

            two.ann.emit("report_text_chat", &[report(&two, violation)]);

            let ended = ("text_room_ended".to_owned(), vec![json!({ "reason": "reported" })]);
            assert_eq!(two.ann.next().await, ended);
            assert_eq!(
                two.ann.next().await,
                ("report_submitted".to_owned(), vec![json!({ "success": true })])
            );
            assert_eq!(two.bob.next().await, ended);
            two.bob.dealt_with().await;
            assert!(!two.bob.unread().contains(&"report_submitted".to_owned()));
        }
    })
    .await;
}

#[tokio::test]
async fn the_last_thirty_lines_are_kept_with_a_report() {
    with(|s| s.chat.rate_limit = 60)
        .database()
        .everywhere(async |stage| {
            let mut two = pair(stage).await;
            for i in 0..35 {
                let (from, to) = if i % 2 == 0 { (&two.ann, &mut two.bob) } else { (&two.bob, &mut two.ann) };
                say(from, &format!("line {i}"));
                to.hear("text_message_received").await;
            }
            two.ann.emit("report_text_chat", &[report(&two, "spam")]);
            two.ann.hear("report_submitted").await;

            let mut db = sqlx::PgConnection::connect(stage.postgres_url()).await.unwrap();
            let find = "select reporter, reported, violation, description, status, messages from reports where room = $1::uuid";
            let room = two.room.trim_start_matches("text_room_");
            let mut row = None;
            eventually("the report is stored", async || {
                row = sqlx::query(find).bind(room).fetch_optional(&mut db).await.unwrap();
                row.is_some()
            })
            .await;

            let row = row.unwrap();
            let word = |column| row.get::<String, _>(column);
            let [reporter, reported] = ["reporter", "reported"].map(|column| shown(&word(column)));
            assert_eq!([&reporter, &reported], [&two.ann_id, &two.bob_id]);
            let words = ["violation", "description", "status"].map(word);
            assert_eq!(words, ["spam", "was rude", "pending"]);
            let lines: Value = row.get("messages");
            let lines = lines.as_array().unwrap();
            let texts: Vec<_> = lines.iter().map(|line| line["content"].as_str().unwrap()).collect();
            assert_eq!(texts, (5..35).map(|i| format!("line {i}")).collect::<Vec<_>>());
            assert_eq!(shown(lines[0]["senderId"].as_str().unwrap()), two.bob_id);
            assert!(lines[0]["timestamp"].is_u64() && lines[0]["messageId"].is_string());
        })
        .await;
}

#[tokio::test]
async fn only_the_partner_can_be_reported() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        let others = pair(stage).await;
        for reported in [&others.bob_id, &two.ann_id, "user-nobody", "no {such} id"] {
            let payload = json!({ "reportedUserId": reported, "violationType": "spam", "description": "" });
            two.ann.emit("report_text_chat", &[payload]);
            let expected = json!({ "message": "The reported user is not your partner", "code": "NOT_YOUR_PARTNER" });
            assert_eq!(two.ann.hear("text_chat_error").await, expected, "{reported}");
        }
        two.chats().await;
    })
    .await;
}

#[tokio::test]
async fn a_report_must_say_what_for() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        let who = two.bob_id.clone();
        for (payload, code) in [
            (
                json!({ "reportedUserId": who, "violationType": "rudeness" }),
                "UNKNOWN_VIOLATION",
            ),
            (json!({ "reportedUserId": who }), "INVALID_PAYLOAD"),
            (
                json!({ "reportedUserId": 7, "violationType": "spam" }),
                "INVALID_PAYLOAD",
            ),
            (json!({ "violationType": "spam" }), "INVALID_PAYLOAD"),
            (json!([]), "INVALID_PAYLOAD"),
            (Value::Null, "INVALID_PAYLOAD"),
        ] {
            two.ann.emit("report_text_chat", std::slice::from_ref(&payload));
            assert_eq!(two.ann.hear("text_chat_error").await["code"], json!(code), "{payload}");
        }
        relays(&two.ann, &mut two.bob).await;
    })
    .await;
}

#[tokio::test]
async fn a_second_report_and_one_without_a_room_are_refused() {
    everywhere(async |stage| {
        let mut two = pair(stage).await;
        two.ann.emit("report_text_chat", &[report(&two, "spam")]);
        two.ann.hear("report_submitted").await;

        two.ann.emit("report_text_chat", &[report(&two, "spam")]);

        let expected = json!({ "message": "No active text chat room", "code": "NO_ROOM" });
        assert_eq!(two.ann.hear("text_chat_error").await, expected);
        assert!(!two.ann.unread().contains(&"report_submitted".to_owned()));
    })
    .await;
}
