//! Which addresses deliveries may go to. Looked at where the name is resolved, so that the address that was checked is
//! the one that is connected to.

use std::net::{IpAddr, Ipv4Addr};

use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// Resolves names and leaves out addresses inside private networks.
#[derive(Debug)]
pub(super) struct Guarded {
    resolver: DefaultResolver,
    allow_private: bool,
}

impl Guarded {
    pub(super) fn new(allow_private: bool) -> Self {
        Self {
            resolver: DefaultResolver::default(),
            allow_private,
        }
    }
}

impl Resolver for Guarded {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.resolver.resolve(uri, config, timeout)?;
        if self.allow_private {
            return Ok(found);
        }
        let mut public = self.empty();
        for address in found.iter().filter(|address| is_public(address.ip())) {
            public.push(*address);
        }
        if public.is_empty() {
            let text = "the target is inside a private network; WEBHOOK_ALLOW_PRIVATE=true allows that";
            return Err(ureq::Error::Other(text.into()));
        }
        Ok(public)
    }
}

/// Whether an address can be reached from anywhere (RFC 6890 and its registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => {
            if let Some(v4) = v6.to_ipv4_mapped() {
                return is_public_v4(v4);
            }
            // What is given out to networks is in 2000::/3; the rest is local, reserved or carries an IPv4 address.
            let [a, b, ..] = v6.segments();
            let special = (a, b) == (0x2001, 0x0db8)
                || (a, b & 0xf000) == (0x3fff, 0)
                // 6to4 and Teredo carry one too.
                || a == 0x2002
                || (a, b) == (0x2001, 0);
            a & 0xe000 == 0x2000 && !special
        }
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let special = v4.is_loopback()
        || v4.is_private()
        || v4.is_link_local()
        || v4.is_broadcast()
        || v4.is_documentation()
        || v4.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && b & 0xc0 == 64)
        || (a == 198 && b & 0xfe == 18)
        || (a, b, c) == (192, 0, 0);
    !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_in_every_spelling_are_refused() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "2002:a00:1::",
            "ff02::1",
            "64:ff9b::a00:1",
            "::10.0.0.1",
            "fec0::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["93.184.216.34", "2606:2800:220:1::1"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
