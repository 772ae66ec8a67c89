//! Who is told of events: an address, which events, and the secret that signs deliveries. Deliveries themselves are no
//! history but work to do; they live in a queue beside the log.

mod command;
mod decide;
mod event;
mod state;

pub use command::WebhookCommand;
pub use event::{WebhookCreated, WebhookEdited, WebhookEvent, WebhookRetired};
pub use state::{LiveWebhook, Subscription, Webhook};
