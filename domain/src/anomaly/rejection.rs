//! Why an order to an anomaly is refused.

/// Why an order to an anomaly is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnomalyRejection {
    /// There is no such anomaly.
    #[error("there is no such anomaly")]
    NotFound,
    /// The id is taken.
    #[error("this anomaly exists already")]
    AlreadyExists,
}
