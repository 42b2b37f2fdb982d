//! What a load must hold: `p99=100ms`, `skipped=5%`. A name, and the most that its value may be.

use serde::Serialize;
use std::str::FromStr;

/// What can be bounded, with what it is.
pub(crate) const NAMES: &[(&str, Kind, &str)] = &[
    ("p50", Kind::Time, "delivery, ms; also p90, p95, p99, p999, max, mean"),
    ("ack_p99", Kind::Time, "acknowledgement, ms; also ack_p50 and so on"),
    ("pairing", Kind::Time, "until everybody has a partner, ms"),
    ("back50", Kind::Time, "until 50 % are back after a cut, ms"),
    ("back99", Kind::Time, "until 99 % are"),
    ("back100", Kind::Time, "until all are"),
    (
        "lost",
        Kind::Lines,
        "* lines accepted, or never refused, that did not come",
    ),
    ("out_of_order", Kind::Lines, "* lines overtaken"),
    ("doubled", Kind::Lines, "* lines delivered again as if said twice"),
    ("duplicated", Kind::Lines, "lines delivered again"),
    ("strange", Kind::Lines, "* lines that came to people they were not for"),
    ("refused", Kind::Lines, "* lines refused"),
    ("unacknowledged", Kind::Lines, "* lines neither accepted nor refused"),
    (
        "skipped",
        Kind::Lines,
        "* lines not said: their speaker had no connection or no partner",
    ),
    (
        "absent",
        Kind::Lines,
        "the same, while the load wanted it so; of soak at most 50% without this bound",
    ),
    (
        "unheard",
        Kind::Lines,
        "lines accepted whose hearer left or did not come back",
    ),
    (
        "unanswered",
        Kind::Lines,
        "lines under way when somebody was cut off: nobody can tell",
    ),
    ("ended", Kind::People, "* connections that ended and were not to"),
    ("missing", Kind::People, "* people who were not back at the end"),
    (
        "unseated",
        Kind::People,
        "* people who came back and had lost their seat",
    ),
    (
        "rooms_ended",
        Kind::People,
        "* people whose room ended though nobody left it",
    ),
    (
        "strangers",
        Kind::People,
        "* people paired with strangers who are not of this run",
    ),
    (
        "cpu_per_100k",
        Kind::Cpu,
        "CPU seconds of the servers per 100,000 lines",
    ),
    (
        "kib_per_connection",
        Kind::Memory,
        "memory of the servers per connection, KiB",
    ),
    (
        "growth",
        Kind::Growth,
        "memory of the servers over the measured time, %",
    ),
];

/// The names of [`super::latency::Percentiles`].
const PERCENTILES: [&str; 7] = ["p50", "p90", "p95", "p99", "p999", "max", "mean"];

/// What a number is of, and so in which units it can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Milliseconds.
    Time,
    /// A count, or a share of the lines that were due.
    Lines,
    /// A count, or a share of the connections.
    People,
    /// Seconds.
    Cpu,
    /// KiB.
    Memory,
    /// Percent.
    Growth,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        if PERCENTILES.contains(&name.strip_prefix("ack_").unwrap_or(name)) {
            return Some(Self::Time);
        }
        let known = NAMES.iter().find(|(known, ..)| *known == name);
        known.map(|(_, kind, _)| *kind)
    }

    /// The units that it can be said in, with how many of the first each is.
    fn units(self) -> &'static [(&'static str, f64)] {
        match self {
            Self::Time => &[("ms", 1.0), ("us", 0.001), ("s", 1000.0)],
            // Of a share, `Bound` knows.
            Self::Lines | Self::People => &[("%", 1.0)],
            Self::Cpu => &[("s", 1.0)],
            Self::Memory => &[("KiB", 1.0), ("MiB", 1024.0)],
            Self::Growth => &[("%", 1.0)],
        }
    }
}

/// As it was given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bound {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// In percent of all, if it is a share.
    pub(crate) most: f64,
    pub(crate) is_share: bool,
    text: String,
}

/// What became of it.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) bound: String,
    /// Absent when the load does not measure it, which is a bound not held.
    pub(crate) value: Option<f64>,
    pub(crate) held: bool,
}

impl Bound {
    /// `whole` is what a share is of.
    pub(crate) fn judge(&self, value: Option<f64>, whole: f64) -> Verdict {
        let value = match self.is_share {
            true => value.filter(|_| whole > 0.0).map(|value| value / whole * 100.0),
            false => value,
        };
        Verdict {
            bound: self.text.clone(),
            value,
            held: value.is_some_and(|value| value <= self.most),
        }
    }
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text}: not NAME=NUMBER, as p99=100ms");
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let kind =
            Kind::of(name).ok_or_else(|| format!("{name} is nothing that can be bounded; --help lists what is"))?;
        let digits = value
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(value.len());
        let (number, unit) = value.split_at(digits);
        let mut units = kind.units().iter();
        let factor = match units.find(|(known, _)| *known == unit) {
            Some((_, factor)) => *factor,
            None if unit.is_empty() => 1.0,
            None => {
                let known: Vec<_> = kind.units().iter().map(|(unit, _)| *unit).collect();
                return Err(format!(
                    "{text}: {name} is not in `{unit}`, but in {}",
                    known.join(", ")
                ));
            }
        };
        Ok(Self {
            name: name.to_owned(),
            kind,
            most: number.parse::<f64>().map_err(|_| wrong())? * factor,
            is_share: matches!(kind, Kind::Lines | Kind::People) && unit == "%",
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_a_name_and_the_most_its_value_may_be() {
        for (text, name, most) in [
            ("p99=100ms", "p99", 100.0),
            ("ack_p999=1.5", "ack_p999", 1.5),
            ("pairing=2s", "pairing", 2000.0),
            ("p50=300us", "p50", 0.3),
            ("cpu_per_100k=20s", "cpu_per_100k", 20.0),
            ("kib_per_connection=2MiB", "kib_per_connection", 2048.0),
            ("growth=5%", "growth", 5.0),
            ("lost=0", "lost", 0.0),
        ] {
            let bound: Bound = text.parse().unwrap();
            assert_eq!((bound.name.as_str(), bound.is_share), (name, false));
            assert!((bound.most - most).abs() < 1e-9, "{text}");
        }
    }

    #[test]
    fn what_has_no_such_name_or_no_such_unit_is_no_bound() {
        for wrong in [
            "p99",
            "p99=",
            "p99=fast",
            "p99=5m",
            "p98=10ms",
            "ack_lost=1",
            "p99=100KiB",
            "lost=1s",
            "cpu_per_100k=1ms",
            "growth=1KiB",
        ] {
            assert!(wrong.parse::<Bound>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_was_not_measured_does_not_hold() {
        let bound: Bound = "p99=100ms".parse().unwrap();

        assert!(bound.judge(Some(100.0), 0.0).held);
        assert!(!bound.judge(Some(100.1), 0.0).held);
        assert!(!bound.judge(None, 0.0).held);
    }

    #[test]
    fn a_share_is_of_all_that_there_could_be() {
        let bound: Bound = "skipped=5%".parse().unwrap();

        assert!(bound.judge(Some(10.0), 200.0).held);
        assert!(!bound.judge(Some(11.0), 200.0).held);
        assert!(!bound.judge(Some(0.0), 0.0).held, "there was nothing");
    }
}
