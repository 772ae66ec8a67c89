//! The network that a request came from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first three bytes of an IPv4 address, or the first six of an IPv6 address: about what one party controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The network of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                Ipv4Addr::new(a, b, c, 0).into()
            }
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => return Self::of(v4.into()),
                None => {
                    let [a, b, c, ..] = v6.segments();
                    Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
                }
            },
        })
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            IpAddr::V4(first) => write!(f, "{first}/24"),
            IpAddr::V6(first) => write!(f, "{first}/48"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbors_share_a_network() {
        let of = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(of("192.0.2.7"), of("192.0.2.200"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.1"));
        assert_eq!(of("2001:db8:1:2::3").to_string(), "2001:db8:1::/48");
        assert_ne!(of("192.0.2.7"), of("192.0.3.7"));
    }
}
