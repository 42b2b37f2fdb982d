//! The command line and the exit status, without a server. What loads do to real nodes is tested with the nodes
//! (`tests/it/loadtest.rs`), which find the binary because this test makes cargo build it.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::net::TcpListener;
use std::process::{Command, Output};

fn loadtest(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_palaver-loadtest"));
    command.args(arguments).output().unwrap()
}

fn says(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

#[test]
fn help_names_every_load_and_every_bound() {
    let help = says(&loadtest(&["--help"]));

    for word in [
        "idle",
        "chat",
        "pair",
        "typing",
        "storm",
        "soak",
        "cpu_per_100k",
        "Exit status",
        "skipped",
        "strangers",
    ] {
        assert!(help.contains(word), "{word} is not in\n{help}");
    }
}

#[test]
fn what_cannot_be_understood_is_said_with_status_2() {
    for wrong in [
        &["chat"][..],
        &["chat", "--targets", "127.0.0.1:1"],
        &["chat", "--targets", "http://127.0.0.1:1", "--bound", "p99=soon"],
        &["chat", "--targets", "http://127.0.0.1:1", "--pids", "node=nobody"],
        &["storm", "--targets", "http://127.0.0.1:1", "--cut", "gently"],
        &["chat", "--targets", "http://127.0.0.1:1", "--connections", "3"],
        &["chat", "--targets", "http://127.0.0.1:1", "--rate", "0"],
        &["chat", "--targets", "http://127.0.0.1:1", "--rate", "1e-11"],
        &["chat", "--targets", "http://127.0.0.1:1", "--duration", "1e20"],
        &["chat", "--targets", "http://127.0.0.1:1", "--bound", "p98=10ms"],
        &["chat", "--targets", "http://127.0.0.1:1", "--bound", "lost=1ms"],
        &["chat", "--targets", "http://127.0.0.1:1", "--pids", "a=1,a=1"],
        &["storm", "--targets", "http://127.0.0.1:1", "--kill", "nobody"],
        &["soak", "--targets", "http://127.0.0.1:1", "--drop", "-1"],
    ] {
        let output = loadtest(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", says(&output));
        assert!(!output.stderr.is_empty(), "{wrong:?}");
    }
}

#[test]
fn what_makes_no_encrypted_connection_is_refused_at_once() {
    let target = "https://127.0.0.1:1";
    for (arguments, reason) in [
        (
            ["https://a..b", "--ca", "/dev/null"],
            "no certificate can be for the host `a..b`",
        ),
        (
            [target, "--ca", "/dev/null"],
            "/dev/null: there is no certificate in it",
        ),
        ([target, "--ca", "/dev/null/ca.pem"], "/dev/null/ca.pem: "),
        ([target, "--ca", "/dev"], "/dev: "),
        // It would not be used, and still it is not what it is said to be.
        (["http://127.0.0.1:1", "--ca", "/dev/null"], "/dev/null: there is no"),
    ] {
        let output = loadtest(&[&["idle", "--no-progress", "--targets"][..], &arguments[..]].concat());

        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", says(&output));
        assert!(says(&output).contains(reason), "{arguments:?}: {}", says(&output));
    }
}

#[test]
fn a_server_that_is_not_there_is_said_with_status_2() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let target = format!("http://127.0.0.1:{port}");

    let output = loadtest(&["pair", "--targets", &target, "--connections", "2", "--no-progress"]);

    assert_eq!(output.status.code(), Some(2));
    assert!(says(&output).contains("Connection refused"), "{}", says(&output));
}
