//! Where a request comes from, through proxies that are trusted.

use std::net::{IpAddr, SocketAddr};

use axum::{extract::ConnectInfo, http::request::Parts};

use crate::App;

/// The client's address; a proxy's word counts only when it is a trusted one. IPv4 is IPv4, also where the socket takes
/// both. What cannot be read hides nobody: then it is the proxy itself that is counted.
pub(super) fn address(app: &App, parts: &Parts) -> Option<IpAddr> {
    let peer = peer(parts)?;
    let trusted = |address: &IpAddr| is_trusted(app, address);
    if !trusted(&peer) {
        return Some(peer);
    }
    // Each proxy appends, to the last line or as a line of its own: what stands last was said by the nearest.
    let lines = parts.headers.get_all("x-forwarded-for").iter().rev();
    let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let mut known = hops.map_while(|hop| forwarded(std::str::from_utf8(hop).ok()?));
    known.find(|hop| !trusted(hop)).or(Some(peer))
}

/// Whether the one at the other end of the connection is a proxy whose word counts.
pub(super) fn comes_by_trusted_proxy(app: &App, parts: &Parts) -> bool {
    peer(parts).is_some_and(|peer| is_trusted(app, &peer))
}

fn peer(parts: &Parts) -> Option<IpAddr> {
    let info = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(info.0.ip().to_canonical())
}

fn is_trusted(app: &App, address: &IpAddr) -> bool {
    let proxies = &app.settings.trusted_proxies;
    proxies.iter().any(|network| network.contains(address))
}

/// An address as proxies write it: alone, in brackets, or with a port.
fn forwarded(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim().trim_matches('"');
    let bracketed = || hop.strip_prefix('[')?.split(']').next()?.parse::<IpAddr>().ok();
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address = hop.parse::<IpAddr>().ok().or_else(bracketed).or_else(with_port)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::forwarded;

    #[test]
    fn proxies_write_addresses_in_many_ways() {
        for (text, expected) in [
            ("192.0.2.7", Some("192.0.2.7")),
            (" 192.0.2.7:4711 ", Some("192.0.2.7")),
            ("2001:db8::7", Some("2001:db8::7")),
            ("[2001:db8::7]", Some("2001:db8::7")),
            ("[2001:db8::7]:443", Some("2001:db8::7")),
            ("\"[2001:db8::7]:443\"", Some("2001:db8::7")),
            ("::ffff:192.0.2.7", Some("192.0.2.7")),
            ("unknown", None),
            ("", None),
            ("192.0.2.7, 192.0.2.8", None),
        ] {
            assert_eq!(
                forwarded(text).map(|address| address.to_string()).as_deref(),
                expected,
                "{text:?}"
            );
        }
    }
}
