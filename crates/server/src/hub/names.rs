//! The names that a server answers to: a registration that was signed for another one is a challenge
//! that was passed on.

use core::net::{IpAddr, SocketAddr};

/// Under which hosts clients may have dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// Exactly these, as `URL.host` has them.
    Listed(Vec<String>),
    /// `localhost`, loopback addresses, and the address that the connection came in by, with any
    /// port. No name of the DNS: whoever dials one can't be told from somebody who dialled another
    /// server, which passes it all on.
    Local,
}

impl Names {
    /// Returns whether a client that came in by address `here` may have dialled `host`.
    pub(super) fn contain(&self, host: &str, here: IpAddr) -> bool {
        match self {
            Self::Listed(names) => names.iter().any(|name| name.eq_ignore_ascii_case(host)),
            Self::Local => match address_of(host) {
                Some(address) => address.is_loopback() || address == here.to_canonical(),
                None => host.split(':').next() == Some("localhost"),
            },
        }
    }
}

/// Reads an address with or without a port.
fn address_of(host: &str) -> Option<IpAddr> {
    let with_port = host.parse::<SocketAddr>().map(|address| address.ip());
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    with_port.or_else(|_| bare.parse()).ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 7));

    #[test]
    fn a_listed_name_is_the_servers_and_no_other() {
        let names = Names::Listed(vec!["meet.example".into(), "meet.example:8443".into()]);
        for host in ["meet.example", "Meet.Example", "meet.example:8443"] {
            assert!(names.contain(host, HERE), "{host}");
        }
        for host in ["meet.example:80", "other.example", "localhost", "192.0.2.7", ""] {
            assert!(!names.contain(host, HERE), "{host}");
        }
    }

    #[test]
    fn without_names_only_addresses_of_this_machine_are_the_servers() {
        let local = ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "[::1]"];
        for host in [&local[..], &["192.0.2.7", "192.0.2.7:8080"]].concat() {
            assert!(Names::Local.contain(host, HERE), "{host}");
        }
        for host in ["meet.example", "192.0.2.8", "localhost.example", "", ":80", "[::2]:1"] {
            assert!(!Names::Local.contain(host, HERE), "{host}");
        }
    }
}
