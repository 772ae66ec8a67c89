//! Why an order to a policy is refused.

/// Why an order to a policy is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyRejection {
    /// There is no such policy.
    #[error("there is no such policy")]
    NotFound,
    /// The id is taken.
    #[error("this policy exists already")]
    AlreadyExists,
    /// It is out of use.
    #[error("this policy is retired")]
    Retired,
    /// A term is outside what makes sense.
    #[error("{field} must be {allowed}")]
    OutOfRange {
        /// The term's name, as in the request.
        field: &'static str,
        /// What is allowed.
        allowed: &'static str,
    },
}
