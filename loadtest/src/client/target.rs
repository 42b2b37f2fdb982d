//! Where servers are, and from which addresses they are called.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

/// Connections per source address. One address has some 28,000 ports per target, and those of the last minutes are not
/// free again.
const PER_SOURCE: usize = 500;

/// A server, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Host and port, as the URL says.
    pub(crate) host: String,
    /// Where Socket.IO is, with a slash at the end.
    pub(crate) path: String,
}

impl Target {
    /// Reads `http://host:port`; a path is that of Socket.IO, `/socket.io/` if there is none.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("ws://"));
        let rest = rest.ok_or_else(|| format!("{url}: a target begins with http://"))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let with_port = match host.rsplit_once(':') {
            Some((_, port)) if port.parse::<u16>().is_ok() => host.to_owned(),
            _ => format!("{host}:80"),
        };
        let mut addresses = with_port.to_socket_addrs().map_err(|e| format!("{url}: {e}"))?;
        let path = match path.trim_matches('/') {
            "" => "socket.io",
            path => path,
        };
        Ok(Self {
            address: addresses.next().ok_or_else(|| format!("{url}: no address"))?,
            host: host.to_owned(),
            path: format!("/{path}/"),
        })
    }
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
