//! What is shown of a policy.

use std::sync::Arc;

use licet_domain::{
    policy::{LivePolicy, Policy},
    values::Code,
};
use licet_event_store::{Tenant, Versioned};
use uuid::Uuid;

use crate::{CommandError, Platform};

/// A policy as it is answered.
#[derive(Debug, Clone)]
pub struct PolicyView {
    /// Its facts.
    pub policy: LivePolicy,
    /// Whether it is out of use.
    pub retired: bool,
}

impl TryFrom<&Policy> for PolicyView {
    type Error = CommandError;

    fn try_from(state: &Policy) -> Result<Self, CommandError> {
        let policy = state.facts().ok_or(CommandError::NotFound("policy"))?.clone();
        Ok(Self {
            policy,
            retired: matches!(state, Policy::Retired(_)),
        })
    }
}

impl Platform {
    /// The policy that an id or code names, in use or not.
    pub async fn find_policy(&self, tenant: &Tenant, named: &str) -> Result<Uuid, CommandError> {
        if let Ok(id) = named.trim().parse() {
            return Ok(id);
        }
        let code = Code::parse(named).map_err(|_| CommandError::NotFound("policy"))?;
        let hash = self
            .look_up_key(tenant)
            .await?
            .hash("policy_code", code.as_str().as_bytes());
        self.holder(tenant, "policy_code", hash)
            .await?
            .ok_or(CommandError::NotFound("policy"))
    }

    /// The policy that an id or code names, if licenses may be issued under it.
    pub(crate) async fn live_policy(&self, tenant: &Tenant, named: &str) -> Result<(LivePolicy, u64), CommandError> {
        let id = self.find_policy(tenant, named).await?;
        let policy: Arc<Versioned<Policy>> = self.policies.get(tenant, id).await?;
        match &policy.state {
            Policy::Absent => Err(CommandError::NotFound("policy")),
            Policy::Retired(_) => Err(CommandError::Retired("policy")),
            Policy::Live(live) => Ok((live.clone(), policy.version)),
        }
    }
}
