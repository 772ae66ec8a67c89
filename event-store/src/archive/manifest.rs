//! What vouches for a segment: a compact JWS beside the file and in the catalog.

use ed25519_dalek::VerifyingKey;
use licet_domain::values::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{jws, vault::Signer};

/// What is signed about a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Which log.
    pub log_id: Uuid,
    /// The table.
    pub table: String,
    /// The month in UTC, such as `2026-08`.
    pub month: String,
    /// The position of its first row.
    pub first_position: i64,
    /// The position of its last row.
    pub last_position: i64,
    /// When the first was recorded.
    pub first_at: Timestamp,
    /// When the last was recorded.
    pub last_at: Timestamp,
    /// How many rows.
    pub rows: i64,
    /// The chain before the first row, in base64url; absent where the table is a read model's.
    pub chain_in: Option<String>,
    /// The chain of the last row.
    pub chain_out: Option<String>,
    /// The file, below the archive's folder.
    pub file: String,
    /// The file's size.
    pub bytes: i64,
    /// The file's SHA-256, in hexadecimal.
    pub sha256: String,
}

const MANIFEST_TYPE: &str = "licet-segment+jwt";

impl Manifest {
    pub(super) fn sign(&self, signer: &Signer) -> String {
        jws::sign(MANIFEST_TYPE, self, signer)
    }

    /// Reads a manifest that one of these keys signed.
    pub fn verify(text: &str, keys: &[VerifyingKey]) -> Option<Self> {
        jws::verify(text.trim(), MANIFEST_TYPE, keys)
    }
}
