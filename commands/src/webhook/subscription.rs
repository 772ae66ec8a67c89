//! What a webhook is asked to subscribe to, and what is wrong with it.

use std::collections::BTreeMap;

use licet_domain::{event_types, values::Text, webhook::Subscription};

use crate::{
    CommandError, Fields,
    fields::{is_short_name, web_address},
};

/// Where to deliver what, as it is asked for.
#[derive(Debug, Clone, Default)]
pub struct SubscriptionRequest {
    /// The address.
    pub url: String,
    /// For people.
    pub description: Option<String>,
    /// Event types; none is all.
    pub event_types: Vec<String>,
    /// What must be equal.
    pub filters: BTreeMap<String, String>,
}

/// What is to be different; what is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct SubscriptionChanges {
    /// The address.
    pub url: Option<String>,
    /// For people; `Some(None)` takes it away.
    pub description: Option<Option<String>>,
    /// Event types; none is all.
    pub event_types: Option<Vec<String>>,
    /// What must be equal.
    pub filters: Option<BTreeMap<String, String>>,
}

impl SubscriptionChanges {
    pub(super) fn applied_to(&self, present: &Subscription) -> Result<Subscription, CommandError> {
        let known = || present.description.as_ref().map(|text| text.as_str().to_owned());
        let request = SubscriptionRequest {
            url: self.url.clone().unwrap_or_else(|| present.url.as_str().to_owned()),
            description: self.description.clone().unwrap_or_else(known),
            event_types: self.event_types.as_ref().unwrap_or(&present.event_types).clone(),
            filters: self.filters.as_ref().unwrap_or(&present.filters).clone(),
        };
        request.read_beside(&present.event_types)
    }
}

impl SubscriptionRequest {
    pub(super) fn read(&self) -> Result<Subscription, CommandError> {
        self.read_beside(&[])
    }

    /// Types that were there before stay, though nobody may name them any more.
    fn read_beside(&self, known: &[String]) -> Result<Subscription, CommandError> {
        let mut fields = Fields::new();
        let url = fields.take("url", web_address(&self.url));
        let description = fields.take_optional("description", self.description.as_deref(), Text::parse);
        if self.event_types.len() > 100 || self.event_types.iter().any(|kind| !is_type(kind)) {
            let detail = "these are at most 100 types such as license.revoked or license.*";
            fields.complain("event_types", "INVALID", detail);
        }
        // Many and small: they are read over the API, replayed, or heard over NATS.
        if self.event_types.iter().any(|kind| is_undelivered(kind)) {
            let detail = "beats and refusals are not delivered to webhooks; subscribe to NATS for them";
            fields.complain("event_types", "NOT_DELIVERED", detail);
        }
        let unknown =
            |kind: &&String| is_type(kind) && !is_undelivered(kind) && !is_named(kind) && !known.contains(kind);
        if let Some(kind) = self.event_types.iter().find(unknown) {
            fields.complain("event_types", "UNKNOWN", &there_are(kind));
        }
        let well = |(field, value): (&String, &String)| {
            is_short_name(field) && value.len() <= 200 && !value.chars().any(char::is_control)
        };
        if self.filters.len() > 10 || !self.filters.iter().all(well) {
            fields.complain("filters", "INVALID", "at most 10, each with a short name and value");
        }
        if let Some(kind) = self.filters.get("aggregate_type").filter(|kind| !is_kind(kind)) {
            let detail =
                format!("nothing is called {kind:?}; an aggregate is a license, customer, product or their like");
            fields.complain("filters", "UNKNOWN", &detail);
        }
        let url = fields.finish(url)?;
        Ok(Subscription {
            url,
            description,
            event_types: self.event_types.clone(),
            filters: self.filters.clone(),
        })
    }
}

/// Whether an event has this name, or one that begins like this.
fn is_named(kind: &str) -> bool {
    match kind.strip_suffix('*') {
        Some(start) => event_types().any(|known| known.starts_with(start)),
        None => event_types().any(|known| known == kind),
    }
}

/// What there is instead: the events of the same aggregate, or the aggregates.
fn there_are(kind: &str) -> String {
    let aggregate = |name: &str| name.split_once('.').map(|(aggregate, _)| aggregate.to_owned());
    let same: Vec<&str> = event_types()
        .filter(|known| aggregate(known) == aggregate(kind))
        .collect();
    if !same.is_empty() {
        return format!("no event is named {kind}; there are {}", same.join(", "));
    }
    let mut aggregates: Vec<String> = event_types().filter_map(aggregate).collect();
    aggregates.dedup();
    format!(
        "no event is named {kind}; they begin with {}",
        aggregates.join("., ") + "."
    )
}

fn is_undelivered(kind: &str) -> bool {
    ["heartbeat.", "decision."].iter().any(|start| kind.starts_with(start))
}

fn is_type(kind: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || matches!(c, '.' | '_');
    !kind.is_empty() && kind.len() <= 64 && kind.strip_suffix('*').unwrap_or(kind).chars().all(plain)
}

/// Whether events are of aggregates that are called so: what stands in front of the dot.
fn is_kind(kind: &str) -> bool {
    let mut kinds = event_types().filter_map(|name| name.split('.').next());
    kinds.any(|known| known == kind)
}
