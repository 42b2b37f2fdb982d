//! A server that speaks TLS only with whom its authority has certified, and knows the user that we ship.

use super::super::ports::free_port;
use super::Server;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::PathBuf;

/// The users that we ship, with everything allowed to the test itself.
const USERS: &str = include_str!("../../../../.config/redis-users.acl");

/// A guarded server.
pub struct Guarded {
    /// The server; the test asks it without TLS.
    pub server: Server,
    port: u16,
    files: tempfile::TempDir,
}

impl Guarded {
    /// A new, empty one.
    pub async fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        let path = |name: &str| files.path().join(name).to_string_lossy().into_owned();
        certify(&files);
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
                return Self { server, port, files };
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
        self.files.path().join(name)
    }
}

/// An authority, and what it says of the server `localhost` and of a node.
fn certify(files: &tempfile::TempDir) {
    let write = |name: &str, text: String| std::fs::write(files.path().join(name), text).unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    // Whoever has the name of the authority seems to have signed himself.
    authority.distinguished_name.push(DnType::CommonName, "authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    write("ca.pem", authority.pem());
    for (file, name) in [("server", "localhost"), ("node", "node")] {
        let key = KeyPair::generate().unwrap();
        let mut certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
        certificate.distinguished_name.push(DnType::CommonName, name);
        let certificate = certificate.signed_by(&key, &authority).unwrap();
        write(&format!("{file}.pem"), certificate.pem());
        write(&format!("{file}.key"), key.serialize_pem());
    }
}
