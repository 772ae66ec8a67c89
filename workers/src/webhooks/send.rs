//! One delivery: signed as Standard Webhooks says, sent once, its answer looked at and not believed.

use std::{io::Read as _, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use licet_domain::values::Timestamp;
use sha2::Sha256;
use ureq::{Agent, config::Config, unversioned::transport::DefaultConnector};

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
        /// Why.
        error: String,
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
            .proxy(None)
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
        sent.await.unwrap_or_else(|error| Sent::Refused {
            status: None,
            error: error.to_string(),
        })
    }
}

fn post(agent: &Agent, url: &str, (id, timestamp, signature): (&str, i64, &str), body: &str) -> Sent {
    let answered = agent
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-signature", signature)
        .send(body);
    let refused = |status, error: String| Sent::Refused { status, error };
    match answered {
        Err(error) => refused(None, error.to_string()),
        Ok(mut response) => {
            let status = response.status().as_u16();
            // Read a little, so that the connection can be used again; a target that answers without end is left.
            let mut reader = response.body_mut().as_reader().take(ANSWER);
            let _ = std::io::copy(&mut reader, &mut std::io::sink());
            match status {
                200..=299 => Sent::Taken(status),
                300..=399 => refused(
                    Some(status),
                    "the target redirects; redirects are not followed".to_owned(),
                ),
                _ => refused(Some(status), format!("the target answered {status}")),
            }
        }
    }
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
