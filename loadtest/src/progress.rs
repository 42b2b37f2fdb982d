//! What a run shows while it runs: one line.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;

pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(load: &str, shown: bool) -> Self {
        let target = match shown {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = ProgressStyle::with_template("{prefix:>8} [{bar:30}] {pos}/{len} {msg}");
        bar.set_style(
            style
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
        );
        bar.set_prefix(load.to_owned());
        Self(bar)
    }

    pub(crate) fn show(&self, done: u64, of: u64, what: impl Into<String>) {
        self.0.set_length(of);
        self.0.set_position(done);
        self.0.set_message(what.into());
    }

    /// A line that stays.
    pub(crate) fn say(&self, line: &str) {
        match self.0.is_hidden() {
            // There may be nobody to read it.
            true => drop(writeln!(std::io::stderr(), "{line}")),
            false => self.0.println(line),
        }
    }

    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
