//! The routes, by what they are about.

pub(crate) mod admin;
pub(crate) mod auth;
pub(crate) mod license;
pub(crate) mod probes;
pub(crate) mod version;
pub(crate) mod well_known;
