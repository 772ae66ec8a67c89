//! What a policy's events amount to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{event::PolicyEvent, terms::Terms};
use crate::values::{Code, PolicyId, ProductId, Timestamp};

/// A policy's situation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum Policy {
    /// Nothing has happened.
    #[default]
    Absent,
    /// It is in use.
    Live(LivePolicy),
    /// It is out of use: no new licenses.
    Retired(LivePolicy),
}

/// A policy's facts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LivePolicy {
    /// Its id.
    pub id: PolicyId,
    /// Its unique code.
    pub code: Code,
    /// The product that it licenses.
    pub product_id: ProductId,
    /// Counts the terms that it has had, from 1.
    pub version: u32,
    /// The terms in force.
    pub terms: Arc<Terms>,
    /// When it was taken up.
    pub created_at: Timestamp,
}

impl Policy {
    /// The facts, in use or not.
    pub fn facts(&self) -> Option<&LivePolicy> {
        match self {
            Self::Absent => None,
            Self::Live(policy) | Self::Retired(policy) => Some(policy),
        }
    }

    pub(super) fn apply(self, event: &PolicyEvent) -> Self {
        match (self, event) {
            (_, PolicyEvent::Created(event)) => Self::Live(LivePolicy {
                id: event.policy_id,
                code: event.code.clone(),
                product_id: event.product_id,
                version: 1,
                terms: Arc::new(event.terms.clone()),
                created_at: event.at,
            }),
            (Self::Live(policy), PolicyEvent::Edited(event)) => Self::Live(LivePolicy {
                version: event.version,
                terms: Arc::new(event.terms.clone()),
                ..policy
            }),
            (Self::Live(policy), PolicyEvent::Retired(_)) => Self::Retired(policy),
            (state, _) => state,
        }
    }
}
