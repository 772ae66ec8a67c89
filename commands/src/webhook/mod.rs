//! Use cases of webhooks.

mod create;
mod edit;
mod retire;

pub use create::{CreatedWebhook, NewWebhook};
pub use edit::SubscriptionRequest;
