//! What people do: seek, speak, type, leave, lose the connection. When is decided elsewhere.

use super::line::Mark;
use super::rooms::Seat;
use super::{Crowd, Cut, Doing};
use crate::client::{Client, Who};
use crate::clock::Nanos;

impl Crowd {
    /// Looks for a stranger to talk to; who has one already, or looks, goes on.
    pub(crate) fn seek(&mut self, client: &mut Client, who: Who, due: Nanos) {
        let person = &mut self.people[who];
        if person.seat.is_some() || person.doing == Doing::Seeking {
            return;
        }
        (person.seeks, person.seeks_since) = (true, due);
        if person.doing == Doing::Idle && client.emit(who, None, "join_text_queue", format_args!(",{{}}")) {
            person.doing = Doing::Seeking;
        }
    }

    /// Where somebody sits who can speak and be heard.
    fn seat_to_speak_from(&self, who: Who) -> Option<Seat> {
        let person = &self.people[who];
        let seat = person.seat.filter(|seat| self.rooms.partner(*seat).is_some());
        seat.filter(|_| person.doing == Doing::Seated)
    }

    /// Something was due that could not be done.
    fn skip(&mut self, who: Who, due: Nanos) {
        let (person, happened) = (&self.people[who], &mut self.record.happened);
        let between_rooms = person.seat.and_then(|seat| self.rooms.partner(seat)).is_none();
        if self.window.has(due) {
            match person.planned || (self.manners.seek_again && between_rooms) {
                true => happened.absent += 1,
                false => happened.skipped += 1,
            }
        }
    }

    /// Says a line that was due at `due`, if there is somebody to hear it.
    pub(crate) fn say(&mut self, client: &mut Client, who: Who, due: Nanos) {
        let Some(seat) = self.seat_to_speak_from(who) else {
            return self.skip(who, due);
        };
        let person = &mut self.people[who];
        let number = person.next;
        let mark = Mark {
            run: self.manners.run,
            room: seat.room,
            seat: seat.place,
            number,
            due,
        };
        let (run, padding) = (self.manners.run, &self.padding);
        let line = format_args!(r#",{{"content":"{mark}{padding}","clientMessageId":"{run}-{who}-{number}"}}"#);
        if !client.emit(who, Some(number), "send_text_message", line) {
            return self.skip(who, due);
        }
        person.next += 1;
        let measured = self.window.has(due);
        self.rooms.flow(seat).say(number, due, measured);
        if measured {
            self.record.sent(client.clock.now().saturating_sub(due));
        }
    }

    /// Begins or ends to type.
    pub(crate) fn type_on(&mut self, client: &mut Client, who: Who, due: Nanos) {
        if self.seat_to_speak_from(who).is_none() {
            return self.skip(who, due);
        }
        let measured = self.window.has(due);
        let sign = self.signs.show(who, due, measured);
        client.emit(who, None, sign.event(), format_args!(",{{}}"));
        if measured {
            self.record.sent(client.clock.now().saturating_sub(due));
        }
    }

    /// Leaves the room for another partner.
    pub(crate) fn leave(&mut self, client: &mut Client, who: Who) {
        let person = self.people[who];
        if let (Doing::Seated, Some(seat)) = (person.doing, person.seat)
            && client.emit(who, None, "leave_text_room", format_args!(",{{}}"))
        {
            self.rooms.leave(seat, client.clock.now());
        }
    }

    /// Loses the connection, by our doing.
    pub(crate) fn cut(&mut self, client: &mut Client, who: Who, cut: Cut) {
        if self.people[who].doing == Doing::Away {
            return;
        }
        match cut {
            Cut::Reset => client.cut(who),
            Cut::Close => client.drop(who),
        }
        self.went_away(who, client.clock.now(), true);
    }
}
