//! What a policy's events amount to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{command::PolicyCommand, event::PolicyEvent, terms::Terms};
use crate::{
    Kind, Lifecycle, Resource,
    values::{Code, PolicyId, ProductId, Timestamp},
};

/// A policy's life.
pub type Policy = Lifecycle<LivePolicy>;

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
            (state, PolicyEvent::Retired(_)) => state.into_retired(),
            (state, _) => state,
        }
    }
}

impl Resource for Policy {
    const KIND: Kind = Kind::new("policy", "policy", "policies");

    fn id(&self) -> Option<Uuid> {
        Some(self.facts()?.id.0)
    }

    fn is_retired(&self) -> bool {
        Lifecycle::is_retired(self)
    }

    fn retire(at: Timestamp) -> PolicyCommand {
        PolicyCommand::Retire { at }
    }

    fn code(&self) -> Option<String> {
        Some(self.facts()?.code.to_string())
    }

    fn parent(&self) -> Option<Uuid> {
        Some(self.facts()?.product_id.0)
    }
}
