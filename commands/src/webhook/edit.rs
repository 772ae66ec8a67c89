//! Changes what a webhook subscribes to.

use licet_domain::{
    Resource as _,
    webhook::{Webhook, WebhookCommand},
};
use uuid::Uuid;

use super::SubscriptionChanges;
use crate::{Body, CommandError, Context, Done, Platform, Unchanged};

impl Platform {
    /// Changes a webhook that still is as `unchanged` says.
    pub async fn edit_webhook(
        &self,
        context: &Context,
        id: Uuid,
        changes: SubscriptionChanges,
        unchanged: Unchanged<'_, Webhook>,
        body: Body<'_, Webhook>,
    ) -> Result<Done<Webhook>, CommandError> {
        let order = |state: &Webhook| {
            let present = state.facts().ok_or(CommandError::not_found(Webhook::KIND))?;
            let subscription = changes.applied_to(&present.subscription)?;
            let at = context.now;
            Ok(WebhookCommand::Edit { subscription, at })
        };
        self.change((id, context, context.envelope()), unchanged, order, body)
            .await
    }
}
