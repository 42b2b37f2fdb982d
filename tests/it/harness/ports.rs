//! Free ports of 127.0.0.1.

use std::net::TcpListener;

/// A port nobody listens on, below the range from which the kernel takes outgoing ports.
///
/// Somebody may take it before it is bound: whoever starts a server on it tries again with another one.
pub fn free_port() -> u16 {
    loop {
        let port = rand::random_range(20_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Two of them.
pub fn free_ports() -> (u16, u16) {
    let first = free_port();
    loop {
        let second = free_port();
        if second != first {
            return (first, second);
        }
    }
}
