//! Checks the signatures on the server's answers (RFC 9421).

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Signature;
use sha2::{Digest as _, Sha256};

use crate::{Error, PinnedKeys};

/// What a request was, and what came back.
#[derive(Debug, Clone)]
pub struct Exchange<'a> {
    /// Such as `POST`.
    pub method: &'a str,
    /// The path.
    pub path: &'a str,
    /// The nonce that was sent.
    pub nonce: &'a str,
    /// The answer's status.
    pub status: u16,
    /// The answer's headers, names in lower case.
    pub headers: &'a BTreeMap<String, String>,
    /// The answer's body.
    pub body: &'a [u8],
}

/// The components that must be signed, as the contract lists them.
const COVERED: &str = r#"("@status" "content-digest" "date" "@method";req "@path";req "@query";req)"#;

/// Why a signature is not believed that another key made.
pub(crate) const UNKNOWN_KEY: &str = "its key is not a trusted one";

/// Checks that a trusted key signed this answer to this very request.
pub fn verify_answer(exchange: &Exchange<'_>, keys: &PinnedKeys) -> Result<(), Error> {
    let header = |name: &str| exchange.headers.get(name).map(String::as_str);
    let input = header("signature-input").and_then(|text| text.strip_prefix("licet="));
    let parameters = input.ok_or(Error::Signature("the answer is not signed"))?;
    let rest = parameters
        .strip_prefix(COVERED)
        .ok_or(Error::Signature("it covers something else"))?;
    let parameter = |name: &str| {
        rest.split(';')
            .filter_map(|part| part.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    };
    let quoted = |name: &str| parameter(name).map(|value| value.trim_matches('"'));
    if quoted("alg") != Some("ed25519") {
        return Err(Error::Signature("it is made in another way"));
    }
    if quoted("nonce") != Some(exchange.nonce) {
        return Err(Error::Signature("it answers another request: the nonce differs"));
    }
    let key = keys
        .get(quoted("keyid").unwrap_or_default())
        .ok_or(Error::Signature(UNKNOWN_KEY))?;
    let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(exchange.body)));
    if header("content-digest") != Some(&digest) {
        return Err(Error::Signature("the body is not the one that was signed"));
    }
    let base = format!(
        "\"@status\": {}\n\"content-digest\": {digest}\n\"date\": {}\n\"@method\";req: {}\n\"@path\";req: {}\n\"@query\";req: ?\n\"@signature-params\": {parameters}",
        exchange.status,
        header("date").unwrap_or_default(),
        exchange.method,
        exchange.path,
    );
    let encoded = header("signature").and_then(|text| text.strip_prefix("licet=:")?.strip_suffix(':'));
    let signature = encoded
        .and_then(|text| STANDARD.decode(text).ok())
        .and_then(|bytes| Signature::from_slice(&bytes).ok());
    let signature = signature.ok_or(Error::Signature("it has the wrong shape"))?;
    key.verify_strict(base.as_bytes(), &signature)
        .map_err(|_| Error::Signature("it was not made by the server"))
}
