//! Changes what a webhook subscribes to.

use licet_domain::{
    api_key::Scope,
    webhook::{LiveWebhook, Webhook, WebhookCommand},
};
use uuid::Uuid;

use super::SubscriptionRequest;
use crate::{Body, CommandError, Context, Done, Platform};

impl Platform {
    /// Changes a webhook that still is as `unchanged` says.
    pub async fn edit_webhook(
        &self,
        context: &Context,
        id: Uuid,
        request: SubscriptionRequest,
        unchanged: &(dyn Fn(&LiveWebhook) -> bool + Sync),
        body: Body<'_, LiveWebhook>,
    ) -> Result<Done<LiveWebhook>, CommandError> {
        context.require(Scope::Admin)?;
        let subscription = request.read()?;
        let facts = |state: &Webhook| state.facts().cloned().ok_or(CommandError::NotFound("webhook"));
        let order = |state: &Webhook| {
            let (subscription, at) = (subscription.clone(), context.now);
            unchanged(&facts(state)?)
                .then_some(WebhookCommand::Edit { subscription, at })
                .ok_or(CommandError::Stale)
        };
        let about = (id, context, context.envelope());
        self.run(&self.webhooks, about, order, facts, body).await
    }
}
