//! A Redis of the server's own, for when none is named: a child process on a free port that dies with the server.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

/// Debian's `redis-tools` has the whole server as `redis-check-rdb`: it acts by the name it is called by.
const START: &str = r#"
server=$(command -v redis-server || command -v valkey-server) && exec "$server" "$@"
exec -a redis-server "$(command -v redis-check-rdb)" "$@"
"#;

/// The process and its URL. It answers soon; whoever connects waits for it.
pub(crate) fn redis() -> std::io::Result<(Child, String)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let server = [
        "--port",
        &port,
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
    ];
    let child = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--", "bash", "-c", START, "redis"])
        .args(server)
        .stdout(Stdio::null())
        .spawn()?;
    Ok((child, format!("redis://127.0.0.1:{port}")))
}
