//! Bringing a socket's belief in line with the truth, after notices were lost, the node began a new life, or Redis lost
//! its data. What is gone is said.

use super::{Omegoo, encode, failed};
use crate::actions::Denied;
use crate::actions::connect::Arrival;
use crate::domain::event::Event;
use crate::domain::room::{Ending, RoomKind};
use crate::ids::{RoomId, UserId};
use crate::metrics;
use crate::wire::hub::Doing;
use crate::wire::member::Member;
use crate::wire::{Departure, End};

impl Omegoo {
    /// Does it for one socket.
    pub async fn resync(&self, member: &Member) {
        metrics::RESYNCS.one(());
        let (user, sid) = (&member.who.user, member.socket.sid());
        let believed = self.hub.doing(user);
        let outcome = match self.actions.arrive(user, sid).await {
            Ok(arrival) => self.reconcile(member, believed, arrival).await,
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

    async fn reconcile(&self, member: &Member, believed: Doing, arrival: Arrival) -> Result<(), Denied> {
        let (user, sid) = (&member.who.user, member.socket.sid());
        match (believed, arrival) {
            (Doing::Seated(before), Arrival::Seated { room, .. }) if before == room => {
                let since = member.may_have_missed(Departure::Lost);
                Ok(self.actions.catch_up(user, sid, room, since).await?)
            }
            (_, Arrival::Seated { room, people, .. }) => {
                self.lose(member, believed).await?;
                self.hub.set_doing(user, Doing::Seated(room));
                self.tell_of_the_pair(member, room, people);
                Ok(())
            }
            (Doing::Seated(before), Arrival::Ended(room, ending)) if before == room => {
                self.tell_of_the_end(member, believed, ending);
                Ok(())
            }
            (Doing::Seeking(queue), Arrival::Idle | Arrival::Ended(..)) => {
                self.actions.seek(user, sid, queue).await?;
                Ok(())
            }
            (_, Arrival::Seeking(queue)) => {
                self.lose(member, believed).await?;
                self.hub.set_doing(user, Doing::Seeking(queue));
                Ok(())
            }
            (_, Arrival::Idle | Arrival::Ended(..)) => self.lose(member, believed).await,
        }
    }

    /// The user is not where this node believed: the room that may still be there is over, for all in it.
    async fn lose(&self, member: &Member, believed: Doing) -> Result<(), Denied> {
        if let Doing::Seated(room) = believed {
            self.actions.lose_room(&member.who.user, room).await?;
            self.tell_of_the_end(member, believed, Ending::Lost);
        }
        Ok(())
    }

    fn tell_of_the_pair(&self, member: &Member, room: RoomId, people: Vec<UserId>) {
        let at = self.actions.clock().now();
        let event = Event::Seated {
            room,
            kind: RoomKind::Text,
            people,
            at,
        };
        member.socket.emit_all(&encode(&event, &member.who.user));
    }

    fn tell_of_the_end(&self, member: &Member, believed: Doing, ending: Ending) {
        let Doing::Seated(room) = believed else { return };
        let event = Event::Ended {
            room,
            ending,
            at: self.actions.clock().now(),
        };
        member.socket.emit_all(&encode(&event, &member.who.user));
        self.hub.forget_room(&member.who.user, room);
    }
}
