//! Why an order to an API key is refused.

/// Why an order to an API key is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyRejection {
    /// There is no such key.
    #[error("there is no such API key")]
    NotFound,
    /// The id is taken.
    #[error("this API key exists already")]
    AlreadyExists,
    /// It would be good for nothing.
    #[error("an API key needs at least one scope")]
    NoScope,
    /// It opens nothing any more.
    #[error("the API key has ended; make a new one")]
    NotLive,
    /// It would have ended before it began.
    #[error("expires_at must lie in the future")]
    ExpiresInThePast,
}
