//! The pages, one for each address.

pub(crate) mod anomalies;
pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod backups;
pub(crate) mod blocked;
pub(crate) mod customer;
pub(crate) mod customers;
pub(crate) mod dashboard;
pub(crate) mod devices;
pub(crate) mod license;
pub(crate) mod licenses;
pub(crate) mod login;
pub(crate) mod new_customer;
pub(crate) mod new_license;
pub(crate) mod not_found;
pub(crate) mod operators;
pub(crate) mod policies;
pub(crate) mod products;
pub(crate) mod profile;
pub(crate) mod releases;
pub(crate) mod sessions;
pub(crate) mod setup;
