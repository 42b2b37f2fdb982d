//! What a run prints: its seed, what was done when, the verdict; and of a failed one the histories that matter.

use super::schedule::{Schedule, Strike};
use crate::harness::history::{Log, Moment, Violation};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Broken promises whose story is told in full.
const STORIES: usize = 4;

/// Of one run.
pub(super) struct Report {
    seed: u64,
    logs: tempfile::TempDir,
    began: Instant,
    broken: Vec<String>,
}

impl Report {
    /// Says what will be done.
    pub(super) fn begin(schedule: &Schedule, people: usize) -> Self {
        let Schedule {
            seed, length, shape, ..
        } = schedule;
        let logs = tempfile::Builder::new()
            .prefix(&format!("palaver-faults-{seed}-"))
            .tempdir()
            .unwrap();
        println!("seed {seed}: {people} people for {} s, {shape:?}", length.as_secs());
        Self {
            seed: *seed,
            logs,
            began: Instant::now(),
            broken: Vec::new(),
        }
    }

    /// Where processes' output goes.
    pub(super) fn logs(&self) -> &Path {
        self.logs.path()
    }

    /// Times are counted from here.
    pub(super) fn begun(&mut self, at: Instant) {
        self.began = at;
    }

    /// A fault begins or ends.
    pub(super) fn step(&self, begins: bool, strike: &Strike) {
        let at = self.began.elapsed().as_secs_f64();
        let what = if begins { "begins" } else { "is over" };
        println!("{at:8.2} s  {:?} {what}", strike.fault);
    }

    /// Promises that were broken, in words.
    pub(super) fn broken(&mut self, what: impl IntoIterator<Item = String>) {
        self.broken.extend(what);
    }

    /// Promises among people that were broken.
    pub(super) fn violations(&mut self, found: &[Violation]) {
        self.broken
            .extend(found.iter().map(|violation| format!("{violation:?}")));
    }

    /// How long nobody was heard, from when on, and how long that may last.
    pub(super) fn standstill(&mut self, (lasted, from): (Duration, Instant), may_last: Duration) {
        let from = from.saturating_duration_since(self.began).as_secs_f64();
        let what = format!("from {from:.2} s on nobody was heard for {lasted:.1?}");
        println!("{what}");
        self.broken((lasted > may_last).then_some(what));
    }

    /// The end: panics when anything was broken.
    pub(super) fn verdict(mut self, logs: &[Log]) {
        self.broken.extend(panics(self.logs.path()));
        println!("{}", summary(logs));
        if self.broken.is_empty() {
            println!("seed {}: clean", self.seed);
            return;
        }
        let kept = self.keep_logs(logs);
        println!("seed {}: {} promises broken", self.seed, self.broken.len());
        for what in self.broken.iter().take(40) {
            println!("  {what}");
        }
        for what in self.broken.iter().take(STORIES) {
            println!("\n{}", self.story(what, logs));
        }
        panic!(
            "seed {}: {} promises broken; logs in {}",
            self.seed,
            self.broken.len(),
            kept.display()
        );
    }

    /// Everybody's history beside what the processes printed, where it stays.
    fn keep_logs(&mut self, logs: &[Log]) -> PathBuf {
        let empty = tempfile::tempdir().unwrap();
        let kept = std::mem::replace(&mut self.logs, empty).keep();
        for log in logs {
            let lines = log.moments.iter().map(|(at, moment)| self.line(*at, &log.who, moment));
            std::fs::write(kept.join(format!("{}.history", log.who)), lines.collect::<String>()).unwrap();
        }
        kept
    }

    fn line(&self, at: Instant, who: &str, moment: &Moment) -> String {
        let at = at.saturating_duration_since(self.began).as_secs_f64();
        format!("{at:8.2} s {who} {moment:?}\n")
    }

    /// The histories of a room that is named in `what`, without the lines that all went well.
    fn story(&self, what: &str, logs: &[Log]) -> String {
        let mut story = format!("== {what}\n");
        let Some(at) = what.find("text_room_") else {
            return story;
        };
        let room: String = what[at..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c))
            .collect();
        let mut moments = Vec::new();
        for log in logs
            .iter()
            .filter(|log| log.moments.iter().any(|(_, m)| of_room(m) == Some(&room)))
        {
            let of_it = |(_, moment): &&(Instant, Moment)| of_room(moment) == Some(&room);
            let (first, last) = (log.moments.iter().find(of_it), log.moments.iter().rev().find(of_it));
            let (Some((first, _)), Some((last, _))) = (first, last) else {
                continue;
            };
            let near = log.moments.iter().filter(|(at, _)| at >= first && at <= last);
            let matters =
                near.filter(|(_, moment)| !is_line(moment) || text_of(moment).is_some_and(|text| what.contains(text)));
            moments.extend(matters.map(|(at, moment)| (*at, log.who.as_str(), moment)));
        }
        moments.sort_by_key(|(at, ..)| *at);
        for (at, who, moment) in moments {
            story += &self.line(at, who, moment);
        }
        story
    }
}

fn of_room(moment: &Moment) -> Option<&String> {
    match moment {
        Moment::Matched { room, .. } | Moment::Heard { room, .. } | Moment::Acked { room, .. } => Some(room),
        Moment::Ended { room, .. } => room.as_ref(),
        _ => None,
    }
}

fn text_of(moment: &Moment) -> Option<&str> {
    match moment {
        Moment::Heard { text, .. } | Moment::Acked { text, .. } => Some(text),
        _ => None,
    }
}

fn is_line(moment: &Moment) -> bool {
    text_of(moment).is_some()
        || matches!(moment, Moment::Told(what) if what.contains("typing") || what == "mode-user-counts")
        || matches!(moment, Moment::Marked(_))
}

/// How much happened.
fn summary(logs: &[Log]) -> String {
    let mut counts = BTreeMap::<String, usize>::new();
    for (_, moment) in logs.iter().flat_map(|log| &log.moments) {
        let what = match moment {
            Moment::Connected => "connected".to_owned(),
            Moment::Lost(_) => "connections lost".to_owned(),
            Moment::Matched { .. } => "matched".to_owned(),
            Moment::Heard { .. } => "lines heard".to_owned(),
            Moment::Acked { .. } => "lines acknowledged".to_owned(),
            Moment::Refused(code) => format!("refused {code}"),
            Moment::Ended { reason, .. } => format!("ended {reason}"),
            Moment::TookUp => "sessions taken up".to_owned(),
            Moment::Began => "sessions begun".to_owned(),
            Moment::Unrecovered(reason) => format!("not taken up {reason}"),
            Moment::Queued | Moment::Told(_) | Moment::Marked(_) => continue,
        };
        *counts.entry(what).or_default() += 1;
    }
    let mut text = String::new();
    for (what, count) in counts {
        let _ = write!(text, "{what} {count}; ");
    }
    text
}

/// Nodes that panicked, by what they printed.
fn panics(logs: &Path) -> Vec<String> {
    let files = std::fs::read_dir(logs).unwrap().flatten();
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read(file.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().filter(|line| line.contains("panicked at"));
        found.extend(lines.map(|line| format!("{}: {line}", file.file_name().display())));
    }
    found
}
