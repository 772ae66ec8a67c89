//! Ranges of internet addresses.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::ValueError;

/// How many bits tell one household with IPv6 from another; within them, its addresses change all the time.
const HOUSEHOLD: u8 = 64;
/// The widest ranges that are meant and no slip of the hand, in bits.
const WIDEST: (u8, u8) = (8, 16);

/// All addresses that begin with the same bits. IPv4 is IPv4, also where it is written as IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressRange(IpNet);

impl AddressRange {
    /// What belongs to whoever has this address: an IPv4 address alone, of IPv6 its /64.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => Self(Ipv6Net::new_assert(v6, HOUSEHOLD).trunc().into()),
            IpAddr::V4(v4) => Self(Ipv4Net::from(v4).into()),
        }
    }

    /// Reads a network, such as `192.0.2.0/24`, or a single address, which stands for [`AddressRange::of`] it.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let invalid = |detail: &str| ValueError {
            code: "NETWORK_INVALID",
            detail: detail.to_owned(),
        };
        let text = text.trim();
        if let Ok(address) = IpAddr::from_str(text) {
            return Ok(Self::of(address));
        }
        let network = IpNet::from_str(text);
        let network = network.map_err(|_| invalid("this is an address or a network, such as 192.0.2.0/24"))?;
        let widest = if network.addr().is_ipv4() { WIDEST.0 } else { WIDEST.1 };
        if network.prefix_len() < widest {
            let detail = format!("a network this wide is a slip of the hand: it begins with {widest} bits or more");
            return Err(invalid(&detail));
        }
        if let IpNet::V6(v6) = network
            && v6.addr().to_ipv4_mapped().is_some()
        {
            return Err(invalid("IPv4 is written as IPv4, such as 192.0.2.0/24"));
        }
        Ok(Self(network.trunc()))
    }

    /// Every range that can be named and that an address is in, the widest first.
    pub fn around(address: IpAddr) -> impl Iterator<Item = Self> {
        let address = address.to_canonical();
        let (widest, whole) = match address {
            IpAddr::V4(_) => (WIDEST.0, 32),
            IpAddr::V6(_) => (WIDEST.1, 128),
        };
        (widest..=whole).map(move |bits| Self(IpNet::new_assert(address, bits).trunc()))
    }

    /// Whether an address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        match AddressRange::parse(text) {
            Ok(range) => range.to_string(),
            Err(error) => error.code.to_owned(),
        }
    }

    #[test]
    fn ranges_are_read_as_people_write_them() {
        for (text, expected) in [
            ("192.0.2.7", "192.0.2.7/32"),
            (" ::ffff:192.0.2.7 ", "192.0.2.7/32"),
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("2001:db8:1:2:3::7", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:3::7/128", "2001:db8:1:2:3::7/128"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "NETWORK_INVALID"),
            ("2001::/15", "NETWORK_INVALID"),
            ("::ffff:192.0.2.0/120", "NETWORK_INVALID"),
            ("192.0.2.0/33", "NETWORK_INVALID"),
            ("example.com", "NETWORK_INVALID"),
            ("", "NETWORK_INVALID"),
        ] {
            assert_eq!(parsed(text), expected, "{text:?}");
        }
    }

    #[test]
    fn whoever_is_in_a_range_is_found_by_the_ranges_around() {
        for (range, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.200", "192.0.3.1"),
            ("192.0.2.7", "::ffff:192.0.2.7", "192.0.2.8"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("2001:db8::7/128", "2001:db8::7", "2001:db8::8"),
        ] {
            let range = AddressRange::parse(range).unwrap();
            let (inside, outside) = (inside.parse().unwrap(), outside.parse().unwrap());
            assert!(range.contains(inside) && AddressRange::around(inside).any(|around| around == range));
            assert!(!range.contains(outside) && AddressRange::around(outside).all(|around| around != range));
        }
    }
}
