//! What is known of every aggregate: its events' names, and what its kind is called.

use crate::{Decider, EventData, Kind, Resource, license::LicenseEvent, operation::OperationEvent};

macro_rules! of_resources {
    ($(($field:ident, $name:ident = $kind:ty)),+ $(,)?) => {
        /// The names of the events of all resources, each with the version that is written today.
        const RESOURCE_EVENTS: &[&[(&str, u16)]] = &[$(<<$kind as Decider>::Event as EventData>::TYPES),+];

        /// What every kind of resource is called.
        pub const RESOURCE_KINDS: &[Kind] = &[$(<$kind as Resource>::KIND),+];
    };
}
crate::for_every_resource!(of_resources);

/// The names of all events of all aggregates, such as `license.revoked`. Beats and refusals are not among them: they are
/// observations, not changes, and lie in logs of their own.
pub fn event_types() -> impl Iterator<Item = &'static str> {
    let others = [LicenseEvent::TYPES, OperationEvent::TYPES];
    let all = others.into_iter().chain(RESOURCE_EVENTS.iter().copied());
    all.flatten().map(|(name, _)| *name)
}

/// The names of the events of all resources.
pub fn resource_event_types() -> impl Iterator<Item = &'static str> {
    RESOURCE_EVENTS.iter().copied().flatten().map(|(name, _)| *name)
}
