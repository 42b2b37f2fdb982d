//! Who sits with whom, and what they said to each other. A room is known by the name that the server gave it; both of
//! its people must be ours before anything is said in it.

use super::flow::{Flow, Tally};
use crate::client::Who;
use std::collections::HashMap;

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

    /// Whoever sits in this seat left: nobody is to hear anything any more.
    pub(crate) fn end(&mut self, seat: Seat) {
        let room = &mut self.all[seat.room as usize];
        if !room.over {
            room.over = true;
            room.flows.iter_mut().for_each(Flow::hearer_left);
            self.by_name.remove(&room.name);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        let flows = self.all.iter().flat_map(|room| &room.flows);
        flows.for_each(|flow| sum += flow.tally());
        sum
    }

    /// Rooms in which a line was lost or heard in another order.
    pub(crate) fn harmed(&self) -> usize {
        let harmed = |flow: &Flow| flow.tally().lost + flow.tally().out_of_order + flow.tally().doubled > 0;
        self.all.iter().filter(|room| room.flows.iter().any(harmed)).count()
    }
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

        rooms.end(ann);

        assert_eq!(rooms.partner(ann), None);
        assert_eq!(rooms.enter(b"r", 0), Some(Seat { room: 1, place: 0 }));
    }
}
