//! Use cases of webhooks.

mod create;
mod edit;
mod subscription;

pub use create::{CreatedWebhook, NewWebhook};
pub use subscription::{SubscriptionChanges, SubscriptionRequest};
