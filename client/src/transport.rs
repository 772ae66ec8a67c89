//! How the server is reached: whom TLS trusts, through which proxy, and that nothing leads elsewhere.

use std::{net::IpAddr, sync::Arc, time::Duration};

use ipnet::IpNet;
use ureq::{
    Agent, Proxy,
    http::Uri,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

use crate::Error;

/// How long a request may take, all in all.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An agent for one server. `roots` are certificates in PEM that are trusted besides the system's, or those that
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` name in their place.
pub(crate) fn agent(server: &str, roots: &[u8]) -> Result<Agent, Error> {
    let uri: Uri = server
        .parse()
        .map_err(|error| Error::Network(format!("{server:?} is no address of a server: {error}")))?;
    let tls = TlsConfig::builder().root_certs(trusted(roots)?).build();
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(TIMEOUT))
        // A redirect would take the key along to wherever it leads, and turns a POST into a GET.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy(&uri, &|name| std::env::var(name).ok())?)
        .tls_config(tls)
        .build();
    Ok(config.into())
}

/// The system's roots and these; Mozilla's where the system has none.
fn trusted(extra: &[u8]) -> Result<RootCerts, Error> {
    let system = rustls_native_certs::load_native_certs();
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(|name| (name, std::env::var_os(name)));
    if let Some((name, Some(path))) = named.iter().find(|(_, path)| path.is_some())
        && system.certs.is_empty()
    {
        let path = path.to_string_lossy();
        return Err(Error::Network(format!("{name} names no certificate in PEM: {path}")));
    }
    let system = system.certs.iter().map(|one| Certificate::from_der(one).to_owned());
    let mut roots: Vec<Certificate<'static>> = system.collect();
    if extra.is_empty() {
        return Ok(if roots.is_empty() {
            RootCerts::WebPki
        } else {
            RootCerts::Specific(Arc::new(roots))
        });
    }
    let before = roots.len();
    for item in parse_pem(extra) {
        let item = item.map_err(|error| Error::Network(format!("the certificate cannot be read: {error}")))?;
        if let PemItem::Certificate(root) = item {
            roots.push(root);
        }
    }
    if roots.len() == before {
        return Err(Error::Network(
            "there is no certificate in PEM among the roots".to_owned(),
        ));
    }
    Ok(RootCerts::Specific(Arc::new(roots)))
}

/// The proxy for a server, as `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in either case.
fn proxy(server: &Uri, environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<Proxy>, Error> {
    let set = |name: &str| {
        let value = environment(name).or_else(|| environment(&name.to_lowercase()));
        value.filter(|value| !value.trim().is_empty())
    };
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
    if set("NO_PROXY").is_some_and(|exceptions| is_excepted(host, &exceptions)) {
        return Ok(None);
    }
    let own = if server.scheme_str() == Some("https") {
        "HTTPS_PROXY"
    } else {
        "HTTP_PROXY"
    };
    let Some(address) = set(own).or_else(|| set("ALL_PROXY")) else {
        return Ok(None);
    };
    let proxy = Proxy::new(address.trim());
    proxy
        .map(Some)
        .map_err(|error| Error::Network(format!("{own} is no address of a proxy: {error}")))
}

/// Whether `NO_PROXY` excepts a host: by name, with everything below it, by address, by network (`10.0.0.0/8`), or `*`.
fn is_excepted(host: &str, exceptions: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    exceptions.split([',', ' ']).map(str::trim).any(|exception| {
        let exception = exception.to_ascii_lowercase();
        let name = exception.trim_start_matches('*').trim_start_matches('.');
        match (address, exception.parse::<IpNet>(), exception.parse::<IpAddr>()) {
            _ if exception == "*" => true,
            (Some(address), Ok(network), _) => network.contains(&address),
            (Some(address), _, Ok(other)) => address == other,
            (Some(_), ..) => false,
            (None, ..) => !name.is_empty() && (host == name || host.ends_with(&format!(".{name}"))),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(server: &str, settings: &[(&str, &str)]) -> Option<String> {
        let environment = |name: &str| {
            let found = settings.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let proxy = proxy(&server.parse().unwrap(), &environment).unwrap();
        proxy.map(|proxy| format!("{}:{}", proxy.host(), proxy.port()))
    }

    #[test]
    fn each_scheme_has_its_proxy_and_an_empty_setting_is_none() {
        let both = [
            ("HTTPS_PROXY", "http://secure:3128"),
            ("http_proxy", "http://plain:8080"),
        ];
        assert_eq!(
            chosen("https://licenses.example.com", &both).as_deref(),
            Some("secure:3128")
        );
        assert_eq!(
            chosen("http://licenses.example.com", &both).as_deref(),
            Some("plain:8080")
        );
        let all = [("ALL_PROXY", "http://all:1"), ("HTTPS_PROXY", "")];
        assert_eq!(chosen("https://licenses.example.com", &all).as_deref(), Some("all:1"));
        assert_eq!(chosen("https://licenses.example.com", &[]), None);
    }

    #[test]
    fn exceptions_are_names_with_what_is_below_them_addresses_and_networks() {
        let proxied = |server: &str, exceptions: &str| {
            chosen(server, &[("ALL_PROXY", "http://all:1"), ("NO_PROXY", exceptions)]).is_some()
        };
        for (server, exceptions) in [
            ("http://10.1.2.3:8080", "localhost, 10.0.0.0/8"),
            ("http://[fd00::7]", "fc00::/7"),
            ("http://192.0.2.7", "192.0.2.7"),
            ("https://licenses.example.com", "example.com"),
            ("https://licenses.example.com", ".example.com"),
            ("https://licenses.example.com", "*.example.com"),
            ("https://EXAMPLE.com.", "example.com"),
            ("https://licenses.example.com", "*"),
        ] {
            assert!(!proxied(server, exceptions), "{server} {exceptions}");
        }
        for (server, exceptions) in [
            ("http://11.1.2.3", "10.0.0.0/8"),
            ("https://badexample.com", "example.com"),
            ("https://example.com", "10.0.0.0/8, ,"),
            ("https://10.example.com", "10"),
        ] {
            assert!(proxied(server, exceptions), "{server} {exceptions}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_named() {
        assert!(agent("https://licenses.example.com", b"").is_ok());
        let refused = agent("https://licenses.example.com", b"hello").unwrap_err().to_string();
        assert!(refused.contains("no certificate in PEM"), "{refused}");
    }
}
