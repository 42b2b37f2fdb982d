//! What is kept of a run: all samples as JSON, and the table with date, machine and commit in a file for people.

use super::measures::Sample;
use super::table::{self, Row};
use super::{Bench, Options, machine};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;

/// A run that has ended.
pub(super) struct Run<'a> {
    options: &'a Options,
    samples: &'a [Sample],
    rounds: u32,
    minutes: f64,
    date: String,
    machine: String,
    versions: String,
}

impl<'a> Run<'a> {
    pub(super) fn new(bench: &'a Bench<'_>) -> Self {
        let node = machine::first_line_of("node", &["--version"], "no Node");
        let redis = machine::first_line_of("redis-cli", &["--version"], "Redis of unknown version");
        Self {
            options: bench.options,
            samples: &bench.samples,
            rounds: bench.effort.rounds,
            minutes: bench.started.elapsed().as_secs_f64() / 60.0,
            date: machine::first_line_of("date", &["-u", "+%Y-%m-%d %H:%M UTC"], "some day"),
            machine: machine::describe(),
            versions: format!("{}, Node {node}", redis.replace("redis-cli", "Redis")),
        }
    }

    fn quiet(&self) -> String {
        let disturbed = self.samples.iter().filter(|s| !s.disturbance.is_quiet()).count();
        match disturbed {
            0 => "the machine was quiet throughout".to_owned(),
            _ => format!(
                "the machine was NOT quiet: {disturbed} of {} numbers were taken while others ran or time was stolen",
                self.samples.len()
            ),
        }
    }
}

impl std::fmt::Display for Run<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if self.options.quick { "quick" } else { "full" };
        let rounds = if self.rounds == 1 { "round" } else { "rounds" };
        writeln!(f, "{}, commit {}.", self.date, self.options.commit)?;
        writeln!(f, "{}; {}.", self.machine, self.versions)?;
        write!(
            f,
            "{} {rounds}, {kind}, {:.0} minutes; {}.",
            self.rounds,
            self.minutes,
            self.quiet()
        )
    }
}

pub(super) fn keep(run: &Run<'_>, rows: &[Row]) -> Result<(), String> {
    if let Some(path) = &run.options.json {
        let all = json!({
            "date": run.date, "machine": run.machine, "versions": run.versions, "commit": run.options.commit,
            "quick": run.options.quick, "rounds": run.rounds, "samples": run.samples, "rows": rows,
        });
        std::fs::write(path, format!("{all:#}\n")).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    if let Some(path) = &run.options.record {
        let failed = |e: std::io::Error| format!("{}: {e}", path.display());
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .map_err(failed)?;
        write!(file, "\n## {}\n\n{run}\n\n{}", run.date, table::markdown(rows)).map_err(failed)?;
    }
    Ok(())
}
