//! The API is what its description says: programs that know nothing but `openapi/palaver.json` talk to live nodes. They
//! and what they need stand in `tests/api`, installed by `./dev test`.

use crate::harness::PATIENCE;
use crate::harness::people;
use crate::harness::process::{Process, dying_with_us};
use crate::harness::world::World;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// A world that keeps its pictures in a folder of its own.
async fn world() -> (World, TempDir) {
    let pictures = tempfile::tempdir().unwrap();
    let files = format!("file:{}", pictures.path().display());
    let world = people::plan().set("PALAVER_FILES__URL", files).start().await;
    (world, pictures)
}

fn at(path: &str) -> PathBuf {
    Path::new(HERE).join(path)
}

/// A program that `./dev test` installed.
fn program(path: &str) -> Command {
    let program = at("tests/api").join(path);
    assert!(program.exists(), "{path} is not installed: ./dev test does it");
    // Some call others by name.
    let others = at("tests/api/python/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([others].into_iter().chain(std::env::split_paths(&path))).unwrap();
    let mut command = dying_with_us("KILL", program);
    command.env("PATH", path);
    command
}

/// What a program printed that ended well.
async fn run(name: &str, command: Command) -> String {
    let mut process = Process::start(name, command);
    let ended = process.ended_within(PATIENCE * 18).await;
    assert!(ended.is_some_and(|status| status.success()), "{name} did not end well");
    process.output()
}

#[tokio::test]
async fn schemathesis_finds_no_server_error_and_no_undocumented_answer() {
    let (world, _pictures) = world().await;
    let mut fuzzer = program("python/bin/schemathesis");
    fuzzer
        .current_dir(at("tests/api"))
        .args(["run", "../../openapi/palaver.json"]);
    // What is found once can be looked at again.
    fuzzer.args(["--seed", "1", "--url", &world.url()]);

    let told = run("schemathesis", fuzzer).await;

    assert!(told.contains("No issues found"), "{told}");
    for phase in ["Examples", "Coverage", "Fuzzing"] {
        assert!(told.contains(&format!("✅ {phase}")), "{phase} did not run: {told}");
    }
}

#[tokio::test]
async fn a_typescript_client_made_of_the_description_signs_up_in_refreshes_and_reads_who_it_is() {
    let (world, _pictures) = world().await;
    let folder = tempfile::tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink(at("tests/api/node_modules"), inside("node_modules")).unwrap();
    std::fs::copy(at("tests/api/client.ts"), inside("client.ts")).unwrap();
    std::fs::copy(at("tests/api/package.json"), inside("package.json")).unwrap();
    let mut maker = program("node_modules/.bin/openapi-typescript");
    maker
        .arg(at("openapi/palaver.json"))
        .arg("--output")
        .arg(inside("palaver.ts"));
    run("openapi-typescript", maker).await;

    let mut compiler = program("node_modules/.bin/tsc");
    compiler
        .current_dir(folder.path())
        .args(["--strict", "--skipLibCheck", "--target", "es2022"]);
    compiler.args(["--module", "nodenext", "--types", "node", "client.ts"]);
    run("tsc", compiler).await;
    let mut client = dying_with_us("KILL", "node");
    client.current_dir(folder.path()).args(["client.js", &world.url()]);

    assert!(run("client.ts", client).await.contains("as described"));
}

#[tokio::test]
async fn a_python_client_made_of_the_description_signs_up_in_refreshes_and_reads_who_it_is() {
    let (world, _pictures) = world().await;
    let folder = tempfile::tempdir().unwrap();
    let mut maker = program("python/bin/openapi-python-client");
    maker
        .args(["generate", "--fail-on-warning", "--meta", "none", "--path"])
        .arg(at("openapi/palaver.json"));
    maker.arg("--output-path").arg(folder.path().join("palaver_client"));
    run("openapi-python-client", maker).await;

    let mut client = program("python/bin/python");
    client
        .env("PYTHONPATH", folder.path())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    client.arg(at("tests/api/client.py")).arg(world.url());

    assert!(run("client.py", client).await.contains("as described"));
}
