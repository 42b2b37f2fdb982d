//! The table of goals: per goal both systems' numbers, their ratio in each round, and whether the goal is met.

use super::goals::{Against, Better, GOALS, Goal};
use super::measures::{Sample, What};
use super::stack::System;
use serde::Serialize;
use std::fmt::Write;

/// One line of the table, judged.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    name: &'static str,
    unit: &'static str,
    palaver: Option<Spread>,
    against: Option<(&'static str, Option<Spread>)>,
    ratio: Option<Spread>,
    must: String,
    aim: String,
    verdict: Verdict,
}

/// Median and range over the rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Aim,
    Must,
    Missed,
    /// Told for information.
    None,
    NotMeasured,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Aim => "aim met",
            Self::Must => "must met",
            Self::Missed => "MISSED",
            Self::None => "",
            Self::NotMeasured => "not measured",
        }
    }
}

/// The whole table from what was measured.
pub(super) fn rows(samples: &[Sample]) -> Vec<Row> {
    GOALS.iter().map(|goal| row(goal, samples)).collect()
}

/// Whether no goal that was measured is missed.
pub(super) fn all_musts_hold(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.verdict != Verdict::Missed)
}

fn row(goal: &Goal, samples: &[Sample]) -> Row {
    let own = values(samples, goal.of, System::Palaver);
    let other = goal.against.map(|against| match against {
        Against::Peer => ("peer", values(samples, goal.of, System::Peer)),
        Against::Own(what, name) => (name, values(samples, what, System::Palaver)),
    });
    let ratios: Option<Vec<_>> = other.as_ref().map(|(_, other)| {
        let same_round = |round: u32| other.iter().find(|(r, _)| *r == round).map(|(_, v)| *v);
        let both = own
            .iter()
            .filter_map(|(round, value)| Some(value / same_round(*round)?));
        both.collect()
    });
    let judged = match &ratios {
        Some(ratios) => spread(ratios.iter().copied()),
        None => spread(own.iter().map(|v| v.1)),
    };
    Row {
        name: goal.name,
        unit: goal.unit,
        palaver: spread(own.iter().map(|v| v.1)),
        against: other.map(|(name, values)| (name, spread(values.into_iter().map(|v| v.1)))),
        ratio: ratios.and(judged),
        must: bound(goal, goal.must),
        aim: bound(goal, goal.aim),
        verdict: judge(goal, judged),
    }
}

fn values(samples: &[Sample], what: What, system: System) -> Vec<(u32, f64)> {
    let wanted = samples.iter().filter(|s| s.what == what && s.system == system);
    wanted.map(|s| (s.round, s.value)).collect()
}

fn spread(values: impl Iterator<Item = f64>) -> Option<Spread> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let (least, most) = (*values.first()?, *values.last()?);
    let middle = values.len() / 2;
    let median = match values.len() % 2 {
        0 => (values[middle - 1] + values[middle]) / 2.0,
        _ => values[middle],
    };
    Some(Spread { median, least, most })
}

fn judge(goal: &Goal, judged: Option<Spread>) -> Verdict {
    let Some(Spread { median, .. }) = judged else {
        return Verdict::NotMeasured;
    };
    let met = |bound: f64| match goal.better {
        Better::More => median >= bound,
        Better::Less => median <= bound,
    };
    match (goal.must, goal.aim) {
        (None, _) => Verdict::None,
        (_, Some(aim)) if met(aim) => Verdict::Aim,
        (Some(must), _) if met(must) => Verdict::Must,
        _ => Verdict::Missed,
    }
}

fn bound(goal: &Goal, bound: Option<f64>) -> String {
    let Some(bound) = bound else {
        return String::new();
    };
    let sign = match goal.better {
        Better::More => ">=",
        Better::Less => "<=",
    };
    let unit = if goal.against.is_some() { "x" } else { goal.unit };
    format!("{sign} {}{unit}", number(bound))
}

/// Three digits that matter.
fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&number(self.median))?;
        match self.least == self.most {
            true => Ok(()),
            false => write!(f, " [{}..{}]", number(self.least), number(self.most)),
        }
    }
}

const HEAD: [&str; 7] = ["measure", "Palaver", "against", "ratio", "must", "aim", "verdict"];

impl Row {
    fn cells(&self) -> [String; 7] {
        let told = |spread: Option<Spread>| spread.map_or_else(|| "-".to_owned(), |s| format!("{s} {}", self.unit));
        let against = self.against.map(|(name, spread)| format!("{name} {}", told(spread)));
        [
            self.name.to_owned(),
            told(self.palaver),
            against.unwrap_or_default(),
            self.ratio.map(|r| r.to_string()).unwrap_or_default(),
            self.must.clone(),
            self.aim.clone(),
            self.verdict.word().to_owned(),
        ]
    }
}

/// For a terminal.
pub(super) fn plain(rows: &[Row]) -> String {
    let mut table = vec![HEAD.map(str::to_owned)];
    table.extend(rows.iter().map(Row::cells));
    let width = |column: usize| table.iter().map(|cells| cells[column].len()).max().unwrap_or(0);
    let widths: Vec<_> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    for cells in &table {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    }
    text
}

/// For a file.
pub(super) fn markdown(rows: &[Row]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&HEAD.map(str::to_owned));
    text += &line(&HEAD.map(|_| "---".to_owned()));
    rows.iter().for_each(|row| text += &line(&row.cells()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::machine::Disturbance;

    fn sample(what: What, system: System, round: u32, value: f64) -> Sample {
        Sample {
            what,
            system,
            round,
            value,
            disturbance: Disturbance::default(),
        }
    }

    #[test]
    fn a_ratio_is_taken_within_each_round_and_its_median_judged() {
        let mut samples = Vec::new();
        for (round, own, peer) in [(1, 24_000.0, 8000.0), (2, 30_000.0, 6000.0), (3, 28_000.0, 7000.0)] {
            samples.push(sample(What::HighestRate, System::Palaver, round, own));
            samples.push(sample(What::HighestRate, System::Peer, round, peer));
        }

        let rows = rows(&samples);

        let expected = Spread {
            median: 4.0,
            least: 3.0,
            most: 5.0,
        };
        assert_eq!(rows[0].ratio, Some(expected));
        assert_eq!(rows[0].verdict, Verdict::Must);
        assert_eq!(
            rows[0].cells(),
            [
                "messages/s with p99 < 100 ms, 2 nodes",
                "28000 [24000..30000] /s",
                "peer 7000 [6000..8000] /s",
                "4.00 [3.00..5.00]",
                ">= 3.00x",
                ">= 5.00x",
                "must met"
            ]
        );
    }

    #[test]
    fn what_was_not_measured_is_not_missed() {
        let rows = rows(&[sample(What::Memory, System::Palaver, 1, 5.1)]);

        let verdicts: Vec<_> = rows.iter().filter(|r| r.verdict != Verdict::NotMeasured).collect();
        assert_eq!(verdicts.len(), 1);
        assert_eq!(verdicts[0].verdict, Verdict::Missed);
        assert!(!all_musts_hold(&rows));
        assert!(all_musts_hold(&super::rows(&[])));
    }

    #[test]
    fn fewer_is_better_where_it_costs() {
        let what = What::Cost { nodes: 2, rate: 2000 };
        let cost = |value| {
            let samples = [
                sample(what, System::Palaver, 1, value),
                sample(what, System::Peer, 1, 600.0),
            ];
            rows(&samples)[2].verdict
        };

        assert_eq!(
            [cost(200.0), cost(300.0), cost(301.0)],
            [Verdict::Aim, Verdict::Must, Verdict::Missed]
        );
    }
}
