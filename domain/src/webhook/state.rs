//! What a webhook's events amount to, and which events it wants.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    command::WebhookCommand,
    event::{WebhookCreated, WebhookEvent},
};
use crate::{
    Decider as _, Kind, Lifecycle, Resource,
    operator::Operator,
    session::Session,
    values::{Text, Timestamp},
};

/// Where to deliver what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The address, `https://…` or `http://…`.
    pub url: Text<2000>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<500>>,
    /// Event types, such as `license.revoked` or `license.*`; none is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<String>,
    /// What must be equal: `aggregate_id`, `aggregate_type`, or a field of the event's data.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub filters: BTreeMap<String, String>,
}

impl Subscription {
    /// Whether an event is wanted.
    pub fn wants(&self, event_type: &str, aggregate_type: &str, aggregate_id: &str, data: &Value) -> bool {
        let by_type = |wanted: &String| match wanted.strip_suffix('*') {
            Some(start) => event_type.starts_with(start),
            None => event_type == wanted,
        };
        let by_filter = |(field, wanted): (&String, &String)| match field.as_str() {
            "aggregate_id" => aggregate_id == wanted,
            "aggregate_type" => aggregate_type == wanted,
            field => match &data[field] {
                Value::String(text) => text == wanted,
                Value::Null => false,
                Value::Bool(flag) => wanted == if *flag { "true" } else { "false" },
                Value::Number(number) => number.to_string() == *wanted,
                Value::Array(_) | Value::Object(_) => false,
            },
        };
        // Who signs in when is told to those alone who ask for it by name.
        let of_operators = [Operator::TYPE, Session::TYPE].contains(&aggregate_type);
        let by_default = self.event_types.is_empty() && !of_operators;
        (by_default || self.event_types.iter().any(by_type)) && self.filters.iter().all(by_filter)
    }
}

/// A webhook's life.
pub type Webhook = Lifecycle<LiveWebhook>;

/// A webhook's facts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LiveWebhook {
    /// How it was made.
    pub created: WebhookCreated,
    /// What it subscribes to.
    pub subscription: Subscription,
}

impl Webhook {
    pub(super) fn apply(self, event: &WebhookEvent) -> Self {
        match (self, event) {
            (_, WebhookEvent::Created(event)) => Self::Live(LiveWebhook {
                subscription: event.subscription.clone(),
                created: event.clone(),
            }),
            (Self::Live(webhook), WebhookEvent::Edited(event)) => Self::Live(LiveWebhook {
                subscription: event.subscription.clone(),
                ..webhook
            }),
            (state, WebhookEvent::Retired(_)) => state.into_retired(),
            (state, _) => state,
        }
    }
}

impl Resource for Webhook {
    const KIND: Kind = Kind::new("webhook", "webhook", "webhooks");

    fn id(&self) -> Option<Uuid> {
        Some(self.facts()?.created.webhook_id.0)
    }

    fn is_retired(&self) -> bool {
        Lifecycle::is_retired(self)
    }

    fn retire(at: Timestamp) -> WebhookCommand {
        WebhookCommand::Retire { at }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_and_filters_say_what_is_wanted() {
        let mut subscription = Subscription {
            url: Text::parse("https://example.com/hook").unwrap(),
            description: None,
            event_types: vec![],
            filters: BTreeMap::new(),
        };
        let wants =
            |subscription: &Subscription, kind: &str, data: Value| subscription.wants(kind, "license", "l1", &data);
        assert!(wants(&subscription, "license.revoked", json!({})));
        let signed_in = |subscription: &Subscription| subscription.wants("session.begun", "session", "s1", &json!({}));
        assert!(!signed_in(&subscription), "who signs in is told to whoever asks for it");
        subscription.event_types = vec!["session.*".to_owned()];
        assert!(signed_in(&subscription));
        subscription.event_types = vec!["license.*".to_owned(), "customer.created".to_owned()];
        assert!(wants(&subscription, "license.revoked", json!({})));
        assert!(!wants(&subscription, "customer.edited", json!({})));
        subscription.filters = BTreeMap::from([("meter".to_owned(), "pages".to_owned())]);
        assert!(wants(
            &subscription,
            "license.limit_crossed",
            json!({ "meter": "pages" })
        ));
        assert!(!wants(
            &subscription,
            "license.limit_crossed",
            json!({ "meter": "scans" })
        ));
        assert!(!wants(&subscription, "license.revoked", json!({})));
        subscription.filters = BTreeMap::from([("aggregate_id".to_owned(), "l1".to_owned())]);
        assert!(wants(&subscription, "license.revoked", json!({})));
    }
}
