//! Talks to the license server.

use std::collections::BTreeMap;

use licet_contracts::{
    Problem,
    keys::KeySet,
    lease::RequestFile,
    license::{
        ActivateRequest, ActivateResponse, DeactivateRequest, DeactivateResponse, HeartbeatRequest, HeartbeatResponse,
        TransferRequest, VerifyRequest, VerifyResponse,
    },
};
use licet_domain::values::Timestamp;
use rand::RngCore as _;
use serde::{Serialize, de::DeserializeOwned};
use ureq::{Agent, http::Response};

use crate::{
    Error, Fingerprint, Store, Usage,
    answer::{Exchange, verify_answer},
    transport,
};

/// A blocking client of one license server.
pub struct Client {
    agent: Agent,
    server: String,
    api_key: String,
    store: Store,
    retry_after: Option<u32>,
}

/// What came back, before it is believed.
struct Received {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Client {
    /// A client that keeps its state in `store`. Trusts the keys there; where there are none, the server's at the first
    /// contact, which are then kept.
    ///
    /// TLS trusts what the system trusts, or what `SSL_CERT_FILE` names; `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
    /// `NO_PROXY` (names, addresses, networks) are heeded.
    pub fn new(server: &str, api_key: &str, store: Store) -> Result<Self, Error> {
        Self::with_roots(server, api_key, store, &[])
    }

    /// The same where the server's certificate was signed by a company's own authority: `roots` are certificates in PEM
    /// that are trusted besides the system's.
    pub fn with_roots(server: &str, api_key: &str, store: Store, roots: &[u8]) -> Result<Self, Error> {
        let agent = transport::agent(server, roots)?;
        Ok(Self {
            agent,
            server: server.trim_end_matches('/').to_owned(),
            api_key: api_key.to_owned(),
            store,
            retry_after: None,
        })
    }

    /// What is kept on this machine.
    pub fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    /// For how many seconds the last answer asked to wait.
    pub fn retry_after(&self) -> Option<u32> {
        self.retry_after
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
        let answer = self.post("/api/license/activate", &request, &nonce, None)?;
        self.keep_activation(license_key, &answer)?;
        Ok(answer)
    }

    /// Takes over the seat of another activation of the license, and keeps the lease.
    pub fn transfer(
        &mut self,
        license_key: &str,
        from_activation_id: &str,
        machine: &Fingerprint,
        reason: Option<&str>,
    ) -> Result<ActivateResponse, Error> {
        let nonce = nonce();
        let request = TransferRequest {
            license_key: license_key.to_owned(),
            from_activation_id: from_activation_id.to_owned(),
            fingerprint: Some(machine.to_wire()),
            hostname: hostname(),
            os: Some(std::env::consts::OS.to_owned()),
            app_version: None,
            reason: reason.map(str::to_owned),
            nonce: Some(nonce.clone()),
        };
        let answer = self.post("/api/license/transfer", &request, &nonce, None)?;
        self.keep_activation(license_key, &answer)?;
        Ok(answer)
    }

    /// Reports that this machine runs, and keeps the token and the lease that are answered.
    pub fn heartbeat(&mut self, usage: &Usage, app_version: Option<&str>) -> Result<HeartbeatResponse, Error> {
        self.heartbeat_as(&nonce(), usage, app_version)
    }

    /// The same under a nonce of one's own: a beat whose answer was lost is sent again under its nonce and counts once.
    pub(crate) fn heartbeat_as(
        &mut self,
        nonce: &str,
        usage: &Usage,
        app_version: Option<&str>,
    ) -> Result<HeartbeatResponse, Error> {
        let token = self.store.state().token.clone().ok_or(Error::NoLease)?;
        let request = HeartbeatRequest {
            active_users: usage.active_users,
            features: Some(usage.features.clone()).filter(|counts| !counts.is_empty()),
            usage: Some(usage.meters.clone()).filter(|amounts| !amounts.is_empty()),
            app_version: app_version.map(str::to_owned),
            client_time: Some(crate::store::now().to_string()),
            nonce: Some(nonce.to_owned()),
        };
        let held = self.store.state().lease.clone();
        let answer = self.post("/api/license/heartbeat", &request, nonce, Some(&token));
        if let Err(Error::Refused { code, .. }) = &answer {
            self.give_up(code, held.as_ref())?;
        }
        let answer: HeartbeatResponse = answer?;
        self.give_up(&answer.code, held.as_ref())?;
        if let Some(lease) = &answer.lease {
            self.keep(lease, &answer.ts, |_| {})?;
        }
        let seen = Timestamp::parse(&answer.ts).map_err(|error| Error::Answer(error.detail))?;
        self.store.update(|state| {
            state.hear(seen);
            state.heartbeat_seconds = Some(answer.next_heartbeat_seconds);
            if let Some(token) = &answer.token {
                state.token = Some(token.clone());
            }
        })?;
        Ok(answer)
    }

    /// Asks the server whether this machine may run, and keeps the lease that it answers for the license that is kept, or
    /// where none is.
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
        let held = self.store.state().lease.clone();
        let answer: VerifyResponse = self.post("/api/license/verify", &request, &nonce, None)?;
        // Asking about another license takes nothing from the one that is kept.
        if self.store.state().is_of(license_key) {
            if self.store.state().license_key.is_some() {
                self.give_up(&answer.code, held.as_ref())?;
            }
            if let Some(lease) = &answer.lease {
                self.keep(lease, &answer.ts, |_| {})?;
            }
        }
        Ok(answer)
    }

    /// Gives this machine's seat back and forgets the lease.
    pub fn deactivate(&mut self, license_key: &str, machine: &Fingerprint) -> Result<DeactivateResponse, Error> {
        let nonce = nonce();
        let kept = self.store.state().is_of(license_key);
        let request = DeactivateRequest {
            license_key: license_key.to_owned(),
            activation_id: self.store.state().activation_id.clone().filter(|_| kept),
            fingerprint: Some(machine.to_wire()),
            reason: Some("given back by the program".to_owned()),
            nonce: Some(nonce.clone()),
        };
        let answer = self.post("/api/license/deactivate", &request, &nonce, None)?;
        if kept {
            self.store
                .update(|state| (state.lease, state.activation_id, state.token) = (None, None, None))?;
        }
        Ok(answer)
    }

    /// Fetches the list of leases that were called back; from then on the offline check heeds it.
    pub fn fetch_revocations(&mut self) -> Result<(), Error> {
        let token = self.store.state().token.clone();
        let mut received = self.get_revocations(token.as_deref())?;
        // A machine whose seat was ended has a token that is good for nothing, and most reason to hear of it.
        if received.status == 401 && token.is_some() {
            received = self.get_revocations(None)?;
        }
        if received.status != 200 {
            return Err(problem(&received.body));
        }
        let list = String::from_utf8(received.body).map_err(|error| Error::Answer(error.to_string()))?;
        match self.store.keep_revocations(&list) {
            Err(Error::Lease(crate::keys::UNTRUSTED)) => {
                self.follow_keys()?;
                self.store.keep_revocations(&list)
            }
            kept => kept,
        }
    }

    fn get_revocations(&self, token: Option<&str>) -> Result<Received, Error> {
        let request = self.agent.get(format!("{}/api/license/revocations", self.server));
        let request = match token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request.header("X-API-Key", &self.api_key),
        };
        receive(request.call())
    }

    /// What the vendor has taken back ends with the server's signed word, and not only where a network is: the lease that
    /// was held when it was asked, and none that another program has got since.
    fn give_up(&mut self, code: &str, held: Option<&String>) -> Result<(), Error> {
        if held.is_none() || !matches!(code, "REVOKED" | "SUSPENDED" | "TOKEN_REVOKED") {
            return Ok(());
        }
        self.store.update(|state| {
            if state.lease.as_ref() == held {
                state.lease = None;
            }
        })
    }

    fn keep_activation(&mut self, license_key: &str, answer: &ActivateResponse) -> Result<(), Error> {
        self.keep(&answer.lease, &answer.ts, |state| {
            state.license_key = Some(license_key.to_owned());
            state.activation_id = Some(answer.activation_id.clone());
            state.token = Some(answer.token.clone());
            state.heartbeat_seconds = Some(answer.heartbeat_interval_seconds);
        })
    }

    fn keep(&mut self, lease: &str, ts: &str, change: impl FnOnce(&mut crate::State)) -> Result<(), Error> {
        crate::OfflineLease::read(lease, &self.store.keys()?)?;
        let seen = Timestamp::parse(ts).map_err(|error| Error::Answer(error.detail))?;
        self.store.update(|state| {
            state.lease = Some(lease.to_owned());
            state.hear(seen);
            change(state);
        })
    }

    fn post<T: DeserializeOwned>(
        &mut self,
        path: &str,
        request: &impl Serialize,
        nonce: &str,
        token: Option<&str>,
    ) -> Result<T, Error> {
        if self.store.state().keys.is_empty() {
            let set = self.fetch_keys()?;
            self.store.update(|state| state.keys = set.keys)?;
        }
        let body = serde_json::to_vec(request).map_err(|error| Error::Answer(error.to_string()))?;
        let request = self.agent.post(format!("{}{path}", self.server));
        let request = match token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request.header("X-API-Key", &self.api_key),
        };
        self.retry_after = None;
        let received = receive(request.header("Content-Type", "application/json").send(&body[..]))?;
        let seconds = received
            .headers
            .get("retry-after")
            .and_then(|text| text.parse::<u32>().ok());
        self.retry_after = seconds.map(|seconds| seconds.min(MAX_WAIT));
        let signed = self.believe(path, nonce, &received)?;
        if received.status >= 300 {
            return Err(match problem(&received.body) {
                Error::Refused { code, .. } if !signed && rests_on_the_body(&code) => Error::Signature(UNSIGNED),
                Error::MeterUnknown(_) if !signed => Error::Signature(UNSIGNED),
                error => error,
            });
        }
        serde_json::from_slice(&received.body).map_err(|error| Error::Answer(error.to_string()))
    }

    /// Checks that a trusted key signed the answer to this very request; an unknown key is trusted where a trusted one
    /// vouches for it. Answers whether it was signed: a refusal from before the body was read carries no nonce.
    fn believe(&mut self, path: &str, nonce: &str, received: &Received) -> Result<bool, Error> {
        let input = received.headers.get("signature-input");
        if received.status >= 400 && input.is_none_or(|input| !input.contains(";nonce=")) {
            return Ok(false);
        }
        let exchange = Exchange {
            method: "POST",
            path,
            nonce,
            status: received.status,
            headers: &received.headers,
            body: &received.body,
        };
        match verify_answer(&exchange, &self.store.keys()?) {
            Err(Error::Signature(crate::answer::UNKNOWN_KEY)) => {
                self.follow_keys()?;
                verify_answer(&exchange, &self.store.keys()?)
            }
            checked => checked,
        }
        .map(|()| true)
    }

    /// Trusts the keys for which a trusted one vouches.
    fn follow_keys(&mut self) -> Result<(), Error> {
        let set = self.fetch_keys()?;
        let successors = self.store.keys()?.successors(&set);
        self.store.update(|state| state.keys.extend(successors))
    }

    fn fetch_keys(&self) -> Result<KeySet, Error> {
        let received = receive(self.agent.get(format!("{}/.well-known/licet/keys", self.server)).call())?;
        serde_json::from_slice(&received.body).map_err(|error| Error::Answer(error.to_string()))
    }
}

/// Whether a refusal is about the license or the machine, and not about the request.
pub(crate) fn is_verdict(code: &str) -> bool {
    code.starts_with("LICENSE_")
        || code.starts_with("FINGERPRINT_")
        || matches!(
            code,
            "VERSION_UNSUPPORTED" | "ACTIVATION_LIMIT_REACHED" | "ACTIVATION_NOT_ACTIVE" | "TOKEN_REVOKED"
        )
}

/// Whether the server has read the body before it refuses so, and signs it then: anyone on the way could make up another.
fn rests_on_the_body(code: &str) -> bool {
    is_verdict(code) || matches!(code, "METER_UNKNOWN" | "VALIDATION_FAILED")
}

const UNSIGNED: &str = "a refusal of the license is not signed";

/// What a machine without a network hands to an operator.
pub fn request_file(machine: &Fingerprint, app_version: Option<&str>) -> RequestFile {
    RequestFile {
        licet_request: 1,
        fingerprint: machine.to_wire(),
        hostname: hostname(),
        os: Some(std::env::consts::OS.to_owned()),
        app_version: app_version.map(str::to_owned),
    }
}

fn receive(sent: Result<Response<ureq::Body>, ureq::Error>) -> Result<Received, Error> {
    let mut response = sent.map_err(|error| Error::Network(error.to_string()))?;
    if response.status().is_redirection() {
        let to = response.headers().get("location").and_then(|to| to.to_str().ok());
        let to = to.unwrap_or("another address");
        let detail =
            format!("it redirects to {to}, which is not followed; if that is the server, set its address to it");
        return Err(Error::Network(detail));
    }
    let headers = response.headers().iter();
    let headers = headers
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let body = response.body_mut().read_to_vec();
    Ok(Received {
        status: response.status().as_u16(),
        headers,
        body: body.map_err(|error| Error::Network(error.to_string()))?,
    })
}

fn problem(body: &[u8]) -> Error {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) if problem.code == "METER_UNKNOWN" && problem.facts.contains_key("meter") => {
            let meter = problem.facts.get("meter").and_then(serde_json::Value::as_str);
            Error::MeterUnknown(meter.unwrap_or_default().to_owned())
        }
        Ok(problem) => Error::Refused {
            code: problem.code,
            detail: problem.detail,
        },
        Err(error) => Error::Answer(error.to_string()),
    }
}

/// The most that a server's word on when to come back counts, in seconds.
const MAX_WAIT: u32 = 3_600;

#[expect(clippy::disallowed_methods, reason = "the client library is an edge of its own")]
pub(crate) fn nonce() -> String {
    let mut bytes = [0; 16];
    rand::thread_rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

fn hostname() -> Option<String> {
    let by_file = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = by_file
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .or_else(|| crate::fingerprint::output("hostname", &[]))?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
