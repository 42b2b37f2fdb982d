//! The task of a polling session on the node that owns it: it takes what any node was posted, and carries what is
//! emitted to Redis, where any node's poll finds it.

use super::bearer::Bearer;
use super::connection::{Connection, End};
use super::dialogue::{Dialogue, Handover};
use super::directory::{Held, Mail};
use super::engine::Core;
use super::engineio::{Malformed, Packet, decode_payload};
use super::outbox::Outbox;
use super::pace::Pace;
use super::signals;
use crate::clock::Millis;
use crate::coord::script::FENCED;
use crate::coord::sessions::{Carried, Emitted, Expired, Packets, Says};
use crate::error::Fault;
use crate::ids::SessionId;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{Notify, mpsc};

/// Packets carried to Redis at once.
const BATCH: usize = 256;

struct Holding<D: Dialogue> {
    core: Arc<Core<D>>,
    held: Held,
    memory: D::Memory,
    pace: Pace,
    /// The record is over, or another's: nothing more is to be said about it.
    told: bool,
}

/// The end of listening to a client.
#[derive(Default)]
struct Halt {
    wanted: Notify,
    done: Notify,
}

/// A session was opened here, by a client that brought a token along or did not.
pub(super) fn open<D: Dialogue>(core: &Arc<Core<D>>, sid: SessionId, bearer: Option<Bearer>) {
    let now = core.clock.steady();
    let (holding, mail, _) = hold(core, sid, 1, now + core.beat().dead);
    bearer
        .into_iter()
        .for_each(|bearer| holding.held.connection.bring(bearer));
    tokio::spawn(holding.run(mail, None, None));
}

/// A session whose owner is gone is this node's now.
pub(super) fn adopt<D: Dialogue>(core: &Arc<Core<D>>, sid: SessionId, epoch: u64, dead: Millis, joined: Vec<Carried>) {
    let (holding, mail, before) = hold(core, sid, epoch, dead);
    if let Some(before) = &before {
        before.connection.end(End::Moved);
    }
    let handover = signals::handover(joined, &[]);
    tokio::spawn(holding.run(mail, Some(handover), before));
}

/// Ends a session that nobody can go on with. If Redis is away, its record ends by itself.
pub(super) fn abandon<D: Dialogue>(core: &Arc<Core<D>>, sid: SessionId, says: Says, why: &'static str) {
    let core = core.clone();
    tokio::spawn(async move {
        if let Err(fault) = core.coord.session_drop(&sid, says, why).await {
            tracing::warn!(%fault, why, "a polling session could not be dropped");
        }
    });
}

fn hold<D: Dialogue>(
    core: &Arc<Core<D>>,
    sid: SessionId,
    epoch: u64,
    dead: Millis,
) -> (Holding<D>, mpsc::Receiver<Mail>, Option<Held>) {
    let now = core.clock.steady();
    let outbox = Outbox::gathering(core.settings.outbox);
    let connection = Connection::new(sid, outbox, now, &core.settings);
    connection.due.store(dead.0, Ordering::Release);
    core.living.add(&connection);
    let (held, mail, before) = core.directory.hold(&connection, epoch);
    let holding = Holding {
        core: core.clone(),
        held,
        memory: D::Memory::default(),
        pace: Pace::new(now, &core.settings),
        told: false,
    };
    (holding, mail, before)
}

impl<D: Dialogue> Holding<D> {
    async fn run(mut self, mut mail: mpsc::Receiver<Mail>, handover: Option<Handover>, before: Option<Held>) {
        if let Some(before) = before {
            before.done.notified().await;
            // What was dealt with here and the record did not hear of.
            let dealt = before.posts.dealt.load(Ordering::Acquire);
            self.held.posts.dealt.store(dealt, Ordering::Release);
        }
        let core = self.core.clone();
        let held = self.held.clone();
        let connection = held.connection.clone();
        let saved = handover.as_ref().map(|h| signals::carried(h).0).unwrap_or_default();
        let halt = Halt::default();
        let listening = async {
            let end = self.listen(&mut mail, handover, &halt.wanted).await;
            connection.end(end);
            halt.done.notify_one();
        };
        let carrying = async {
            let saved = carry(&core, &held, saved, &halt).await;
            halt.wanted.notify_one();
            saved
        };
        let ((), saved) = futures_util::future::join(listening, carrying).await;
        match (connection.over().unwrap_or(End::Cut), saved) {
            (End::Drained, Some(saved)) => Box::pin(self.give_up(saved)).await,
            // Nobody may go on after the gap.
            (End::Drained, None) => Box::pin(self.finish(End::Cut)).await,
            (end, _) => Box::pin(self.finish(end)).await,
        }
        core.living.remove(&connection);
        core.directory.unhold(&connection);
        held.done.notify_one();
    }

    async fn listen(&mut self, mail: &mut mpsc::Receiver<Mail>, handover: Option<Handover>, halt: &Notify) -> End {
        let connection = self.held.connection.clone();
        if let Some(handover) = handover {
            let adopted = self.core.dialogue.adopt(&connection, &mut self.memory, handover);
            if let Err(Malformed(how)) = Box::pin(adopted).await {
                return End::Malformed(how);
            }
        }
        while !connection.is_over() {
            let next = tokio::select! {
                next = mail.recv() => next,
                () = halt.notified() => None,
            };
            let Some(next) = next else { return End::Cut };
            if let Err(end) = Box::pin(self.take(next)).await {
                return end;
            }
        }
        End::Cut
    }

    async fn take(&mut self, mail: Mail) -> Result<(), End> {
        match mail {
            Mail::Push(number, body) => self.pushed(number, &body).await,
            Mail::Pong => {
                let now = self.core.clock.steady();
                let connection = &self.held.connection;
                connection.note_posted_pong(now, &self.core.settings);
                connection.due.store((now + self.core.beat().dead).0, Ordering::Release);
                Ok(())
            }
            Mail::Moved => Err(End::Moved),
            Mail::Over(why) => {
                self.told = true;
                Err(match why.as_str() {
                    "client" => End::ClientClosed,
                    "malformed" => End::Malformed("bad payload"),
                    "overlap" => End::Malformed("two polls at once"),
                    _ => End::Cut,
                })
            }
            Mail::Expire => self.expire().await,
        }
    }

    async fn pushed(&mut self, number: u64, body: &str) -> Result<(), End> {
        let held = self.held.clone();
        if number <= held.posts.dealt.load(Ordering::Acquire) {
            return Ok(());
        }
        let malformed = |bad: Malformed| End::Malformed(bad.0);
        for packet in decode_payload(body, self.core.settings.max_packets).map_err(malformed)? {
            let Packet::Message(message) = packet else { continue };
            if !self.pace.take(self.core.clock.steady(), &self.core.settings) {
                return Err(End::TooFast);
            }
            let connection = &held.connection;
            let told = self.core.dialogue.message(connection, &mut self.memory, message);
            Box::pin(told).await.map_err(malformed)?;
            // One that is given up finishes what it has begun: the next owner knows of whole bodies only.
            if connection.over().is_some_and(|end| end != End::Drained) {
                return Ok(());
            }
        }
        held.posts.dealt.store(number, Ordering::Release);
        held.connection.outbox.wake.notify_one();
        Ok(())
    }

    async fn expire(&mut self) -> Result<(), End> {
        let connection = &self.held.connection;
        match self.core.coord.session_expire(connection.sid(), self.held.epoch).await {
            Ok(Expired::Alive(dead)) => {
                connection.due.store(dead.0, Ordering::Release);
                Ok(())
            }
            Ok(Expired::Expired) => {
                self.told = true;
                Err(End::PingTimeout)
            }
            Ok(Expired::Lost) => {
                self.told = true;
                Err(End::Cut)
            }
            // Asked again at the next beat.
            Err(_) => Ok(()),
        }
    }

    async fn finish(&mut self, end: End) {
        let connection = self.held.connection.clone();
        let (sid, epoch) = (connection.sid(), self.held.epoch);
        let handover = self.core.over(&connection, &mut self.memory, end).await;
        if self.told {
            return;
        }
        let coord = &self.core.coord;
        let said = match end {
            End::Moved => {
                let (joined, leftover) = signals::carried(&handover);
                coord.session_hand(sid, epoch, &joined, &leftover).await
            }
            // Given up, not ended.
            End::Drained | End::Orphaned => return,
            End::Cut | End::PingTimeout | End::ClientClosed | End::Closed(_) => {
                coord.session_drop(sid, Says::Owner(epoch), end.reason()).await
            }
            End::Malformed(_)
            | End::TooLarge
            | End::NotText
            | End::Unjoined
            | End::SlowReader
            | End::TooFast
            | End::Busy(_)
            | End::Expired
            | End::Dismissed => coord.session_close(sid, Says::Owner(epoch), "1", end.reason()).await,
        };
        if let Err(fault) = said {
            tracing::warn!(%fault, reason = end.reason(), "the end of a polling session could not be noted");
        }
    }

    /// The node stops. The next owner finds in the record what was sent, and what was posted and not dealt with.
    async fn give_up(&mut self, saved: Vec<Carried>) {
        let connection = self.held.connection.clone();
        let handover = self.core.over(&connection, &mut self.memory, End::Drained).await;
        if self.told {
            return;
        }
        if let Err(fault) = self.pass_on(saved, &handover).await {
            tracing::warn!(%fault, "a polling session could not be given up");
        }
    }

    async fn pass_on(&mut self, mut saved: Vec<Carried>, handover: &Handover) -> Result<(), Fault> {
        let core = self.core.clone();
        let (sid, epoch) = (self.held.connection.sid().clone(), self.held.epoch);
        let (joined, half) = signals::carried(handover);
        // The last things said here, and what the next owner must know before their client acts on them.
        note_namespaces(&core, &self.held, &mut saved, joined.clone()).await?;
        carry_frames(&core, &self.held).await?;
        if !core.coord.session_free(&sid, epoch, &half).await? {
            core.coord.session_hand(&sid, epoch, &joined, &half).await?;
        }
        Ok(())
    }
}

/// Carries what is emitted to Redis until the connection is over, and then what is left.
/// Gives the namespaces that the record knows; none when something may not have got there: what comes after that would be
/// heard without it, and is not carried.
async fn carry<D: Dialogue>(core: &Core<D>, held: &Held, mut saved: Vec<Carried>, halt: &Halt) -> Option<Vec<Carried>> {
    let connection = &held.connection;
    loop {
        let last = connection.is_over();
        if last {
            // What is being done for this client is finished, and answered.
            halt.wanted.notify_one();
            halt.done.notified().await;
            connection.outbox.close();
        }
        let broken = match carry_all(core, held, &mut saved).await {
            Ok(Emitted::Kept | Emitted::Routed) => None,
            // What comes after is lost as well: the record is over, or another's.
            Ok(Emitted::Lost) => {
                connection.end(End::Cut);
                None
            }
            Ok(Emitted::Slow) => Some(End::SlowReader),
            Err(fault) if fault.why == FENCED => Some(End::Orphaned),
            Err(fault) => {
                tracing::warn!(%fault, "packets of a polling session could not be kept");
                Some(End::Cut)
            }
        };
        if let Some(end) = broken {
            connection.end(end);
            connection.outbox.close();
            return None;
        }
        if last {
            return Some(saved);
        }
        if !connection.is_over() {
            connection.outbox.wake.notified().await;
        }
    }
}

async fn carry_all<D: Dialogue>(core: &Core<D>, held: &Held, saved: &mut Vec<Carried>) -> Result<Emitted, Fault> {
    let connection = &held.connection;
    if !connection.is_over() {
        let current = signals::current(connection);
        if !note_namespaces(core, held, saved, current).await? {
            return Ok(Emitted::Lost);
        }
    }
    carry_frames(core, held).await
}

async fn carry_frames<D: Dialogue>(core: &Core<D>, held: &Held) -> Result<Emitted, Fault> {
    let (sid, posts) = (held.connection.sid(), &held.posts);
    loop {
        // Read before the frames are taken: what answers a body is among these, if they are all.
        let (mut dealt, recorded) = (
            posts.dealt.load(Ordering::Acquire),
            posts.recorded.load(Ordering::Acquire),
        );
        let (frames, reached) = held.connection.outbox.drain(BATCH);
        if frames.len() == BATCH {
            dealt = recorded;
        }
        if frames.is_empty() && dealt == recorded {
            return Ok(Emitted::Kept);
        }
        let entries = frames.iter().map(super::frame::Frame::entry).collect();
        let packets = Packets {
            most_bytes: core.settings.outbox,
            heard: &reached,
            dealt,
            entries,
        };
        let emitted = core.coord.session_emit(sid, held.epoch, packets).await?;
        if matches!(emitted, Emitted::Lost | Emitted::Slow) {
            return Ok(emitted);
        }
        posts.recorded.store(dealt, Ordering::Release);
        held.connection.outbox.recorded(reached);
    }
}

/// Brings the record's namespaces up to date; false when it is another's. A client learns that it has joined only after
/// the record knows.
async fn note_namespaces<D: Dialogue>(
    core: &Core<D>,
    held: &Held,
    saved: &mut Vec<Carried>,
    current: Vec<Carried>,
) -> Result<bool, Fault> {
    let connection = &held.connection;
    for gone in saved
        .iter()
        .filter(|one| !current.iter().any(|now| now.namespace == one.namespace))
    {
        if !core
            .coord
            .session_part(connection.sid(), held.epoch, &gone.namespace)
            .await?
        {
            return Ok(false);
        }
    }
    let known = |one: &&Carried| saved.iter().any(|before| before.is_same_socket(one));
    for new in current.iter().filter(|one| !known(one)) {
        if !core.coord.session_join(connection.sid(), held.epoch, new).await? {
            return Ok(false);
        }
    }
    *saved = current;
    Ok(true)
}
