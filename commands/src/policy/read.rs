//! Finds a policy by what people call it.

use std::sync::Arc;

use licet_domain::{
    Resource as _,
    policy::{LivePolicy, Policy},
    values::Code,
};
use licet_event_store::{Tenant, Versioned};
use uuid::Uuid;

use crate::{CommandError, Platform};

impl Platform {
    /// The policy that an id or code names, in use or not.
    pub async fn find_policy(&self, tenant: &Tenant, named: &str) -> Result<Uuid, CommandError> {
        if let Ok(id) = named.trim().parse() {
            return Ok(id);
        }
        let code = Code::parse(named).map_err(|_| CommandError::not_found(Policy::KIND))?;
        let hash = self
            .look_up_key(tenant)
            .await?
            .hash("policy_code", code.as_str().as_bytes());
        self.holder(tenant, "policy_code", hash)
            .await?
            .ok_or(CommandError::not_found(Policy::KIND))
    }

    /// The policy that an id or code names, if licenses may be issued under it.
    pub(crate) async fn live_policy(&self, tenant: &Tenant, named: &str) -> Result<(LivePolicy, u64), CommandError> {
        let id = self.find_policy(tenant, named).await?;
        let policy: Arc<Versioned<Policy>> = self.resources.policies.get(tenant, id).await?;
        match &policy.state {
            Policy::Absent => Err(CommandError::not_found(Policy::KIND)),
            Policy::Retired(_) => Err(CommandError::retired(Policy::KIND)),
            Policy::Live(live) => Ok((live.clone(), policy.version)),
        }
    }
}
