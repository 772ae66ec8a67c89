//! Ends an API key.

use licet_domain::api_key::{ApiKey, ApiKeyCommand, IssuedApiKey, Scope};
use uuid::Uuid;

use crate::{CommandError, Context, Done, Platform};

impl Platform {
    /// Ends a key at once, here and within a second on every node, that still is as `unchanged` says.
    pub async fn revoke_api_key(
        &self,
        context: &Context,
        id: Uuid,
        unchanged: &(dyn Fn(&IssuedApiKey) -> bool + Sync),
    ) -> Result<Done<IssuedApiKey>, CommandError> {
        context.require(Scope::Admin)?;
        let facts = |state: &ApiKey| state.facts().cloned().ok_or(CommandError::NotFound("API key"));
        let order = |state: &_| {
            let fresh = unchanged(&facts(state)?);
            fresh
                .then_some(ApiKeyCommand::Revoke { at: context.now })
                .ok_or(CommandError::Stale)
        };
        self.run(&self.api_keys, (id, context, context.envelope()), order, facts, &|_| {
            String::new()
        })
        .await
    }
}
