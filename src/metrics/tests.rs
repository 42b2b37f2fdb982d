//! The declarations, and what becomes of a recorded value.

use super::declare::Kind;
use super::*;
use std::collections::BTreeSet;
use std::time::Duration;

#[test]
fn every_metric_is_named_by_the_rules_and_explained() {
    let mut seen = BTreeSet::new();
    for one in ALL {
        let name = one.name;
        assert!(seen.insert(name), "{name} is declared twice");
        assert!(name.starts_with("palaver_"), "{name}");
        assert!(name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{name}");
        assert!(
            one.help.trim().ends_with('.') && one.help.len() > 10,
            "{name} needs a help text"
        );
        assert_eq!(
            one.kind == Kind::Counter,
            name.ends_with("_total"),
            "{name}: _total is for counters"
        );
        assert_eq!(
            one.kind == Kind::Histogram,
            !one.buckets.is_empty(),
            "{name}: buckets are for histograms"
        );
        for unit in ["_ms", "_millis", "_milliseconds", "_minutes", "_kb", "_percent"] {
            assert!(!name.contains(unit), "{name} is not in a base unit");
        }
        let unit = ["_seconds", "_bytes", "_actions"]
            .iter()
            .any(|unit| name.ends_with(unit));
        assert!(one.kind != Kind::Histogram || unit, "{name} must end with its unit");
        for label in one.labels {
            assert!(
                !label.contains("id") && *label != "user" && *label != "room",
                "{name}: labels are no ids"
            );
        }
    }
}

#[test]
fn buckets_grow() {
    for one in ALL {
        assert!(one.buckets.is_sorted_by(|a, b| a < b), "{}", one.name);
    }
}

#[test]
fn what_is_recorded_is_rendered_with_its_help() {
    install();

    CONNECTIONS.up(Transport::Polling);
    RELAY_LAG.took((), Duration::from_millis(2));
    HTTP_REQUESTS.one(["/rendered", "GET", "2xx"]);
    LOOP_RESTARTS.add("inbox", 2);

    let text = render();
    for line in [
        "# HELP palaver_relay_lag_seconds Time from a change in Redis to its dispatch to sockets here.",
        "# TYPE palaver_relay_lag_seconds histogram",
        "palaver_relay_lag_seconds_bucket{le=\"0.001\"} 0",
        "palaver_relay_lag_seconds_bucket{le=\"0.0025\"} 1",
        "palaver_connections{transport=\"polling\"} 1",
        "palaver_http_requests_total{route=\"/rendered\",method=\"GET\",status=\"2xx\"} 1",
        "palaver_loop_restarts_total{loop=\"inbox\"} 2",
        "# TYPE process_resident_memory_bytes gauge",
    ] {
        assert!(text.lines().any(|have| have == line), "{line}\n{text}");
    }
}

#[test]
fn what_has_not_happened_yet_is_told_as_none() {
    install();

    let text = render();

    let bare = ALL
        .iter()
        .filter(|one| one.kind == Kind::Counter && one.labels.is_empty());
    let told = bare.map(|one| format!("{} ", one.name));
    let untold: Vec<_> = told
        .filter(|sample| !text.lines().any(|line| line.starts_with(sample)))
        .collect();
    assert_eq!(untold, Vec::<String>::new());
    for transport in ["polling", "websocket"] {
        let sample = format!("palaver_connections_opened_total{{transport=\"{transport}\"}} ");
        assert!(text.lines().any(|line| line.starts_with(&sample)), "{text}");
    }
}

#[test]
fn the_kernel_tells_our_memory_and_files() {
    let memory = memory();

    assert!(memory.resident > 1 << 20, "{memory:?}");
    assert!(memory.private > 0 && memory.private <= memory.resident, "{memory:?}");
    assert!(process::file_limit().is_some_and(|limit| limit > 0));
}
