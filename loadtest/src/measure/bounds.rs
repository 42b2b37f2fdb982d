//! What a load must hold: `p99=100ms`. A name, and the most that its value may be.

use serde::Serialize;
use std::str::FromStr;

/// What can be bounded, with what it is.
pub(crate) const NAMES: &[(&str, &str)] = &[
    ("p50", "delivery, ms; also p90, p95, p99, p999, max, mean"),
    ("ack_p99", "acknowledgement, ms; also ack_p50 and so on"),
    ("pairing", "until everybody has a partner, ms"),
    ("back99", "until 99 % are back after a cut, ms; also back100"),
    ("refused", "lines refused by the limit"),
    ("lost", "lines lost; without this bound none may be"),
    ("duplicated", "lines delivered again"),
    ("out_of_order", "lines overtaken"),
    ("cpu_per_100k", "CPU seconds of the servers per 100,000 lines"),
    ("kib_per_connection", "memory of the servers per connection"),
    ("growth", "memory of the servers over the measured time, %"),
];

/// As it was given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bound {
    pub(crate) name: String,
    pub(crate) most: f64,
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
    pub(crate) fn judge(&self, value: Option<f64>) -> Verdict {
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
        let digits = value
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(value.len());
        let (number, unit) = value.split_at(digits);
        let factor = match unit {
            "" | "ms" | "%" | "KiB" | "s" if unit != "s" || name == "cpu_per_100k" => 1.0,
            "s" => 1000.0,
            "us" => 0.001,
            _ => return Err(wrong()),
        };
        Ok(Self {
            name: name.to_owned(),
            most: number.parse::<f64>().map_err(|_| wrong())? * factor,
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
            ("p99=1.5", "p99", 1.5),
            ("pairing=2s", "pairing", 2000.0),
            ("p50=300us", "p50", 0.3),
            ("cpu_per_100k=20s", "cpu_per_100k", 20.0),
            ("growth=5%", "growth", 5.0),
        ] {
            let bound: Bound = text.parse().unwrap();
            assert_eq!(bound.name, name);
            assert!((bound.most - most).abs() < 1e-9, "{text}");
        }
        for wrong in ["p99", "p99=", "p99=fast", "p99=5m"] {
            assert!(wrong.parse::<Bound>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_was_not_measured_does_not_hold() {
        let bound: Bound = "p99=100ms".parse().unwrap();

        assert!(bound.judge(Some(100.0)).held);
        assert!(!bound.judge(Some(100.1)).held);
        assert!(!bound.judge(None).held);
    }
}
