//! What each command does, and what it answers to the socket that sent it. What others are told comes through the inbox.

use super::encode::matched;
use super::{Omegoo, failed};
use crate::actions::Denied;
use crate::actions::say::Receipt;
use crate::actions::seek::Sought;
use crate::coord::script::FENCED;
use crate::domain::account::{Ability, may};
use crate::domain::command::Command;
use crate::domain::queue::{Place, Queue};
use crate::domain::refusal::Refusal;
use crate::ids::{ClientMessageId, RoomId};
use crate::metrics;
use crate::wire::hub::Doing;
use crate::wire::member::Member;
use crate::wire::socketio::AckId;
use crate::wire::{End, Frame, Inbound, Socket};
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::pin::pin;

/// Always with an argument: clients take a string that comes last for a bookmark, also the name of an event without any.
fn emit(socket: &Socket, name: &str, payload: &Value) {
    socket.emit(&Frame::event("/", name, payload));
}

impl Omegoo {
    pub(super) async fn perform(&self, member: &Member, inbound: Inbound) {
        let decoded = super::decode::decode(&inbound.name, &inbound.args);
        let kind = match &decoded {
            Ok(Some(command)) => command.kind(),
            Ok(None) => "unknown",
            Err(_) => "malformed",
        };
        metrics::EVENTS_RECEIVED.one(kind);
        let outcome = match decoded {
            Ok(Some(command)) => self.carry_out_settled(member, &command).await,
            Ok(None) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        };
        match (outcome, inbound.ack) {
            (Ok(receipt), Some(ack)) => confirm(member, receipt, ack),
            (Ok(_), None) => {}
            (Err(denied), ack) => deny(member, denied, ack),
        }
    }

    /// What a client wants while Redis is asked anew what its user is doing waits, as it would wait for Redis itself:
    /// unless the user turns out to be doing something else by then, or it may be old.
    async fn carry_out_settled(&self, member: &Member, command: &Command) -> Result<Option<Receipt>, Denied> {
        let mut settles = pin!(member.settles());
        let believed = self.hub.doing(&member.who.user);
        if member.is_settled() {
            let outcome = self.carry_out(member, command).await;
            let fenced = matches!(&outcome, Err(Denied::Failed(fault)) if fault.why == FENCED);
            let connection = member.socket.connection();
            if fenced && connection.polls() {
                // Its record has what was posted, for whoever owns the session now.
                connection.end(End::Orphaned);
                return outcome;
            }
            let unfounded = match &outcome {
                // Sent in the name of the next life, before that had begun.
                Err(Denied::Failed(_)) => fenced,
                // Redis may have lost its data, and the client is still to be told.
                Err(Denied::Refused(Refusal::NoRoom | Refusal::SeatLost)) => true,
                _ => false,
            };
            let mut asked_anew = || !member.is_settled() || settles.as_mut().now_or_never().is_some();
            if !unfounded || !asked_anew() {
                return outcome;
            }
        }
        Box::pin(async {
            let patience = self.actions.settings().redis.command_timeout;
            if !self.hub.trusts_clients() || tokio::time::timeout(patience, settles).await.is_err() {
                return Err(Refusal::Unavailable.into());
            }
            match self.hub.doing(&member.who.user) == believed {
                true => self.carry_out(member, command).await,
                false => Err(Refusal::Unavailable.into()),
            }
        })
        .await
    }

    /// Does it; of a line, what became of it.
    async fn carry_out(&self, member: &Member, command: &Command) -> Result<Option<Receipt>, Denied> {
        match command {
            Command::Say { text, client_id } => {
                self.allow(member, Ability::Chat)?;
                return self.say(member, text, client_id.as_ref()).await.map(Some);
            }
            Command::Seek(queue) => {
                self.allow(member, Ability::Chat)?;
                // Boxed, like all that needs more room than a line: those are many at a time.
                Box::pin(self.seek(member, *queue)).await?;
            }
            Command::StopSeeking(Queue::Text) => self.stop_seeking(member).await?,
            Command::ShowTyping(typing) => {
                if let Some(room) = self.room_of(member) {
                    self.actions.show_typing(&member.who.user, room, *typing).await?;
                }
            }
            Command::LeaveRoom => {
                if let Some(room) = self.room_of(member) {
                    self.actions.leave_room(&member.who.user, room).await?;
                }
            }
            Command::Report {
                reported,
                violation,
                description,
            } => {
                self.allow(member, Ability::Report)?;
                let room = self.room_of(member).ok_or(Refusal::NoRoom)?;
                self.actions
                    .report(&member.who.user, room, reported, *violation, description)
                    .await?;
            }
            Command::Return => self.come_back(member).await?,
            Command::Show(mode) => self.actions.show(&member.who.user, *mode).await?,
        }
        Ok(None)
    }

    fn allow(&self, member: &Member, ability: Ability) -> Result<(), Refusal> {
        match may(member.who.standing, ability) {
            true => Ok(()),
            false => Err(Refusal::NotSignedIn),
        }
    }

    fn room_of(&self, member: &Member) -> Option<RoomId> {
        match self.hub.doing(&member.who.user) {
            Doing::Seated(room) => Some(room),
            Doing::Nothing | Doing::Seeking(_) => None,
        }
    }

    async fn seek(&self, member: &Member, queue: Queue) -> Result<(), Denied> {
        let user = &member.who.user;
        let believed = self.hub.doing(user);
        match self.actions.seek(user, member.socket.sid(), queue).await? {
            Sought::Waiting(Place { position, wait_seconds }) => {
                let place = json!({ "position": position, "estimatedWaitTime": wait_seconds });
                let tell = || emit(&member.socket, "text_queue_joined", &place);
                self.hub.answer(user, believed, Doing::Seeking(queue), tell);
            }
            Sought::Seated(room, people, missed) => self.hub.answer(user, believed, Doing::Seated(room), || {
                let (name, payload) = matched(room, &people, user);
                emit(&member.socket, name, &payload);
                missed.iter().for_each(|event| member.say(event));
            }),
        }
        Ok(())
    }

    async fn stop_seeking(&self, member: &Member) -> Result<(), Denied> {
        let user = &member.who.user;
        let believed = self.hub.doing(user);
        if self.actions.stop_seeking(user).await? {
            self.hub
                .answer(user, believed, Doing::Nothing, || tell_queue_left(member));
        }
        Ok(())
    }

    async fn say(&self, member: &Member, text: &str, client_id: Option<&ClientMessageId>) -> Result<Receipt, Denied> {
        let room = self.room_of(member).ok_or(Refusal::NoRoom)?;
        let user = &member.who.user;
        let echo = self.hub.wants_echo(user);
        self.actions.say(user, room, text, client_id, echo).await
    }

    async fn come_back(&self, member: &Member) -> Result<(), Denied> {
        let recalled = match self.room_of(member) {
            Some(room) => self.actions.recall(&member.who.user, member.socket.sid(), room).await,
            None => Err(Refusal::SeatLost.into()),
        };
        metrics::RECONNECTS.one(if recalled.is_ok() { "resumed" } else { "failed" });
        recalled
    }
}

/// The user seeks no longer.
pub(super) fn tell_queue_left(member: &Member) {
    emit(&member.socket, "text_queue_left", &json!({}));
}

/// Tells the sender that it was done: clients that were told to retry say everything again until they hear so.
fn confirm(member: &Member, receipt: Option<Receipt>, ack: AckId) {
    let receipt =
        receipt.map(|Receipt { message, at }| json!({ "messageId": format!("msg_{message}"), "timestamp": at.0 }));
    member.socket.ack(ack, receipt.as_slice(), &[]);
}

/// Tells the sender why not: in the event that the document has for it, and in the acknowledgement if one was asked for.
fn deny(member: &Member, denied: Denied, ack: Option<AckId>) {
    let refusal = match denied {
        Denied::Refused(refusal) => refusal,
        Denied::Failed(fault) => {
            failed(&fault);
            Refusal::Unavailable
        }
    };
    metrics::REFUSALS.one(refusal.code());
    let text = refusal.to_string();
    match &refusal {
        Refusal::SlowDown { .. } => {
            emit(
                &member.socket,
                "rate_limit_exceeded",
                &json!({ "message": text, "remaining": 0 }),
            );
        }
        Refusal::SeatLost => emit(&member.socket, "text_reconnect_failed", &json!({ "reason": text })),
        // Who asked for an acknowledgement gets the reason there, and only there.
        _ if ack.is_some() => {}
        _ => emit(
            &member.socket,
            "text_chat_error",
            &json!({ "message": text, "code": refusal.code() }),
        ),
    }
    if let Some(ack) = ack {
        let mut answer = json!({ "error": text, "code": refusal.code() });
        if let Refusal::SlowDown { wait } = &refusal {
            answer["retryAfterMs"] = json!(wait.as_millis() as u64);
        }
        member.socket.ack(ack, &[answer], &[]);
    }
}
