//! Bringing a socket's belief in line with the truth, after notices were lost, the node began a new life, or Redis lost
//! its data. What is gone is said.

use super::{Omegoo, failed};
use crate::actions::Denied;
use crate::actions::connect::{Arrival, Came, ends};
use crate::domain::event::Event;
use crate::domain::room::{Ending, Offset, RoomKind};
use crate::ids::{RoomId, UserId};
use crate::metrics;
use crate::wire::hub::Doing;
use crate::wire::member::Member;
use crate::wire::{Departure, End};

impl Omegoo {
    /// Does it for one socket that has heard up to `heard`, its user `believed` to be there, and waits for it.
    pub async fn resync(&self, member: &Member, believed: Doing, heard: Offset) {
        metrics::RESYNCS.one(());
        let (user, sid) = (&member.who.user, member.socket.sid());
        let outcome = match self.actions.arrive_anew(user, sid, heard).await {
            // It went while it was brought along: its departure was not heard, or came before.
            Ok(_) if self.hub.member(sid).is_none() => return self.depart(member, Departure::Lost).await,
            // Its client comes back and is told so.
            Ok(came) if !came.whole => return member.socket.connection().end(End::Cut),
            Ok(came) => self.reconcile(member, believed, came, heard).await,
            Err(denied) => Err(denied),
        };
        if let Err(denied) = outcome {
            if let Denied::Failed(fault) = &denied {
                failed(fault);
            }
            // Coming back anew is the one state that is certainly right.
            member.socket.connection().end(End::Drained);
        }
    }

    async fn reconcile(&self, member: &Member, believed: Doing, came: Came, heard: Offset) -> Result<(), Denied> {
        let (user, sid) = (&member.who.user, member.socket.sid());
        let no_news = no_news(believed, &came.arrival);
        let told_of_the_pair = came.missed.iter().any(|event| matches!(event, Event::Seated { .. }));
        let mut missed = came.missed;
        if let Arrival::Ended(room, _) = &came.arrival
            && believed != Doing::Seated(*room)
            && !told_of_the_pair
        {
            // Of a room that it never heard of.
            missed.clear();
        }
        match (believed, came.arrival) {
            (Doing::Seated(before), Arrival::Seated { room, .. }) if before == room => {}
            // Its client took up its session meanwhile, and was told by that answer.
            (_, Arrival::Seated { room, .. }) if member.knows_of(room) == Some(true) => {}
            (_, Arrival::Seated { room, people, .. }) => {
                self.lose(member, believed, heard).await?;
                self.hub.set_doing(user, Doing::Seated(room));
                if !told_of_the_pair {
                    self.tell_of_the_pair(member, room, people);
                }
            }
            (Doing::Seated(before), Arrival::Ended(room, _)) if before == room && ends(&missed) => {
                self.hub.forget_room(user, room);
            }
            (Doing::Seated(before), Arrival::Ended(room, ending)) if before == room => {
                self.tell_of_the_end(member, believed, ending);
            }
            // Paired and over before it was heard of: who is told so asks anew.
            (_, Arrival::Ended(room, _)) if told_of_the_pair && ends(&missed) => {
                self.lose(member, believed, heard).await?;
                self.hub.set_doing(user, Doing::Seated(room));
                self.hub.forget_room(user, room);
            }
            (Doing::Seeking(_), Arrival::Opening) => {}
            (Doing::Seeking(queue), Arrival::Idle | Arrival::Ended(..)) => {
                self.actions.seek(user, sid, queue).await?;
            }
            (_, Arrival::Seeking(queue)) => {
                self.lose(member, believed, heard).await?;
                self.hub.set_doing(user, Doing::Seeking(queue));
            }
            (_, Arrival::Idle | Arrival::Opening | Arrival::Ended(..)) => self.lose(member, believed, heard).await?,
        }
        member.settle(&missed, no_news);
        Ok(())
    }

    /// The user is not where this node believed. The room has ended meanwhile, and its people were let go of; or, if it is
    /// still there, it is over, for all in it.
    pub(super) async fn lose(&self, member: &Member, believed: Doing, heard: Offset) -> Result<(), Denied> {
        let Doing::Seated(room) = believed else { return Ok(()) };
        let user = &member.who.user;
        match self.actions.missed_to_the_end(user, room, heard).await? {
            Some(missed) => {
                missed.iter().for_each(|event| member.say(event));
                self.hub.forget_room(user, room);
            }
            None => {
                self.actions.lose_room(user, room).await?;
                self.tell_of_the_end(member, believed, Ending::Lost);
            }
        }
        Ok(())
    }

    fn tell_of_the_pair(&self, member: &Member, room: RoomId, people: Vec<UserId>) {
        let at = self.actions.clock().now();
        let event = Event::Seated {
            room,
            offset: None,
            kind: RoomKind::Text,
            people,
            at,
        };
        member.say(&event);
    }

    fn tell_of_the_end(&self, member: &Member, believed: Doing, ending: Ending) {
        let Doing::Seated(room) = believed else { return };
        let event = Event::Ended {
            room,
            offset: None,
            ending,
            at: self.actions.clock().now(),
        };
        member.say(&event);
        self.hub.forget_room(&member.who.user, room);
    }
}

/// Up to where the socket knows of its rooms when its belief has been brought in line.
fn no_news(believed: Doing, found: &Arrival) -> Vec<(RoomId, Offset)> {
    let mut known = match found {
        Arrival::Seated { room, last, .. } => vec![(*room, *last)],
        Arrival::Ended(room, _) => vec![(*room, Offset::LAST)],
        Arrival::Idle | Arrival::Seeking(_) | Arrival::Opening => Vec::new(),
    };
    if let Doing::Seated(before) = believed
        && known.iter().all(|(room, _)| *room != before)
    {
        // Its end is told at once, and overtakes what is on its way.
        known.push((before, Offset::LAST));
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Shard;

    #[test]
    fn of_a_room_that_was_told_to_be_lost_nothing_more_is_told() {
        let [before, now] = [0, 1].map(|shard| RoomId::fresh(Shard(shard)));
        let last = Offset { ms: 5, seq: 0 };
        let people = Vec::new();
        let seated = |room| Arrival::Seated {
            room,
            people: people.clone(),
            last,
        };

        assert_eq!(no_news(Doing::Nothing, &seated(now)), [(now, last)]);
        assert_eq!(no_news(Doing::Seated(now), &seated(now)), [(now, last)]);
        let both = [(now, last), (before, Offset::LAST)];
        assert_eq!(no_news(Doing::Seated(before), &seated(now)), both);
        assert_eq!(no_news(Doing::Seated(before), &Arrival::Idle), [(before, Offset::LAST)]);
    }
}
