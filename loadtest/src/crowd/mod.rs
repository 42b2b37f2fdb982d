//! The people of a load: what each is doing, and what they make of what servers tell them. When they do something is
//! decided elsewhere (`talk`, `run`).

mod acts;
mod arrivals;
mod flow;
#[cfg(test)]
mod flow_tests;
mod hearing;
mod line;
pub(crate) mod record;
pub(crate) mod returns;
mod rooms;
mod signs;
pub(crate) mod tally;
#[cfg(test)]
mod tests;
pub(crate) mod worst;

use crate::client::packet::{self, Event, Key};
use crate::client::{Client, Happening, Who};
use crate::clock::{Nanos, SECOND};
use arrivals::Arrivals;
use flow::Flow;
use record::Record;
use returns::{How, Returns};
use rooms::{Rooms, Seat};
use signs::{Sign, Signs};
use tally::Tally;

/// How long after one of the people of a room was told of it the other may hear of it.
const TOLD_WITHIN: Nanos = 2 * SECOND;

/// What somebody is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// Not connected.
    Away,
    /// Connected, without a room.
    Idle,
    Seeking,
    Seated,
}

#[derive(Clone, Copy, Debug)]
struct Person {
    doing: Doing,
    /// The seat they have; also while they are away.
    seat: Option<Seat>,
    /// The seat before that: late lines are still heard.
    before: Option<Seat>,
    /// Number of the next line.
    next: u32,
    /// Since when they seek.
    seeks_since: Nanos,
    /// They asked for a partner and have none yet; also while they are away.
    seeks: bool,
    /// The load wanted them to lose the connection, and they are not back.
    planned: bool,
}

/// How the crowd behaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manners {
    /// Number of this run, in every line.
    pub(crate) run: u32,
    /// Characters that follow what a line must say.
    pub(crate) padding: usize,
    /// Everybody is going home: who loses the connection does not come back.
    pub(crate) parting: bool,
    /// Who lost the room seeks another partner.
    pub(crate) seek_again: bool,
    /// Connections end by somebody else's doing, and that is what is measured.
    pub(crate) others_cut: bool,
    /// Connections that are being opened at the same time.
    pub(crate) at_once: usize,
}

/// When lines count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    pub(crate) begin: Nanos,
    pub(crate) end: Nanos,
}

impl Window {
    /// Whether what was due then counts.
    pub(crate) fn has(self, due: Nanos) -> bool {
        self.begin <= due && due < self.end
    }
}

pub(crate) struct Crowd {
    people: Vec<Person>,
    pub(crate) rooms: Rooms,
    signs: Signs,
    pub(crate) record: Record,
    pub(crate) window: Window,
    pub(crate) manners: Manners,
    arrivals: Arrivals,
    padding: String,
    keys: Keys,
    pub(crate) returns: Returns,
    seated: usize,
    open: usize,
    /// When everybody was cut off.
    pub(crate) storm: Option<Nanos>,
}

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// As by a dead device: a reset.
    Reset,
    /// As by a closed page: the end of the stream, without a word.
    Close,
}

struct Keys {
    room: Key,
    content: Key,
    message: Key,
    error: Key,
    code: Key,
}

impl Crowd {
    pub(crate) fn new(count: usize, manners: Manners) -> Self {
        let person = Person {
            doing: Doing::Away,
            seat: None,
            before: None,
            next: 0,
            seeks_since: 0,
            seeks: false,
            planned: false,
        };
        Self {
            people: vec![person; count],
            rooms: Rooms::default(),
            signs: Signs::new(count),
            record: Record::new(),
            window: Window::default(),
            arrivals: Arrivals::new(count, manners.at_once),
            padding: line::padding(manners.padding),
            manners,
            keys: Keys {
                room: Key::new(r#""roomId":""#),
                content: Key::new(r#""content":""#),
                message: Key::new(r#""messageId":""#),
                error: Key::new(r#""error":"#),
                code: Key::new(r#""code":""#),
            },
            returns: Returns::new(count),
            seated: 0,
            open: 0,
            storm: None,
        }
    }

    /// How many are connected.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// How many are on their way back: without a connection, or not told yet whether their seat is still theirs.
    pub(crate) fn missing(&self) -> usize {
        let missing = |who: &Who| self.people[*who].doing == Doing::Away || self.returns.is_away(*who);
        (0..self.people.len()).filter(missing).count()
    }

    /// How many have a partner.
    pub(crate) fn seated(&self) -> usize {
        self.seated
    }

    pub(crate) fn len(&self) -> usize {
        self.people.len()
    }

    /// Those who have a partner, in the order of their rooms: first all first seats, then all second ones.
    pub(crate) fn pairs(&self) -> Vec<Who> {
        let seat = |who: &Who| {
            self.people[*who]
                .seat
                .filter(|_| self.people[*who].doing == Doing::Seated)
        };
        let mut seated: Vec<Who> = (0..self.people.len()).filter(|who| seat(who).is_some()).collect();
        seated.sort_by_key(|who| seat(who).map(|seat| (seat.place, seat.room)));
        seated
    }

    /// Connects whoever is to connect by now; when the next are.
    pub(crate) fn arrive(&mut self, client: &mut Client) -> Nanos {
        let now = client.clock.now();
        while let Some((who, target)) = self.arrivals.due(now) {
            if let Err(why) = client.open(who, target) {
                self.failed(who, &why, now);
            }
        }
        self.arrivals.next_due()
    }

    /// Attempts in a row to connect that came to nothing, of whoever had the most.
    pub(crate) fn most_attempts(&self) -> u32 {
        self.arrivals.most_attempts()
    }

    fn failed(&mut self, who: Who, why: &str, now: Nanos) {
        self.record.happened.failed += 1;
        self.record.complain(why);
        self.arrivals.failed(who, now);
    }

    /// How many have a partner who is none of them.
    pub(crate) fn with_strangers(&self, now: Nanos) -> usize {
        let told_by = match self.seated == self.people.len() {
            true => now,
            false => now.saturating_sub(TOLD_WITHIN),
        };
        // A server that paired somebody who had just gone made a room of which only the other was told.
        let gone = self.record.happened.seekers_gone as usize;
        self.rooms.with_strangers(told_by).saturating_sub(gone)
    }

    /// What became of everything that was said and shown.
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = self.rooms.tally();
        tally += self.signs.tally();
        tally
    }

    /// Everything that happens to anybody comes in here.
    pub(crate) fn happened(&mut self, client: &mut Client, who: Who, happening: Happening<'_>) {
        match happening {
            Happening::Joined(recovered) => self.joined(client, who, recovered),
            Happening::Heard(event) => self.heard(client, who, event),
            Happening::Answered(number, answer) => self.answered(client, who, number, answer),
            Happening::Ended(why) => self.ended(client, who, &why),
        }
    }

    fn joined(&mut self, client: &mut Client, who: Who, recovered: bool) {
        self.open += 1;
        self.arrivals.arrived(who);
        let person = &mut self.people[who];
        person.doing = Doing::Idle;
        person.planned &= person.seat.is_some();
        match (person.seat, recovered) {
            (Some(_), true) => self.sit(client, who, How::Recovered),
            (Some(_), false) => {
                client.emit(who, None, "attempt_text_reconnect", format_args!(",{{}}"));
            }
            (None, _) if person.seeks => {
                let since = person.seeks_since;
                self.seek(client, who, since);
            }
            (None, _) if self.manners.seek_again => self.seek(client, who, client.clock.now()),
            (None, _) => {}
        }
    }

    fn heard(&mut self, client: &mut Client, who: Who, event: Event<'_>) {
        match event.name() {
            b"text_message_received" => self.hear_lines(client, who, event.json(), Flow::hear),
            b"text_partner_typing" => self.saw(client, who, Sign::Started),
            b"text_partner_stopped_typing" => self.saw(client, who, Sign::Stopped),
            b"text_match_found" => self.matched(client, who, event.json()),
            b"text_reconnected" => {
                self.sit(client, who, How::Reseated);
                self.hear_lines(client, who, event.json(), Flow::recall);
            }
            b"text_reconnect_failed" | b"text_room_ended" => self.stand_up(client, who),
            b"text_chat_error" => self.complain_of(event.json()),
            _ => {}
        }
    }

    fn complain_of(&mut self, json: &[u8]) {
        let code = packet::string(json, &self.keys.code).unwrap_or(json);
        self.record.complain(&String::from_utf8_lossy(code));
    }

    fn matched(&mut self, client: &mut Client, who: Who, json: &[u8]) {
        let Some(name) = packet::string(json, &self.keys.room) else {
            return self.record.complain("a partner without a room");
        };
        let now = client.clock.now();
        let person = &mut self.people[who];
        if person.seat.is_some_and(|seat| self.rooms.is(seat, name)) {
            return;
        }
        let Some(seat) = self.rooms.enter(name, who, now) else {
            return self.record.complain("three in a room");
        };
        self.record.pairing.record(now.saturating_sub(person.seeks_since));
        if let Some(before) = person.seat.replace(seat) {
            self.lose(who, before, now);
        }
        self.sit(client, who, How::Reseated);
    }

    fn sit(&mut self, client: &mut Client, who: Who, how: How) {
        let person = &mut self.people[who];
        (person.seeks, person.planned) = (false, false);
        if let Some(seat) = person.seat {
            self.rooms.back(seat);
        }
        self.returns.sat(who, client.clock.now(), self.storm, how);
        if person.doing != Doing::Seated {
            person.doing = Doing::Seated;
            self.seated += 1;
        }
    }

    fn stand_up(&mut self, client: &mut Client, who: Who) {
        let person = &mut self.people[who];
        if person.doing == Doing::Seated {
            self.seated -= 1;
            person.doing = Doing::Idle;
        }
        if let Some(seat) = person.seat.take() {
            self.lose(who, seat, client.clock.now());
        }
        self.people[who].planned = false;
        if self.manners.seek_again {
            self.seek(client, who, client.clock.now());
        }
    }

    /// The room of this seat is no more, for whoever sat there.
    fn lose(&mut self, who: Who, seat: Seat, now: Nanos) {
        self.people[who].before = Some(seat);
        let left = self.rooms.end(seat, now);
        let unseated = self.returns.lost_the_seat(who, now, left);
        self.record.happened.rooms_ended += u64::from(!left && !unseated);
    }

    fn ended(&mut self, client: &mut Client, who: Who, why: &str) {
        let now = client.clock.now();
        if self.people[who].doing == Doing::Away {
            return self.failed(who, why, now);
        }
        self.record.happened.ended += 1;
        self.record.complain(why);
        self.went_away(who, now, self.manners.others_cut);
    }

    /// Somebody lost the connection, as it was `planned` or not.
    fn went_away(&mut self, who: Who, now: Nanos, planned: bool) {
        let person = &mut self.people[who];
        let doing = std::mem::replace(&mut person.doing, Doing::Away);
        person.planned |= planned;
        self.open -= 1;
        self.seated -= usize::from(doing == Doing::Seated);
        match person.seat {
            Some(seat) => {
                self.rooms.cut(seat);
                self.returns.went(who, now);
            }
            // Whose server paired them while they went may never hear of the room.
            None => self.record.happened.seekers_gone += u64::from(person.seeks),
        }
        if !self.manners.parting {
            self.arrivals.failed(who, now);
        }
    }
}
