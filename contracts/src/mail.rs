//! Mails, as operators' scripts see them.

use serde::{Deserialize, Serialize};

/// A mail that was sent, is to be sent, or was given up. Names and addresses stand nowhere in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mail {
    /// Its id, which says what it is about.
    pub id: String,
    /// `expiry`, `revoked` or `anomaly`.
    pub kind: String,
    /// The license or anomaly that it is about.
    pub subject_id: String,
    /// `pending`, `sent` or `dead`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was queued.
    pub created_at: String,
    /// When it is tried next; `null` once it is settled.
    pub next_attempt_at: Option<String>,
    /// When it was sent.
    pub sent_at: Option<String>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}
