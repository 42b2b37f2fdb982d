//! Where settings come from: defaults, then a TOML file, then the environment; the later wins.
//!
//! `sockets.ping_interval` is `[sockets] ping_interval` in the file and `PALAVER_SOCKETS__PING_INTERVAL` in the
//! environment. All wrong settings are reported at once, each with its name and where it was written.

use super::value::Value;
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Value as Found};
use figment::{Figment, Provider};
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

/// The variable that names the settings file.
pub const FILE_VARIABLE: &str = "PALAVER_CONFIG";
const PREFIX: &str = "PALAVER_";

/// Every setting that cannot be used, one line each.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong(pub Vec<String>);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings are wrong:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl std::error::Error for Wrong {}

/// Hands out settings by name and collects what was wrong.
pub(super) struct Reader {
    from: Figment,
    pub(super) wrong: Vec<String>,
    /// Variables with our prefix that name no setting, and may be someone else's: Kubernetes sets `PALAVER_PORT` for
    /// a service called palaver. A name with `__` can only be a misspelt setting.
    pub(super) ignored: Vec<String>,
}

impl Reader {
    /// Reads the file and the variables; names that are not in `known` are wrong.
    pub(super) fn new(
        known: &BTreeSet<&str>,
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Wrong> {
        let mut reader = Self {
            from: Figment::new(),
            wrong: Vec::new(),
            ignored: Vec::new(),
        };
        if let Some(path) = file {
            reader
                .file(known, path)
                .map_err(|why| Wrong(vec![format!("{FILE_VARIABLE}: {why}")]))?;
        }
        for (variable, text) in variables {
            match name_of(&variable) {
                Some(name) if known.contains(name.as_str()) => {
                    reader.from = reader.from.merge(Serialized::global(&name, text));
                }
                Some(name) if name.contains('.') => reader.wrong.push(format!("{variable}: there is no such setting")),
                Some(name) => match known.iter().find(|known| known.replace('.', "_") == name) {
                    Some(meant) => reader
                        .wrong
                        .push(format!("{variable}: is written {}", variable_of(meant))),
                    None => reader.ignored.push(variable),
                },
                None => {}
            }
        }
        Ok(reader)
    }

    fn file(&mut self, known: &BTreeSet<&str>, path: &Path) -> Result<(), String> {
        if !path.is_file() {
            return Err(format!("{} is not a file", path.display()));
        }
        self.from = Figment::from(Toml::file_exact(path));
        let data = self.from.data().map_err(|error| error.to_string())?;
        let mut names = Vec::new();
        data.values().for_each(|dict| flatten("", dict, &mut names));
        let strange = names.iter().filter(|name| !known.contains(name.as_str()));
        self.wrong
            .extend(strange.map(|name| format!("{name}: there is no such setting ({})", path.display())));
        Ok(())
    }

    /// The setting `name`; when it is missing or wrong, its default.
    pub(super) fn take<T: Value>(&mut self, name: &'static str, default: &str, range: &[&str]) -> T {
        let fallback = T::parse(default).unwrap_or_else(|why| panic!("the default of {name} is wrong: {why}"));
        let Ok(found) = self.from.find_value(name) else {
            return fallback;
        };
        match text_of(&found)
            .ok_or_else(|| format!("expected a {}", T::KIND))
            .and_then(|text| within(&text, range))
        {
            Ok(value) => value,
            Err(why) => {
                self.wrong.push(format!("{name}: {why} ({})", self.place(name, &found)));
                fallback
            }
        }
    }

    fn place(&self, name: &str, found: &Found) -> String {
        let metadata = self.from.get_metadata(found.tag());
        let file = metadata
            .and_then(|m| m.source.as_ref())
            .and_then(|source| source.file_path());
        file.map_or_else(|| variable_of(name), |path| path.display().to_string())
    }
}

fn within<T: Value>(text: &str, range: &[&str]) -> Result<T, String> {
    let value = T::parse(text)?;
    let bound = |text: &str| T::parse(text).unwrap_or_else(|why| panic!("a bound is wrong: {why}"));
    match range {
        [least, most] if value < bound(least) || value > bound(most) => Err(format!("must be from {least} to {most}")),
        _ => Ok(value),
    }
}

/// `PALAVER_SOCKETS__PING_INTERVAL` is `sockets.ping_interval`.
fn name_of(variable: &str) -> Option<String> {
    let rest = variable.strip_prefix(PREFIX).filter(|_| variable != FILE_VARIABLE)?;
    Some(rest.to_ascii_lowercase().replace("__", "."))
}

/// `sockets.ping_interval` is `PALAVER_SOCKETS__PING_INTERVAL`.
pub(super) fn variable_of(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase().replace('.', "__"))
}

/// A found value as the one line of text that all settings are read from.
fn text_of(found: &Found) -> Option<String> {
    match found {
        Found::String(_, text) => Some(text.trim().to_owned()),
        Found::Num(_, number) => number.to_i128().map(|n| n.to_string()),
        Found::Bool(_, yes) => Some(yes.to_string()),
        Found::Array(_, parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(text_of).collect();
            Some(parts?.join(","))
        }
        Found::Char(..) | Found::Empty(..) | Found::Dict(..) => None,
    }
}

fn flatten(at: &str, dict: &Dict, names: &mut Vec<String>) {
    for (key, value) in dict {
        let name = if at.is_empty() {
            key.clone()
        } else {
            format!("{at}.{key}")
        };
        match value {
            Found::Dict(_, inner) => flatten(&name, inner, names),
            _ => names.push(name),
        }
    }
}
