//! Who sits with whom, and what they said to each other. A room is known by the name that the server gave it; both of
//! its people must be ours before anything is said in it.

use super::flow::{Flow, Tally};
use crate::client::Who;
use crate::clock::{Nanos, SECOND};
use std::collections::{HashMap, VecDeque};

/// How long after the end of a room a line of it may still be heard.
const LATE: Nanos = 15 * SECOND;

/// A room, counted from 0 over the whole run.
pub(crate) type RoomNumber = u32;

/// A place in a room: the first or the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) room: RoomNumber,
    pub(crate) place: usize,
}

#[derive(Debug)]
struct Room {
    name: Box<[u8]>,
    people: [Option<Who>; 2],
    /// By the place of who speaks.
    flows: [Flow; 2],
    over: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Rooms {
    all: Vec<Room>,
    by_name: HashMap<Box<[u8]>, RoomNumber>,
    /// Rooms that ended, with when, while late lines may still come.
    ended: VecDeque<(Nanos, RoomNumber)>,
    settled: Tally,
    settled_harmed: usize,
}

impl Rooms {
    /// The server told `who` of a room.
    pub(crate) fn enter(&mut self, name: &[u8], who: Who) -> Option<Seat> {
        let Some(&room) = self.by_name.get(name) else {
            let room = self.all.len() as RoomNumber;
            self.by_name.insert(name.into(), room);
            self.all.push(Room {
                name: name.into(),
                people: [Some(who), None],
                flows: Default::default(),
                over: false,
            });
            return Some(Seat { room, place: 0 });
        };
        let people = &mut self.all[room as usize].people;
        let place = match *people {
            [Some(first), _] if first == who => 0,
            [_, Some(second)] => return (second == who).then_some(Seat { room, place: 1 }),
            _ => 1,
        };
        people[place] = Some(who);
        Some(Seat { room, place })
    }

    /// Who sits opposite, once that is known and while the room lives.
    pub(crate) fn partner(&self, seat: Seat) -> Option<Who> {
        let room = &self.all[seat.room as usize];
        room.people[1 - seat.place].filter(|_| !room.over)
    }

    pub(crate) fn is(&self, seat: Seat, name: &[u8]) -> bool {
        &*self.all[seat.room as usize].name == name
    }

    /// What the person in this seat says.
    pub(crate) fn flow(&mut self, seat: Seat) -> &mut Flow {
        &mut self.all[seat.room as usize].flows[seat.place]
    }

    /// Whether somebody in `seat` may hear what was said in `room` from `place`.
    pub(crate) fn hears(&self, seat: Seat, room: RoomNumber, place: usize) -> bool {
        seat.room == room && seat.place != place
    }

    /// Whoever sits in this seat leaves: is to hear nothing any more, but the partner what was said before.
    pub(crate) fn leave(&mut self, seat: Seat, now: Nanos) {
        self.miss(seat);
        self.close(seat.room, now);
    }

    /// Whoever sat in this seat lost it while they were away: what they had not heard by then was for nobody.
    pub(crate) fn miss(&mut self, seat: Seat) {
        self.all[seat.room as usize].flows[1 - seat.place].hearer_left();
    }

    /// The server ended the room: nobody is to hear anything any more.
    pub(crate) fn end(&mut self, seat: Seat, now: Nanos) {
        let room = &mut self.all[seat.room as usize];
        if !room.over {
            room.flows.iter_mut().for_each(Flow::hearer_left);
            self.close(seat.room, now);
        }
    }

    fn close(&mut self, number: RoomNumber, now: Nanos) {
        let room = &mut self.all[number as usize];
        if !room.over {
            room.over = true;
            self.by_name.remove(&room.name);
            self.ended.push_back((now, number));
        }
    }

    /// Counts what was said in rooms that ended long ago, and forgets it.
    pub(crate) fn settle(&mut self, now: Nanos) {
        while let Some((at, number)) = self.ended.front().copied().filter(|(at, _)| at + LATE <= now) {
            debug_assert!(at <= now, "rooms end in order");
            self.ended.pop_front();
            let room = &mut self.all[number as usize];
            let flows = std::mem::take(&mut room.flows);
            self.settled_harmed += usize::from(flows.iter().any(is_harmed));
            flows.iter().for_each(|flow| self.settled += flow.tally());
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn tally(&self) -> Tally {
        let mut sum = self.settled;
        let flows = self.all.iter().flat_map(|room| &room.flows);
        flows.for_each(|flow| sum += flow.tally());
        sum
    }

    /// Rooms in which a line was lost or heard in another order.
    pub(crate) fn harmed(&self) -> usize {
        let harmed = self.all.iter().filter(|room| room.flows.iter().any(is_harmed));
        self.settled_harmed + harmed.count()
    }
}

fn is_harmed(flow: &Flow) -> bool {
    let tally = flow.tally();
    tally.lost + tally.out_of_order + tally.doubled > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_who_are_told_the_same_room_sit_together() {
        let mut rooms = Rooms::default();

        let ann = rooms.enter(b"r", 7).unwrap();
        assert_eq!(rooms.partner(ann), None);
        let bob = rooms.enter(b"r", 3).unwrap();

        assert_eq!((rooms.partner(ann), rooms.partner(bob)), (Some(3), Some(7)));
        assert_eq!(rooms.enter(b"r", 7), Some(ann), "told twice");
        assert_eq!(rooms.enter(b"r", 3), Some(bob));
        assert_eq!(rooms.enter(b"r", 9), None, "a third");
        assert_eq!(rooms.enter(b"s", 9), Some(Seat { room: 1, place: 0 }));
    }

    #[test]
    fn a_room_that_ended_has_no_partner_and_its_name_may_come_again() {
        let mut rooms = Rooms::default();
        let ann = rooms.enter(b"r", 0).unwrap();
        rooms.enter(b"r", 1);

        rooms.end(ann, 1);

        assert_eq!(rooms.partner(ann), None);
        assert_eq!(rooms.enter(b"r", 0), Some(Seat { room: 1, place: 0 }));
    }

    #[test]
    fn who_leaves_hears_no_more_but_what_they_said_must_be_heard() {
        let mut rooms = Rooms::default();
        let ann = rooms.enter(b"r", 0).unwrap();
        let bob = rooms.enter(b"r", 1).unwrap();
        rooms.flow(ann).say(0, 0, true);
        rooms.flow(bob).say(0, 0, true);

        rooms.leave(ann, 0);
        rooms.end(bob, 0);

        let counted = (rooms.tally().lost, rooms.tally().unanswered, rooms.harmed());
        assert_eq!(counted, (1, 1, 1));
        rooms.settle(LATE - 1);
        assert_eq!(rooms.ended.len(), 1, "late lines may still come");
        rooms.settle(LATE);
        assert_eq!(
            (rooms.tally().lost, rooms.tally().unanswered, rooms.harmed()),
            counted,
            "and is not forgotten"
        );
    }
}
