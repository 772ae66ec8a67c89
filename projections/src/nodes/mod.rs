//! What the nodes of one installation tell each other through the database. Operational, not history.

pub mod key_usage;
pub mod leases;
pub mod login_failures;
pub mod rates;
pub mod session_use;
