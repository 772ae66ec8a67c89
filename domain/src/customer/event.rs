//! What is recorded of a customer.

use serde::{Deserialize, Serialize};

use super::state::Person;
use crate::values::{CustomerId, Timestamp};

crate::events! {
    /// What is recorded of a customer.
    pub enum CustomerEvent {
        /// It was taken up.
        Created(CustomerCreated) = ("customer.created", 1),
        /// It was changed.
        Edited(CustomerEdited) = ("customer.edited", 1),
        /// It was taken out of use.
        Retired(CustomerRetired) = ("customer.retired", 1),
        /// Who it is was forgotten, and it is out of use.
        Forgotten(CustomerForgotten) = ("customer.forgotten", 1),
    }
}

/// A customer was taken up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomerCreated {
    /// Its id, which also names the key that seals it.
    pub customer_id: CustomerId,
    /// Who it is, sealed.
    #[serde(flatten)]
    pub person: Person,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A customer was changed; the fields are as they stand from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomerEdited {
    /// Who it is, sealed.
    #[serde(flatten)]
    pub person: Person,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A customer was taken out of use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomerRetired {
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// Who a customer is was forgotten: the key that seals it was destroyed together with this being recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomerForgotten {
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}
