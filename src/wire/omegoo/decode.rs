//! The table from packets to commands (contract 2.1, 2.5). Total: every name and payload has an answer.

use crate::domain::command::Command;
use crate::domain::event::Typing;
use crate::domain::presence::Mode;
use crate::domain::queue::Queue;
use crate::domain::refusal::Refusal;
use crate::domain::safety::Violation;
use crate::ids::{ClientMessageId, UserId};
use serde_json::Value;

/// The command of an event; `Ok(None)` for names that this API does not have, which are ignored (contract 3.7, rule 6).
pub(super) fn decode(name: &str, args: &[Value]) -> Result<Option<Command>, Refusal> {
    let payload = args.first().unwrap_or(&Value::Null);
    let command = match name {
        "mode-presence-update" => Command::Show(mode(payload)),
        "join_text_queue" => Command::Seek(Queue::Text),
        "leave_text_queue" => Command::StopSeeking(Queue::Text),
        "send_text_message" => say(payload)?,
        "text_typing_start" => Command::ShowTyping(Typing::Started),
        "text_typing_stop" => Command::ShowTyping(Typing::Stopped),
        "leave_text_room" => Command::LeaveRoom,
        "report_text_chat" => report(payload)?,
        "attempt_text_reconnect" => Command::Return,
        _ => return Ok(None),
    };
    Ok(Some(command))
}

fn mode(payload: &Value) -> Option<Mode> {
    match payload.get("mode")?.as_str()?.to_ascii_lowercase().as_str() {
        "text" => Some(Mode::Text),
        "audio" => Some(Mode::Audio),
        "video" => Some(Mode::Video),
        _ => None,
    }
}

fn say(payload: &Value) -> Result<Command, Refusal> {
    let text = payload
        .get("content")
        .and_then(Value::as_str)
        .ok_or(Refusal::InvalidMessage)?;
    let client_id = match payload.get("clientMessageId") {
        None | Some(Value::Null) => None,
        Some(id) => {
            let id = id.as_str().and_then(ClientMessageId::parse);
            Some(id.ok_or(Refusal::InvalidPayload {
                field: "clientMessageId",
            })?)
        }
    };
    Ok(Command::Say {
        text: text.to_owned(),
        client_id,
    })
}

fn report(payload: &Value) -> Result<Command, Refusal> {
    let text = |field: &'static str| {
        payload
            .get(field)
            .and_then(Value::as_str)
            .ok_or(Refusal::InvalidPayload { field })
    };
    let violation = text("violationType")?;
    Ok(Command::Report {
        reported: UserId::parse(text("reportedUserId")?).ok_or(Refusal::NotYourPartner)?,
        violation: Violation::parse(violation).ok_or(Refusal::UnknownViolation)?,
        description: payload
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn every_event_of_the_contract_is_a_command() {
        let text = |t: &str| Command::Say {
            text: t.to_owned(),
            client_id: None,
        };
        for (name, payload, command) in [
            ("join_text_queue", Value::Null, Command::Seek(Queue::Text)),
            ("leave_text_queue", Value::Null, Command::StopSeeking(Queue::Text)),
            ("send_text_message", json!({"content": "hi"}), text("hi")),
            ("text_typing_start", json!({}), Command::ShowTyping(Typing::Started)),
            ("text_typing_stop", json!({}), Command::ShowTyping(Typing::Stopped)),
            ("leave_text_room", json!({"roomId": "x"}), Command::LeaveRoom),
            ("attempt_text_reconnect", Value::Null, Command::Return),
            (
                "mode-presence-update",
                json!({"mode": "TEXT"}),
                Command::Show(Some(Mode::Text)),
            ),
            ("mode-presence-update", json!({"mode": null}), Command::Show(None)),
            ("mode-presence-update", json!({"mode": "idle"}), Command::Show(None)),
            ("mode-presence-update", json!("nonsense"), Command::Show(None)),
        ] {
            assert_eq!(decode(name, &[payload]), Ok(Some(command)), "{name}");
        }
        assert_eq!(decode("join_text_queue", &[]), Ok(Some(Command::Seek(Queue::Text))));
    }

    #[test]
    fn a_message_needs_text_and_a_well_formed_client_id() {
        for payload in [
            Value::Null,
            json!({}),
            json!({"content": 7}),
            json!({"content": ["x"]}),
            json!("hi"),
            json!([]),
        ] {
            assert_eq!(decode("send_text_message", &[payload]), Err(Refusal::InvalidMessage));
        }
        for id in [json!(7), json!(""), json!("a b"), json!("x".repeat(65))] {
            let refused = decode("send_text_message", &[json!({"content": "hi", "clientMessageId": id})]);
            assert_eq!(
                refused,
                Err(Refusal::InvalidPayload {
                    field: "clientMessageId"
                })
            );
        }
    }

    #[test]
    fn a_report_needs_a_user_and_one_of_four_violations() {
        let report = |user: Value, violation: Value| {
            decode(
                "report_text_chat",
                &[json!({"reportedUserId": user, "violationType": violation, "description": "d"})],
            )
        };

        assert!(matches!(
            report(json!("u"), json!("spam")),
            Ok(Some(Command::Report { .. }))
        ));
        assert_eq!(
            report(json!(1), json!("spam")),
            Err(Refusal::InvalidPayload {
                field: "reportedUserId"
            })
        );
        assert_eq!(report(json!("u"), json!("rudeness")), Err(Refusal::UnknownViolation));
        assert_eq!(
            report(json!("u"), json!(null)),
            Err(Refusal::InvalidPayload { field: "violationType" })
        );
        assert_eq!(
            report(json!("no such {id}"), json!("spam")),
            Err(Refusal::NotYourPartner)
        );
    }

    #[test]
    fn what_the_original_app_sends_beyond_the_contract_is_ignored() {
        for name in ["session_ended", "send_like", "", "constructor", "join_text_queue "] {
            assert_eq!(decode(name, &[json!({})]), Ok(None));
        }
    }

    proptest! {
        #[test]
        fn no_payload_panics(name in "[a-z_-]{0,24}", text in "\\PC{0,40}", n in any::<i64>()) {
            for payload in [json!(text), json!(n), json!([text]), json!({"content": text, "mode": n}), json!({"mode": text})] {
                let _ = decode(&name, std::slice::from_ref(&payload));
                for name in ["send_text_message", "mode-presence-update", "report_text_chat"] {
                    let _ = decode(name, std::slice::from_ref(&payload));
                }
            }
        }
    }
}
