//! What operators' scripts call: plain REST, one file for each kind of resource.

pub(crate) mod anomalies;
pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod customers;
pub(crate) mod deliveries;
pub(crate) mod licenses;
pub(crate) mod mails;
pub(crate) mod policies;
pub(crate) mod products;
mod reading;
pub(crate) mod releases;
pub(crate) mod replays;
pub(crate) mod signing_keys;
pub(crate) mod simulate;
pub(crate) mod webhooks;
