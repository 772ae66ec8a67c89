//! Orders to a policy.

use super::terms::Terms;
use crate::values::{Code, PolicyId, ProductId, Timestamp};

/// An order to a policy.
#[derive(Debug, Clone)]
pub enum PolicyCommand {
    /// Takes up a policy; its code is claimed in the same submission.
    Create {
        /// The new policy's id.
        id: PolicyId,
        /// Unique in the tenant.
        code: Code,
        /// The product that it licenses.
        product_id: ProductId,
        /// What it grants and asks.
        terms: Terms,
        /// Now.
        at: Timestamp,
    },
    /// Replaces the terms, for existing licenses too.
    Edit {
        /// The terms from now on.
        terms: Terms,
        /// Now.
        at: Timestamp,
    },
    /// Takes the policy out of use; existing licenses live on.
    Retire {
        /// Now.
        at: Timestamp,
    },
}
