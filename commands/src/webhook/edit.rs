//! Changes what a webhook subscribes to.

use licet_domain::{
    api_key::Scope,
    webhook::{LiveWebhook, Webhook, WebhookCommand},
};
use uuid::Uuid;

use super::SubscriptionChanges;
use crate::{Body, CommandError, Context, Done, Platform};

impl Platform {
    /// Changes a webhook that still is as `unchanged` says.
    pub async fn edit_webhook(
        &self,
        context: &Context,
        id: Uuid,
        changes: SubscriptionChanges,
        unchanged: &(dyn Fn(&LiveWebhook) -> bool + Sync),
        body: Body<'_, LiveWebhook>,
    ) -> Result<Done<LiveWebhook>, CommandError> {
        context.require(Scope::Admin)?;
        let facts = |state: &Webhook| state.facts().cloned().ok_or(CommandError::NotFound("webhook"));
        let order = |state: &Webhook| {
            let present = facts(state)?;
            if !unchanged(&present) {
                return Err(CommandError::Stale);
            }
            let subscription = changes.applied_to(&present.subscription)?;
            let at = context.now;
            Ok(WebhookCommand::Edit { subscription, at })
        };
        let about = (id, context, context.envelope());
        self.run(&self.webhooks, about, order, facts, body).await
    }
}
