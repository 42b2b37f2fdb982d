//! What must hold among the histories alone, whatever happened to the machines.

use super::{GOODBYE, Log, Moment};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// A line that its sender was told is safe never reached the partner, and the room did not end.
    LostLine {
        room: String,
        id: String,
        text: String,
        to: String,
    },
    /// Two people saw the same lines in another order.
    Disorder { room: String, first: String, then: String },
    /// One line came under two ids.
    TwoIds {
        room: String,
        text: String,
        ids: [String; 2],
    },
    /// Somebody was put into a room while in another.
    TwoRooms { who: String, left: String, entered: String },
    /// Somebody has a partner who has somebody else.
    NotMutual { room: String, who: String },
    /// Somebody was paired with themselves.
    Alone { who: String },
    /// A room ended without one of the known reasons.
    Unexplained { who: String, reason: String },
    /// A room ended for one and goes on for the other.
    HalfEnded { room: String, who: String },
    /// Somebody was told a new line of a room that was over.
    AfterTheEnd { room: String, who: String, text: String },
}

/// Every reason that a client may be given for the end of a room.
const REASONS: &[&str] = &[
    "user_left",
    "partner_left",
    "partner_disconnected",
    "timeout",
    "reported",
    "session_lost",
    "gone",
];

/// Longer than a line is on its way, whatever the network does to it.
const ON_ITS_WAY: Duration = Duration::from_secs(10);

/// Every broken promise in these histories, each once. Who is not among `logs` is not judged.
pub fn violations(logs: &[Log]) -> Vec<Violation> {
    let mut found = BTreeSet::new();
    for log in logs {
        found.extend(of_one(log));
    }
    for (room, people) in rooms(logs) {
        found.extend(of_room(&room, &people));
    }
    found.into_iter().collect()
}

/// The people of every room, by what they were told.
fn rooms(logs: &[Log]) -> BTreeMap<String, Vec<&Log>> {
    let mut rooms = BTreeMap::<String, Vec<&Log>>::new();
    for log in logs {
        let entered = log.moments.iter().filter_map(|(_, moment)| match moment {
            Moment::Matched { room, .. } => Some(room.clone()),
            _ => None,
        });
        for room in entered.collect::<BTreeSet<_>>() {
            rooms.entry(room).or_default().push(log);
        }
    }
    rooms
}

fn of_one(log: &Log) -> Vec<Violation> {
    let who = log.who.clone();
    let mut found = Vec::new();
    let mut room: Option<String> = None;
    let mut told = BTreeSet::new();
    for (at, moment) in &log.moments {
        match moment {
            Moment::Matched { room: entered, partner } => {
                if *partner == log.who {
                    found.push(Violation::Alone { who: who.clone() });
                }
                if let Some(left) = room.replace(entered.clone()).filter(|left| left != entered) {
                    let (who, entered) = (who.clone(), entered.clone());
                    found.push(Violation::TwoRooms { who, left, entered });
                }
            }
            Moment::Ended { reason, .. } => {
                room = None;
                if !REASONS.contains(&reason.as_str()) {
                    let (who, reason) = (who.clone(), reason.clone());
                    found.push(Violation::Unexplained { who, reason });
                }
            }
            // Who asked was answered "gone" at once, and what is on its way comes after that.
            Moment::Heard { room: r, text, .. }
                if log.ending(r).is_some_and(|(end, why)| end < *at && why != "gone")
                    && !told.contains(text.as_str()) =>
            {
                let (room, text) = (r.clone(), text.clone());
                found.push(Violation::AfterTheEnd {
                    room,
                    who: who.clone(),
                    text,
                });
            }
            Moment::Heard { text, .. } => {
                told.insert(text.as_str());
            }
            _ => {}
        }
    }
    found
}

fn of_room(room: &str, people: &[&Log]) -> Vec<Violation> {
    let room_name = || room.to_owned();
    let mut found = Vec::new();
    let mut ids = HashMap::<&str, &str>::new();
    for log in people {
        let partner = log.partner_in(room);
        let other = people.iter().find(|other| Some(other.who.as_str()) == partner);
        if people.len() > 2 || (people.len() == 2 && other.is_none()) {
            let who = log.who.clone();
            found.push(Violation::NotMutual { room: room_name(), who });
        }
        for (_, moment) in &log.moments {
            let (Moment::Heard { room: r, id, text } | Moment::Acked { room: r, id, text }) = moment else {
                continue;
            };
            if r != room {
                continue;
            }
            let first = *ids.entry(text).or_insert(id);
            if first != id {
                found.push(Violation::TwoIds {
                    room: room_name(),
                    text: text.clone(),
                    ids: [first.to_owned(), id.clone()],
                });
            }
        }
        if let Some(other) = other {
            found.extend(between(room, log, other));
        }
    }
    found
}

/// What `log`'s lines did for `other`.
fn between(room: &str, log: &Log, other: &Log) -> Vec<Violation> {
    let room_name = || room.to_owned();
    let mut found = Vec::new();
    let (mine, theirs) = (log.heard(room), other.heard(room));
    let over = log.ended(room) || other.ended(room);
    if log.ended(room) && !other.ended(room) {
        let who = other.who.clone();
        found.push(Violation::HalfEnded { room: room_name(), who });
    }
    let heard: BTreeSet<_> = theirs.iter().copied().collect();
    for (at, id, text) in log.acked(room) {
        if !over && !heard.contains(id) && !on_its_way_at_a_goodbye(other, at) {
            let (id, text, to) = (id.to_owned(), text.to_owned(), other.who.clone());
            found.push(Violation::LostLine {
                room: room_name(),
                id,
                text,
                to,
            });
        }
    }
    let place: HashMap<_, _> = theirs.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    // What one of them may never have got, and then was sent again, says nothing about the order.
    let acked = log.acked(room).chain(other.acked(room));
    let vague = acked.filter(|(at, ..)| [log, other].iter().any(|who| on_its_way_at_a_goodbye(who, *at)));
    let vague: BTreeSet<_> = vague.map(|(_, id, _)| id).collect();
    let sure = |id: &&&str| place.contains_key(**id) && !vague.contains(**id);
    let common: Vec<_> = mine.iter().filter(sure).collect();
    for pair in common.windows(2) {
        if place[pair[0]] > place[pair[1]] {
            let (first, then) = ((*pair[0]).to_owned(), (*pair[1]).to_owned());
            found.push(Violation::Disorder {
                room: room_name(),
                first,
                then,
            });
        }
    }
    found
}

/// Whoever says goodbye counts as having got what was on its way: nobody promises more.
fn on_its_way_at_a_goodbye(log: &Log, acked: Instant) -> bool {
    let around = |at: Instant| at.max(acked) - at.min(acked) < ON_ITS_WAY;
    let goodbye = |moment: &Moment| matches!(moment, Moment::Lost(why) if why == GOODBYE);
    log.moments.iter().any(|(at, moment)| goodbye(moment) && around(*at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::history::GOODBYE;

    fn log(who: &str, moments: &[Moment]) -> Log {
        let mut log = Log::of(who);
        moments.iter().cloned().for_each(|moment| log.note(moment));
        log
    }

    fn matched(room: &str, partner: &str) -> Moment {
        let (room, partner) = (room.to_owned(), partner.to_owned());
        Moment::Matched { room, partner }
    }

    fn heard(id: &str) -> Moment {
        let (room, id, text) = ("r".to_owned(), id.to_owned(), format!("text of {id}"));
        Moment::Heard { room, id, text }
    }

    fn acked(id: &str) -> Moment {
        let (room, id, text) = ("r".to_owned(), id.to_owned(), format!("text of {id}"));
        Moment::Acked { room, id, text }
    }

    fn ended(reason: &str) -> Moment {
        let (room, reason) = (Some("r".to_owned()), reason.to_owned());
        Moment::Ended { room, reason }
    }

    fn pair(a: &[Moment], b: &[Moment]) -> Vec<Violation> {
        let with = |who: &str, partner: &str, rest: &[Moment]| {
            let mut moments = vec![matched("r", partner)];
            moments.extend_from_slice(rest);
            log(who, &moments)
        };
        violations(&[with("a", "b", a), with("b", "a", b)])
    }

    #[test]
    fn a_good_history_is_left_alone_also_with_repeated_lines() {
        let a = [acked("1"), heard("1"), heard("2"), heard("1"), ended("user_left")];
        let b = [heard("1"), acked("2"), heard("1"), heard("2"), ended("partner_left")];
        assert_eq!(pair(&a, &b), []);
    }

    #[test]
    fn a_lost_line_is_caught_unless_the_room_ended() {
        let lost = pair(&[acked("1"), heard("1")], &[]);
        assert!(
            matches!(&lost[..], [Violation::LostLine { to, .. }] if to == "b"),
            "{lost:?}"
        );

        assert_eq!(pair(&[acked("1"), ended("session_lost")], &[ended("session_lost")]), []);
    }

    #[test]
    fn a_line_that_was_on_its_way_at_a_goodbye_is_not_lost_and_every_other_is() {
        let lost = |why: &str| pair(&[acked("1")], &[Moment::Lost(why.to_owned())]);

        assert_eq!(lost(GOODBYE), []);
        assert_eq!(lost("vanished").len(), 1);
    }

    #[test]
    fn a_line_after_the_end_is_caught() {
        let after = pair(
            &[heard("1"), ended("user_left"), heard("1"), heard("2")],
            &[ended("partner_left")],
        );
        assert!(
            matches!(&after[..], [Violation::AfterTheEnd { text, .. }] if text == "text of 2"),
            "{after:?}"
        );
    }

    #[test]
    fn a_room_that_came_back_for_both_has_not_ended_and_one_that_did_for_one_has() {
        assert_eq!(pair(&[ended("gone"), matched("r", "b"), heard("1")], &[acked("1")]), []);

        let half = pair(&[ended("gone"), matched("r", "b"), ended("gone")], &[]);
        assert!(
            matches!(&half[..], [Violation::HalfEnded { who, .. }] if who == "b"),
            "{half:?}"
        );
    }

    #[test]
    fn another_order_is_caught() {
        let disorder = pair(&[heard("1"), heard("2")], &[heard("2"), heard("1")]);
        assert!(disorder.iter().all(|v| matches!(v, Violation::Disorder { .. })) && !disorder.is_empty());
    }

    #[test]
    fn one_line_under_two_ids_is_caught() {
        let again = Moment::Heard {
            room: "r".into(),
            id: "9".into(),
            text: "text of 1".into(),
        };
        let twice = pair(&[acked("1"), heard("1")], &[heard("1"), again]);
        assert!(matches!(&twice[..], [Violation::TwoIds { .. }]), "{twice:?}");
    }

    #[test]
    fn two_rooms_at_a_time_and_wrong_partners_are_caught() {
        let two = violations(&[log("a", &[matched("r", "b"), matched("r", "b"), matched("s", "c")])]);
        assert!(matches!(&two[..], [Violation::TwoRooms { .. }]), "{two:?}");

        let wrong = violations(&[log("a", &[matched("r", "b")]), log("c", &[matched("r", "d")])]);
        assert!(
            matches!(&wrong[..], [Violation::NotMutual { .. }, Violation::NotMutual { .. }]),
            "{wrong:?}"
        );

        let own = violations(&[log("a", &[matched("r", "a")])]);
        assert!(own.contains(&Violation::Alone { who: "a".into() }), "{own:?}");
    }

    #[test]
    fn an_end_without_a_reason_or_for_one_only_is_caught() {
        let half = pair(&[ended("user_left")], &[]);
        assert!(
            matches!(&half[..], [Violation::HalfEnded { who, .. }] if who == "b"),
            "{half:?}"
        );

        let mute = pair(&[ended("")], &[ended("")]);
        assert!(
            mute.iter().all(|v| matches!(v, Violation::Unexplained { .. })) && mute.len() == 2,
            "{mute:?}"
        );
    }
}
