//! Up to where the client of a polling session has heard, counted by what the record of the session has: whoever goes on
//! with the session tells what comes after that, and nothing twice.

use crate::domain::recovery::Bookmark;
use crate::ids::SocketId;
use std::collections::VecDeque;

/// Up to where the client of a socket has heard.
pub(super) type Mark = (SocketId, Bookmark);

/// The marks of one connection.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Frames that were taken to the record so far.
    taken: u64,
    /// What is true once so many frames were taken.
    waiting: VecDeque<(u64, Mark)>,
    /// What the record says of the sockets here.
    recorded: Vec<Mark>,
}

impl Marks {
    /// With the last of `frames` that wait, this is how far its client has heard.
    pub(super) fn note(&mut self, frames: usize, socket: &SocketId, heard: Bookmark) {
        let after = self.taken + frames as u64;
        self.waiting.push_back((after, (socket.clone(), heard)));
    }

    /// So many frames are taken: how far clients have heard when they have these.
    pub(super) fn take(&mut self, frames: usize) -> Vec<Mark> {
        self.taken += frames as u64;
        let mut reached = Vec::new();
        while let Some((_, (socket, heard))) = self.waiting.pop_front_if(|(after, _)| *after <= self.taken) {
            let before = place(&reached, &socket).or_else(|| place(&self.recorded, &socket));
            let heard = before.map_or(heard, |before| before.then(heard));
            set(&mut reached, (socket, heard));
        }
        reached
    }

    /// The record says so now.
    pub(super) fn recorded(&mut self, marks: Vec<Mark>) {
        for mark in marks {
            set(&mut self.recorded, mark);
        }
    }

    /// Up to where a socket's client has heard, as far as the record knows.
    pub(super) fn of(&self, socket: &SocketId) -> Option<Bookmark> {
        place(&self.recorded, socket)
    }
}

fn place(marks: &[Mark], socket: &SocketId) -> Option<Bookmark> {
    marks.iter().find(|(of, _)| of == socket).map(|(_, heard)| *heard)
}

fn set(marks: &mut Vec<Mark>, (socket, heard): Mark) {
    match marks.iter_mut().find(|(of, _)| *of == socket) {
        Some((_, before)) => *before = heard,
        None => marks.push((socket, heard)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::room::Offset;
    use crate::ids::{RoomId, Shard};

    #[test]
    fn a_mark_counts_with_the_frame_that_it_came_with_and_when_the_record_has_that() {
        let room = RoomId::fresh(Shard(0));
        let at = |ms| Bookmark::In(room, Offset { ms, seq: 0 });
        let [one, other] = [SocketId::fresh(), SocketId::fresh()];
        let mut marks = Marks::default();
        marks.recorded(vec![(one.clone(), at(6))]);
        marks.note(2, &one, at(7));
        marks.note(3, &other, at(3));
        marks.note(5, &one, at(9));

        assert_eq!(marks.take(1), []);
        let reached = marks.take(3);
        assert_eq!(reached, [(one.clone(), at(7)), (other.clone(), at(3))]);
        assert_eq!((marks.of(&one), marks.of(&other)), (Some(at(6)), None));
        marks.recorded(reached);
        assert_eq!((marks.of(&one), marks.of(&other)), (Some(at(7)), Some(at(3))));
        marks.note(2, &one, at(8));
        assert_eq!(
            marks.take(2),
            [(one, at(9))],
            "the state of a room comes after its last lines"
        );
    }
}
