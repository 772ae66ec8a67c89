//! Orders to a webhook.

use super::{event::WebhookCreated, state::Subscription};
use crate::values::Timestamp;

/// An order to a webhook.
#[derive(Debug, Clone)]
pub enum WebhookCommand {
    /// Makes it.
    Create(Box<WebhookCreated>),
    /// Replaces what it subscribes to.
    Edit {
        /// From now on.
        subscription: Subscription,
        /// Now.
        at: Timestamp,
    },
    /// Ends it: nothing is delivered any more.
    Retire {
        /// Now.
        at: Timestamp,
    },
}
