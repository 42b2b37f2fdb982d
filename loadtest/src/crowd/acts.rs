//! What people do: seek, speak, type, leave, lose the connection. When is decided elsewhere.

use super::line::Mark;
use super::{Crowd, Cut, Doing};
use crate::client::{Client, Who};
use crate::clock::Nanos;

impl Crowd {
    /// Looks for a stranger to talk to.
    pub(crate) fn seek(&mut self, client: &mut Client, who: Who, due: Nanos) {
        if client.emit(who, None, "join_text_queue", format_args!(",{{}}")) {
            self.people[who].doing = Doing::Seeking;
            self.people[who].seeks_since = due;
        }
    }

    /// Says a line that was due at `due`, if there is somebody to hear it.
    pub(crate) fn say(&mut self, client: &mut Client, who: Who, due: Nanos) {
        let person = &mut self.people[who];
        let seat = person.seat.filter(|seat| self.rooms.partner(*seat).is_some());
        let Some(seat) = seat.filter(|_| person.doing == Doing::Seated) else {
            self.record.happened.skipped += 1;
            return;
        };
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
            self.record.happened.skipped += 1;
            return;
        }
        person.next += 1;
        let measured = self.measures(due);
        self.rooms.flow(seat).say(number, due, measured);
        if measured {
            self.record.sent(client.clock.now().saturating_sub(due));
        }
    }

    /// Begins or ends to type.
    pub(crate) fn type_on(&mut self, client: &mut Client, who: Who, due: Nanos) {
        if self.people[who].doing != Doing::Seated {
            self.record.happened.skipped += 1;
            return;
        }
        let measured = self.measures(due);
        let sign = self.signs.show(who, due, measured);
        client.emit(who, None, sign.event(), format_args!(",{{}}"));
        if measured {
            self.record.sent(client.clock.now().saturating_sub(due));
        }
    }

    fn measures(&self, due: Nanos) -> bool {
        self.window.begin <= due && due < self.window.end
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
        self.record.happened.cut += 1;
        self.went_away(who, client.clock.now());
    }
}
