//! The rules of the house that a machine can judge, by reading the sources as plain text.
//!
//! Each rule is a pure function over one file ([`Source`]) or over all of them; each has a test that holds the whole
//! tree to it and an offender in `caught` that proves it can fail. Do not argue with a rule: move the code.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::{Path, PathBuf};

/// What may import what: a layer, and the layers below it that it may name as `crate::layer`. Leaves are open to all.
const LAYERS: &[(&str, &[&str])] = &[
    ("main", &["ops"]),
    ("lib", &[]),
    ("ops", &["wire", "http", "actions", "coord", "store", "domain"]),
    ("wire", &["actions", "coord", "domain"]),
    ("http", &["actions", "coord", "store", "files", "domain"]),
    (
        "actions",
        &[
            "coord", "store", "media", "mail", "sms", "google", "files", "geo", "domain",
        ],
    ),
    ("mail", &["domain"]),
    ("sms", &["domain"]),
    ("google", &["domain"]),
    ("files", &["domain"]),
    ("geo", &["domain"]),
    ("coord", &["domain"]),
    ("store", &["domain"]),
    ("media", &["domain"]),
    ("domain", &[]),
    ("config", &[]),
    ("clock", &[]),
    ("ids", &[]),
    ("metrics", &[]),
    ("error", &[]),
];
const LEAVES: &[&str] = &["config", "clock", "ids", "metrics", "error"];
/// What leaves may import, so that "usable by all" never becomes a way around the layers.
const LEAVES_OF_LEAVES: &[&str] = &["clock", "ids", "error"];
/// Siblings that never see each other: a dialect's words stay in its directory.
const DIALECTS: &[&str] = &["wire/omegoo", "wire/free2talk", "http/omegoo", "http/free2talk"];
/// Libraries that only some directories may name.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("fred", &["coord/"]),
    ("sqlx", &["store/"]),
    ("poem", &["wire/", "http/", "ops/"]),
    ("poem_openapi", &["http/", "ops/"]),
    ("rtc", &["media/engine"]),
    ("lettre", &["mail/"]),
    ("object_store", &["files/"]),
    ("image", &["files/"]),
    ("maxminddb", &["geo/"]),
    ("reqwest", &["sms/", "google/"]),
];
/// Who may start tasks, and why.
const SPAWNERS: &[(&str, &str)] = &[
    (
        "actions/account/hashing.rs",
        "hashing a password takes a core for a while; awaited at once, and only so many",
    ),
    ("ops/", "starts and supervises the loops"),
    (
        "coord/road.rs",
        "looks for a shard's server, one at a time, also when whoever asked no longer waits",
    ),
    (
        "coord/watched.rs",
        "makes a silent connection anew, one at a time, also when whoever asked no longer waits",
    ),
    (
        "files/mod.rs",
        "opens pictures where they hold up nobody; so many at once",
    ),
    ("wire/connection", "one task per websocket, ended by the socket"),
    ("wire/websocket.rs", "the same task, from the moment of the upgrade"),
    (
        "wire/upgrade.rs",
        "the same task, when a polling session becomes a websocket",
    ),
    (
        "wire/holding.rs",
        "one task per polling session that this node owns, ended by its record",
    ),
    (
        "wire/polling.rs",
        "closes the session of a poll that the client aborted, when nobody awaits it any more",
    ),
];
/// Who may look at the machine's monotonic clock, and why. Anybody may measure how long something takes, by
/// `let started = Instant::now();`.
const MONOTONIC: &[(&str, &str)] = &[(
    "wire/http_stream.rs",
    "deadlines of a connection that has sent no request yet",
)];
const VAGUE_NAMES: &[&str] = &[
    "utils", "util", "helpers", "helper", "common", "manager", "service", "misc",
];
const LONGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 80;
const LONGEST_SCRIPT: usize = 60;
/// What the head of a script says after its first line, the purpose.
const SCRIPT_HEADER: &[&str] = &["KEYS:", "ARGV:", "returns:", "twice:"];

/// A file under `src/`, by its path there.
#[derive(Clone)]
struct Source {
    path: String,
    text: String,
    /// Compiled for tests only.
    test: bool,
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The lines before `#[cfg(test)] mod tests`, numbered from 1; none of a file that is all test.
    fn product(&self) -> Vec<(usize, &str)> {
        if self.test || !self.is_rust() {
            return Vec::new();
        }
        let lines = self.text.lines().collect::<Vec<_>>();
        let is_tests = |i: usize| {
            let next = lines[i + 1..].iter().find(|line| !line.trim().starts_with("#["));
            lines[i] == "#[cfg(test)]" && next.is_some_and(|line| line.starts_with("mod tests {"))
        };
        let end = (0..lines.len()).find(|&i| is_tests(i)).unwrap_or(lines.len());
        (1..).zip(lines).take(end).collect()
    }

    /// The product's lines without comments and without what stands in strings.
    fn code(&self) -> Vec<(usize, String)> {
        self.product()
            .into_iter()
            .map(|(number, line)| (number, strip(line)))
            .collect()
    }

    /// `wire` of `wire/hub.rs`, `clock` of `clock.rs`.
    fn layer(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn at(&self, line: usize, what: impl std::fmt::Display) -> String {
        format!("src/{}:{line}: {what}", self.path)
    }
}

/// A line without its comment, its strings emptied.
fn strip(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => {
                chars.next();
            }
            '\'' if !quoted && chars.peek() == Some(&'"') => {
                chars.next();
            }
            '"' => quoted = !quoted,
            '/' if !quoted && chars.peek() == Some(&'/') => break,
            _ if quoted => {}
            _ => out.push(c),
        }
    }
    out
}

/// The words (identifiers) of a line of code, each with what precedes it.
fn words(code: &str) -> Vec<(&str, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some(start) = code[rest..].find(is_word).map(|i| rest + i) {
        let end = code[start..].find(|c| !is_word(c)).map_or(code.len(), |i| start + i);
        found.push((&code[..start], &code[start..end]));
        rest = end;
    }
    found
}

/// The paths under `crate::` that a file names, with line numbers; `crate::{a, b::c}` counts as `a` and `b::c`.
fn crate_paths(file: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let code = file.code();
    for (i, (number, line)) in code.iter().enumerate() {
        for (at, _) in line
            .match_indices("crate::")
            .filter(|(at, _)| !line[..*at].ends_with('$'))
        {
            let after = &line[at + "crate::".len()..];
            if let Some(open) = after.strip_prefix('{') {
                let mut group = open.to_owned();
                group.extend(code[i + 1..].iter().take(40).map(|(_, line)| line.as_str()));
                found.extend(outermost(&group).into_iter().map(|path| (*number, path)));
            } else {
                let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
                found.push((*number, after.chars().take_while(|c| is_path(*c)).collect()));
            }
        }
    }
    found
}

/// `a::X` and `b::c` of `a::X, b::c::{D, E}}; ...`.
fn outermost(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut items = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(String::new()),
            _ if depth == 0 && !c.is_whitespace() => items.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    items.retain(|item| !item.is_empty());
    items
}

// --- The rules: each gives one line per offence --------------------------------------------------------------------

fn imports_upwards(file: &Source) -> Vec<String> {
    let layer = file.layer();
    let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return vec![file.at(1, format!("{layer} is no layer; see LAYERS"))];
    };
    let may = |target: &str| match LEAVES.contains(&layer) {
        true => LEAVES_OF_LEAVES.contains(&target),
        false => LEAVES.contains(&target) || below.contains(&target),
    };
    let offence = |(line, path): (usize, String)| {
        let target = path.split(':').next().unwrap().to_owned();
        let is_layer = LAYERS.iter().any(|(name, _)| *name == target);
        let wrong = is_layer && target != layer && !may(&target);
        wrong.then(|| file.at(line, format!("{layer} must not see {target}")))
    };
    crate_paths(file).into_iter().filter_map(offence).collect()
}

fn sees_another_dialect(file: &Source) -> Vec<String> {
    let own = DIALECTS.iter().find(|dialect| file.path.starts_with(*dialect));
    let Some(own) = own else { return Vec::new() };
    let others = DIALECTS
        .iter()
        .filter(|dialect| dialect.rsplit('/').next() != own.rsplit('/').next());
    let others = others
        .map(|dialect| dialect.rsplit('/').next().unwrap())
        .collect::<Vec<_>>();
    let mut found = Vec::new();
    for (number, line) in file.code() {
        if let Some((_, word)) = words(&line).into_iter().find(|(_, word)| others.contains(word)) {
            found.push(file.at(number, format!("{own} must not know {word}")));
        }
    }
    found
}

fn names_a_library_out_of_place(file: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in file.code() {
        for (before, word) in words(&line) {
            let home = LIBRARIES.iter().find(|(library, _)| *library == word);
            // `store::sqlx` or a field `.fred` is not the library.
            let named = line[before.len() + word.len()..].starts_with("::") || before.trim_end().ends_with("use");
            let path = before.strip_suffix("::").unwrap_or("");
            let inner = path.ends_with(|c: char| c.is_alphanumeric() || c == '_') || before.ends_with('.');
            if let Some((_, dirs)) = home
                && named
                && !inner
                && !dirs.iter().any(|dir| file.path.starts_with(dir))
            {
                found.push(file.at(number, format!("{word} may be named only in {}", dirs.join(", "))));
            }
        }
    }
    found
}

fn is_too_long(file: &Source) -> Vec<String> {
    let lines = file.product().len();
    let too_long = lines > LONGEST_FILE;
    too_long
        .then(|| {
            file.at(
                lines,
                format!("{lines} lines; split it by idea (at most {LONGEST_FILE})"),
            )
        })
        .into_iter()
        .collect()
}

/// Relies on rustfmt: a function ends with a brace below its first letter.
fn has_a_function_too_long(file: &Source) -> Vec<String> {
    let lines = file.product();
    let mut found = Vec::new();
    for (i, (number, line)) in lines.iter().enumerate() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let is_fn = words(line).iter().any(|(before, word)| {
            *word == "fn"
                && before
                    .split_whitespace()
                    .all(|w| w.starts_with("pub") || matches!(w, "async" | "const"))
        });
        let end = lines[i..].iter().position(|(_, line)| *line == format!("{indent}}}"));
        let one_line = line.ends_with('}') || line.ends_with(';');
        if let Some(length) = end.filter(|length| is_fn && !one_line && *length + 1 > LONGEST_FUNCTION) {
            found.push(file.at(
                *number,
                format!("a function of {} lines (at most {LONGEST_FUNCTION})", length + 1),
            ));
        }
    }
    found
}

fn does_not_say_what_it_is(file: &Source) -> Vec<String> {
    let says = !file.is_rust() || file.text.starts_with("//! ");
    (!says)
        .then(|| file.at(1, "the first line is `//! what lives here`"))
        .into_iter()
        .collect()
}

fn leaves_work_undone(file: &Source) -> Vec<String> {
    let undone = ["TODO", "FIXME", "XXX", "todo!", "unimplemented!", "dbg!", "#[ignore"];
    let mut found = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        if let Some(mark) = undone.iter().find(|mark| line.contains(*mark)) {
            found.push(file.at(number, format!("{mark}: do it, or file an issue")));
        }
    }
    found
}

fn silences_without_reason(file: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let starts = ["#[allow(", "#![allow(", "#[expect(", "#![expect("];
    for (at, _) in starts.iter().flat_map(|start| file.text.match_indices(start)) {
        let attribute = &file.text[at..];
        let end = attribute.find(")]").unwrap_or(attribute.len());
        if file.is_rust() && !attribute[..end].contains("reason = ") {
            let line = file.text[..at].lines().count() + usize::from(file.text[..at].ends_with('\n'));
            found.push(file.at(line.max(1), "an allow says its `reason = \"...\"`"));
        }
    }
    found
}

fn asks_the_wall_clock(file: &Source) -> Vec<String> {
    let monotonic = MONOTONIC.iter().any(|(path, _)| file.path.starts_with(path));
    let mut found = Vec::new();
    for (number, line) in file.code() {
        let clock = ["SystemTime", "Instant::now", "chrono::", "Utc::now"];
        let asked = clock.iter().find(|word| line.contains(*word));
        let measures = monotonic || line.trim_start().starts_with("let started = ");
        if let Some(word) = asked.filter(|word| file.path != "clock.rs" && !(measures && **word == "Instant::now")) {
            found.push(file.at(number, format!("{word}: time comes in as an argument or from Clock")));
        }
    }
    found
}

fn spawns(file: &Source) -> Vec<String> {
    if SPAWNERS.iter().any(|(path, _)| file.path.starts_with(path)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (number, line) in file.code() {
        let spawn = |(before, word): &(&str, &str)| {
            matches!(*word, "spawn" | "spawn_local" | "spawn_blocking") && !before.trim_end().ends_with("fn")
        };
        if words(&line).iter().any(spawn) {
            found.push(file.at(
                number,
                "tasks are started by ops and the socket loop alone; see SPAWNERS",
            ));
        }
    }
    found
}

fn unwraps(file: &Source) -> Vec<String> {
    let code = file.code().into_iter();
    let unwrapping = code.filter(|(_, line)| line.contains(".unwrap()") || line.contains(".unwrap_err()"));
    unwrapping
        .map(|(number, _)| file.at(number, "unwrap: expect(\"why it cannot happen\"), or `?`"))
        .collect()
}

fn has_a_vague_name(file: &Source) -> Vec<String> {
    let vague = file.path.split(['/', '.']).find(|part| VAGUE_NAMES.contains(part));
    vague
        .map(|part| file.at(1, format!("{part}: name the noun")))
        .into_iter()
        .collect()
}

fn stands_beside_its_directory(file: &Source, all: &[Source]) -> Vec<String> {
    let Some(stem) = file.path.strip_suffix(".rs") else {
        return Vec::new();
    };
    let directory = format!("{stem}/");
    let twin = all.iter().any(|other| other.path.starts_with(&directory));
    twin.then(|| file.at(1, format!("belongs in {directory}mod.rs")))
        .into_iter()
        .collect()
}

fn is_a_careless_script(file: &Source, all: &[Source]) -> Vec<String> {
    let Some((dir, stem)) = file
        .path
        .strip_suffix(".lua")
        .map(|path| path.rsplit_once('/').unwrap_or(("", path)))
    else {
        return Vec::new();
    };
    let header = file
        .text
        .lines()
        .take_while(|line| line.starts_with("--"))
        .collect::<Vec<_>>();
    let mut found = Vec::new();
    let purpose = header.first().is_some_and(|line| {
        let text = line.trim_start_matches('-').trim_start();
        text.len() > 10 && !SCRIPT_HEADER.iter().any(|field| text.starts_with(field))
    });
    if !purpose {
        found.push(file.at(1, "the first line is `-- what it is for`"));
    }
    for field in SCRIPT_HEADER {
        if !header
            .iter()
            .any(|line| line.trim_start_matches('-').trim_start().starts_with(field))
        {
            found.push(file.at(1, format!("the header has no `-- {field} ...`")));
        }
    }
    let lines = file.text.lines().count();
    if lines > LONGEST_SCRIPT {
        found.push(file.at(lines, format!("{lines} lines (at most {LONGEST_SCRIPT})")));
    }
    // A piece that scripts share is tested by the tests of those that use it.
    if header.iter().any(|line| line.contains("returns: nothing; defines ")) {
        return found;
    }
    let mentions = |word: &str| format!("_{word}_").contains(&format!("_{stem}_"));
    let tested = all.iter().any(|other| {
        let beside = other
            .path
            .strip_prefix(dir)
            .is_some_and(|rest| rest.ends_with("tests.rs"));
        beside && words(&other.text).iter().any(|(_, word)| mentions(word))
    });
    if !tested {
        found.push(file.at(1, format!("no tests.rs in {dir}/ names {stem}")));
    }
    found
}

// --- The tree --------------------------------------------------------------------------------------------------------

fn tree() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let source = |path: PathBuf| Source {
        text: fs::read_to_string(&path).unwrap(),
        path: path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(),
        test: false,
    };
    mark_tests(files.into_iter().map(source).collect())
}

/// Marks the files of modules that are declared under `#[cfg(test)]`, and those inside them.
fn mark_tests(mut all: Vec<Source>) -> Vec<Source> {
    let mut roots = Vec::new();
    for file in &all {
        let dir = match file.path.rsplit_once('/') {
            Some((dir, "mod.rs")) => format!("{dir}/"),
            None if matches!(&*file.path, "main.rs" | "lib.rs") => String::new(),
            _ => format!("{}/", file.path.trim_end_matches(".rs")),
        };
        let mut testing = false;
        for line in file.text.lines().map(str::trim) {
            let module = line
                .strip_suffix(';')
                .and_then(|line| line.split_once("mod "))
                .map(|(_, name)| name);
            if let (true, Some(name)) = (testing, module) {
                roots.extend([format!("{dir}{name}.rs"), format!("{dir}{name}/")]);
            }
            testing = line == "#[cfg(test)]" || (testing && line.starts_with("#["));
        }
    }
    for file in &mut all {
        file.test = roots
            .iter()
            .any(|root| file.path == *root || (root.ends_with('/') && file.path.starts_with(root)));
    }
    all
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.extension().and_then(|e| e.to_str());
        if path.is_dir() {
            collect(&path, into);
        } else if matches!(kind, Some("rs" | "lua")) {
            into.push(path);
        }
    }
}

fn holds(rule: impl Fn(&Source, &[Source]) -> Vec<String>) {
    let all = tree();
    let offences = all.iter().flat_map(|file| rule(file, &all)).collect::<Vec<_>>();
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}

/// Tests that a text names as `module::test` or `module::*` and that `tests/it` does not have.
fn promised_but_absent(readme: &str, scenario: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let named = readme
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|name| name.split_once("::"));
    let tests = named.filter(|(module, _)| !module.contains(char::is_whitespace));
    tests
        .filter(|(module, test)| match scenario(module) {
            Some(text) => *test != "*" && !text.contains(&format!("fn {test}(")),
            None => !module.starts_with("wire"),
        })
        .map(|(module, test)| format!("{module}::{test}"))
        .collect()
}

/// A row of the promises with a test that is not linked to its file.
fn unlinked(row: &str) -> Option<&str> {
    let named = row.matches("::").count();
    let linked = row.matches("`](tests/it/").count();
    (row.starts_with("| ") && named != linked).then_some(row)
}

#[test]
fn every_test_that_the_readme_promises_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();

    let absent = promised_but_absent(&readme, |module| {
        let file = fs::read_to_string(root.join(format!("tests/it/{module}.rs")));
        file.or_else(|_| fs::read_to_string(root.join(format!("tests/it/{module}/mod.rs"))))
            .ok()
    });

    assert!(absent.is_empty(), "{absent:?}");
    let table = readme
        .split("## Promises")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next());
    let bare: Vec<_> = table.expect("the promises").lines().filter_map(unlinked).collect();
    assert!(bare.is_empty(), "a promise without a link to its test: {bare:?}");
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let local = !link.starts_with("http") && !link.starts_with('#');
        assert!(
            !local || root.join(link).exists(),
            "README links {link}, which is not there"
        );
    }
    let empty = promised_but_absent("`kill::nobody`, `lost::*`", |m| (m == "kill").then(String::new));
    assert_eq!(empty, ["kill::nobody", "lost::*"], "and the rule can fail");
    assert!(
        unlinked("| a | b | `kill::*` |").is_some() && unlinked("| a | b | [`kill::*`](tests/it/kill.rs) |").is_none()
    );
}

#[test]
fn imports_point_downwards() {
    holds(|file, _| imports_upwards(file));
}

#[test]
fn one_dialect_never_sees_the_other() {
    holds(|file, _| sees_another_dialect(file));
}

#[test]
fn each_library_is_named_in_its_place_only() {
    holds(|file, _| names_a_library_out_of_place(file));
}

#[test]
fn a_file_holds_one_idea() {
    holds(|file, _| is_too_long(file));
}

#[test]
fn a_function_fits_on_a_screen_or_two() {
    holds(|file, _| has_a_function_too_long(file));
}

#[test]
fn a_file_says_first_what_it_is() {
    holds(|file, _| does_not_say_what_it_is(file));
}

#[test]
fn nothing_is_left_undone() {
    holds(|file, _| leaves_work_undone(file));
}

#[test]
fn a_silenced_lint_has_a_reason() {
    holds(|file, _| silences_without_reason(file));
}

#[test]
fn nobody_but_the_clock_asks_for_the_time() {
    holds(|file, _| asks_the_wall_clock(file));
}

#[test]
fn tasks_are_started_in_few_places() {
    holds(|file, _| spawns(file));
}

#[test]
fn nothing_is_unwrapped() {
    holds(|file, _| unwraps(file));
}

#[test]
fn names_say_something() {
    holds(|file, _| has_a_vague_name(file));
}

#[test]
fn a_module_with_parts_lives_inside_its_directory() {
    holds(stands_beside_its_directory);
}

#[test]
fn a_script_is_short_explained_and_tested() {
    holds(is_a_careless_script);
}

/// Every rule catches its offender, and lets its neighbour go.
mod caught {
    use super::*;

    fn file(path: &str, text: &str) -> Source {
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
            test: path.ends_with("tests.rs"),
        }
    }

    fn offends(rule: impl Fn(&Source) -> Vec<String>, path: &str, text: &str) -> bool {
        !rule(&file(path, text)).is_empty()
    }

    #[test]
    fn imports_upwards_or_sideways() {
        for (path, text) in [
            ("coord/queue/mod.rs", "use crate::store::users;"),
            ("wire/hub.rs", "use crate::http::auth;"),
            ("domain/chat.rs", "use crate::coord::keys;"),
            (
                "coord/rooms/mod.rs",
                "use crate::{\n    domain::Event,\n    actions::say,\n};",
            ),
            ("store/users.rs", "fn a() { crate::coord::keys::room() }"),
            ("ids.rs", "use crate::config::Settings;"),
            ("clock.rs", "use crate::domain::Event;"),
            ("novelty/mod.rs", ""),
        ] {
            assert!(offends(imports_upwards, path, text), "{path}: {text}");
        }
        for (path, text) in [
            (
                "actions/say.rs",
                "use crate::coord::rooms;\nuse crate::{clock::Clock, domain::{chat, room::Room}};",
            ),
            ("coord/rooms/mod.rs", "use crate::coord::keys; // not crate::store"),
            ("coord/rooms/tests.rs", "use crate::store::users;"),
            (
                "coord/lease.rs",
                "fn a() {}\n#[cfg(test)]\nmod tests {\n    use crate::store::x;\n}",
            ),
            ("config/mod.rs", "use crate::error::Fault;"),
        ] {
            assert!(!offends(imports_upwards, path, text), "{path}: {text}");
        }
    }

    #[test]
    fn a_dialect_that_knows_the_other() {
        assert!(offends(
            sees_another_dialect,
            "wire/omegoo/decode.rs",
            "use super::super::free2talk::X;"
        ));
        assert!(offends(
            sees_another_dialect,
            "http/free2talk/mod.rs",
            "use crate::http::omegoo::X;"
        ));
        assert!(!offends(
            sees_another_dialect,
            "http/omegoo/mod.rs",
            "use crate::wire::omegoo; // unlike free2talk"
        ));
    }

    #[test]
    fn a_library_out_of_place() {
        let rule = names_a_library_out_of_place;
        assert!(offends(rule, "actions/say.rs", "use fred::prelude::*;"));
        assert!(offends(rule, "actions/say.rs", "fn a(e: ::sqlx::Error) {}"));
        assert!(offends(rule, "coord/keys.rs", "let r: poem::Result<()>;"));
        assert!(!offends(rule, "coord/script.rs", "use fred::prelude::*;"));
        assert!(!offends(rule, "actions/say.rs", "let fred = x.sqlx; // poem::Result"));
    }

    #[test]
    fn a_file_or_a_function_too_long() {
        let line = "const A: u8 = 1;\n";
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", line.repeat(500));
        assert!(offends(is_too_long, "domain/a.rs", &line.repeat(401)));
        assert!(!offends(is_too_long, "domain/a.rs", &(line.repeat(400) + &tests)));
        assert!(!offends(is_too_long, "domain/a/tests.rs", &line.repeat(900)));

        let function = |body: usize| {
            format!(
                "impl A {{\n    pub async fn a() {{\n{}    }}\n}}\n",
                "        b();\n".repeat(body)
            )
        };
        assert!(offends(has_a_function_too_long, "domain/a.rs", &function(79)));
        assert!(!offends(has_a_function_too_long, "domain/a.rs", &function(78)));
    }

    #[test]
    fn a_file_without_a_first_line() {
        assert!(offends(does_not_say_what_it_is, "domain/a.rs", "use std::fmt;"));
        assert!(!offends(does_not_say_what_it_is, "domain/a.rs", "//! Rules of a.\n"));
    }

    #[test]
    fn work_left_undone() {
        for mark in ["// TODO later", "todo!()", "dbg!(x)", "#[ignore]", "// FIXME"] {
            assert!(offends(leaves_work_undone, "domain/a/tests.rs", mark), "{mark}");
        }
    }

    #[test]
    fn an_allow_without_reason() {
        assert!(offends(
            silences_without_reason,
            "a.rs",
            "\n#[allow(dead_code)]\nfn a() {}"
        ));
        assert!(offends(silences_without_reason, "a.rs", "#![expect(dead_code)]"));
        assert!(!offends(
            silences_without_reason,
            "a.rs",
            "#[allow(\n    dead_code,\n    reason = \"b\"\n)]"
        ));
    }

    #[test]
    fn a_wall_clock() {
        assert!(offends(
            asks_the_wall_clock,
            "wire/hub.rs",
            "let t = tokio::time::Instant::now();"
        ));
        assert!(offends(
            asks_the_wall_clock,
            "domain/a.rs",
            "use std::time::SystemTime;"
        ));
        assert!(offends(
            asks_the_wall_clock,
            "store/mod.rs",
            "let started = SystemTime::now();"
        ));
        assert!(!offends(
            asks_the_wall_clock,
            "store/mod.rs",
            "let started = Instant::now();"
        ));
        assert!(!offends(asks_the_wall_clock, "clock.rs", "Instant::now()"));
        assert!(!offends(
            asks_the_wall_clock,
            "domain/a.rs",
            "// not Instant::now\nlet s = \"SystemTime\";"
        ));
    }

    #[test]
    fn a_stray_task() {
        assert!(offends(spawns, "actions/say.rs", "tokio::spawn(async {});"));
        assert!(offends(spawns, "wire/hub.rs", "tokio::task::spawn_blocking(f);"));
        assert!(!offends(spawns, "ops/loops.rs", "tokio::spawn(x)"));
        assert!(!offends(spawns, "domain/a.rs", "let respawned = 1; // spawn"));
    }

    #[test]
    fn an_unwrap() {
        assert!(offends(unwraps, "domain/a.rs", "x.unwrap();"));
        assert!(!offends(unwraps, "domain/a.rs", "x.unwrap_or(1); // .unwrap()"));
    }

    #[test]
    fn a_file_that_only_tests_compile_is_known_by_its_declaration() {
        let all = mark_tests(vec![
            file(
                "store/mod.rs",
                "mod users;\n#[cfg(test)]\npub(crate) mod server;\n#[cfg(test)]\nmod tests;\n",
            ),
            file("store/server.rs", ""),
            file("store/server/data.rs", ""),
            file("store/tests.rs", ""),
            file("store/users.rs", ""),
        ]);

        assert_eq!(
            all.iter().map(|file| file.test).collect::<Vec<_>>(),
            [false, true, true, true, false]
        );
    }

    #[test]
    fn a_vague_name() {
        assert!(offends(has_a_vague_name, "wire/utils.rs", ""));
        assert!(offends(has_a_vague_name, "wire/helpers/mod.rs", ""));
        assert!(!offends(has_a_vague_name, "wire/hub.rs", ""));
    }

    #[test]
    fn a_module_beside_its_directory() {
        let inner = file("wire/hub/table.rs", "");
        assert!(!stands_beside_its_directory(&file("wire/hub.rs", ""), std::slice::from_ref(&inner)).is_empty());
        assert!(stands_beside_its_directory(&file("wire/hub/mod.rs", ""), &[inner]).is_empty());
    }

    #[test]
    fn a_careless_script() {
        let header = "-- Says a line in a room.\n-- KEYS: 1 the room\n-- ARGV: 1 who\n-- returns: \"said\" id\n-- twice: the id is known\n";
        let tests = file("coord/rooms/tests.rs", "#[test]\nfn say_appends_to_the_log() {}");
        let offends = |path: &str, text: &str, tests: &Source| {
            !is_a_careless_script(&file(path, text), std::slice::from_ref(tests)).is_empty()
        };

        assert!(!offends("coord/rooms/say.lua", &format!("{header}return 1\n"), &tests));
        assert!(offends("coord/rooms/leave.lua", &format!("{header}return 1\n"), &tests));
        assert!(offends(
            "coord/rooms/say.lua",
            &(header.to_owned() + &"a()\n".repeat(56)),
            &tests
        ));
        assert!(offends(
            "coord/rooms/say.lua",
            &header.replace("twice", "again"),
            &tests
        ));
        assert!(offends("coord/rooms/say.lua", "return 1", &tests));
    }
}
