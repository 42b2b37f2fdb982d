//! Free ports of 127.0.0.1.

use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Range;

/// Below those that the kernel takes for outgoing connections, and that `./dev` and the load tool take.
const PORTS: Range<u16> = 20_000..26_000;

/// A port nobody listens on. Nobody else who asks here gets it before this process ends: not even while the server that
/// is started on it is down.
pub fn free_port() -> u16 {
    loop {
        let port = rand::random_range(PORTS);
        let held = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        if held.bind(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, port).into()).is_ok() {
            // Bound alone, so that no other could be; from here on servers may, which all bind with this option.
            held.set_reuse_address(true).unwrap();
            std::mem::forget(held);
            return port;
        }
    }
}
