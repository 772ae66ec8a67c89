//! One delivery: signed as Standard Webhooks says, sent once, its answer looked at and not believed.

use std::{io::Read as _, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use licet_domain::values::Timestamp;
use sha2::Sha256;
use ureq::{
    Agent,
    config::Config,
    http::HeaderMap,
    tls::{Certificate, RootCerts, TlsConfig},
    unversioned::transport::DefaultConnector,
};

use super::target::Guarded;

/// How long a target may take, all in all.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How much of an answer is read; the rest is left.
const ANSWER: u64 = 64 * 1024;

/// Sends deliveries; clones share its connections.
#[derive(Clone)]
pub struct Sender(Arc<Agent>);

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The target answered with a 2xx status.
    Taken(u16),
    /// It did not.
    Refused {
        /// The status, if it answered.
        status: Option<u16>,
        /// What went wrong, for people.
        error: String,
        /// After how many seconds it wants to be asked again, where it says so with 429 or 503.
        retry_after_seconds: Option<i64>,
    },
}

impl Sender {
    /// A sender; targets inside private networks are refused unless that is allowed.
    pub fn new(allow_private: bool) -> Self {
        let config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(TIMEOUT))
            // A proxy would look names up itself, behind the back of who guards what is inside.
            .proxy(None)
            .tls_config(TlsConfig::builder().root_certs(roots()).build())
            .user_agent(concat!("licet/", env!("CARGO_PKG_VERSION")))
            .build();
        Self(Arc::new(Agent::with_parts(
            config,
            DefaultConnector::default(),
            Guarded::new(allow_private),
        )))
    }

    /// Signs and sends.
    pub async fn send(&self, url: &str, secret: &str, (id, body): (String, String), now: Timestamp) -> Sent {
        let signature = sign(secret, &id, now.seconds(), &body);
        let (agent, url) = (Arc::clone(&self.0), url.to_owned());
        let sent = tokio::task::spawn_blocking(move || post(&agent, &url, (&id, now.seconds(), &signature), &body));
        sent.await.unwrap_or_else(|error| refused(None, error.to_string()))
    }
}

/// What the system trusts, or `SSL_CERT_FILE` names, so that targets may have certificates of a company's own authority;
/// Mozilla's roots where the system has none.
fn roots() -> RootCerts {
    let system = rustls_native_certs::load_native_certs().certs;
    if system.is_empty() {
        return RootCerts::WebPki;
    }
    let certificates = system.iter().map(|one| Certificate::from_der(one).to_owned());
    RootCerts::Specific(Arc::new(certificates.collect()))
}

fn post(agent: &Agent, url: &str, (id, now, signature): (&str, i64, &str), body: &str) -> Sent {
    // Names with umlauts are looked up in their ASCII form.
    let url = match url::Url::parse(url) {
        Ok(url) => url,
        Err(error) => return refused(None, format!("the target's address cannot be read: {error}")),
    };
    let answered = agent
        .post(url.as_str())
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", now.to_string())
        .header("webhook-signature", signature)
        .send(body);
    match answered {
        Err(error) => refused(None, in_words(&error)),
        Ok(mut response) => {
            let status = response.status().as_u16();
            let wait = matches!(status, 429 | 503)
                .then(|| retry_after(response.headers(), now))
                .flatten();
            // Read a little, so that the connection can be used again; a target that answers without end is left.
            let mut reader = response.body_mut().as_reader().take(ANSWER);
            let _ = std::io::copy(&mut reader, &mut std::io::sink());
            match status {
                200..=299 => Sent::Taken(status),
                300..=399 => refused(
                    Some(status),
                    "the target redirects; redirects are not followed".to_owned(),
                ),
                _ => Sent::Refused {
                    status: Some(status),
                    error: format!("the target answered {status}"),
                    retry_after_seconds: wait,
                },
            }
        }
    }
}

/// What went wrong, without the library's names for kinds of errors.
fn in_words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(cause) => cause.to_string(),
        ureq::Error::Other(cause) => cause.to_string(),
        ureq::Error::HostNotFound => "the target's name is not known".to_owned(),
        ureq::Error::Timeout(_) => "the target did not answer in time".to_owned(),
        other => other.to_string(),
    }
}

fn refused(status: Option<u16>, error: String) -> Sent {
    Sent::Refused {
        status,
        error,
        retry_after_seconds: None,
    }
}

/// `Retry-After` in seconds: a number, or a moment (RFC 9110, 10.2.3); at most a day.
fn retry_after(headers: &HeaderMap, now: i64) -> Option<i64> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    let at = || {
        let moment = httpdate::parse_http_date(text).ok()?;
        let since = moment.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(i64::try_from(since.as_secs()).ok()? - now)
    };
    let seconds = text.parse::<i64>().ok().or_else(at)?;
    Some(seconds.clamp(0, 86_400))
}

/// `v1,` and the HMAC-SHA-256 of id, timestamp and body under the secret.
/// Source: Standard Webhooks 1.0, "Signature scheme".
fn sign(secret: &str, id: &str, timestamp: i64, body: &str) -> String {
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap_or(secret))
        .unwrap_or_default();
    let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_says_when_it_wants_to_be_asked_again() {
        let after = |text: &str| {
            retry_after(
                &HeaderMap::from_iter([("retry-after".parse().unwrap(), text.parse().unwrap())]),
                784_111_700,
            )
        };
        assert_eq!(after("120"), Some(120));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(77));
        assert_eq!(after("Sat, 05 Nov 1994 08:49:37 GMT"), Some(0));
        assert_eq!(after("99999999"), Some(86_400));
        assert_eq!(after("soon"), None);
    }

    #[test]
    fn the_signature_is_the_one_of_the_specification() {
        // The example of the Standard Webhooks reference libraries.
        let signature = sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
