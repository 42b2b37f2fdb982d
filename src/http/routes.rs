//! The table of routes: which methods each has, and by what name it is counted. Routes of the API come from its own
//! description, so nothing is declared twice; the few beside it are listed here.

use super::describe;
use std::sync::LazyLock;

/// A route and its methods.
#[derive(Debug)]
pub(super) struct Known {
    /// Its pattern, `{name}` for a part that varies: the label of its numbers.
    pub(super) pattern: &'static str,
    /// What may stand in `Allow`.
    pub(super) allow: String,
}

/// Requests that match no route are counted under one name: paths are chosen by clients.
pub(super) const NOWHERE: &str = "none";

/// Beside the API, all read-only.
const BESIDE: [&str; 6] = [
    "/",
    "/page/{path}",
    "/files/avatars/{name}",
    "/openapi.json",
    "/docs",
    "/metrics",
];

/// What balancers and monitors ask for on their own account, of a node that stops as well.
const FOR_WATCHERS: [&str; 6] = ["/ready", "/live", "/health", "/api/health", "/keepalive", "/metrics"];

static ROUTES: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let paths = describe::paths();
    let described = paths.into_iter().map(|(pattern, methods)| (&*pattern.leak(), methods));
    let beside = BESIDE.iter().map(|pattern| (*pattern, vec!["GET".to_owned()]));
    described
        .chain(beside)
        .map(|(pattern, methods)| Known {
            pattern,
            allow: allow(methods),
        })
        .collect()
});

fn allow(mut methods: Vec<String>) -> String {
    if methods.iter().any(|method| method == "GET") {
        methods.push("HEAD".to_owned());
    }
    methods.push("OPTIONS".to_owned());
    methods.sort();
    methods.join(", ")
}

/// Whether nobody's client asks for it.
pub(super) fn is_for_watchers(path: &str) -> bool {
    FOR_WATCHERS.contains(&path)
}

/// The route that `path` belongs to.
pub(super) fn find(path: &str) -> Option<&'static Known> {
    ROUTES.iter().find(|route| fits(route.pattern, path))
}

fn fits(pattern: &str, path: &str) -> bool {
    // The page's files lie in folders: its last part stands for all that follows.
    if let Some(folder) = pattern.strip_suffix("{path}") {
        return path.starts_with(folder);
    }
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(part), Some(text)) if part == text || (part.starts_with('{') && !text.is_empty()) => {}
            _ => return false,
        }
    }
}

/// The method as a label; what clients make up is one word.
pub(super) fn method(method: &poem::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// The class of a status as a label.
pub(super) fn class(status: poem::http::StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_known_by_its_pattern() {
        assert_eq!(find("/api/health").map(|route| route.pattern), Some("/api/health"));
        assert_eq!(find("/page/js/app.js").map(|route| route.pattern), Some("/page/{path}"));
        assert_eq!(
            find("/api/health").map(|route| route.allow.as_str()),
            Some("GET, HEAD, OPTIONS")
        );
        assert!(find("/api/health/").is_none() && find("/nowhere").is_none());
        assert!(fits("/api/users/{id}/coins", "/api/users/7/coins") && !fits("/api/users/{id}", "/api/users/"));
    }
}
