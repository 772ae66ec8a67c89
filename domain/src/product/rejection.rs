//! Why an order to a product is refused.

/// Why an order to a product is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProductRejection {
    /// There is no such product.
    #[error("there is no such product")]
    NotFound,
    /// The id is taken.
    #[error("this product exists already")]
    AlreadyExists,
    /// It is out of use.
    #[error("this product is retired")]
    Retired,
}
