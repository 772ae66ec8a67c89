//! The rules of licensing.
//!
//! What lives here: values that cannot be wrong, one folder per aggregate (`command`, `event`, `state`,
//! `decide`) or one file where it is plain, and [`validate`], the one function that says whether a machine may run.
//! What must not: async, I/O, clocks, randomness, SQL, HTTP. Time, ids and looked-up facts arrive in the command.

pub mod anomaly;
pub mod api_key;
pub mod backup;
pub mod blocked_address;
pub mod customer;
pub mod decider;
pub mod decision;
mod event_types;
pub mod heartbeat;
pub mod license;
pub mod operation;
pub mod operator;
pub mod permission;
pub mod policy;
pub mod product;
pub mod release;
pub mod resource;
pub mod search;
pub mod session;
pub mod tag;
#[cfg(test)]
mod testing;
pub mod true_up;
pub mod validate;
pub mod values;
pub mod webhook;

pub use decider::{Decider, DecodeError, EventData, SeatHold, Upcaster};
pub use event_types::{RESOURCE_KINDS, event_types, resource_event_types};
pub use resource::{Kind, Lifecycle, Resource, ResourceRejection};

/// Every kind of resource, once. What must know all of them hands its own macro to this one, which calls it with
/// `(field, Type = path)` for each.
#[macro_export]
macro_rules! for_every_resource {
    ($expand:ident) => {
        $expand! {
            (anomalies, Anomaly = $crate::anomaly::Anomaly),
            (api_keys, ApiKey = $crate::api_key::ApiKey),
            (blocked_addresses, BlockedAddress = $crate::blocked_address::BlockedAddress),
            (customers, Customer = $crate::customer::Customer),
            (operators, Operator = $crate::operator::Operator),
            (policies, Policy = $crate::policy::Policy),
            (products, Product = $crate::product::Product),
            (releases, Release = $crate::release::Release),
            (sessions, Session = $crate::session::Session),
            (tags, Tag = $crate::tag::Tag),
            (webhooks, Webhook = $crate::webhook::Webhook),
        }
    };
}
