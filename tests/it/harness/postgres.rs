//! A Postgres server per test run, a database per test.
//!
//! `./dev test` starts one server and names it in `PALAVER_TEST_POSTGRES`. Without it, each test process starts its
//! own on a copy of a cluster that is made once per machine and kept in the temporary folder: 0.2 s instead of 0.8 s.

use super::PATIENCE;
use super::holds_within;
use super::ports::free_port;
use super::process::{Process, dying_with_us};
use sqlx::{Connection, Executor, PgConnection};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// An empty database of its own, dropped at the end.
pub struct Database {
    server: Arc<Server>,
    name: String,
}

/// Where databases are made.
pub struct Server {
    /// Ends with the port; a database's name follows.
    base: String,
    own: Option<Own>,
}

/// A server that this test started.
struct Own {
    process: Process,
    dir: tempfile::TempDir,
    port: u16,
}

impl Drop for Own {
    /// Killed, it would leave shared memory behind, of which a machine has only so many pieces.
    fn drop(&mut self) {
        self.process.end("QUIT");
    }
}

impl Server {
    /// The run's server, or a private one.
    pub async fn start() -> Arc<Self> {
        let server = match std::env::var("PALAVER_TEST_POSTGRES") {
            Ok(url) => Self {
                base: url.rsplit_once('/').expect("the URL names a database").0.to_owned(),
                own: None,
            },
            Err(_) => private().await,
        };
        Arc::new(server)
    }

    /// A private one, to be killed and started again.
    pub async fn start_private() -> Self {
        private().await
    }

    /// A new database on this server.
    pub async fn database(self: &Arc<Self>) -> Database {
        let name = format!("test_{:016x}", rand::random::<u64>());
        let mut admin = self.admin().await;
        // Nobody is ever connected to template0, so any number of tests can copy it at the same time.
        let create = format!("create database {name} template template0");
        admin.execute(sqlx::AssertSqlSafe(create)).await.unwrap();
        Database {
            server: Arc::clone(self),
            name,
        }
    }

    /// Stops the server at once, as a crash would; only a private one can be.
    pub fn kill(&mut self) {
        self.own.as_mut().expect("a private server").process.kill9();
    }

    /// Stops the server at once; only a private one can be. Unlike after `kill -9`, none of its processes lingers.
    pub async fn quit(&mut self) {
        let own = self.own.as_mut().expect("a private server");
        own.process.signal("QUIT");
        assert!(
            own.process.ended_within(PATIENCE * 4).await.is_some(),
            "Postgres ignores SIGQUIT"
        );
    }

    /// Brings one that has quit back, with its data.
    pub async fn restart(&mut self) {
        let own = self.own.as_mut().expect("a private server");
        let back = launch(&own.dir.path().join("data"), own.port).await;
        own.process = back.unwrap_or_else(|printed| panic!("Postgres does not come back; it printed:\n{printed}"));
    }

    /// A new database with this name, which goes with a private server.
    pub async fn create(&self, name: &str) -> String {
        let create = format!("create database {name} template template0");
        self.admin().await.execute(sqlx::AssertSqlSafe(create)).await.unwrap();
        format!("{}/{name}", self.base)
    }

    async fn admin(&self) -> PgConnection {
        PgConnection::connect(&format!("{}/postgres", self.base)).await.unwrap()
    }
}

impl Database {
    /// A database on the run's server.
    pub async fn create() -> Self {
        Server::start().await.database().await
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("{}/{}", self.server.base, self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.server.own.is_some() {
            return; // the whole server goes
        }
        let (server, name) = (Arc::clone(&self.server), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let drop = format!("drop database {name} with (force)");
                let _ = server.admin().await.execute(sqlx::AssertSqlSafe(drop)).await;
            });
        });
        let _ = dropping.join();
    }
}

async fn private() -> Server {
    let dir = tempfile::tempdir().unwrap();
    // Postgres's user must get through to its part of it.
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let data = dir.path().join("data");
    run(Command::new("cp").arg("-a").arg(template()).arg(&data));
    for _ in 0..5 {
        let port = free_port();
        if let Ok(process) = launch(&data, port).await {
            let base = format!("postgres://palaver@127.0.0.1:{port}");
            let own = Some(Own { process, dir, port });
            return Server { base, own };
        }
    }
    panic!("Postgres does not start");
}

/// An error is what it printed before it ended by itself (its port was taken, perhaps).
async fn launch(data: &Path, port: u16) -> Result<Process, String> {
    let mut postgres = as_postgres(&bin("postgres"));
    postgres.arg("-D").arg(data).arg("-c").arg(format!("port={port}"));
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=200",
        "fsync=off",
    ] {
        postgres.args(["-c", setting]);
    }
    let mut process = Process::start("postgres", postgres);
    let pid_file = data.join("postmaster.pid");
    let ours = process.pid().to_string();
    let ready = async || {
        let state = fs::read_to_string(&pid_file).unwrap_or_default();
        let of_ours = state.lines().next() == Some(ours.as_str());
        of_ours && state.lines().nth(7).is_some_and(|line| line.starts_with("ready")) || !process.runs()
    };
    match holds_within(PATIENCE, ready).await && process.runs() {
        true => Ok(process),
        false => Err(process.output()),
    }
}

/// The cluster that all private servers are copies of. Made under a lock, and under another name until it is whole.
fn template() -> PathBuf {
    let own_uid = fs::metadata(tempfile::tempdir().unwrap().path()).unwrap().uid();
    let version = Command::new(bin("postgres")).arg("--version").output().unwrap().stdout;
    let version = String::from_utf8_lossy(&version)
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>();
    let home = std::env::temp_dir().join(format!("palaver-tests-{own_uid}"));
    fs::create_dir_all(&home).unwrap();
    assert_eq!(
        fs::metadata(&home).unwrap().uid(),
        own_uid,
        "{home:?} is somebody else's"
    );
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    let lock = File::create(home.join("lock")).unwrap();
    lock.lock().unwrap();
    let made = home.join(&version);
    if !made.exists() {
        initdb(&home, &made);
    }
    made
}

fn initdb(home: &Path, made: &Path) {
    let nursery = home.join("new");
    let _ = fs::remove_dir_all(&nursery);
    fs::create_dir(&nursery).unwrap();
    if let Some((user, _)) = other_user() {
        run(Command::new("chown").arg(user).arg(&nursery));
    }
    let data = nursery.join("data");
    let mut initdb = as_postgres(&bin("initdb"));
    initdb.arg("-D").arg(&data).current_dir(&nursery);
    initdb.args([
        "-U",
        "palaver",
        "--auth=trust",
        "--no-sync",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    ]);
    run(&mut initdb);
    fs::rename(data, made).unwrap();
}

/// Postgres refuses to run as root: the user and group it runs as then.
fn other_user() -> Option<(&'static str, &'static str)> {
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let postgres = known.lines().any(|line| line.starts_with("postgres:"));
    root.then_some(if postgres {
        ("postgres", "postgres")
    } else {
        ("nobody", "nogroup")
    })
}

fn as_postgres(program: &Path) -> Command {
    let Some((user, group)) = other_user() else {
        return dying_with_us("INT", program);
    };
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid",
        user,
        "--regid",
        group,
        "--init-groups",
        "--pdeathsig",
        "INT",
        "--",
    ]);
    command.arg(program);
    command
}

/// A program of the Postgres server; Debian keeps them off PATH.
fn bin(program: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian = versions.map(|entry| entry.path().join("bin")).collect::<Vec<_>>();
    debian.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(debian.into_iter().rev())
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
        .expect("Postgres is installed (apt-get install postgresql)")
}

fn run(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(
        done.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_private_server_leaves_no_shared_memory_behind() {
        let server = Server::start_private().await;
        let pid = server.own.as_ref().unwrap().process.pid().to_string();
        // Each line names who made the piece in its fifth column.
        let pieces = || {
            let all = fs::read_to_string("/proc/sysvipc/shm").unwrap();
            all.lines()
                .filter(|line| line.split_whitespace().nth(4) == Some(&pid))
                .count()
        };
        assert_eq!(pieces(), 1);

        drop(server);

        assert_eq!(pieces(), 0);
    }
}
