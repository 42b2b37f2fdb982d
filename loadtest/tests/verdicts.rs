//! What a load says of a server that keeps its promises, and of those that break one: status, counts and words.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod server;

use serde_json::Value;
use server::{Server, Whim};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// A load of four people, eight lines a second.
fn load(name: &str, server: &Server, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_palaver-loadtest"));
    let people = ["--connections", "4", "--rate", "8", "--limit", "none"];
    let time = ["--warmup", "0", "--duration", "2", "--no-progress"];
    command.args([name, "--targets", &server.url]).args(people).args(time);
    command.args(more);
    command
}

/// What a load told as JSON, its status, and why something is wrong.
struct Told {
    status: i32,
    json: Value,
    wrong: Vec<String>,
}

fn told(output: &Output) -> Told {
    let said = || String::from_utf8_lossy(&output.stderr).into_owned();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", said()));
    let wrong = json["wrong"].as_array().unwrap().iter();
    let wrong = wrong.map(|why| why.as_str().unwrap().to_owned()).collect();
    let status = output.status.code().unwrap();
    Told { status, json, wrong }
}

fn run(name: &str, whim: Whim, more: &[&str]) -> Told {
    let server = Server::start(whim);
    let told = told(
        &load(name, &server, &[more, &["--json", "-"]].concat())
            .output()
            .unwrap(),
    );
    assert_eq!(told.status == 0, told.json["held"].as_bool().unwrap());
    told
}

impl Told {
    fn count(&self, name: &str) -> u64 {
        self.json["counts"][name].as_u64().unwrap()
    }

    fn says(&self, wrong: &str) -> bool {
        self.wrong.iter().any(|why| why.contains(wrong))
    }
}

#[test]
fn a_server_that_keeps_its_promises_is_told_so() {
    let told = run("chat", Whim::None, &["--bound", "p99=30s", "--bound", "skipped=0"]);

    assert_eq!((told.status, told.wrong.len()), (0, 0), "{:#}", told.json);
    assert_eq!(told.count("delivered"), told.count("sent"));
    assert!((1..=16).contains(&told.count("sent")), "{:#}", told.json);
    assert_eq!(told.json["worst_rooms"].as_array().unwrap().len(), 0);
}

#[test]
fn a_target_that_is_down_is_named_and_the_others_are_called() {
    let server = Server::start(Whim::None);
    let targets = format!("http://127.0.0.1:1,http://127.0.0.1:2,{}", server.url);
    let mut command = load("pair", &server, &["--connections", "2", "--json", "-"]);

    // Both begin where nobody listens.
    let told = told(&command.args(["--targets", &targets]).output().unwrap());

    assert_eq!((told.status, told.count("paired")), (0, 2), "{:#}", told.json);
    let complaints = told.json["complaints"].as_object().unwrap();
    assert!(
        complaints.keys().any(|what| what.starts_with("127.0.0.1:1: ")),
        "{complaints:?}"
    );
}

#[test]
fn what_was_not_measured_does_not_hold_and_is_no_zero() {
    let bounds = ["--bound", "cpu_per_100k=1", "--bound", "back99=1s"];
    let told = run("chat", Whim::None, &bounds);
    assert_eq!((told.status, told.wrong.len()), (1, 0), "{:#}", told.json);
    assert!(told.json["kib_per_connection"].is_null());

    let told = run("idle", Whim::None, &["--connections", "3", "--bound", "lost=0"]);
    assert_eq!((told.status, told.wrong.len()), (1, 0), "{:#}", told.json);
    assert!(told.json["delivery_ms"].is_null());
}

#[test]
fn refused_lines_are_wrong_unless_a_bound_allows_them() {
    let told = run("chat", Whim::Refuses, &[]);
    assert_eq!((told.status, told.count("refused")), (1, told.count("sent")));
    assert!(told.says("lines were refused"), "{:?}", told.wrong);

    let told = run("chat", Whim::Refuses, &["--bound", "refused=100%"]);
    assert_eq!(told.wrong, ["nothing was delivered"]);
    assert_eq!(told.json["bounds"][0]["held"], true);
}

#[test]
fn lines_without_an_answer_are_wrong() {
    let told = run("chat", Whim::AnswersNot, &[]);

    assert_eq!((told.status, told.count("unacknowledged")), (1, told.count("sent") / 4));
    assert!(told.says("lines were never acknowledged"), "{:?}", told.wrong);
}

#[test]
fn what_was_accepted_is_lost_even_if_the_room_ends() {
    let told = run("chat", Whim::LosesAndEnds(8), &[]);

    assert_eq!((told.status, told.count("lost"), told.count("unanswered")), (1, 2, 0));
    assert!(told.says("4 people were told of the end of a room"), "{:?}", told.wrong);
    assert!(told.says("lines were not said"), "{:?}", told.wrong);
    assert!(
        told.json["delivery_ms"]["max"].as_f64().unwrap() > 1000.0,
        "they are missing until the end"
    );
    let worst = &told.json["worst_rooms"][0];
    assert!(worst["lost"].as_u64().unwrap() > 0, "{worst}");
}

#[test]
fn a_server_that_forgets_its_people_is_told_so() {
    let told = run("chat", Whim::Forgets(6), &["--duration", "4"]);

    assert_eq!(told.status, 1);
    for wrong in [
        "4 connections ended that this load did not cut",
        "4 people came back and had lost their seats",
        "lines were not said",
    ] {
        assert!(told.says(wrong), "{wrong} is not in {:?}", told.wrong);
    }
    assert_eq!(told.json["storm"]["back"], 0, "{:#}", told.json);
}

#[test]
fn partners_who_are_not_of_this_run_are_told() {
    for load in ["chat", "pair"] {
        let told = run(load, Whim::PairsWithOthers, &[]);

        assert_eq!(told.status, 1);
        assert!(told.says("4 people were paired with strangers"), "{:?}", told.wrong);
    }
}

#[test]
fn who_is_dropped_last_comes_back_before_the_end_is_told() {
    // A server that replays nothing loses what was said to them meanwhile.
    let churn = [
        "--leave",
        "0",
        "--drop",
        "2",
        "--bound",
        "back100=20s,lost=100%,absent=100%",
    ];

    let told = run("soak", Whim::None, &churn);

    assert_eq!(told.status, 0, "{:#}", told.json);
    assert!(told.json["storm"]["cut"].as_u64().unwrap() > 0);
    assert_eq!(told.json["storm"]["back"], told.json["storm"]["cut"]);
}

#[test]
fn in_a_soak_everybody_talks() {
    let told = run("soak", Whim::None, &["--leave", "0", "--drop", "0", "--at-once", "1"]);

    assert_eq!((told.status, told.count("skipped"), told.count("absent")), (0, 0, 0));
    assert!(told.count("sent") > 0);
}

/// Ends what a test started, however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

fn signal(child: &Child, name: &str) {
    let killed = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
}

#[test]
fn a_signal_ends_a_load_early_with_its_report_and_its_goodbyes() {
    for (name, status) in [("INT", 130), ("TERM", 143)] {
        let server = Server::start(Whim::None);
        let mut command = load("chat", &server, &["--duration", "600", "--json", "-"]);
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut running = Running(child);
        until("nobody says anything", || server.lines() > 4);

        signal(&running.0, name);

        let mut out = running.0.stdout.take().unwrap();
        let mut text = String::new();
        out.read_to_string(&mut text).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(running.0.wait().unwrap().code(), Some(status));
        assert_eq!(json["wrong"][0], format!("ended early by SIG{name}"));
        assert!(json["counts"]["delivered"].as_u64().unwrap() > 0, "{json:#}");
        until("they do not leave", || server.left() == 4);
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    // A line without an answer is waited for.
    let server = Server::start(Whim::AnswersNot);
    let mut command = load("chat", &server, &["--duration", "600"]);
    let mut running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    until("nobody says anything", || server.lines() > 4);

    signal(&running.0, "INT");
    signal(&running.0, "TERM");

    let mut said = String::new();
    running.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!([Some(130), Some(143)].contains(&running.0.wait().unwrap().code()));
    assert_eq!(said, "", "there is no report");
}

/// A file of this test alone.
fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()))
}

#[test]
fn files_that_cannot_be_written_are_told_before_the_load() {
    let server = Server::start(Whim::None);

    let output = load("chat", &server, &["--html", "/nonexistent/page.html"])
        .output()
        .unwrap();

    assert_eq!((output.status.code(), server.lines()), (Some(2), 0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent/page.html"));
}

#[test]
fn what_cannot_be_told_keeps_nothing_else_from_being_told() {
    let server = Server::start(Whim::None);
    let json = scratch("full.json");
    let mut command = load("chat", &server, &["--html", "/dev/full", "--json"]);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();

    let output = command.arg(&json).stdout(full).output().unwrap();

    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("the output: No space") && said.contains("/dev/full: No space"),
        "{said}"
    );
    let written: Value = serde_json::from_reader(File::open(&json).unwrap()).unwrap();
    assert_eq!(written["counts"]["delivered"], server.lines());
    std::fs::remove_file(json).unwrap();
}
