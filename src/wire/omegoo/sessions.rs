//! A CONNECT: a new session, or one that its client takes up again (Socket.IO's connection state recovery). And a socket
//! that was on another node.
//!
//! A client of `socket.io-client` 4.6 or newer does this by itself: it brings the `pid` of the CONNECT answer and the last
//! bookmark. Recovered, it keeps its `pid` and is sent what it missed. Otherwise it gets a new one, the reason
//! (`recovery_failed`), and the state of its room.

use super::Omegoo;
use super::handshake::{self, Bookmarks, Claim, Hello};
use super::perform::tell_queue_left;
use crate::actions::Denied;
use crate::actions::connect::{Arrival, Came};
use crate::actions::recover::TakenUp;
use crate::coord::users::Session;
use crate::domain::event::Event;
use crate::domain::recovery::{Bookmark, Pid, Unrecovered};
use crate::domain::refusal::Refusal;
use crate::error::Fault;
use crate::ids::{RecoveryKey, RoomId};
use crate::metrics;
use crate::wire::admission::Class;
use crate::wire::hub::Doing;
use crate::wire::member::Member;
use crate::wire::{Departure, End, Frame, Socket, Welcome};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Whether somebody who was in `room` is there still, or is told of its end.
fn goes_on(room: RoomId, came: &Came) -> bool {
    let is_end = |event: &Event| matches!(event, Event::Ended { room: ended, .. } if *ended == room);
    let is_there = match &came.arrival {
        Arrival::Seated { room: now, .. } | Arrival::Ended(now, _) => *now == room,
        Arrival::Idle | Arrival::Seeking(_) | Arrival::Opening => false,
    };
    is_there || came.missed.iter().any(is_end)
}

/// Whether Redis has lost its data since the session that a client brings. Each shard has its own epoch, and users of
/// different names live on different shards.
fn was_of_other_data(claim: &Claim, member: &Member, came: &Came) -> bool {
    let lost = |pid: &Pid| pid.user == member.who.user && *pid.epoch != *came.epoch;
    claim.pid.as_ref().is_some_and(lost)
}

/// What came of a client's wish to take up its session.
enum Taken {
    /// It goes on.
    Up(Welcome),
    /// It does not; as whom the client is let in instead.
    Not(Unrecovered, Hello),
}

impl Omegoo {
    /// Lets a client in.
    pub(super) async fn receive(&self, socket: &Arc<Socket>, auth: &Map<String, Value>) -> Result<Welcome, Denied> {
        handshake::must_be_readable(auth, &self.actions)?;
        let hello = handshake::read(auth, &self.actions);
        let claim = handshake::claim(auth).filter(|_| hello.wishes.bookmarks == Bookmarks::On);
        let (class, user) = match claim.as_ref().and_then(|claim| claim.pid.as_ref()) {
            Some(pid) => (Class::Returning, &pid.user),
            // Anybody can bring a name that is none of ours: whoever does waits with the others.
            None => (Class::Newcomer, &hello.who.user),
        };
        let shard = self.actions.coord().keys().shard_of_user(user);
        let Ok(_permit) = self.doors.enter(shard, class).await.map_err(|later| {
            let ms = u16::try_from(later.as_millis()).unwrap_or(u16::MAX);
            socket.connection().end(End::Busy(ms));
        }) else {
            return Err(Refusal::Busy.into());
        };
        let Some(claim) = claim else {
            return self.begin(socket, hello, None).await;
        };
        match self.take_up(socket, &hello, &claim).await? {
            Taken::Up(welcome) => {
                metrics::RECOVERIES.one("whole");
                Ok(welcome)
            }
            Taken::Not(why, hello) => self.begin(socket, hello, Some((why, &claim))).await,
        }
    }

    async fn take_up(&self, socket: &Arc<Socket>, hello: &Hello, claim: &Claim) -> Result<Taken, Denied> {
        let not = |why| Ok(Taken::Not(why, hello.clone()));
        let Some(pid) = &claim.pid else {
            return not(Unrecovered::WindowExpired);
        };
        let as_before = match pid.bearer(&hello.who) {
            Ok(who) => Hello { who, ..hello.clone() },
            Err(why) => return not(why),
        };
        let passport = as_before.passport();
        let member = self.enroll_unproven(socket, as_before.clone());
        member.has_heard(claim.mark.unwrap_or(pid.start));
        match self
            .actions
            .take_up(&member.who.user, socket.sid(), pid, claim.mark)
            .await
        {
            Ok(TakenUp::Whole(came)) => {
                member.prove(true);
                self.settle_in(&member, &came);
                if came.gave_up {
                    tell_queue_left(&member);
                }
                self.tell_counts(&member);
                Ok(Taken::Up(Welcome {
                    passport,
                    pid: Some(pid.to_string()),
                    heard: Some(came.heard),
                    known_as: Some(pid.sid.clone()),
                }))
            }
            Ok(TakenUp::Broken(why)) => {
                self.hub.strike(socket.sid());
                Ok(Taken::Not(why, as_before))
            }
            Ok(TakenUp::Unknown) => {
                self.hub.strike(socket.sid());
                not(Unrecovered::WindowExpired)
            }
            Err(denied) => Err(self.turn_away(&member, denied).await),
        }
    }

    /// Goes on with a socket that was elsewhere, whose client has heard up to `mark`. One that cannot be told everything
    /// that it missed has to come back anew, and is told why.
    pub(super) async fn go_on(&self, member: &Arc<Member>, mark: Bookmark) -> Result<(), Denied> {
        member.was_told(mark);
        let (user, sid) = (&member.who.user, member.socket.sid());
        match self.actions.go_on(user, sid, mark).await {
            Ok(TakenUp::Whole(mut came)) => {
                if let Bookmark::In(room, heard) = mark
                    && !goes_on(room, &came)
                {
                    came.missed.retain(|event| event.room() != Some(room));
                    self.lose(member, Doing::Seated(room), heard).await?;
                }
                self.settle_in(member, &came);
                Ok(())
            }
            Ok(TakenUp::Broken(_) | TakenUp::Unknown) => {
                self.hub.strike(sid);
                member.socket.connection().end(End::Cut);
                self.depart(member, Departure::Lost).await;
                Ok(())
            }
            Err(denied) => Err(self.turn_away(member, denied).await),
        }
    }

    /// A new session; with the reason when it takes the place of one that could not be taken up.
    async fn begin(
        &self,
        socket: &Arc<Socket>,
        hello: Hello,
        instead: Option<(Unrecovered, &Claim)>,
    ) -> Result<Welcome, Denied> {
        let (passport, wishes, guest) = (hello.passport(), hello.wishes, hello.guest.clone());
        let member = self.enroll(socket, hello);
        let session = Session {
            sid: socket.sid().clone(),
            key: RecoveryKey::fresh(),
            standing: member.who.standing,
        };
        let remembered = (wishes.bookmarks == Bookmarks::On).then_some(&session);
        let came = self.arrive(&member, remembered).await?;
        guest.iter().for_each(|guest| self.actions.guest_came(guest));
        let why = match instead {
            Some((_, claim)) if was_of_other_data(claim, &member, &came) => Some(Unrecovered::EpochChanged),
            Some((why, _)) => Some(why),
            None => (!came.whole).then_some(Unrecovered::Trimmed),
        };
        match why {
            None => self.settle_in(&member, &came),
            Some(why) => {
                let told = self.tell_why_anew(&member, &came, why).await;
                if let Err(fault) = told {
                    return Err(self.turn_away(&member, fault.into()).await);
                }
            }
        }
        self.tell_counts(&member);
        let pid = || Pid {
            sid: session.sid.clone(),
            key: session.key.clone(),
            epoch: came.epoch.as_str().into(),
            // Not what it is told first: its connection may break before it has heard that.
            start: came.heard,
            began: came.at,
            user: member.who.user.clone(),
            standing: session.standing,
        };
        Ok(Welcome {
            passport,
            pid: remembered.map(|_| pid().to_string()),
            heard: Some(came.heard),
            known_as: None,
        })
    }

    /// The reason, and then the state, which has what was missed.
    async fn tell_why_anew(&self, member: &Member, came: &Came, why: Unrecovered) -> Result<(), Fault> {
        metrics::RECOVERIES.one(why.code());
        member
            .socket
            .emit(&Frame::event("/", "recovery_failed", &json!({ "reason": why.code() })));
        let Arrival::Seated { room, last, .. } = came.arrival else {
            self.settle_in(member, came);
            return Ok(());
        };
        self.found_in(member, room);
        member.is_owed(&came.missed);
        member.await_state(room, last);
        match self.actions.recall(&member.who.user, member.socket.sid(), room).await {
            Ok(()) => Ok(()),
            // The room has ended meanwhile: that is on its way, or waits.
            Err(Denied::Refused(_)) => {
                member.settle(&[], Some((room, last)));
                Ok(())
            }
            Err(Denied::Failed(fault)) => Err(fault),
        }
    }

    fn tell_counts(&self, member: &Member) {
        member.say(&Event::Counted(self.hub.counts()));
    }
}
