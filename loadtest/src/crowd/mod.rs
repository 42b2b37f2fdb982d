//! The people of a load: what each is doing, and what they make of what servers tell them. When they do something is
//! decided elsewhere (`talk`, `run`).

mod acts;
mod arrivals;
pub(crate) mod flow;
mod line;
pub(crate) mod record;
mod rooms;
mod signs;

use crate::client::packet::{self, Event, Key};
use crate::client::{Client, Happening, Who};
use crate::clock::Nanos;
use arrivals::Arrivals;
use flow::{Flow, Hearing, Tally};
use line::Mark;
use record::Record;
use rooms::{Rooms, Seat};
use signs::{Sign, Signs};

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
    /// When they lost the connection, while the seat may be theirs still.
    cut: Option<Nanos>,
}

/// How the crowd behaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manners {
    /// Number of this run, in every line.
    pub(crate) run: u32,
    /// Characters that follow what a line must say.
    pub(crate) padding: usize,
    /// Who lost the connection comes back.
    pub(crate) come_back: bool,
    /// Who lost the room seeks another partner.
    pub(crate) seek_again: bool,
    /// Connections that are being opened at the same time.
    pub(crate) at_once: usize,
}

/// When lines count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    pub(crate) begin: Nanos,
    pub(crate) end: Nanos,
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
    seated: usize,
    open: usize,
    away: usize,
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
            cut: None,
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
            seated: 0,
            open: 0,
            away: 0,
            storm: None,
        }
    }

    /// How many are connected.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// How many are not back yet: neither in their seats nor told that they have lost them.
    pub(crate) fn away(&self) -> usize {
        self.away
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

    fn saw(&mut self, client: &Client, who: Who, sign: Sign) {
        let partner = self.people[who].seat.and_then(|seat| self.rooms.partner(seat));
        if let Some(due) = partner.and_then(|partner| self.signs.seen(partner, sign)) {
            self.record.delivered(client.clock.now().saturating_sub(due));
        }
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
        match (person.seat, recovered) {
            (Some(_), true) => {
                self.record.happened.recovered += 1;
                self.sit(client, who);
            }
            (Some(_), false) => {
                client.emit(who, None, "attempt_text_reconnect", format_args!(",{{}}"));
            }
            (None, _) => {}
        }
        if person_is_free(&self.people[who]) && self.manners.seek_again {
            self.seek(client, who, client.clock.now());
        }
    }

    fn heard(&mut self, client: &mut Client, who: Who, event: Event<'_>) {
        match event.name() {
            b"text_message_received" => self.hear_lines(client, who, event.json(), Flow::hear),
            b"text_partner_typing" => self.saw(client, who, Sign::Started),
            b"text_partner_stopped_typing" => self.saw(client, who, Sign::Stopped),
            b"text_match_found" => self.matched(client, who, event.json()),
            b"text_reconnected" => {
                self.record.happened.reseated += 1;
                self.sit(client, who);
                self.hear_lines(client, who, event.json(), Flow::recall);
            }
            b"text_reconnect_failed" => {
                self.record.happened.unseated += 1;
                self.stand_up(client, who);
            }
            b"text_room_ended" => {
                self.record.happened.rooms_ended += 1;
                self.stand_up(client, who);
            }
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
        let person = &mut self.people[who];
        if person.seat.is_some_and(|seat| self.rooms.is(seat, name)) {
            return;
        }
        let Some(seat) = self.rooms.enter(name, who) else {
            return self.record.complain("three in a room");
        };
        if let Some(before) = person.seat.replace(seat) {
            self.rooms.end(before, client.clock.now());
            person.before = Some(before);
        }
        let sought = client.clock.now().saturating_sub(person.seeks_since);
        self.record.pairing.record(sought);
        self.sit(client, who);
    }

    fn sit(&mut self, client: &mut Client, who: Who) {
        let person = &mut self.people[who];
        if let Some(cut) = person.cut.take() {
            let since = self.storm.unwrap_or(cut);
            self.away -= 1;
            self.record.back.record(client.clock.now() - since);
        }
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
            person.before = Some(seat);
            if person.cut.take().is_some() {
                self.away -= 1;
                self.rooms.miss(seat);
            }
            self.rooms.end(seat, client.clock.now());
        }
        if self.manners.seek_again && self.people[who].doing == Doing::Idle {
            self.seek(client, who, client.clock.now());
        }
    }

    /// Every line in `json`, which may be one or the many that were said lately.
    fn hear_lines(&mut self, client: &Client, who: Who, json: &[u8], hear: Hear) {
        let now = client.clock.now();
        let lines = packet::strings(json, &self.keys.content).zip(packet::strings(json, &self.keys.message));
        for (text, message) in lines {
            let Some(mark) = Mark::read(text).filter(|mark| mark.run == self.manners.run) else {
                continue;
            };
            let Person { seat, before, .. } = self.people[who];
            let seats = [seat, before];
            let mut seats = seats.iter().flatten();
            let Some(seat) = seats.find(|seat| seat.room == mark.room) else {
                self.record.happened.strange += 1;
                continue;
            };
            if !self.rooms.hears(*seat, mark.room, mark.seat) {
                self.record.happened.echoed += 1;
                continue;
            }
            let sender = Seat {
                room: mark.room,
                place: mark.seat,
            };
            match hear(self.rooms.flow(sender), mark.number, message) {
                Hearing::First { measured: true } => self.record.delivered(now.saturating_sub(mark.due)),
                Hearing::First { measured: false } | Hearing::Again => {}
                Hearing::Strange => self.record.happened.strange += 1,
            }
        }
    }

    fn answered(&mut self, client: &Client, who: Who, number: u32, answer: &[u8]) {
        let accepted = !self.keys.error.is_in(answer);
        let Person { seat, before, .. } = self.people[who];
        let flows = [seat, before];
        let measured = flows
            .iter()
            .flatten()
            .find_map(|seat| self.rooms.flow(*seat).answered(number, accepted));
        if !accepted {
            self.complain_of(answer);
        } else if let Some((due, true)) = measured {
            self.record.ack.record(client.clock.now().saturating_sub(due));
        }
    }

    fn ended(&mut self, client: &mut Client, who: Who, why: &str) {
        let now = client.clock.now();
        let person = &mut self.people[who];
        let doing = person.doing;
        if doing == Doing::Away {
            return self.failed(who, why, now);
        }
        self.record.happened.ended += 1;
        self.record.complain(why);
        self.went_away(who, now);
    }

    fn went_away(&mut self, who: Who, now: Nanos) {
        let person = &mut self.people[who];
        let doing = std::mem::replace(&mut person.doing, Doing::Away);
        self.open -= 1;
        self.seated -= usize::from(doing == Doing::Seated);
        if let Some(seat) = person.seat {
            self.rooms.flow(seat).sender_cut();
            if person.cut.replace(person.cut.unwrap_or(now)).is_none() {
                self.away += 1;
                self.record.happened.seats_at_stake += 1;
            }
        }
        if self.manners.come_back {
            self.arrivals.failed(who, now);
        }
    }
}

/// As something new, or as history.
type Hear = fn(&mut Flow, u32, &[u8]) -> Hearing;

fn person_is_free(person: &Person) -> bool {
    person.doing == Doing::Idle && person.seat.is_none()
}
