//! Which changes are recorded by their name: the events of every aggregate.

use crate::{
    EventData as _, anomaly::AnomalyEvent, api_key::ApiKeyEvent, customer::CustomerEvent, license::LicenseEvent,
    operation::OperationEvent, policy::PolicyEvent, product::ProductEvent, release::ReleaseEvent,
    webhook::WebhookEvent,
};

/// The names of all events of all aggregates, such as `license.revoked`. Beats and refusals are not among them: they are
/// observations, not changes, and lie in logs of their own.
pub fn event_types() -> impl Iterator<Item = &'static str> {
    [
        LicenseEvent::TYPES,
        PolicyEvent::TYPES,
        ProductEvent::TYPES,
        CustomerEvent::TYPES,
        ReleaseEvent::TYPES,
        ApiKeyEvent::TYPES,
        WebhookEvent::TYPES,
        AnomalyEvent::TYPES,
        OperationEvent::TYPES,
    ]
    .into_iter()
    .flatten()
    .map(|(name, _)| *name)
}
