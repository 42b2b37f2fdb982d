//! Who sits with whom, and what they said to each other. A room is known by the name that the server gave it; both of
//! its people must be ours before anything is said in it.

use super::flow::Flow;
use super::tally::Tally;
use super::worst::Worst;
use crate::client::Who;
use crate::clock::{Nanos, SECOND};
use std::collections::{HashMap, VecDeque};

/// How long after the end of a room a line of it may still be heard: Socket.IO keeps the session of who is away for two
/// minutes unless it is told otherwise, and then replays what was missed.
const LATE: Nanos = 120 * SECOND;
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
    began: Nanos,
    over: bool,
    /// One of its people left it.
    left: bool,
    /// What was said in it is counted, and forgotten.
    settled: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Rooms {
    all: Vec<Room>,
    by_name: HashMap<Box<[u8]>, RoomNumber>,
    /// Rooms that ended, with when, while late lines may still come.
    ended: VecDeque<(Nanos, RoomNumber)>,
    settled: Tally,
    settled_harmed: usize,
    settled_worst: Worst,
}

impl Rooms {
    /// The server told `who` of a room.
    pub(crate) fn enter(&mut self, name: &[u8], who: Who, now: Nanos) -> Option<Seat> {
        let Some(&room) = self.by_name.get(name) else {
            let room = self.all.len() as RoomNumber;
            self.by_name.insert(name.into(), room);
            self.all.push(Room {
                name: name.into(),
                people: [Some(who), None],
                flows: Default::default(),
                began: now,
                over: false,
                left: false,
                settled: false,
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

    /// What the person in this seat is to hear.
    fn flow_to(&mut self, seat: Seat) -> &mut Flow {
        let place = 1 - seat.place;
        self.flow(Seat { place, ..seat })
    }

    /// Whoever sits in this seat lost the connection.
    pub(crate) fn cut(&mut self, seat: Seat) {
        self.flow(seat).sender_cut();
        self.flow_to(seat).hearer_away();
    }

    /// Whoever sits in this seat is back in it.
    pub(crate) fn back(&mut self, seat: Seat) {
        self.flow_to(seat).hearer_back();
    }

    /// Whoever sits in this seat leaves: is to hear nothing any more, but the partner what was said before.
    pub(crate) fn leave(&mut self, seat: Seat, now: Nanos) {
        self.flow_to(seat).hearer_left(now);
        self.all[seat.room as usize].left = true;
        self.close(seat.room, now);
    }

    /// The server told whoever sits in this seat that the room ended; whether one of its people had left it.
    pub(crate) fn end(&mut self, seat: Seat, now: Nanos) -> bool {
        self.flow_to(seat).hearer_told(now);
        self.close(seat.room, now);
        self.all[seat.room as usize].left
    }

    fn close(&mut self, number: RoomNumber, now: Nanos) {
        let room = &mut self.all[number as usize];
        if !room.over {
            room.over = true;
            self.by_name.remove(&room.name);
            self.ended.push_back((now, number));
        }
    }

    /// Counts what was said in rooms that ended long ago, and forgets it. When the lines that are lost were due.
    pub(crate) fn settle(&mut self, now: Nanos) -> Vec<Nanos> {
        let mut missing = Vec::new();
        while let Some((_, number)) = self.ended.front().copied().filter(|(at, _)| at + LATE <= now) {
            self.ended.pop_front();
            let room = &mut self.all[number as usize];
            let tally = room.tally();
            self.settled += tally;
            self.settled_harmed += usize::from(tally.is_harmed());
            self.settled_worst.consider(&room.name, tally);
            missing.extend(room.flows.iter().flat_map(Flow::missing));
            (room.flows, room.settled) = (Default::default(), true);
        }
        missing
    }

    /// When the lines that are lost, in rooms that are not forgotten yet, were due.
    pub(crate) fn missing(&self) -> impl Iterator<Item = Nanos> {
        self.all.iter().flat_map(|room| &room.flows).flat_map(Flow::missing)
    }

    /// Whether what was said in this room is forgotten: nobody can tell whether a line of it is heard again.
    pub(crate) fn is_settled(&self, room: RoomNumber) -> bool {
        self.all[room as usize].settled
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn tally(&self) -> Tally {
        let mut sum = self.settled;
        self.all.iter().for_each(|room| sum += room.tally());
        sum
    }

    /// Rooms in which a line was lost, doubled or heard in another order.
    pub(crate) fn harmed(&self) -> usize {
        let harmed = self.all.iter().filter(|room| room.tally().is_harmed());
        self.settled_harmed + harmed.count()
    }

    /// Those in which the most went wrong.
    pub(crate) fn worst(&self) -> Worst {
        let mut worst = self.settled_worst.clone();
        self.all
            .iter()
            .for_each(|room| worst.consider(&room.name, room.tally()));
        worst
    }

    /// Rooms that began by then of which only one of ours was told: the other is a stranger.
    pub(crate) fn with_strangers(&self, by: Nanos) -> usize {
        let old = self.all.iter().filter(|room| room.began <= by);
        old.filter(|room| room.people[1].is_none()).count()
    }
}

impl Room {
    fn tally(&self) -> Tally {
        let mut tally = self.flows[0].tally();
        tally += self.flows[1].tally();
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_who_are_told_the_same_room_sit_together() {
        let mut rooms = Rooms::default();

        let ann = rooms.enter(b"r", 7, 0).unwrap();
        assert_eq!(rooms.partner(ann), None);
        let bob = rooms.enter(b"r", 3, 0).unwrap();

        assert_eq!((rooms.partner(ann), rooms.partner(bob)), (Some(3), Some(7)));
        assert_eq!(rooms.enter(b"r", 7, 0), Some(ann), "told twice");
        assert_eq!(rooms.enter(b"r", 3, 0), Some(bob));
        assert_eq!(rooms.enter(b"r", 9, 0), None, "a third");
        assert_eq!(rooms.enter(b"s", 9, 0), Some(Seat { room: 1, place: 0 }));
    }

    #[test]
    fn who_sits_alone_sits_with_a_stranger() {
        let mut rooms = Rooms::default();
        for (name, who, now) in [(b"r", 0, 1), (b"r", 1, 1), (b"s", 2, 2), (b"t", 3, 9)] {
            rooms.enter(name, who, now);
        }

        assert_eq!([1, 2, 9].map(|by| rooms.with_strangers(by)), [0, 1, 2]);
    }

    #[test]
    fn a_room_that_ended_has_no_partner_and_its_name_may_come_again() {
        let mut rooms = Rooms::default();
        let ann = rooms.enter(b"r", 0, 0).unwrap();
        rooms.enter(b"r", 1, 0);

        assert!(!rooms.end(ann, 1), "nobody left it");

        assert_eq!(rooms.partner(ann), None);
        assert_eq!(rooms.enter(b"r", 0, 1), Some(Seat { room: 1, place: 0 }));
    }

    /// Both said a line that was accepted.
    fn talking() -> (Rooms, Seat, Seat) {
        let mut rooms = Rooms::default();
        let ann = rooms.enter(b"r", 0, 0).unwrap();
        let bob = rooms.enter(b"r", 1, 0).unwrap();
        for seat in [ann, bob] {
            rooms.flow(seat).say(0, 0, true);
            rooms.flow(seat).answered(0, true);
        }
        (rooms, ann, bob)
    }

    fn fates(rooms: &Rooms) -> (u64, u64, usize) {
        (rooms.tally().lost, rooms.tally().unheard, rooms.harmed())
    }

    #[test]
    fn who_leaves_hears_no_more_but_what_they_said_must_be_heard() {
        let (mut rooms, ann, bob) = talking();

        rooms.leave(ann, 0);
        assert!(rooms.end(bob, 0) && rooms.end(ann, 0), "somebody left");

        let counted = (1, 1, 1);
        assert_eq!(fates(&rooms), counted);
        assert!(
            rooms.settle(LATE - 1).is_empty() && !rooms.is_settled(0),
            "late lines may still come"
        );
        assert_eq!(rooms.missing().collect::<Vec<_>>(), [0]);
        assert_eq!(rooms.settle(LATE), [0], "it has been missing since then");
        assert_eq!(fates(&rooms), counted, "and is not forgotten");
        assert!(rooms.is_settled(0));
        assert_eq!((rooms.missing().count(), rooms.worst().rooms().len()), (0, 1));
    }

    #[test]
    fn each_is_owed_what_was_accepted_until_they_are_told_of_the_end_themselves() {
        let (mut rooms, ann, bob) = talking();

        rooms.cut(bob);
        rooms.end(ann, 1);
        assert_eq!(fates(&rooms), (1, 1, 1), "ann must have heard by now, and bob is away");

        rooms.back(bob);
        assert_eq!(fates(&rooms), (2, 0, 1));
        let Some(line) = rooms.flow(ann).missing().next() else {
            panic!("nothing is missing")
        };
        assert_eq!(line, 0);
        rooms.flow(ann).hear(0, b"m");
        rooms.end(bob, 2);
        assert_eq!(fates(&rooms), (1, 0, 1));
    }
}
