//! Ends a webhook.

use licet_domain::{
    api_key::Scope,
    webhook::{LiveWebhook, Webhook, WebhookCommand},
};
use uuid::Uuid;

use crate::{CommandError, Context, Done, Platform};

impl Platform {
    /// Ends a webhook that still is as `unchanged` says; what is on its way is not delivered any more.
    pub async fn retire_webhook(
        &self,
        context: &Context,
        id: Uuid,
        unchanged: &(dyn Fn(&LiveWebhook) -> bool + Sync),
    ) -> Result<Done<LiveWebhook>, CommandError> {
        context.require(Scope::Admin)?;
        let facts = |state: &Webhook| state.facts().cloned().ok_or(CommandError::NotFound("webhook"));
        let order = |state: &Webhook| {
            unchanged(&facts(state)?)
                .then_some(WebhookCommand::Retire { at: context.now })
                .ok_or(CommandError::Stale)
        };
        let about = (id, context, context.envelope());
        self.run(&self.webhooks, about, order, facts, &|_| String::new()).await
    }
}
