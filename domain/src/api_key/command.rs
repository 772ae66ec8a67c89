//! Orders to an API key.

use super::event::ApiKeyCreated;
use crate::values::{ApiKeyId, Timestamp};

/// An order to an API key.
#[derive(Debug, Clone)]
pub enum ApiKeyCommand {
    /// Makes the key; the hash of its secret is claimed in the same submission.
    Create(ApiKeyCreated),
    /// Lets the key end by itself, because another one takes its place.
    Supersede {
        /// The key that takes its place.
        by: ApiKeyId,
        /// When it ends, unless it would have ended sooner.
        expires_at: Timestamp,
        /// Now.
        at: Timestamp,
    },
    /// Ends the key at once.
    Revoke {
        /// Now.
        at: Timestamp,
    },
}
