//! Where servers are, and from which addresses they are called.

use rustls::pki_types::ServerName;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

/// What a target may begin with, and the port that it means.
const SCHEMES: [(&str, u16); 4] = [
    ("http://", 80),
    ("ws://", 80),
    ("https://", ENCRYPTED),
    ("wss://", ENCRYPTED),
];
const ENCRYPTED: u16 = 443;
/// Connections per source address. One address has some 28,000 ports per target, and those of the last minutes are not
/// free again.
const PER_SOURCE: usize = 500;

/// A server, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Whom its certificate must name; without one connections are not encrypted.
    pub(crate) name: Option<ServerName<'static>>,
    /// Host and port, as the URL says.
    pub(crate) host: String,
    /// Where Socket.IO is, with a slash at the end.
    pub(crate) path: String,
}

impl Target {
    /// Reads `http://host:port` or `https://host:port`; a path is that of Socket.IO, `/socket.io/` if there is none.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let mut schemes = SCHEMES.iter();
        let found = schemes.find_map(|(scheme, port)| Some((url.strip_prefix(scheme)?, *port)));
        let (rest, usual) = found.ok_or_else(|| format!("{url}: a target begins with http:// or https://"))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (name, with_port) = match host.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() => (name, host.to_owned()),
            _ => (host, format!("{host}:{usual}")),
        };
        let name = match usual {
            ENCRYPTED => Some(server_name(name).map_err(|e| format!("{url}: {e}"))?),
            _ => None,
        };
        let mut addresses = with_port.to_socket_addrs().map_err(|e| format!("{url}: {e}"))?;
        let path = match path.trim_matches('/') {
            "" => "socket.io",
            path => path,
        };
        Ok(Self {
            address: addresses.next().ok_or_else(|| format!("{url}: no address"))?,
            name,
            host: host.to_owned(),
            path: format!("/{path}/"),
        })
    }
}

/// What a certificate can be for: a host name, or an address (IPv6 in brackets, as in URLs).
fn server_name(host: &str) -> Result<ServerName<'static>, String> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let name = ServerName::try_from(bare.unwrap_or(host).to_owned());
    name.map_err(|_| format!("no certificate can be for the host `{host}`"))
}

/// The addresses that connections come from.
#[derive(Clone, Debug)]
pub(crate) enum Sources {
    /// What the kernel chooses.
    Any,
    /// These, in turn.
    Given(Vec<IpAddr>),
    /// Addresses of the loopback network that no other run uses, by this number.
    Loopback(u16),
}

impl Sources {
    pub(crate) fn choose(given: Vec<IpAddr>, targets: &[Target], run: u16) -> Self {
        let local = |target: &Target| target.address.ip().is_loopback() && target.address.is_ipv4();
        match given.is_empty() {
            false => Self::Given(given),
            true if targets.iter().all(local) => Self::Loopback(run),
            true => Self::Any,
        }
    }

    pub(crate) fn of(&self, connection: usize) -> Option<IpAddr> {
        match self {
            Self::Any => None,
            Self::Given(all) => Some(all[connection % all.len()]),
            Self::Loopback(run) => {
                let [high, low] = run.to_be_bytes();
                let last = 1 + (connection / PER_SOURCE % 254) as u8;
                Some(Ipv4Addr::new(127, high, low, last).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_url_with_or_without_port_and_path() {
        for (url, address, host, path) in [
            (
                "http://127.0.0.1:3001",
                "127.0.0.1:3001",
                "127.0.0.1:3001",
                "/socket.io/",
            ),
            (
                "http://127.0.0.1:3001/",
                "127.0.0.1:3001",
                "127.0.0.1:3001",
                "/socket.io/",
            ),
            ("ws://127.0.0.1/chat/", "127.0.0.1:80", "127.0.0.1", "/chat/"),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!(target.address, address.parse().unwrap());
            assert_eq!((target.host.as_str(), target.path.as_str()), (host, path));
        }
        assert!(Target::parse("127.0.0.1:3001").is_err());
    }

    #[test]
    fn an_encrypted_target_names_whom_its_certificate_is_for() {
        for (url, port, host, name) in [
            ("https://localhost", 443, "localhost", "localhost"),
            ("https://localhost:8443/", 8443, "localhost:8443", "localhost"),
            ("wss://127.0.0.1/chat", 443, "127.0.0.1", "127.0.0.1"),
            ("https://[::1]", 443, "[::1]", "::1"),
            ("https://[::1]:8443", 8443, "[::1]:8443", "::1"),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!((target.address.port(), target.host.as_str()), (port, host), "{url}");
            assert_eq!(target.name, Some(name.try_into().unwrap()), "{url}");
        }
        for url in ["http://localhost:443", "ws://127.0.0.1:443"] {
            assert_eq!(Target::parse(url).unwrap().name, None, "{url}");
        }
    }

    #[test]
    fn an_encrypted_target_whose_host_is_no_name_is_refused() {
        for host in ["", ":443", "a..b", "-", "chat-.example:443", "[127.0.0.1", "a b"] {
            let refused = Target::parse(&format!("https://{host}")).unwrap_err();
            assert!(refused.contains("no certificate can be for"), "{refused}");
        }
    }

    #[test]
    fn loopback_targets_are_called_from_many_addresses() {
        let local = [Target::parse("http://127.0.0.1:1").unwrap()];
        let sources = Sources::choose(Vec::new(), &local, 0x0102);

        assert_eq!(sources.of(0), Some("127.1.2.1".parse().unwrap()));
        assert_eq!(sources.of(PER_SOURCE), Some("127.1.2.2".parse().unwrap()));
        assert_eq!(sources.of(254 * PER_SOURCE), sources.of(0));

        let given: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(Sources::choose(vec![given], &local, 1).of(7), Some(given));
        let remote = [Target::parse("http://192.0.2.9:1").unwrap()];
        assert_eq!(Sources::choose(Vec::new(), &remote, 1).of(7), None);
    }
}
