//! The certificate that browsers and machines meet: whether it is trusted, and when it ends.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;
use x509_parser::parse_x509_certificate;

use super::Finding;

const CHECK: &str = "certificate";
const PATIENCE: Duration = Duration::from_secs(5);
/// So many days before its end somebody should look, and then must.
const SOON: i64 = 21;
const NOW: i64 = 3;

/// Looks at what an address such as `https://licenses.example.com` shows; at nothing where there is none.
pub(super) async fn look(public_url: Option<&str>) -> Vec<Finding> {
    let url = public_url.and_then(|url| Url::parse(url).ok());
    let Some(url) = url.filter(|url| url.scheme() == "https") else {
        return Vec::new();
    };
    let shown = tokio::time::timeout(PATIENCE, show(&url)).await;
    vec![match shown {
        Ok(Ok((days, distrust))) => judge(url.as_str(), days, distrust),
        Ok(Err(error)) => unreached(&url, &format!("{error:#}")),
        Err(_) => unreached(&url, "it took too long"),
    }]
}

fn unreached(url: &Url, why: &str) -> Finding {
    let advice = "where this machine cannot reach it by that name, ask from another one";
    Finding::warning(CHECK, format!("{url} could not be looked at: {why}"), advice)
}

fn judge(url: &str, days: i64, distrust: Option<String>) -> Finding {
    let renew = "renew it: machines refuse the server afterwards (docs/NGINX.md)";
    let detail = format!("{url} shows one that ends in {days} days");
    match (days, distrust) {
        (..NOW, _) => Finding::problem(CHECK, detail, renew),
        (_, Some(why)) => {
            let advice = "machines need its issuer among those that they trust (docs/NGINX.md)";
            Finding::warning(
                CHECK,
                format!("{detail}; this machine does not trust it: {why}"),
                advice,
            )
        }
        (..SOON, None) => Finding::warning(CHECK, detail, renew),
        _ => Finding::ok(CHECK, detail),
    }
}

/// In how many days it ends, and why this machine would not trust it.
async fn show(url: &Url) -> anyhow::Result<(i64, Option<String>)> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let stream = TcpStream::connect((host.as_str(), url.port_or_known_default().unwrap_or(443))).await?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(ring::default_provider());
    let judge = (!roots.is_empty())
        .then(|| WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build())
        .transpose()?;
    let looker = Arc::new(Looker {
        judge,
        seen: Mutex::default(),
        schemes: provider.signature_verification_algorithms.supported_schemes(),
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(looker.clone())
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from(host)?, stream)
        .await?;
    let seen = looker.seen.lock().ok().and_then(|mut seen| seen.take());
    seen.ok_or_else(|| anyhow::anyhow!("it shows none"))
}

/// Looks at a certificate, lets the connection come about whatever it thinks of it, and sends nothing over it.
#[derive(Debug)]
struct Looker {
    judge: Option<Arc<WebPkiServerVerifier>>,
    seen: Mutex<Option<(i64, Option<String>)>>,
    schemes: Vec<SignatureScheme>,
}

impl ServerCertVerifier for Looker {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let distrust = match &self.judge {
            Some(judge) => judge.verify_server_cert(certificate, between, name, ocsp, now).err(),
            None => Some(rustls::Error::General("it trusts no issuer at all".to_owned())),
        };
        if let Ok((_, parsed)) = parse_x509_certificate(certificate) {
            let left = parsed.validity().not_after.timestamp() - now.as_secs().cast_signed();
            if let Ok(mut seen) = self.seen.lock() {
                *seen = Some((left.div_euclid(86_400), distrust.map(|error| error.to_string())));
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Status;

    #[test]
    fn an_end_is_told_of_in_time() {
        let of = |days, distrust: Option<&str>| judge("https://a", days, distrust.map(str::to_owned)).status;
        assert_eq!(of(60, None), Status::Ok);
        assert_eq!(of(20, None), Status::Warning);
        assert_eq!(of(60, Some("unknown issuer")), Status::Warning);
        assert_eq!(of(2, None), Status::Problem);
        assert_eq!(of(-5, Some("expired")), Status::Problem);
    }
}
