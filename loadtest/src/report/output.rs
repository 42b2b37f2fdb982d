//! Where the results go: the output, and the files that the command line names.

use super::Report;
use crate::options::Options;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Opened before the load: one that could not be told of is not worth its time.
pub(crate) struct Output {
    json: Option<(PathBuf, File)>,
    html: Option<(PathBuf, File)>,
    /// The output is for JSON alone.
    only_json: bool,
}

impl Output {
    pub(crate) fn open(options: &Options) -> Result<Self, String> {
        let only_json = options.json.as_deref() == Some(Path::new("-"));
        let open = |path: &Path| {
            // What an earlier load left stays until there is something to write.
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
            let file = file.map_err(|e| format!("{}: {e}", path.display()))?;
            Ok::<_, String>((path.to_owned(), file))
        };
        let json = options.json.as_deref().filter(|_| !only_json);
        Ok(Self {
            json: json.map(open).transpose()?,
            html: options.html.as_deref().map(open).transpose()?,
            only_json,
        })
    }

    /// The summary first, unless the output is wanted for JSON. What fails keeps nothing else from being written.
    pub(crate) fn write(self, report: &Report) -> Result<(), String> {
        let json = serde_json::to_string(report).map_err(|e| e.to_string())?;
        let told = match self.only_json {
            true => tell(&format!("{json}\n")),
            false => tell(&report.summary()),
        };
        let files = [(self.json, json), (self.html, report.page())];
        let saved = files.into_iter().filter_map(|(file, text)| Some((file?, text)));
        let saved = saved.map(|((path, file), text)| save(&path, file, &text));
        let failed: Vec<_> = std::iter::once(told).chain(saved).filter_map(Result::err).collect();
        match failed.is_empty() {
            true => Ok(()),
            false => Err(failed.join("; ")),
        }
    }
}

fn tell(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    let told = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    told.map_err(|e| format!("the output: {e}"))
}

fn save(path: &Path, mut file: File, text: &str) -> Result<(), String> {
    // Pipes and terminals have no length, and need none.
    let _ = file.set_len(0);
    let saved = file.write_all(text.as_bytes());
    saved.map_err(|e| format!("{}: {e}", path.display()))
}
