//! A Postgres for tests: one that `PALAVER_TEST_POSTGRES` names, else a private child process that dies with us.
//! Every test gets a database of its own.

use crate::config;
use crate::store::Store;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server and, when we started it, its files.
pub(crate) struct Postgres {
    admin: String,
    child: Option<(Child, tempfile::TempDir)>,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let Some((child, _)) = &mut self.child else { return };
        // Killed, it would leave shared memory behind, of which a machine has only so many pieces.
        let quit = format!("kill -s QUIT {}", child.id());
        let _ = Command::new("sh").args(["-c", &quit]).stderr(Stdio::null()).status();
        let until = Instant::now() + Duration::from_secs(5);
        while child.try_wait().is_ok_and(|ended| ended.is_none()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Postgres {
    /// A server that answers.
    pub(crate) async fn start() -> Self {
        match std::env::var("PALAVER_TEST_POSTGRES") {
            Ok(url) => Self {
                admin: url,
                child: None,
            },
            Err(_) => Self::private().await,
        }
    }

    /// One that a test may stop.
    pub(crate) async fn private() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = nobody_else();
        let owned = Command::new("chown")
            .arg(if root { "postgres" } else { "--version" })
            .arg(dir.path())
            .output();
        assert!(
            owned.unwrap().status.success() || !root,
            "the data folder must belong to the server's user"
        );
        let data = dir.path().join("data");
        let initialised = program("initdb")
            .args([
                "-U",
                "app",
                "--auth=trust",
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-D",
            ])
            .arg(&data)
            .output()
            .unwrap();
        assert!(
            initialised.status.success(),
            "{}",
            String::from_utf8_lossy(&initialised.stderr)
        );
        let child = program("postgres")
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=20"])
            .args(["-c", &format!("unix_socket_directories={}", dir.path().display()), "-D"])
            .arg(&data)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let postgres = Self {
            admin: format!("postgres://app@localhost/postgres?host={}", dir.path().display()),
            child: Some((child, dir)),
        };
        postgres.answers().await;
        postgres
    }

    async fn answers(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while store(&self.admin).reachable().await.is_err() {
            assert!(Instant::now() < until, "Postgres did not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// An empty database of its own, without tables.
    pub(crate) async fn database(&self) -> Store {
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        let create = sqlx::AssertSqlSafe(format!("create database {name}"));
        sqlx::query(create).execute(&store(&self.admin).pool).await.unwrap();
        let (before, after) = self.admin.split_once('?').unwrap_or((&self.admin, ""));
        let (server, _) = before.rsplit_once('/').unwrap();
        store(&format!("{server}/{name}?{after}"))
    }
}

/// A store on `url`.
pub(crate) fn store(url: &str) -> Store {
    let settings = config::Postgres {
        url: config::Secret::new(url),
        ..config::Settings::default().postgres
    };
    Store::open(&settings).unwrap()
}

fn nobody_else() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|told| told.stdout.trim_ascii() == b"0")
}

/// A program of Postgres, as its own user when we are root (it refuses root), and ended with us.
fn program(name: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if nobody_else() {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command.arg("--").arg(find(name)).stdout(Stdio::null());
    command
}

/// Debian keeps the server's programs out of the search path.
fn find(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions
        .map(|version| version.path().join("bin").join(name))
        .filter(|path| path.is_file())
        .max();
    found.unwrap_or_else(|| Path::new(name).to_owned())
}
