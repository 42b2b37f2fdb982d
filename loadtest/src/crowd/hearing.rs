//! What people hear of what others said, and what servers answer to it.

use super::flow::{Flow, Hearing};
use super::line::Mark;
use super::rooms::Seat;
use super::signs::Sign;
use super::{Crowd, Person};
use crate::client::packet;
use crate::client::{Client, Who};

/// As something new, or as history.
type Hear = fn(&mut Flow, u32, &[u8]) -> Hearing;

impl Crowd {
    /// Every line in `json`, which may be one or the many that were said lately.
    pub(super) fn hear_lines(&mut self, client: &Client, who: Who, json: &[u8], hear: Hear) {
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
                self.record.happened.echoed += u64::from(self.window.has(mark.due));
                continue;
            }
            if self.rooms.is_settled(mark.room) {
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

    pub(super) fn answered(&mut self, client: &Client, who: Who, number: u32, answer: &[u8]) {
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

    pub(super) fn saw(&mut self, client: &Client, who: Who, sign: Sign) {
        let partner = self.people[who].seat.and_then(|seat| self.rooms.partner(seat));
        if let Some(due) = partner.and_then(|partner| self.signs.seen(partner, sign)) {
            self.record.delivered(client.clock.now().saturating_sub(due));
        }
    }

    /// Forgets rooms that ended long ago. What was lost in them has been missing until now, at least.
    pub(crate) fn settle(&mut self, client: &Client) {
        let now = client.clock.now();
        for due in self.rooms.settle(now) {
            self.record.delivery.record(now.saturating_sub(due));
        }
    }

    /// Counts what is missing still as what takes at least until now: a percentile over those that came alone would be
    /// the better the more are lost.
    pub(crate) fn count_the_missing(&mut self, client: &Client) {
        let now = client.clock.now();
        for due in self.rooms.missing().chain(self.signs.missing()) {
            self.record.delivery.record(now.saturating_sub(due));
        }
    }
}
