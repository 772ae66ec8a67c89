//! Personal data as the log holds it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// Ciphertext under a key of the vault, as text. The rules carry it around and cannot read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub String);

impl Sealed {
    /// Whether a text is ciphertext of the vault: its version, a nonce of 24 bytes and a tag of 16, in base64url.
    pub fn is_sealed(text: &str) -> bool {
        let bytes = text
            .strip_prefix("v1.")
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        bytes.is_some_and(|bytes| bytes.len() >= 40)
    }
}
