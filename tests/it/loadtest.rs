//! The load generator does to real nodes what it says, and tells what it saw: each load, small.

use crate::harness::PATIENCE;
use crate::harness::authority::Authority;
use crate::harness::haproxy::Haproxy;
use crate::harness::process::{Process, dying_with_us};
use crate::harness::world::World;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const NODE: &str = env!("CARGO_BIN_EXE_palaver");

/// A load of few people for a short time.
fn small(name: &str, targets: &str) -> Command {
    let program = Path::new(NODE).with_file_name("palaver-loadtest");
    assert!(program.is_file(), "not built: cargo build -p palaver-loadtest");
    let mut command = dying_with_us("KILL", program);
    command.args([name, "--targets", targets, "--no-progress"]).args([
        "--connections",
        "20",
        "--rate",
        "20",
        "--warmup",
        "0.5",
        "--duration",
        "2",
    ]);
    command
}

/// What a load told, once it ended with status 0.
async fn load(name: &str, world: &mut World, targets: &str, more: &[&str]) -> Value {
    let results = tempfile::tempdir().unwrap();
    let (json, html) = (results.path().join("results.json"), results.path().join("results.html"));
    let pids = format!("one={},two={}", world.node(0).pid(), world.node(1).pid());
    let mut command = small(name, targets);
    command.args(["--pids", &pids]).args(more);
    command.arg("--json").arg(&json).arg("--html").arg(&html);
    let mut process = Process::start(name, command);
    let ended = process.ended_within(PATIENCE * 3).await;
    assert!(
        ended.is_some_and(|status| status.success()),
        "{name} did not end well:\n{}",
        process.output()
    );
    assert!(std::fs::read_to_string(html).unwrap().ends_with("</html>\n"));
    serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap()
}

fn nodes(world: &mut World) -> String {
    format!("{},{}", world.node(0).url(), world.node(1).url())
}

/// A balancer that speaks TLS with the world's visitors, and who says that it is the right one.
async fn behind_tls(world: &mut World) -> (Haproxy, Authority) {
    let authority = Authority::new("authority");
    let nodes = [world.node(0).address(), world.node(1).address()];
    (Haproxy::start_encrypted(&nodes, &authority).await, authority)
}

fn count(told: &Value, name: &str) -> u64 {
    told["counts"][name].as_u64().unwrap()
}

fn assert_all_was_delivered(told: &Value) {
    assert!(count(told, "sent") > 20, "{told:#}");
    for name in ["delivered", "acknowledged"] {
        assert_eq!(count(told, name), count(told, "sent"), "{name} in {told:#}");
    }
    for name in ["lost", "duplicated", "out_of_order", "refused", "strange", "echoed"] {
        assert_eq!(count(told, name), 0, "{name} in {told:#}");
    }
}

#[tokio::test]
async fn idle_connections_stay_and_their_memory_is_told() {
    let mut world = World::new().start().await;
    let targets = nodes(&mut world);

    let told = load("idle", &mut world, &targets, &[]).await;

    assert_eq!((&told["connections"], &told["targets"]), (&20.into(), &2.into()));
    assert_eq!(told["processes"].as_array().unwrap().len(), 2);
    assert!(told["processes"][0]["rss_kib_before"].as_u64().unwrap() > 1000);
    assert_eq!(told["series"].as_array().unwrap().last().unwrap()["open"], 20);
}

#[tokio::test]
async fn a_chat_is_told_line_by_line_over_every_transport() {
    let mut world = World::new().start().await;
    let (targets, balancer) = (nodes(&mut world), world.url());

    let told = load("chat", &mut world, &targets, &["--bound", "p99=15s"]).await;
    assert_all_was_delivered(&told);
    assert!(told["delivery_ms"]["p50"].as_f64().unwrap() > 0.0);
    assert_eq!(told["bounds"][0]["held"], true);

    let told = load("chat", &mut world, &balancer, &["--polling"]).await;
    assert_all_was_delivered(&told);
}

#[tokio::test]
async fn a_chat_goes_through_tls_over_every_transport() {
    let mut world = World::new().start().await;
    let (balancer, authority) = behind_tls(&mut world).await;
    let ca = authority.file("ca.pem").to_string_lossy().into_owned();

    for transport in [&[][..], &["--polling"]] {
        let more = [&["--ca", &ca], transport].concat();
        let told = load("chat", &mut world, &balancer.url(), &more).await;
        assert_all_was_delivered(&told);
    }
}

#[tokio::test]
async fn a_storm_goes_through_tls() {
    let mut world = World::new().start().await;
    let (balancer, authority) = behind_tls(&mut world).await;
    let ca = authority.file("ca.pem").to_string_lossy().into_owned();

    let more = ["--ca", &ca, "--duration", "30"];
    let told = load("storm", &mut world, &balancer.url(), &more).await;

    assert_eq!(
        (&told["storm"]["cut"], &told["storm"]["back"], count(&told, "lost")),
        (&20.into(), &20.into(), 0),
        "{told:#}"
    );
}

#[tokio::test]
async fn a_certificate_of_somebody_whom_this_machine_does_not_trust_ends_the_load() {
    let (authority, stranger) = (Authority::new("authority"), Authority::new("stranger"));
    let balancer = Haproxy::start_encrypted(&[], &authority).await;
    let mut command = small("chat", &balancer.url());
    // It stands for those whom the machine trusts.
    command.env("SSL_CERT_FILE", stranger.file("ca.pem"));

    let mut process = Process::start("chat", command);
    let ended = process.ended_within(PATIENCE).await;

    let output = process.output();
    assert_eq!(ended.and_then(|status| status.code()), Some(2), "{output}");
    assert!(output.contains("invalid peer certificate: UnknownIssuer"), "{output}");
    assert!(output.contains("--ca"), "{output}");
}

#[tokio::test]
async fn own_lines_are_counted_apart() {
    let mut world = World::new().start().await;
    let targets = nodes(&mut world);

    let told = load("chat", &mut world, &targets, &["--echo"]).await;

    assert!(count(&told, "echoed") >= count(&told, "sent"), "{told:#}");
    assert_eq!(count(&told, "delivered"), count(&told, "sent"));
}

#[tokio::test]
async fn strangers_are_paired_and_seen_typing() {
    let mut world = World::new().start().await;
    let targets = nodes(&mut world);

    let told = load("pair", &mut world, &targets, &[]).await;
    assert_eq!(count(&told, "paired"), 20);
    assert!(told["pairing_ms"]["all"].as_f64().unwrap() > 0.0);

    let told = load("typing", &mut world, &targets, &[]).await;
    assert!(count(&told, "sent") > 20);
    assert_eq!(count(&told, "delivered"), count(&told, "sent"), "{told:#}");
}

#[tokio::test]
async fn after_a_storm_and_after_a_killed_node_everybody_is_back_with_nothing_lost() {
    let mut world = World::new().start().await;
    let targets = nodes(&mut world);

    let told = load("storm", &mut world, &targets, &["--duration", "30"]).await;
    assert_eq!(
        (&told["storm"]["cut"], &told["storm"]["back"]),
        (&20.into(), &20.into()),
        "{told:#}"
    );
    assert!(told["storm"]["back99_ms"].as_f64().unwrap() > 100.0);
    assert_eq!(count(&told, "lost"), 0);

    let told = load("storm", &mut world, &targets, &["--duration", "30", "--kill", "two"]).await;
    assert_eq!(
        (&told["storm"]["cut"], &told["storm"]["back"]),
        (&10.into(), &10.into()),
        "{told:#}"
    );
}

#[tokio::test]
async fn a_soak_goes_through_many_rooms_and_loses_nothing() {
    let mut world = World::new().start().await;
    let targets = nodes(&mut world);

    let told = load(
        "soak",
        &mut world,
        &targets,
        &["--duration", "6", "--leave", "3", "--drop", "1"],
    )
    .await;

    assert!(count(&told, "rooms") > 10, "{told:#}");
    assert_eq!(count(&told, "lost"), 0, "{told:#}");
}
