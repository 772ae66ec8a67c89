//! Orders to an API key.

use super::event::ApiKeyCreated;
use crate::values::Timestamp;

/// An order to an API key.
#[derive(Debug, Clone)]
pub enum ApiKeyCommand {
    /// Makes the key; the hash of its secret is claimed in the same submission.
    Create(ApiKeyCreated),
    /// Ends the key at once.
    Revoke {
        /// Now.
        at: Timestamp,
    },
}
