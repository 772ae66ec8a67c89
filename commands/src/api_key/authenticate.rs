//! Says whose an API key is.

use std::sync::Arc;

use licet_domain::{api_key::ApiKey, values::Timestamp};
use licet_event_store::{Tenant, Versioned};

use crate::{CommandError, Platform};

impl Platform {
    /// The living key that this secret opens; `None` for an unknown, expired or revoked one.
    pub async fn authenticate_api_key(
        &self,
        tenant: &Tenant,
        secret: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<Versioned<ApiKey>>>, CommandError> {
        if !secret.starts_with("lk_") || secret.len() != 51 {
            return Ok(None);
        }
        let hash = self.look_up_key(tenant).await?.hash("api_key", secret.as_bytes());
        let Some(id) = self.holder(tenant, "api_key", hash).await? else {
            return Ok(None);
        };
        let key = self.resources.api_keys.get(tenant, id).await?;
        Ok(key.state.facts().is_some_and(|facts| facts.is_live(now)).then_some(key))
    }
}
