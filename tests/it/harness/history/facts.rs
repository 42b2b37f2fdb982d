//! What people were told against what was stored.

use super::weather::{SAID_WITHIN, Weather};
use super::{Log, Moment};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// A conversation as it was stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The room as clients name it.
    pub room: String,
    /// Why it ended.
    pub why: String,
    /// Who ended it.
    pub by: Option<String>,
    /// How many lines were said.
    pub lines: usize,
    /// Who was in it.
    pub people: Vec<String>,
}

/// Everything that was told and does not agree with the facts, in words.
pub fn disagreements(logs: &[Log], stored: &[Stored], weather: &Weather) -> Vec<String> {
    let by_room: BTreeMap<_, _> = stored.iter().map(|row| (row.room.as_str(), row)).collect();
    let mut found = Vec::new();
    for log in logs {
        let by_name = |name: &str| logs.iter().find(|other| other.who == name);
        for (at, moment) in &log.moments {
            let Moment::Matched { room, partner } = moment else {
                continue;
            };
            let other = by_name(partner);
            match (log.ending(room), by_room.get(room.as_str())) {
                (None, _) if weather.may_be_an_unheard_pair(room, logs) => {}
                (None, _) => found.push(format!("{}: {room} never ended", log.who)),
                (Some((end, reason)), Some(row)) => {
                    found.extend(
                        told_wrong(log, (*at, end), reason, row, weather)
                            .map(|why| format!("{}: {room} {why}", log.who)),
                    );
                }
                (Some((end, reason)), None) => {
                    // Whoever was away was told later.
                    let others = other.and_then(|other| other.ending(room));
                    let ended = others.map_or(end, |(at, _)| at.min(end));
                    if !weather.went_with_the_data(*at, ended) {
                        found.push(format!(
                            "{}: {room} ended with {reason:?} and nothing was stored",
                            log.who
                        ));
                    }
                }
            }
            if let Some(other) = other {
                found.extend(lost_in_fair_weather(log, other, room, weather));
            }
        }
    }
    found.extend(stored.iter().filter_map(|row| miscounted(row, logs, weather)));
    let unique: BTreeSet<_> = found.into_iter().collect();
    unique.into_iter().collect()
}

/// Whether somebody was told another end than the one that was stored.
fn told_wrong(
    log: &Log,
    (met, end): (Instant, Instant),
    reason: &str,
    row: &Stored,
    weather: &Weather,
) -> Option<String> {
    let own = row.by.as_deref() == Some(log.who.as_str());
    let fits = match reason {
        "user_left" => row.why == "left" && own,
        "partner_left" => row.why == "left" && !own,
        "partner_disconnected" => row.why == "disconnected",
        "timeout" | "reported" => row.why == reason,
        // Whoever was away, or on a node that was, learns later, and less.
        "gone" | "session_lost" => !weather.is_fair(met, end) || log.was_away(met, end),
        _ => false,
    };
    let came_back = weather.may_have_come_back(log, &row.room);
    (!fits && !came_back).then(|| format!("ended with {reason:?} and was stored as {:?} by {:?}", row.why, row.by))
}

/// Lines that were acknowledged in fair weather to a partner who was there until the end, and never heard them.
fn lost_in_fair_weather(log: &Log, other: &Log, room: &str, weather: &Weather) -> Vec<String> {
    let Some((end, _)) = other.ending(room) else {
        return Vec::new();
    };
    let heard: BTreeSet<_> = other.heard(room).into_iter().collect();
    let lost = log.acked(room).filter(|(at, id, _)| {
        let from = at.checked_sub(SAID_WITHIN).unwrap_or(*at);
        *at < end && !heard.contains(id) && !other.was_away(from, end) && weather.is_fair(from, end)
    });
    lost.map(|(_, _, text)| format!("{}: never heard {text:?} in {room}, which went on", other.who))
        .collect()
}

/// A room that is said to have had fewer lines than were heard.
fn miscounted(row: &Stored, logs: &[Log], weather: &Weather) -> Option<String> {
    let people = logs.iter().filter(|log| row.people.contains(&log.who));
    let heard = people.flat_map(|log| log.heard(&row.room));
    let lines: BTreeSet<_> = heard.filter(|id| !weather.may_be_unheard(id)).collect();
    (row.lines < lines.len()).then(|| format!("{}: {} lines stored, {} heard", row.room, row.lines, lines.len()))
}

impl Log {
    /// Whether this person was without a connection at any time in between.
    fn was_away(&self, from: Instant, until: Instant) -> bool {
        let mut there = false;
        for (at, moment) in &self.moments {
            let now_there = match moment {
                Moment::Connected => true,
                Moment::Lost(_) => false,
                _ => continue,
            };
            if *at > until {
                break;
            }
            if *at > from && (!there || !now_there) {
                return true;
            }
            there = now_there;
        }
        !there
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn row(why: &str, by: Option<&str>) -> Stored {
        Stored {
            room: "r".to_owned(),
            why: why.to_owned(),
            by: by.map(str::to_owned),
            lines: 1,
            people: vec!["a".to_owned(), "b".to_owned()],
        }
    }

    fn log(who: &str, partner: &str, rest: &[Moment]) -> Log {
        let mut log = Log::of(who);
        log.note(Moment::Connected);
        let (room, partner) = ("r".to_owned(), partner.to_owned());
        log.note(Moment::Matched { room, partner });
        rest.iter().cloned().for_each(|moment| log.note(moment));
        log
    }

    fn ended(reason: &str) -> Moment {
        let (room, reason) = (Some("r".to_owned()), reason.to_owned());
        Moment::Ended { room, reason }
    }

    fn line(id: &str, make: impl Fn(String, String, String) -> Moment) -> Moment {
        make("r".to_owned(), id.to_owned(), format!("text of {id}"))
    }

    fn acked(id: &str) -> Moment {
        line(id, |room, id, text| Moment::Acked { room, id, text })
    }

    fn heard(id: &str) -> Moment {
        line(id, |room, id, text| Moment::Heard { room, id, text })
    }

    fn judged(a: &[Moment], b: &[Moment], stored: &[Stored], weather: &Weather) -> Vec<String> {
        disagreements(&[log("a", "b", a), log("b", "a", b)], stored, weather)
    }

    #[test]
    fn an_end_that_was_told_as_it_was_stored_is_left_alone() {
        let a = [acked("1"), ended("user_left")];
        let b = [heard("1"), ended("partner_left")];

        assert_eq!(
            judged(&a, &b, &[row("left", Some("a"))], &Weather::default()),
            Vec::<String>::new()
        );
    }

    #[test]
    fn an_end_that_was_told_otherwise_or_never_or_stored_never_is_caught() {
        let fair = Weather::default();
        let both = |a: &str, b: &str, stored: &[Stored]| judged(&[ended(a)], &[ended(b)], stored, &fair).len();

        assert_eq!(both("user_left", "partner_left", &[row("left", Some("b"))]), 2);
        assert_eq!(both("timeout", "timeout", &[row("disconnected", Some("b"))]), 2);
        assert_eq!(both("session_lost", "session_lost", &[row("left", Some("b"))]), 2);
        assert_eq!(both("session_lost", "session_lost", &[]), 2);
        assert_eq!(both("user_left", "partner_left", &[]), 2);
        assert_eq!(judged(&[], &[], &[], &fair).len(), 2);
    }

    #[test]
    fn lost_data_excuses_a_room_that_lived_and_a_fact_that_could_not_be_stored_before() {
        let begun = Instant::now();
        let at = |second: u64| begun + Duration::from_secs(second);
        // They met at 10; one was told at 20, the other later.
        let told = |reason: &str| {
            [("a", "b", 20), ("b", "a", 60)].map(|(who, partner, end)| {
                let mut log = log(who, partner, &[ended(reason)]);
                log.moments[0].0 = at(0);
                log.moments[1].0 = at(10);
                log.moments[2].0 = at(end);
                log
            })
        };
        let broken = |losses: &[(u64, u64)], closed: &[(u64, u64)]| {
            let times = |pairs: &[(u64, u64)]| pairs.iter().map(|(a, b)| (at(*a), at(*b))).collect();
            let weather = Weather {
                losses: times(losses),
                closed: times(&[losses, closed].concat()),
                ..Weather::default()
            };
            disagreements(&told("session_lost"), &[], &weather).len()
        };

        assert_eq!(
            broken(&[], &[(5, 100)]),
            2,
            "Postgres was away, but the journal was there"
        );
        assert_eq!(broken(&[(2, 4)], &[]), 2, "lost before they met");
        assert_eq!(broken(&[(15, 16)], &[]), 0, "lost while they talked");
        assert_eq!(broken(&[(25, 26)], &[]), 0, "lost before it could be stored");
        assert_eq!(broken(&[(31, 32)], &[]), 2, "there was time");
        assert_eq!(broken(&[(31, 32)], &[(24, 25)]), 0, "Postgres was away in between");
        assert_eq!(
            broken(&[(40, 41)], &[(19, 28), (38, 39)]),
            2,
            "there was time between 28 and 38"
        );
        assert_eq!(
            broken(&[(40, 41)], &[(19, 28), (27, 31)]),
            0,
            "one came after the other"
        );
    }

    #[test]
    fn a_line_lost_right_before_the_end_is_caught_in_fair_weather_only() {
        let lost = [acked("1"), ended("user_left")];
        let stored = [row("left", Some("a"))];
        let now = Instant::now();
        let storm = Weather {
            storms: vec![(now, now + Duration::from_secs(60))],
            ..Weather::default()
        };
        // Somebody who was there when the line was said.
        let fair = |weather: &Weather| {
            let (a, mut b) = (log("a", "b", &lost), log("b", "a", &[]));
            b.moments[0].0 = now - Duration::from_secs(10);
            b.note(ended("partner_left"));
            disagreements(&[a, b], &stored, weather).len()
        };

        assert_eq!(fair(&Weather::default()), 1);
        assert_eq!(fair(&storm), 0);
    }

    #[test]
    fn fewer_lines_than_were_heard_are_caught() {
        let a = [heard("1"), heard("2"), heard("1"), ended("user_left")];
        let b = [ended("partner_left")];

        assert_eq!(judged(&a, &b, &[row("left", Some("a"))], &Weather::default()).len(), 1);
    }
}
