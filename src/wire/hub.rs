//! This node's sockets by user: who is here, what they are doing as far as they have been told, and how events reach them.
//!
//! What a user is doing is believed, not known: it follows the notices that were delivered, so that a socket is never
//! treated by a state its client has not heard of. The truth is in Redis; scripts check it.

use super::Frame;
use super::connection::End;
use super::member::Member;
use crate::clock::Millis;
use crate::coord::notice::Notice;
use crate::domain::event::{Audience, Event};
use crate::domain::presence::Counts;
use crate::domain::queue::Queue;
use crate::ids::{LoginId, NodeId, RoomId, Shard, SocketId, UserId, shard_of};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Locks that people are spread over, so that loops and connections seldom meet.
const STRIPES: u8 = 64;

/// What a user is doing, as the user's sockets here have been told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Doing {
    /// Nothing.
    #[default]
    Nothing,
    /// Waiting in a queue.
    Seeking(Queue),
    /// Sitting in a room.
    Seated(RoomId),
}

#[derive(Debug, Default)]
struct Person {
    members: Vec<Arc<Member>>,
    doing: Doing,
    /// The last room that ended: an answer from before its end must not bring it back.
    ended: Option<RoomId>,
    /// A pairing that was read before the end of the room before it, from another shard's inbox.
    parked: Vec<Event>,
}

/// All of it. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    people: Vec<Mutex<HashMap<UserId, Person>>>,
    sockets: Vec<Mutex<HashMap<SocketId, Arc<Member>>>>,
    counts: Mutex<Told>,
    outdated: AtomicBool,
}

/// Counts as the shards published them, and as clients were told last.
#[derive(Debug, Default)]
struct Told {
    of_shards: HashMap<Shard, Counts>,
    told: Counts,
}

/// A socket that a pairing believed to be here and that is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Whose it was.
    pub user: UserId,
    /// The socket.
    pub socket: SocketId,
    /// Where it was given a seat.
    pub room: RoomId,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Hub {
    fn default() -> Self {
        Self(Arc::new(Inner {
            people: (0..STRIPES).map(|_| Mutex::default()).collect(),
            sockets: (0..STRIPES).map(|_| Mutex::default()).collect(),
            counts: Mutex::default(),
            outdated: AtomicBool::new(false),
        }))
    }
}

impl Hub {
    fn people(&self, user: &UserId) -> MutexGuard<'_, HashMap<UserId, Person>> {
        locked(&self.0.people[usize::from(shard_of(user.as_str(), STRIPES).0)])
    }

    fn sockets(&self, socket: &SocketId) -> MutexGuard<'_, HashMap<SocketId, Arc<Member>>> {
        locked(&self.0.sockets[usize::from(shard_of(socket.as_str(), STRIPES).0)])
    }

    /// A socket is here. From now on notices reach it.
    pub fn enroll(&self, member: Arc<Member>) {
        self.sockets(member.socket.sid())
            .insert(member.socket.sid().clone(), member.clone());
        self.people(&member.who.user)
            .entry(member.who.user.clone())
            .or_default()
            .members
            .push(member);
    }

    /// A socket is here no longer.
    pub fn strike(&self, socket: &SocketId) -> Option<Arc<Member>> {
        let member = self.sockets(socket).remove(socket)?;
        let mut people = self.people(&member.who.user);
        if let Some(person) = people.get_mut(&member.who.user) {
            person.members.retain(|m| m.socket.sid() != socket);
            if person.members.is_empty() {
                people.remove(&member.who.user);
            }
        }
        drop(people);
        Some(member)
    }

    /// The member of a socket.
    pub fn member(&self, socket: &SocketId) -> Option<Arc<Member>> {
        self.sockets(socket).get(socket).cloned()
    }

    /// Whether what clients ask for while Redis is asked anew what they are doing is what they want now.
    pub fn trust_clients(&self, fresh: bool) {
        self.0.outdated.store(!fresh, Ordering::Release);
    }

    /// See [`Hub::trust_clients`].
    pub fn trusts_clients(&self) -> bool {
        !self.0.outdated.load(Ordering::Acquire)
    }

    /// Everybody here.
    pub fn everyone(&self) -> Vec<Arc<Member>> {
        let stripes = self.0.sockets.iter();
        stripes
            .flat_map(|stripe| locked(stripe).values().cloned().collect::<Vec<_>>())
            .collect()
    }

    /// Everybody here of whom it is certain who they are. Who takes up a session in this moment may be anybody: nothing is
    /// asked of Redis in that user's name, and the client is sent away to try again.
    pub fn everyone_proven(&self) -> Vec<Arc<Member>> {
        let (proven, claims) = self.everyone().into_iter().partition(|member| member.is_proven());
        let claims: Vec<_> = claims;
        for claim in claims {
            claim.socket.connection().end(End::Drained);
        }
        proven
    }

    /// What a user is doing.
    pub fn doing(&self, user: &UserId) -> Doing {
        self.people(user).get(user).map_or(Doing::Nothing, |p| p.doing)
    }

    /// The same, to be asked of Redis anew: it may have lost the end of a room that was told here.
    pub fn doubt(&self, user: &UserId) -> Doing {
        let mut people = self.people(user);
        let Some(person) = people.get_mut(user) else {
            return Doing::Nothing;
        };
        person.ended = None;
        person.doing
    }

    /// Whether a socket of the user here is told what the user says.
    pub fn wants_echo(&self, user: &UserId) -> bool {
        let people = self.people(user);
        let mut members = people.get(user).into_iter().flat_map(|person| &person.members);
        members.any(|member| member.dialect.wants_echo())
    }

    /// An answer of Redis said what a user is doing.
    pub fn set_doing(&self, user: &UserId, doing: Doing) {
        self.answer(user, Doing::Nothing, doing, || {});
    }

    /// The same, which was asked when the user was `believed` to be doing that; and `tell` it, unless what has been heard
    /// meanwhile came after it. It is told under the lock: in the order in which it is believed.
    pub fn answer(&self, user: &UserId, believed: Doing, doing: Doing, tell: impl FnOnce()) {
        let mut people = self.people(user);
        let Some(person) = people.get_mut(user) else { return };
        match (doing, person.doing) {
            (Doing::Seated(room), _) if person.ended == Some(room) => return,
            (Doing::Seated(_), _) => person.doing = doing,
            (Doing::Seeking(_) | Doing::Nothing, Doing::Seated(room)) if person.ended != Some(room) => {
                // A pairing may have been delivered while the answer was on its way. A room that the user was in before is
                // over, and its end must still be heard before the next pairing is.
                if person.doing != believed {
                    return;
                }
            }
            (Doing::Seeking(_) | Doing::Nothing, _) => person.doing = doing,
        }
        tell();
    }

    /// A room is known to have ended without a notice saying so. The pairing that has waited for that end is told now.
    pub fn forget_room(&self, user: &UserId, room: RoomId) {
        let mut people = self.people(user);
        let Some(person) = people.get_mut(user) else { return };
        person.ended = Some(room);
        if person.doing == Doing::Seated(room) {
            person.doing = Doing::Nothing;
            person.tell_parked();
        }
    }

    /// Gives a notice to those of its audience who are here; sockets that should be and are not are the caller's to
    /// deal with.
    pub fn deliver(&self, notice: Notice, node: &NodeId) -> Vec<Stray> {
        let Notice { to, event, places } = notice;
        let mut shared = None;
        match &to {
            Audience::Socket(socket) => match (self.member(socket), &event) {
                (Some(member), Event::Superseded) => member.socket.connection().end(End::Cut),
                (Some(member), _) => member.hear_alone(&event),
                (None, _) => {}
            },
            Audience::Users(users) => {
                for user in users {
                    self.deliver_to(user, &event, &mut shared);
                }
            }
        }
        let Event::Seated { room, people, .. } = &event else {
            return Vec::new();
        };
        let here = places
            .into_iter()
            .filter(|place| place.node == *node && self.member(&place.socket).is_none());
        here.flat_map(|place| {
            // The notice does not say whose place it was; for the others the socket is simply not in the seat.
            people.iter().map(move |user| Stray {
                user: user.clone(),
                socket: place.socket.clone(),
                room: *room,
            })
        })
        .collect()
    }

    fn deliver_to(&self, user: &UserId, event: &Event, shared: &mut Option<Vec<Frame>>) {
        if let Event::LoginOver { logins, .. } = event {
            return self.close_logins(user, logins, event);
        }
        let mut people = self.people(user);
        let Some(person) = people.get_mut(user) else { return };
        if person.must_wait(event) {
            person.parked.push(event.clone());
            return;
        }
        // Told under the lock: what one user hears keeps its order, whichever shard's loop delivers it.
        person.tell(event, shared);
        if let Event::Ended { .. } = event {
            person.tell_parked();
        }
    }

    /// Tells the sockets that came in with one of these logins, and closes them. Their connections' tasks do the rest.
    fn close_logins(&self, user: &UserId, logins: &[LoginId], event: &Event) {
        let people = self.people(user);
        let members = people.get(user).into_iter().flat_map(|person| &person.members);
        for member in members.filter(|member| member.who.login.as_ref().is_some_and(|login| logins.contains(login))) {
            member.say(event);
            member.socket.dismiss();
        }
    }

    /// Sockets whose token is good no longer are told, and their connections end, so that their clients come back with
    /// another one; whose token ends by `soon` are told so, once. Their users keep their seats meanwhile.
    pub fn end_tokens(&self, now: Millis, soon: Millis) {
        let ends_by = |member: &&Arc<Member>, at: Millis| member.who.until.is_some_and(|until| until <= at);
        for stripe in &self.0.sockets {
            // Told outside of the lock.
            let ending: Vec<_> = locked(stripe).values().filter(|m| ends_by(m, soon)).cloned().collect();
            for member in ending {
                let Some(until) = member.who.until else { continue };
                if until <= now {
                    member.say(&Event::TokenOver);
                    member.socket.connection().end(End::Expired);
                } else if member.is_to_be_warned() {
                    member.say(&Event::TokenEnding { until });
                }
            }
        }
    }

    /// A shard published its counts.
    pub fn note_counts(&self, shard: Shard, counts: Counts) {
        locked(&self.0.counts).of_shards.insert(shard, counts);
    }

    /// The counts of all shards.
    pub fn counts(&self) -> Counts {
        locked(&self.0.counts)
            .of_shards
            .values()
            .fold(Counts::default(), |sum, c| sum + *c)
    }

    /// Tells everybody the counts if they are no longer what was told last.
    pub fn tell_counts(&self) {
        let counts = self.counts();
        {
            let mut told = locked(&self.0.counts);
            let same = |a: Counts, b: Counts| (a.text, a.audio, a.video) == (b.text, b.audio, b.video);
            if same(told.told, counts) {
                return;
            }
            told.told = counts;
        }
        let mut shared = None;
        for member in self.everyone() {
            member.tell(&Event::Counted(counts), &mut shared);
        }
    }
}

impl Person {
    /// Whether the end of another room must be heard before this: it is on its way in another shard's inbox.
    fn must_wait(&self, event: &Event) -> bool {
        match (event, self.doing) {
            (Event::Seated { room, .. }, Doing::Seated(before)) => *room != before && room.shard() != before.shard(),
            (event, _) => event
                .room()
                .is_some_and(|room| self.parked.iter().any(|p| p.room() == Some(room))),
        }
    }

    /// Believes it, and tells the sockets. Of a room that the user was not seated in, as far as anybody here has heard,
    /// nothing is told: after a failover one half of a pair can be given back its seats while the other has gone on.
    fn tell(&mut self, event: &Event, shared: &mut Option<Vec<Frame>>) {
        let elsewhere = match event {
            Event::Seated { .. } => None,
            _ => event.room().filter(|room| self.doing != Doing::Seated(*room)),
        };
        self.hear(event);
        for member in &self.members {
            if elsewhere.is_none_or(|room| member.knows_of(room) != Some(false)) {
                member.hear(event, shared);
            }
        }
    }

    fn tell_parked(&mut self) {
        for event in std::mem::take(&mut self.parked) {
            self.tell(&event, &mut None);
        }
    }

    fn hear(&mut self, event: &Event) {
        match event {
            Event::Seated { room, .. } => self.doing = Doing::Seated(*room),
            Event::Ended { room, .. } => {
                self.ended = Some(*room);
                if self.doing == Doing::Seated(*room) {
                    self.doing = Doing::Nothing;
                }
            }
            Event::Said { .. }
            | Event::Typing { .. }
            | Event::Retaken { .. }
            | Event::Resumed { .. }
            | Event::Superseded
            | Event::LoginOver { .. }
            | Event::TokenEnding { .. }
            | Event::TokenOver
            | Event::Counted(_) => {}
        }
    }
}
