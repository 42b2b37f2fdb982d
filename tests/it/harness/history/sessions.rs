//! What those must see who take up their sessions: everything once and in order, over all connections of a session; and a
//! session that does not go on only for a reason that was told.

use super::weather::Weather;
use super::{GOODBYE, Log, Moment};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Ends of rooms that their logs tell of: whoever heard one that way has heard all that came before.
const TOLD_BY_THE_LOG: &[&str] = &[
    "user_left",
    "partner_left",
    "partner_disconnected",
    "timeout",
    "reported",
];

/// A session can be taken up for so long after its connection broke (`sockets.recovery_window`), and a little less: who
/// comes back has been on the way for a while.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(50);

/// The reason is given at once.
const SAID_WITHIN: Duration = Duration::from_secs(3);

/// Where an offset points to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// An entry of the room's log.
    At(u64, u64),
    /// Its end.
    End,
}

/// The room and the place in it of an offset.
fn place(mark: &str) -> Option<(&str, Place)> {
    let (room, at) = mark.split_once('/')?;
    if at.starts_with("end-") {
        return Some((room, Place::End));
    }
    let (ms, seq) = at.split_once('-')?;
    Some((room, Place::At(ms.parse().ok()?, seq.parse().ok()?)))
}

/// The room of an offset, as clients name it.
fn named(mark: &str) -> String {
    format!("text_room_{}", mark.split('/').next().unwrap_or_default())
}

/// Everything that was told wrongly to people who take up their sessions, in words.
pub fn broken_sessions(logs: &[Log], weather: &Weather) -> Vec<String> {
    let mut found = Vec::new();
    for log in logs {
        found.extend(told_again(log, weather));
        found.extend(ended_for_no_reason(log, weather));
        for room in heard_to_the_end(log) {
            let acked = logs.iter().flat_map(|other| other.acked(room));
            let heard: BTreeSet<_> = log.heard(room).into_iter().collect();
            let lost = acked.filter(|(_, id, _)| !heard.contains(id) && !weather.may_be_lost(id));
            found.extend(lost.map(|(_, _, text)| {
                format!(
                    "{}: heard {room} to its end in one session, and never {text:?}",
                    log.who
                )
            }));
        }
    }
    found
}

/// Offsets that do not grow, and lines that came again, within a session. Over one connection whose sending changes hands
/// (a polling session whose node begins a new life) some things may be told again; what follows the taking up of a session
/// never is. An end that the Redis which took over had not heard of may come again, with what was said before it.
fn told_again(log: &Log, weather: &Weather) -> Vec<String> {
    let strict = !log.polls;
    let mut found = Vec::new();
    let mut told = Told::default();
    for (at, moment) in &log.moments {
        let wrong = match moment {
            Moment::Began => {
                told = Told::default();
                None
            }
            // The state of now: what comes after it is new.
            Moment::Told(what) if what == "text_reconnected" => {
                told = Told::default();
                told.is_state = true;
                None
            }
            Moment::TookUp => {
                told.goes_on = true;
                None
            }
            Moment::Marked(mark) => {
                let first = std::mem::take(&mut told.goes_on);
                // What comes of an ended room once more is not where the log went on.
                match weather.may_have_come_back(log, &named(mark)) {
                    true => None,
                    false => told.up_to(mark).filter(|_| strict || first),
                }
            }
            Moment::Heard { room, id, text } => (told.line(id) && strict && !weather.may_be_unheard(id))
                .then(|| format!("was told {text:?} in {room} twice in one session")),
            Moment::Ended { reason, .. } => {
                told.was_asked_for = reason == "gone";
                None
            }
            // Who asked was answered "gone" at once, and what is on its way comes after that.
            Moment::Told(what)
                if what.starts_with("the end of no room") && !told.was_asked_for && !weather.is_rolled_back(*at) =>
            {
                Some(format!("was told {what}"))
            }
            _ => None,
        };
        found.extend(
            wrong
                .filter(|_| log.takes_up())
                .map(|wrong| format!("{}: {wrong}", log.who)),
        );
    }
    found
}

/// What was told since a session began.
#[derive(Default)]
struct Told {
    /// The state of now is being told.
    is_state: bool,
    /// The session was just taken up.
    goes_on: bool,
    /// The last room's end was the answer to a question.
    was_asked_for: bool,
    last: Option<(String, Place)>,
    rooms: BTreeSet<String>,
    lines: BTreeSet<String>,
}

impl Told {
    /// What is wrong with this offset after those before.
    fn up_to(&mut self, mark: &str) -> Option<String> {
        self.is_state = false;
        let Some((room, at)) = place(mark) else {
            return Some(format!("was given an offset of no known form: {mark}"));
        };
        let again = match &self.last {
            Some((before, reached)) if before == room => at <= *reached,
            _ => !self.rooms.insert(room.to_owned()),
        };
        self.last = Some((room.to_owned(), at));
        again.then(|| format!("was told what is at {mark} again, or out of order: text_room_{room}"))
    }

    /// Whether this line came already.
    fn line(&mut self, id: &str) -> bool {
        !self.is_state && !self.lines.insert(id.to_owned())
    }
}

/// Rooms that somebody heard from the pairing to the end in one session.
fn heard_to_the_end(log: &Log) -> Vec<&str> {
    let (mut rooms, mut now) = (Vec::new(), None);
    for (_, moment) in &log.moments {
        match moment {
            Moment::Began => now = None,
            Moment::Matched { room, .. } => now = Some(room.as_str()),
            Moment::Ended { room, reason } if room.as_deref() == now => {
                rooms.extend(now.take().filter(|_| TOLD_BY_THE_LOG.contains(&reason.as_str())));
            }
            _ => {}
        }
    }
    rooms.retain(|_| log.takes_up());
    rooms
}

/// Sessions that did not go on without a reason, or with one that is not true.
fn ended_for_no_reason(log: &Log, weather: &Weather) -> Vec<String> {
    let mut found = Vec::new();
    // When the session before began and what it was lost by; whether a new one has begun and nobody said why.
    let (mut begun, mut lost, mut unsaid) = (None, None::<(Instant, &str)>, false);
    let mut now = None;
    for (at, moment) in &log.moments {
        match moment {
            Moment::Lost(why) => {
                lost = Some((*at, why));
                unsaid = false;
            }
            Moment::Began => {
                unsaid = lost.is_some();
                begun = now.replace(*at);
            }
            Moment::Unrecovered(reason) => {
                unsaid = false;
                let forgotten = begun.is_some_and(|begun| weather.lost_within(begun, *at));
                let excused = match (reason.as_str(), lost) {
                    // Whoever says goodbye ends the session.
                    ("window_expired", Some((_, GOODBYE))) | ("trimmed", _) => true,
                    ("window_expired", Some((since, _))) => *at - since > TAKEN_UP_WITHIN || forgotten,
                    ("epoch_changed", _) => forgotten,
                    _ => false,
                };
                if !excused {
                    found.push(format!("{}: a session was not taken up for {reason:?}", log.who));
                }
            }
            // What comes first may be what this person missed.
            Moment::Marked(_) if unsaid && now.is_some_and(|began| *at - began > SAID_WITHIN) => {
                unsaid = false;
                found.push(format!("{}: a session was not taken up, without a word", log.who));
            }
            _ => {}
        }
    }
    found
}

impl Log {
    fn takes_up(&self) -> bool {
        self.count(|moment| *moment == Moment::Began) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::weather::Failover;
    use super::*;

    fn began(rest: &[Moment]) -> Log {
        let mut log = Log::of("a");
        log.note(Moment::Began);
        rest.iter().cloned().for_each(|moment| log.note(moment));
        log
    }

    fn marked(mark: &str) -> Moment {
        Moment::Marked(mark.to_owned())
    }

    fn line(id: &str) -> Moment {
        let (room, id, text) = ("r".to_owned(), id.to_owned(), format!("text of {id}"));
        Moment::Heard { room, id, text }
    }

    fn lost(why: &str) -> Moment {
        Moment::Lost(why.to_owned())
    }

    fn unrecovered(reason: &str) -> Moment {
        Moment::Unrecovered(reason.to_owned())
    }

    fn broken(rest: &[Moment]) -> usize {
        broken_sessions(&[began(rest)], &Weather::default()).len()
    }

    #[test]
    fn what_grows_is_left_alone_over_connections_and_rooms() {
        let marks = ["r/7-0", "r/9-0", "r/10-0", "r/10-1", "r/end-12", "s/3-0", "s/end-14"].map(marked);
        let good = [&marks[..3], &[lost("vanished"), Moment::TookUp], &marks[3..]].concat();

        assert_eq!(broken(&good), 0);
    }

    #[test]
    fn what_comes_twice_or_out_of_order_is_caught_until_a_new_session_begins() {
        assert_eq!(broken(&["r/7-0", "r/7-0"].map(marked)), 1);
        assert_eq!(broken(&["r/7-0", "r/6-0"].map(marked)), 1);
        assert_eq!(broken(&["r/end-12", "r/8-0"].map(marked)), 1);
        assert_eq!(broken(&["r/7-0", "s/1-0", "r/8-0"].map(marked)), 1);
        assert_eq!(broken(&[line("1"), marked("r/1-0"), line("1"), marked("r/2-0")]), 1);
        let anew = [lost("vanished"), Moment::Began, unrecovered("trimmed")];
        assert_eq!(broken(&[&[marked("r/7-0")][..], &anew, &[marked("r/7-0")]].concat()), 0);
    }

    #[test]
    fn over_one_connection_some_may_come_twice_to_who_polls_but_never_after_taking_up() {
        let over_one = ["r/7-0", "r/7-0"].map(marked);
        let over_two = [marked("r/7-0"), lost("vanished"), Moment::TookUp, marked("r/7-0")];
        let polling = |rest: &[Moment]| {
            let mut log = began(rest);
            log.polls = true;
            broken_sessions(&[log], &Weather::default()).len()
        };

        assert_eq!((polling(&over_one), polling(&over_two)), (0, 1));
    }

    #[test]
    fn an_end_that_was_not_heard_by_who_took_over_may_come_again_between_lines_of_the_next_room() {
        let ended = Moment::Ended {
            room: Some("text_room_r".to_owned()),
            reason: "partner_left".to_owned(),
        };
        let back = [
            marked("r/7-0"),
            ended,
            marked("s/8-0"),
            marked("r/9-0"),
            marked("s/9-0"),
        ];
        let after_a_failover = |rest: &[Moment]| {
            let log = began(rest);
            let deaf = log.moments[0].0;
            let failover = Failover {
                deaf,
                taken_over: deaf,
                over: deaf + SAID_WITHIN,
                unheard: 0..=0,
            };
            let weather = Weather {
                failovers: vec![failover],
                ..Weather::default()
            };
            broken_sessions(&[log], &weather).len()
        };

        assert_eq!((broken(&back), after_a_failover(&back)), (2, 0));
        let again = [&back[..], &[marked("s/9-0")]].concat();
        assert_eq!(after_a_failover(&again), 1, "of the room of now nothing is excused");
    }

    #[test]
    fn the_state_of_now_may_show_what_was_told() {
        let state = || Moment::Told("text_reconnected".to_owned());
        let good = [
            line("1"),
            marked("r/1-0"),
            state(),
            line("1"),
            marked("r/1-0"),
            line("2"),
            marked("r/2-0"),
        ];

        assert_eq!(broken(&good), 0);
    }

    #[test]
    fn a_line_that_is_missing_at_the_end_is_caught() {
        let matched = |partner: &str| Moment::Matched {
            room: "r".into(),
            partner: partner.into(),
        };
        let end = || Moment::Ended {
            room: Some("r".into()),
            reason: "partner_left".into(),
        };
        let mut partner = Log::of("b");
        partner.note(Moment::Acked {
            room: "r".into(),
            id: "1".into(),
            text: "text of 1".into(),
        });
        let judged = |rest: &[Moment]| broken_sessions(&[began(rest), partner.clone()], &Weather::default()).len();

        assert_eq!(judged(&[matched("b"), line("1"), end()]), 0);
        assert_eq!(judged(&[matched("b"), end()]), 1);
        assert_eq!(judged(&[matched("b"), lost("vanished"), Moment::TookUp, end()]), 1);
        assert_eq!(judged(&[matched("b"), lost("vanished"), Moment::Began, end()]), 0);
    }

    #[test]
    fn a_session_that_ends_without_a_true_reason_is_caught() {
        let after = |why: &str, reason: &str| broken(&[lost(why), Moment::Began, unrecovered(reason)]);

        assert_eq!(after(GOODBYE, "window_expired"), 0);
        assert_eq!(after("vanished", "trimmed"), 0);
        assert_eq!(after("vanished", "window_expired"), 1);
        assert_eq!(after("vanished", "epoch_changed"), 1);
        assert_eq!(after("vanished", "identity_changed"), 1);
        assert_eq!(after("vanished", ""), 1);
        let begun = Instant::now();
        let mut log = began(&[lost("vanished"), Moment::Began, marked("r/1-0"), marked("r/2-0")]);
        log.moments[4].0 = begun + Duration::from_secs(60);
        assert_eq!(broken_sessions(&[log], &Weather::default()).len(), 1, "without a word");
        let mut log = began(&[lost("vanished"), Moment::Began, unrecovered("epoch_changed")]);
        log.moments[0].0 = begun;
        let weather = Weather {
            losses: vec![(begun, begun)],
            ..Weather::default()
        };
        assert_eq!(broken_sessions(&[log], &weather), [""; 0]);
    }
}
