//! A server that speaks TLS only with whom its authority has certified, and knows the user that we ship.

use super::super::authority::Authority;
use super::super::ports::free_port;
use super::Server;
use std::path::PathBuf;

/// The users that we ship, with everything allowed to the test itself.
const USERS: &str = include_str!("../../../../.config/redis-users.acl");

/// A guarded server.
pub struct Guarded {
    /// The server; the test asks it without TLS.
    pub server: Server,
    port: u16,
    authority: Authority,
}

impl Guarded {
    /// A new, empty one.
    pub async fn start() -> Self {
        let authority = Authority::new("authority");
        authority.certify("server", "localhost");
        authority.certify("node", "node");
        let path = |name: &str| authority.file(name).to_string_lossy().into_owned();
        let users = USERS.replacen("user default off", "user default on nopass ~* +@all", 1);
        std::fs::write(path("users.acl"), users).unwrap();
        for _ in 0..5 {
            let port = free_port();
            let at = port.to_string();
            let options = [
                ["--tls-port", &at],
                ["--tls-cert-file", &path("server.pem")],
                ["--tls-key-file", &path("server.key")],
                ["--tls-ca-cert-file", &path("ca.pem")],
                ["--tls-auth-clients", "yes"],
                ["--aclfile", &path("users.acl")],
            ];
            if let Some(server) = Server::try_start(options.as_flattened()).await {
                return Self {
                    server,
                    port,
                    authority,
                };
            }
        }
        panic!("Redis does not start");
    }

    /// Where nodes connect, as the shipped user, under a host name.
    pub fn url(&self, host: &str) -> String {
        format!("rediss://palaver:change-me@{host}:{}", self.port)
    }

    /// A file of its certificates: `ca.pem`, `node.pem`, `node.key`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.authority.file(name)
    }
}
