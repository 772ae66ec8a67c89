//! Orders to a customer.

use super::state::Person;
use crate::values::{CustomerId, Timestamp};

/// An order to a customer.
#[derive(Debug, Clone)]
pub enum CustomerCommand {
    /// Takes up a customer.
    Create {
        /// The new customer's id.
        id: CustomerId,
        /// Who it is, sealed.
        person: Person,
        /// Now.
        at: Timestamp,
    },
    /// Changes who it is.
    Edit {
        /// Who it is from now on, sealed; a field that stays keeps its ciphertext, so that equal means unchanged.
        person: Person,
        /// Now.
        at: Timestamp,
    },
    /// Takes the customer out of use; existing licenses live on.
    Retire {
        /// Now.
        at: Timestamp,
    },
    /// Forgets who it is, for good, and takes it out of use; existing licenses live on.
    Forget {
        /// Now.
        at: Timestamp,
    },
}
