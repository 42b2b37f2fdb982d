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
    /// At least one.
    pub(crate) addresses: Vec<SocketAddr>,
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
        if let Some(odd) = rest.find(['@', '?', '#']).map(|at| &rest[at..=at]) {
            let what = "a target is a scheme, a host and perhaps a port and the path of Socket.IO";
            return Err(format!("{url}: {what}, without `{odd}`"));
        }
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (name, port) = match host.rsplit_once(':') {
            // The colons of an IPv6 address are within brackets.
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (host, None),
        };
        let port = match port {
            Some(port) => port.parse().map_err(|_| format!("{url}: `{port}` is no port"))?,
            None => usual,
        };
        let certified = match usual {
            ENCRYPTED => Some(server_name(name).map_err(|e| format!("{url}: {e}"))?),
            _ => None,
        };
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        let found = (bare.unwrap_or(name), port).to_socket_addrs();
        let addresses: Vec<_> = found.map_err(|e| format!("{url}: {e}"))?.collect();
        if addresses.is_empty() {
            return Err(format!("{url}: no address"));
        }
        let path = match path.trim_matches('/') {
            "" => "socket.io",
            path => path,
        };
        Ok(Self {
            addresses,
            name: certified,
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
        let local = |target: &Target| target.addresses.iter().all(|address| address.ip().is_loopback());
        match given.is_empty() {
            false => Self::Given(given),
            true if targets.iter().all(local) => Self::Loopback(run),
            true => Self::Any,
        }
    }

    /// Where a connection to this address comes from.
    pub(crate) fn of(&self, connection: usize, to: SocketAddr) -> Option<IpAddr> {
        self.source(connection)
            .filter(|source| source.is_ipv4() == to.is_ipv4())
    }

    fn source(&self, connection: usize) -> Option<IpAddr> {
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
            assert_eq!(target.addresses, [address.parse().unwrap()]);
            assert_eq!((target.host.as_str(), target.path.as_str()), (host, path));
        }
        for (url, why) in [
            ("127.0.0.1:3001", "begins with http://"),
            ("http://127.0.0.1:99999", "`99999` is no port"),
            ("http://127.0.0.1:", "`` is no port"),
            ("http://me:secret@127.0.0.1", "without `@`"),
            ("http://127.0.0.1/socket.io/?EIO=4", "without `?`"),
        ] {
            let refused = Target::parse(url).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
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
            assert_eq!(
                (target.addresses[0].port(), target.host.as_str()),
                (port, host),
                "{url}"
            );
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
        let to = local[0].addresses[0];
        let sources = Sources::choose(Vec::new(), &local, 0x0102);

        assert_eq!(sources.of(0, to), Some("127.1.2.1".parse().unwrap()));
        assert_eq!(sources.of(PER_SOURCE, to), Some("127.1.2.2".parse().unwrap()));
        assert_eq!(sources.of(254 * PER_SOURCE, to), sources.of(0, to));
        assert_eq!(
            sources.of(0, "[::1]:1".parse().unwrap()),
            None,
            "it cannot come from there"
        );

        let given: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(Sources::choose(vec![given], &local, 1).of(7, to), Some(given));
        let remote = [Target::parse("http://192.0.2.9:1").unwrap()];
        assert_eq!(Sources::choose(Vec::new(), &remote, 1).of(7, to), None);
    }
}
