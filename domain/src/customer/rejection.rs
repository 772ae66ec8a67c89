//! Why an order to a customer is refused.

/// Why an order to a customer is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustomerRejection {
    /// There is no such customer.
    #[error("there is no such customer")]
    NotFound,
    /// The id is taken.
    #[error("this customer exists already")]
    AlreadyExists,
    /// It is out of use.
    #[error("this customer is retired")]
    Retired,
}
