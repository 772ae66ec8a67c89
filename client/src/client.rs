//! Talks to the license server.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use licet_contracts::{
    Problem,
    keys::KeySet,
    license::{
        ActivateRequest, ActivateResponse, DeactivateRequest, DeactivateResponse, VerifyRequest, VerifyResponse,
    },
};
use licet_domain::values::Timestamp;
use rand::RngCore as _;
use serde::{Serialize, de::DeserializeOwned};
use ureq::Agent;

use crate::{
    Error, Fingerprint, Store,
    answer::{Exchange, verify_answer},
};

/// A blocking client of one license server.
pub struct Client {
    agent: Agent,
    server: String,
    api_key: String,
    store: Store,
}

impl Client {
    /// A client that keeps its state in `store`. Trusts the keys there; where there are none, the server's at the first
    /// contact, which are then kept.
    pub fn new(server: &str, api_key: &str, store: Store) -> Result<Self, Error> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build();
        let server = server.trim_end_matches('/').to_owned();
        Ok(Self {
            agent: config.into(),
            server,
            api_key: api_key.to_owned(),
            store,
        })
    }

    /// What is kept on this machine.
    pub fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Takes a seat for this machine, or finds the one that it has, and keeps the lease.
    pub fn activate(
        &mut self,
        license_key: &str,
        machine: &Fingerprint,
        app_version: Option<&str>,
    ) -> Result<ActivateResponse, Error> {
        let nonce = nonce();
        let request = ActivateRequest {
            license_key: license_key.to_owned(),
            fingerprint: Some(machine.to_wire()),
            hostname: hostname(),
            os: Some(std::env::consts::OS.to_owned()),
            app_version: app_version.map(str::to_owned),
            nonce: Some(nonce.clone()),
        };
        let answer: ActivateResponse = self.post("/api/license/activate", &request, &nonce)?;
        self.keep(&answer.lease, &answer.ts, |state| {
            state.license_key = Some(license_key.to_owned());
            state.activation_id = Some(answer.activation_id.clone());
        })?;
        Ok(answer)
    }

    /// Asks the server whether this machine may run, and keeps the lease that it answers.
    pub fn verify(
        &mut self,
        license_key: &str,
        machine: &Fingerprint,
        app_version: Option<&str>,
        features: &[&str],
    ) -> Result<VerifyResponse, Error> {
        let nonce = nonce();
        let request = VerifyRequest {
            license_key: Some(license_key.to_owned()),
            fingerprint: Some(machine.to_wire()),
            app_version: app_version.map(str::to_owned),
            features: Some(features.iter().map(ToString::to_string).collect()),
            nonce: Some(nonce.clone()),
        };
        let answer: VerifyResponse = self.post("/api/license/verify", &request, &nonce)?;
        if let Some(lease) = &answer.lease {
            self.keep(lease, &answer.ts, |_| {})?;
        }
        Ok(answer)
    }

    /// Gives this machine's seat back and forgets the lease.
    pub fn deactivate(&mut self, license_key: &str, machine: &Fingerprint) -> Result<DeactivateResponse, Error> {
        let nonce = nonce();
        let request = DeactivateRequest {
            license_key: license_key.to_owned(),
            activation_id: self.store.state().activation_id.clone(),
            fingerprint: Some(machine.to_wire()),
            reason: Some("given back by the program".to_owned()),
            nonce: Some(nonce.clone()),
        };
        let answer = self.post("/api/license/deactivate", &request, &nonce)?;
        self.store
            .update(|state| (state.lease, state.activation_id) = (None, None))?;
        Ok(answer)
    }

    fn keep(&mut self, lease: &str, ts: &str, change: impl FnOnce(&mut crate::State)) -> Result<(), Error> {
        crate::OfflineLease::read(lease, &self.store.keys()?)?;
        let seen = Timestamp::parse(ts).map_err(|error| Error::Answer(error.detail))?;
        self.store.update(|state| {
            state.lease = Some(lease.to_owned());
            state.seen = state.seen.max(seen.millis());
            change(state);
        })
    }

    fn post<T: DeserializeOwned>(&mut self, path: &str, request: &impl Serialize, nonce: &str) -> Result<T, Error> {
        self.trust()?;
        let body = serde_json::to_vec(request).map_err(|error| Error::Answer(error.to_string()))?;
        let sent = self
            .agent
            .post(format!("{}{path}", self.server))
            .header("X-API-Key", &self.api_key)
            .header("Content-Type", "application/json")
            .send(&body[..]);
        let mut response = sent.map_err(|error| Error::Network(error.to_string()))?;
        let status = response.status().as_u16();
        let headers: BTreeMap<String, String> = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let body = response
            .body_mut()
            .read_to_vec()
            .map_err(|error| Error::Network(error.to_string()))?;
        // A refusal from before the body was read carries no nonce; it is no yes, and may be believed without one.
        let early = status >= 400
            && headers
                .get("signature-input")
                .is_none_or(|input| !input.contains(";nonce="));
        if !early {
            let exchange = Exchange {
                method: "POST",
                path,
                nonce,
                status,
                headers: &headers,
                body: &body,
            };
            verify_answer(&exchange, &self.store.keys()?)?;
        }
        if status >= 300 {
            let problem: Problem = serde_json::from_slice(&body).map_err(|error| Error::Answer(error.to_string()))?;
            return Err(Error::Refused {
                code: problem.code,
                detail: problem.detail,
            });
        }
        serde_json::from_slice(&body).map_err(|error| Error::Answer(error.to_string()))
    }

    /// Trusts the server's keys at the first contact.
    fn trust(&mut self) -> Result<(), Error> {
        if !self.store.state().keys.is_empty() {
            return Ok(());
        }
        let answer = self.agent.get(format!("{}/.well-known/licet/keys", self.server)).call();
        let mut answer = answer.map_err(|error| Error::Network(error.to_string()))?;
        let body = answer
            .body_mut()
            .read_to_vec()
            .map_err(|error| Error::Network(error.to_string()))?;
        let set: KeySet = serde_json::from_slice(&body).map_err(|error| Error::Answer(error.to_string()))?;
        self.store.update(|state| state.keys = set.keys)
    }
}

#[expect(clippy::disallowed_methods, reason = "the client library is an edge of its own")]
fn nonce() -> String {
    let mut bytes = [0; 16];
    rand::thread_rng().fill_bytes(&mut bytes);
    bytes.iter().fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hostname() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
