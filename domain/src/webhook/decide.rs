//! The rules of a webhook.

use super::{
    command::WebhookCommand,
    event::{WebhookEdited, WebhookEvent, WebhookRetired},
    state::Webhook,
};
use crate::{Decider, Resource as _, ResourceRejection};

impl Decider for Webhook {
    const TYPE: &'static str = "webhook";
    const STATE_SCHEMA: i32 = 1;
    type State = Self;
    type Command = WebhookCommand;
    type Event = WebhookEvent;
    type Rejection = ResourceRejection;

    fn decide(state: &Self, command: WebhookCommand) -> Result<Vec<WebhookEvent>, ResourceRejection> {
        use WebhookCommand::{Create, Edit, Retire};
        match (state, command) {
            (Self::Absent, Create(webhook)) => Ok(vec![WebhookEvent::Created(*webhook)]),
            (Self::Live(_) | Self::Retired(_), Create(_)) => Err(ResourceRejection::AlreadyExists(Webhook::KIND)),
            (Self::Absent, Edit { .. } | Retire { .. }) => Err(ResourceRejection::NotFound(Webhook::KIND)),
            (Self::Live(webhook), Edit { subscription, at }) => {
                let changed = webhook.subscription != subscription;
                let event = WebhookEvent::Edited(WebhookEdited { subscription, at });
                Ok(changed.then_some(event).into_iter().collect())
            }
            (Self::Live(_), Retire { at }) => Ok(vec![WebhookEvent::Retired(WebhookRetired { at })]),
            (Self::Retired(_), Retire { .. }) => Ok(vec![]),
            (Self::Retired(_), Edit { .. }) => Err(ResourceRejection::Retired(Webhook::KIND)),
        }
    }

    fn evolve(state: Self, event: &WebhookEvent) -> Self {
        state.apply(event)
    }

    fn weight(_: &Self) -> usize {
        2_000
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::{
        testing::given,
        values::{Sealed, Text, Timestamp, WebhookId},
        webhook::{Subscription, WebhookCreated},
    };

    fn at() -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }

    fn to(url: &str) -> Subscription {
        Subscription {
            url: Text::parse(url).unwrap(),
            description: None,
            event_types: vec!["license.*".to_owned()],
            filters: BTreeMap::new(),
        }
    }

    fn create() -> WebhookCommand {
        WebhookCommand::Create(Box::new(WebhookCreated {
            webhook_id: WebhookId(Uuid::nil()),
            subscription: to("https://example.com/a"),
            secret: Sealed("secret".to_owned()),
            from_position: 7,
            at: at(),
        }))
    }

    #[test]
    fn a_webhook_is_made_changed_and_ended_once() {
        let created = given::<Webhook>([]).when(create()).then_events().remove(0);
        let edit = |url: &str| WebhookCommand::Edit {
            subscription: to(url),
            at: at(),
        };
        let retire = || WebhookCommand::Retire { at: at() };
        given::<Webhook>([created.clone()])
            .when(create())
            .then_rejected(&ResourceRejection::AlreadyExists(Webhook::KIND));
        given::<Webhook>([created.clone()])
            .when(edit("https://example.com/a"))
            .then_nothing();
        given::<Webhook>([created.clone()])
            .when(edit("https://example.com/b"))
            .then_events();
        let retired = given::<Webhook>([created.clone()])
            .when(retire())
            .then_events()
            .remove(0);
        given::<Webhook>([created.clone(), retired.clone()])
            .when(retire())
            .then_nothing();
        given::<Webhook>([created, retired])
            .when(edit("https://example.com/b"))
            .then_rejected(&ResourceRejection::Retired(Webhook::KIND));
        given::<Webhook>([])
            .when(retire())
            .then_rejected(&ResourceRejection::NotFound(Webhook::KIND));
    }
}
