//! Why an order to a webhook is refused.

/// Why an order to a webhook is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRejection {
    /// There is no such webhook.
    #[error("there is no such webhook")]
    NotFound,
    /// The id is taken.
    #[error("this webhook exists already")]
    AlreadyExists,
    /// It was ended.
    #[error("this webhook is retired")]
    Retired,
}
