//! What is recorded of a webhook.

use serde::{Deserialize, Serialize};

use super::state::Subscription;
use crate::values::{Sealed, Timestamp, WebhookId};

crate::events! {
    /// What is recorded of a webhook.
    pub enum WebhookEvent {
        /// It was made.
        Created(WebhookCreated) = ("webhook.created", 1),
        /// It was changed.
        Edited(WebhookEdited) = ("webhook.edited", 1),
        /// It was ended.
        Retired(WebhookRetired) = ("webhook.retired", 1),
    }
}

/// A webhook was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookCreated {
    /// Its id.
    pub webhook_id: WebhookId,
    /// What it subscribes to.
    #[serde(flatten)]
    pub subscription: Subscription,
    /// The secret that signs deliveries, sealed with the tenant's key.
    pub secret: Sealed,
    /// Deliveries begin after this position.
    pub from_position: i64,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A webhook was changed; the fields are as they stand from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookEdited {
    /// What it subscribes to.
    #[serde(flatten)]
    pub subscription: Subscription,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A webhook was ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookRetired {
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}
