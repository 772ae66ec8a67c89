//! Personal data as the log holds it.

use serde::{Deserialize, Serialize};

/// Ciphertext under a key of the vault, as text. The rules carry it around and cannot read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub String);
