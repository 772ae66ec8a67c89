//! What is recorded of a policy.

use serde::{Deserialize, Serialize};

use super::terms::Terms;
use crate::values::{Code, PolicyId, ProductId, Timestamp};

crate::events! {
    /// What is recorded of a policy.
    pub enum PolicyEvent {
        /// It was taken up, as version 1.
        Created(PolicyCreated) = ("policy.created", 1),
        /// Its terms were replaced.
        Edited(PolicyEdited) = ("policy.edited", 1),
        /// It was taken out of use.
        Retired(PolicyRetired) = ("policy.retired", 1),
    }
}

/// A policy was taken up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyCreated {
    /// Its id.
    pub policy_id: PolicyId,
    /// Its unique code.
    pub code: Code,
    /// The product that it licenses.
    pub product_id: ProductId,
    /// What it grants and asks.
    pub terms: Terms,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A policy's terms were replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyEdited {
    /// The version that these terms make; each edit adds one.
    pub version: u32,
    /// The terms from now on.
    pub terms: Terms,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A policy was taken out of use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyRetired {
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}
