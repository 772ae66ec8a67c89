//! Makes a webhook.

use licet_domain::{
    values::WebhookId,
    webhook::{Webhook, WebhookCommand, WebhookCreated},
};
use licet_event_store::ReadError;

use super::SubscriptionRequest;
use crate::{Body, CommandError, Context, Done, Fields, Platform};

/// A webhook as it is asked for.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Where to deliver what.
    pub subscription: SubscriptionRequest,
    /// Deliveries begin after this position; absent is from now on.
    pub from_position: Option<i64>,
}

/// A webhook that was just made: the only time that its secret is seen.
#[derive(Debug, Clone)]
pub struct CreatedWebhook {
    /// It.
    pub webhook: Webhook,
    /// What signs its deliveries, as Standard Webhooks writes it: `whsec_` and base64.
    pub secret: String,
}

impl Platform {
    /// Makes a webhook with a secret of its own.
    pub async fn create_webhook(
        &self,
        context: &Context,
        new: NewWebhook,
        body: Body<'_, CreatedWebhook>,
    ) -> Result<Done<CreatedWebhook>, CommandError> {
        let subscription = new.subscription.read()?;
        let head = self.log.position().await.map_err(ReadError::from)?;
        let from_position = new.from_position.unwrap_or(head);
        if !(0..=head).contains(&from_position) {
            let mut fields = Fields::new();
            let detail = format!("this is a position from 0 to {head}, where the log ends now");
            fields.complain("from_position", "OUT_OF_RANGE", &detail);
            return fields.finish(None);
        }
        let id = self.edge.id();
        let secret = self.edge.webhook_secret();
        let sealer = self.tenant_sealer(&context.tenant).await?;
        let created = WebhookCreated {
            webhook_id: WebhookId(id),
            subscription,
            secret: sealer.seal(&secret),
            from_position,
            at: context.now,
        };
        let order = |_: &_| Ok(WebhookCommand::Create(Box::new(created.clone())));
        let output = |state: &Webhook| {
            Ok(CreatedWebhook {
                webhook: state.clone(),
                secret: secret.clone(),
            })
        };
        let about = (id, context, context.envelope());
        self.run(&self.resources.webhooks, about, order, output, body).await
    }
}
