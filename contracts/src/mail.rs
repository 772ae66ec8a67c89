//! Mails, as operators' scripts see them.

use serde::{Deserialize, Serialize};

/// A mail that was sent, is to be sent, or was given up. Names and addresses stand nowhere in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mail {
    /// Its id, which says what it is about.
    pub id: String,
    /// `expiry`, `revoked` or `anomaly`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::MailKind))]
    pub kind: String,
    /// The license or anomaly that it is about.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub subject_id: String,
    /// `pending`, `sent` or `dead`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::MailStatus))]
    pub status: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was queued.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// When it is tried next; `null` once it is settled.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub next_attempt_at: Option<String>,
    /// When it was sent.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub sent_at: Option<String>,
    /// Why the last try failed.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub last_error: Option<String>,
}
